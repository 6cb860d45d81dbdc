//! What stands around the runs of an instance: `enter` before its first, `leave` after its last. Both are in no figure.

use std::pin::pin;
use std::time::Duration;

use super::clock::Nanos;
use super::host::{cut_off, report_trap};
use super::instance::Instance;
use super::place::{End, conclude};
use super::scenario::Scenario;
use super::transactions::ROOT_ID;
use crate::component::bindings::Ending;
use crate::component::bindings::messages::Failure;

/// How long `enter` may take.
const ENTER_MAX: Nanos = 60_000_000_000;
/// How long `leave` may take: less than whoever ends the test waits for its workers.
const LEAVE_MAX: Nanos = 5_000_000_000;

/// What a component's function answers; the error is none where it has been told about.
type Answer = wasmtime::Result<Result<(), Option<Failure>>>;

/// What became of `enter`.
pub enum Entered {
    Well,
    /// It has failed, and has been told about.
    Failed,
    /// The test was cut off meanwhile.
    CutOff,
}

/// Lets a fresh instance get ready. It is of no use unless that went well.
pub async fn enter(scenario: &Scenario, instance: &mut Instance) -> Entered {
    let Some(hooks) = instance.hooks.take() else { return Entered::Well };
    begin(scenario, instance);
    let end = {
        let name = &scenario.assignment.name;
        let call = async { answered(hooks.mite_journey_hooks().call_enter(&mut instance.store, name).await) };
        conclude(pin!(call), Some(ENTER_MAX)).await
    };
    let entered = match end {
        End::Returned(Ok(())) => {
            instance.store.data_mut().keep_session();
            Entered::Well
        }
        End::Cancelled => Entered::CutOff,
        _ => Entered::Failed,
    };
    settle(instance, end, ENTER_MAX);
    instance.hooks = Some(hooks);
    entered
}

/// Lets an instance that still lives come to its end.
pub async fn leave(scenario: &Scenario, mut instance: Box<Instance>) {
    let Some(hooks) = instance.hooks.take() else { return };
    begin(scenario, &mut instance);
    let end = {
        let name = &scenario.assignment.name;
        let call = async { answered(hooks.mite_journey_hooks().call_leave(&mut instance.store, name).await) };
        conclude(pin!(call), Some(LEAVE_MAX)).await
    };
    settle(&mut instance, end, LEAVE_MAX);
}

fn answered(answer: Answer) -> wasmtime::Result<Result<(), Ending>> {
    Ok(match answer? {
        Ok(()) => Ok(()),
        Err(failure) => Err(failure.map_or(Ending::Reported, Ending::Failed)),
    })
}

fn begin(scenario: &Scenario, instance: &mut Instance) {
    instance.store.data_mut().begin_apart(|identity| identity.set(&scenario.fields, 0, None));
}

/// Tells what went wrong, as of a run.
fn settle(instance: &mut Instance, end: End, limit: Nanos) {
    let state = instance.store.data_mut();
    match end {
        End::Returned(Err(Ending::Failed(failure))) => state.report(&failure, ROOT_ID),
        End::Returned(_) | End::Cancelled => {}
        End::Trapped(trap) => report_trap(state, &trap),
        End::TimedOut => cut_off(state, Duration::from_nanos(limit)),
    }
    state.end_run(false);
}

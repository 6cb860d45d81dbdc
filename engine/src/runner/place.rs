//! A place where one journey runs after another: the life of one journey at once.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use super::clock::Nanos;
use super::hooks::{self, Entered};
use super::host::{cut_off, report_trap, wasm_trace};
use super::instance::Instance;
use super::quota::Door;
use super::scenario::{NAMELESS, Next, Scenario};
use super::timers::At;
use super::transactions::{ROOT, ROOT_ID};
use super::worker;
use crate::component::bindings::{Context, Ending};
use crate::component::limits::OverTotal;
use crate::scenario::Item;
use crate::wire::message::{self, Identity, Place, run_id_field};
use crate::wire::totals;

/// After so many runs an instance is replaced: what leaks in a guest doesn't grow for ever.
const RUNS_PER_INSTANCE: u32 = 10_000;
/// An instance that holds so many handles at the end of a run is replaced: the next run would be short of them.
const HANDLES_MAX: usize = 100;
/// A place that found no room tries again after so long.
const NO_ROOM_PAUSE: Nanos = 100_000_000;
/// One whose instance could not be entered does so after so long.
const NOT_ENTERED_PAUSE: Nanos = 1_000_000_000;

/// Runs journeys until this place isn't wanted any more.
pub async fn live(scenario: Rc<Scenario>) {
    let (mut instance, mut woken) = (None, None);
    // Made once, for all runs.
    let journey = scenario.assignment.name.clone();
    let mut context = Context { journey, args: Vec::new(), context_id: 0, config_version: 0 };
    loop {
        let next = poll_fn(|context| {
            let stopping = worker::with(|worker| worker.stopping.get());
            match scenario.next(context.waker(), stopping) {
                Next::Hungry => Poll::Pending,
                next => Poll::Ready(next),
            }
        });
        let Next::Run(item) = next.await else { return leave(&scenario, instance).await };
        if let Some(door) = worker::with(|worker| worker.door.clone())
            && !may_begin(&scenario, &door).await
        {
            scenario.not_begun(item);
            continue;
        }
        match run(&scenario, instance.take(), item.as_ref(), &mut context, &mut woken).await {
            Ran::Ended(usable) => {
                instance = usable;
                scenario.ended(item);
            }
            Ran::NotEntered => {
                scenario.ended(item);
                pause(NOT_ENTERED_PAUSE).await;
            }
            Ran::NoRoom => {
                scenario.not_begun(item);
                if let Some(door) = worker::with(|worker| worker.door.clone()) {
                    door.no_memory(NO_ROOM_PAUSE);
                }
                pause(NO_ROOM_PAUSE).await;
            }
        }
    }
}

async fn pause(time: Nanos) {
    At::new(worker::with(|worker| worker.clock.now()) + time).await;
}

/// This place isn't wanted any more; the worker waits until it is gone.
async fn leave(scenario: &Scenario, instance: Option<Box<Instance>>) {
    let Some(instance) = instance else { return };
    scenario.leaving.set(scenario.leaving.get() + 1);
    hooks::leave(scenario, instance).await;
    scenario.leaving.set(scenario.leaving.get() - 1);
}

/// Until the quota lets one more run begin. False: no more begin.
async fn may_begin(scenario: &Scenario, door: &Door) -> bool {
    scenario.held.set(scenario.held.get() + 1);
    let may = door.start().await;
    scenario.held.set(scenario.held.get() - 1);
    may
}

/// What became of a run.
enum Ran {
    /// With the instance, if the next run may use it.
    Ended(Option<Box<Instance>>),
    /// It has failed before it began: its instance could not be entered.
    NotEntered,
    /// There was no memory for one more journey.
    NoRoom,
}

/// How a run came to its end.
pub enum End {
    Returned(Result<(), Ending>),
    Trapped(wasmtime::Error),
    /// The test is over.
    Cancelled,
    /// It took longer than a run may.
    TimedOut,
}

/// One run. `woken` goes from instance to instance: see `timing.intended`.
async fn run(
    scenario: &Scenario,
    instance: Option<Box<Instance>>,
    item: Option<&Item>,
    context: &mut Context,
    woken: &mut Option<Nanos>,
) -> Ran {
    let mut instance = match instance {
        Some(instance) => instance,
        None => match open(scenario).await {
            Ok(mut instance) => match hooks::enter(scenario, &mut instance).await {
                Entered::Well => instance,
                Entered::CutOff => return Ran::NoRoom,
                Entered::Failed => {
                    count_failed(scenario);
                    return Ran::NotEntered;
                }
            },
            Err(error) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                no_room(scenario, &error);
                return Ran::NoRoom;
            }
            Err(error) if error.is::<OverTotal>() => return Ran::NoRoom,
            Err(error) => {
                not_made(scenario, &error, item);
                return Ran::Ended(None);
            }
        },
    };
    let (context_id, version, fresh) = worker::with(|worker| {
        worker.tally.borrow_mut().run(scenario.number).started += 1;
        (worker.next_context_id(), worker.config.borrow().version(), worker.settings.fresh_instances)
    });
    let data_id = item.map(|item| item.id).filter(|id| *id >= NAMELESS);
    let state = instance.store.data_mut();
    state.begin_run(|identity| identity.set(&scenario.fields, context_id, data_id), context_id);
    state.run.woken = *woken;
    context.args.clear();
    context.args.extend_from_slice(item.map_or(&[][..], |item| &item.data));
    (context.context_id, context.config_version) = (context_id, version);
    let end = {
        let running = pin!(instance.run(context));
        conclude(running, worker::with(|worker| worker.settings.run_timeout)).await
    };
    let usable = settle(scenario, &mut instance, &end);
    let state = instance.store.data();
    *woken = state.run.woken;
    let goes_on = !fresh && instance.runs < RUNS_PER_INSTANCE && state.handles_held() < HANDLES_MAX;
    if usable && !goes_on {
        hooks::leave(scenario, instance).await;
        return Ran::Ended(None);
    }
    Ran::Ended(usable.then_some(instance))
}

async fn open(scenario: &Scenario) -> wasmtime::Result<Box<Instance>> {
    let run_id = worker::with(|worker| run_id_field(&worker.settings.run_id));
    let journey = scenario.assignment.journey.clone();
    Ok(Box::new(Instance::new(&scenario.assignment.prepared, journey, Identity::new(run_id)).await?))
}

/// Runs to the end, or until it may not any longer: for so long at most.
pub async fn conclude(
    mut run: Pin<&mut impl Future<Output = wasmtime::Result<Result<(), Ending>>>>,
    limit: Option<Nanos>,
) -> End {
    let limit = worker::with(|worker| limit.map(|limit| worker.clock.now().saturating_add(limit)));
    let mut limit = pin!(limit.map(At::new));
    poll_fn(|context| {
        if worker::with(|worker| worker.cancelled.get()) {
            return Poll::Ready(End::Cancelled);
        }
        if let Poll::Ready(returned) = run.as_mut().poll(context) {
            return Poll::Ready(returned.map_or_else(End::Trapped, End::Returned));
        }
        match limit.as_mut().as_pin_mut().map(|limit| limit.poll(context)) {
            Some(Poll::Ready(_)) => Poll::Ready(End::TimedOut),
            _ => Poll::Pending,
        }
    })
    .await
}

/// Counts and tells how a run ended; answers whether its instance can be used again.
fn settle(scenario: &Scenario, instance: &mut Instance, end: &End) -> bool {
    let state = instance.store.data_mut();
    let (had_error, cancelled, usable) = match end {
        End::Returned(Ok(())) => (false, false, true),
        End::Returned(Err(Ending::Reported)) => (true, false, true),
        End::Returned(Err(Ending::Failed(failure))) => {
            state.report(failure, ROOT_ID);
            (true, false, true)
        }
        End::Trapped(trap) => {
            report_trap(state, trap);
            (true, false, false)
        }
        End::Cancelled => (false, true, false),
        End::TimedOut => {
            let limit: Nanos = worker::with(|worker| worker.settings.run_timeout.unwrap_or_default());
            cut_off(state, std::time::Duration::from_nanos(limit));
            (true, true, false)
        }
    };
    state.end_run(had_error);
    worker::with(|worker| {
        let mut tally = worker.tally.borrow_mut();
        let runs = tally.run(scenario.number);
        runs.ended += u64::from(!cancelled);
        runs.failed += u64::from(had_error && !cancelled);
        runs.cancelled += u64::from(cancelled);
    });
    usable
}

/// There is no memory for one more journey: said once.
fn no_room(scenario: &Scenario, error: &wasmtime::Error) {
    if !scenario.said_no_room.replace(true) {
        tracing::error!(journey = %scenario.assignment.journey, "no room for one more journey: {error:#}");
    }
}

/// The component failed while its instance was made: the run has failed before it began.
fn not_made(scenario: &Scenario, error: &wasmtime::Error, item: Option<&Item>) {
    let message = format!("Trap: the component failed while it was being made: {}", error.root_cause());
    worker::with(|worker| {
        let mut identity = Identity::new(run_id_field(&worker.settings.run_id));
        let data_id = item.map(|item| item.id).filter(|id| *id >= NAMELESS);
        identity.set(&scenario.fields, worker.next_context_id(), data_id);
        let place = Place { identity: &identity, transaction: ROOT, transaction_id: ROOT_ID };
        let failure = message::Failure {
            message_type: "exception",
            message: &message,
            ex_type: "Trap",
            location: "",
            stacktrace: Some(&wasm_trace(error)),
            extra: &[],
            extra_fields: 0,
        };
        let now = worker.clock.unix(worker.clock.now());
        worker.outbox.borrow_mut().write(|out| message::failure(out, &failure, now, place));
        worker.tally.borrow_mut().failure(totals::Failure {
            journey: scenario.assignment.journey.to_string(),
            transaction: ROOT.to_owned(),
            ex_type: "Trap".to_owned(),
            message,
        });
    });
    count_failed(scenario);
}

/// A run that has failed before it began.
fn count_failed(scenario: &Scenario) {
    worker::with(|worker| {
        let mut tally = worker.tally.borrow_mut();
        let runs = tally.run(scenario.number);
        runs.started += 1;
        runs.ended += 1;
        runs.failed += 1;
    });
}

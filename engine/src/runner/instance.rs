//! A journey's own copy of its component: a store with an instance in it, used for run after run.

use std::sync::Arc;

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use super::clock::Nanos;
use super::host::State;
use super::quota;
use super::share::Turn;
use super::worker;
use crate::component::bindings::{Context, Ending, Journey, JourneyIndices};
use crate::component::cache::Code;
use crate::component::hooks::{self, Hooked, HookedIndices};
use crate::component::limits::Limits;
use crate::component::ticker::TICK;
use crate::component::{script, store, wasi};
use crate::wire::message::Identity;

/// A guest that computes for so many slices (of a millisecond) without calling the host once is in an endless loop.
pub(super) const SLICES_MAX: u32 = 1_000;

/// A component, ready to be instantiated.
#[derive(Clone)]
pub struct Prepared {
    package: Arc<str>,
    script: Arc<[u8]>,
    pre: InstancePre<State>,
    journey: JourneyIndices,
    hooks: Option<HookedIndices>,
    memory_max: usize,
}

impl Prepared {
    pub fn new(engine: &Engine, package: &str, code: &Code, memory_max: usize) -> wasmtime::Result<Self> {
        let component = code.load(engine)?;
        let mut linker = Linker::new(engine);
        wasi::add_to_linker(&mut linker)?;
        Journey::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        script::add_to_linker(&mut linker)?;
        let pre: InstancePre<State> = linker.instantiate_pre(&component)?;
        let (journey, hooks) = (JourneyIndices::new(&pre)?, hooks::of(&component, &pre)?);
        Ok(Self { package: package.into(), script: code.script(), pre, journey, hooks, memory_max })
    }
}

/// A store with an instance.
pub struct Instance {
    pub store: Store<State>,
    journey: Journey,
    /// What stands around its runs, if its component has that.
    pub hooks: Option<Hooked>,
    /// Runs it has made.
    pub runs: u32,
}

impl Instance {
    pub async fn new(prepared: &Prepared, journey: Arc<str>, identity: Identity) -> wasmtime::Result<Self> {
        let limits = Limits::new(prepared.memory_max).within(quota::memory());
        let state = State::new(prepared.package.clone(), prepared.script.clone(), journey, identity, limits);
        let mut store = store::bounded(prepared.pre.component().engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| slice_over(context.data_mut()));
        let instance = prepared.pre.instantiate_async(&mut store).await?;
        let journey = prepared.journey.load(&mut store, &instance)?;
        let hooks = prepared.hooks.as_ref().map(|hooks| hooks.load(&mut store, &instance)).transpose()?;
        Ok(Self { store, journey, hooks, runs: 0 })
    }

    /// One run. The outer error is a trap: the instance can't be used any more.
    pub async fn run(&mut self, context: &Context) -> wasmtime::Result<Result<(), Ending>> {
        self.runs += 1;
        self.journey.mite_journey_journeys().call_run(&mut self.store, context).await
    }
}

/// A tick of the epoch has come while a guest computes: if it has had its slice others get their turn.
fn slice_over(state: &mut State) -> wasmtime::Result<UpdateDeadline> {
    let used: Nanos = worker::with(|worker| worker.clock.now() - worker.slice_start.get());
    // Ticks come however long the guest waited for something: only a guest that computed through one is charged.
    if u128::from(used) < TICK.as_nanos() / 2 {
        return Ok(UpdateDeadline::Continue(1));
    }
    worker::with(|worker| worker.turn.as_ref().map(Turn::full_slice));
    state.slices += 1;
    if state.slices > SLICES_MAX {
        wasmtime::bail!("the journey computed for {} s without calling mite once", SLICES_MAX / 1_000);
    }
    Ok(UpdateDeadline::Yield(1))
}

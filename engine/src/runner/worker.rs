//! One worker: a thread with everything its journeys need, sharing nothing with the others (DESIGN D4).

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::wire::config::Config;

use super::Settings;
use super::clock::{Clock, Nanos};
use super::crowd::Pace;
use super::http::Client;
use super::outbox::Outbox;
use super::queue::Queue;
use super::quota::{Door, Kind};
use super::requests::Requests;
use super::share::Turn;
use super::tally::Tally;
use super::timers::Timers;
use super::transactions::Names;

/// What the journeys of a worker share. Host functions reach it through [`with`], since what a store owns must be sendable
/// and this must not be.
pub struct Worker {
    pub index: u32,
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub queue: Queue,
    pub requests: Requests,
    pub timers: Timers,
    pub outbox: RefCell<Outbox>,
    pub tally: RefCell<Tally>,
    pub names: RefCell<Names>,
    pub http: Client,
    pub config: RefCell<Arc<Config>>,
    /// How often it does what time alone asks for.
    pub pace: Pace,
    /// The way through the tenant's quota, if there is one.
    pub door: Option<Rc<Door>>,
    /// Its part of the CPU, if it shares that with others.
    pub turn: Option<Turn>,
    /// No new runs; journeys are asked to come to their end.
    pub stopping: Cell<bool>,
    /// Whatever still runs is cut off.
    pub cancelled: Cell<bool>,
    /// When the guest that runs now was let in.
    pub slice_start: Cell<Nanos>,
    /// When a run ended, if that was in this moment; else 0. See [`Worker::just_now`].
    pub lately: Cell<Nanos>,
    /// Time spent in journeys: guest code and the host functions it called.
    pub guest_time: Cell<Nanos>,
    /// Runs begun.
    pub runs: Cell<u64>,
    /// The last order known.
    pub seen: Cell<u64>,
}

thread_local!(static WORKER: OnceCell<Worker> = const { OnceCell::new() });

/// Makes this thread a worker's.
pub fn become_worker(worker: Worker) {
    WORKER.with(|here| assert!(here.set(worker).is_ok(), "a thread is one worker"));
}

/// The worker of this thread.
pub fn with<R>(f: impl FnOnce(&Worker) -> R) -> R {
    WORKER.with(|here| f(here.get().expect("journeys run on threads of workers")))
}

/// The worker of this thread if there is one still: for what is dropped when a thread ends.
pub fn try_with<R>(f: impl FnOnce(&Worker) -> R) -> Option<R> {
    WORKER.try_with(|here| here.get().map(f)).ok().flatten()
}

impl Worker {
    /// The time, by a reading of the clock of this very moment if there is one: for what begins where something else ends. Readings are
    /// dear where a request costs little more.
    pub fn just_now(&self) -> Nanos {
        match self.lately.take() {
            0 => self.clock.now(),
            lately => lately,
        }
    }

    /// Something was over a limit of the tenant's at which nothing waits.
    pub fn refused(&self, kind: Kind) {
        if let Some(quota) = &self.settings.quota {
            quota.hold(kind, 0);
        }
    }

    /// A number for the next run: they count from 1 and are strided by worker, so that they are unique in the runner.
    pub fn next_context_id(&self) -> u64 {
        let run = self.runs.get();
        self.runs.set(run + 1);
        run * u64::from(self.settings.workers) + u64::from(self.index) + 1
    }
}

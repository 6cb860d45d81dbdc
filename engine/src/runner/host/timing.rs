//! `timing`: the runner's clock and its timers.

use wasmtime::Result;

use super::State;
use crate::component::bindings::timing::Host;
use crate::component::wasi::stepped;
use crate::runner::clock::Nanos;
use crate::runner::tally::record;
use crate::runner::timers::At;
use crate::runner::worker;

/// A journey that goes on later than this after its timer was due has lost its rhythm: it isn't held to it any more.
const INTENDED_MAX: Nanos = 100_000_000;

/// Keeps how late a journey was woken.
pub fn woken_late(late: Nanos) {
    worker::with(|worker| record(&mut worker.tally.borrow_mut().health.timer_lag, late));
}

/// The time as journeys may see it.
fn shown(time: Nanos) -> Nanos {
    worker::with(|worker| stepped(time, worker.settings.clock))
}

impl Host for State {
    fn now(&mut self) -> Result<u64> {
        self.enter()?;
        Ok(shown(worker::with(|worker| worker.clock.now())))
    }

    async fn sleep(&mut self, ns: u64) -> Result<()> {
        let due = worker::with(|worker| worker.clock.now()).saturating_add(ns);
        self.sleep_until(due).await
    }

    async fn sleep_until(&mut self, at: u64) -> Result<()> {
        self.enter()?;
        if worker::with(|worker| worker.clock.now()) < at {
            At::new(at).await.into_iter().for_each(woken_late);
        }
        self.run.woken = Some(at);
        Ok(())
    }

    fn intended(&mut self) -> Result<u64> {
        self.enter()?;
        let now = worker::with(|worker| worker.clock.now());
        let kept = self.run.woken.filter(|due| *due <= now && now - due < INTENDED_MAX);
        Ok(kept.unwrap_or_else(|| shown(now)))
    }

    fn should_stop(&mut self) -> Result<bool> {
        self.enter()?;
        Ok(worker::with(|worker| worker.stopping.get()))
    }
}

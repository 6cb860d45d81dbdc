//! `waiting`: for whichever of a journey's requests is done first.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use super::timing::woken_late;
use crate::component::bindings::Pending as PendingHandle;
use crate::component::bindings::waiting::{Host, HostPending};
use crate::runner::timers::At;
use crate::runner::worker;

impl State {
    /// The positions of those that are ready; where none is, all of them wake the journey.
    fn ready_of(&self, things: &[Resource<PendingHandle>], context: &Context<'_>) -> Result<Vec<u32>> {
        let mut ready = Vec::new();
        for (at, thing) in things.iter().enumerate() {
            let pending = self.handles.pending.get(thing.rep())?;
            if worker::with(|worker| worker.requests.poll_done(pending, context)) {
                ready.push(u32::try_from(at)?);
            }
        }
        Ok(ready)
    }
}

impl Host for State {
    async fn wait_any(&mut self, things: Vec<Resource<PendingHandle>>, timeout: Option<u64>) -> Result<Vec<u32>> {
        self.enter()?;
        if things.is_empty() && timeout.is_none() {
            wasmtime::bail!("wait-any without anything to wait for would wait for ever");
        }
        let due = timeout.map(|ns| worker::with(|worker| worker.clock.now()).saturating_add(ns));
        let mut end = pin!(due.map(At::new));
        let mut timed_out = false;
        let ready = poll_fn(|context| {
            let ready = self.ready_of(&things, context);
            if timeout == Some(0) || !matches!(&ready, Ok(ready) if ready.is_empty()) {
                return Poll::Ready(ready);
            }
            self.run.woken = None;
            let Some(end) = end.as_mut().as_pin_mut() else { return Poll::Pending };
            end.poll(context).map(|late| {
                late.into_iter().for_each(woken_late);
                timed_out = true;
                ready
            })
        })
        .await;
        if timed_out {
            self.run.woken = due;
        }
        ready
    }
}

impl HostPending for State {
    fn ready(&mut self, handle: Resource<PendingHandle>) -> Result<bool> {
        self.enter()?;
        let pending = self.handles.pending.get(handle.rep())?;
        Ok(worker::with(|worker| worker.requests.is_done(pending)))
    }

    fn drop(&mut self, handle: Resource<PendingHandle>) -> Result<()> {
        self.drop_pending(handle.rep())
    }
}

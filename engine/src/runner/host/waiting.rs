//! `waiting`: for whichever of a journey's requests is done first.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use super::timing::woken_late;
use crate::component::bindings::Pending as PendingHandle;
use crate::component::bindings::waiting::{Host, HostPending};
use crate::runner::timers::At;
use crate::runner::worker;

impl State {
    fn ready_of(&self, things: &[Resource<PendingHandle>]) -> Result<Vec<u32>> {
        let mut ready = Vec::new();
        for (at, thing) in things.iter().enumerate() {
            if self.handles.pending.get(thing.rep())?.is_ready() {
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
        let done = self.handles.done.clone();
        let mut end = pin!(due.map(At::new));
        loop {
            let ready = self.ready_of(&things)?;
            if !ready.is_empty() || timeout == Some(0) {
                return Ok(ready);
            }
            self.run.woken = None;
            let mut notified = pin!(done.notified());
            let timed_out = poll_fn(|context| {
                if notified.as_mut().poll(context).is_ready() {
                    return Poll::Ready(false);
                }
                match end.as_mut().as_pin_mut() {
                    Some(end) => end.poll(context).map(|late| {
                        late.into_iter().for_each(woken_late);
                        true
                    }),
                    None => Poll::Pending,
                }
            });
            if timed_out.await {
                self.run.woken = due;
                return Ok(Vec::new());
            }
        }
    }
}

impl HostPending for State {
    fn ready(&mut self, handle: Resource<PendingHandle>) -> Result<bool> {
        self.enter()?;
        Ok(self.handles.pending.get(handle.rep())?.is_ready())
    }

    fn drop(&mut self, handle: Resource<PendingHandle>) -> Result<()> {
        self.drop_pending(handle.rep())
    }
}

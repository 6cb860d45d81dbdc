//! A processor of a component: its instance, and a new one in its place when it traps.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, Store};

use super::bindings::{Processor, ProcessorPre};
use super::host::{Call, Fate, Host, Progress, Settings};
use super::lane::Counts;
use super::patience::Seldom;
use crate::component::compile::Compiled;
use crate::component::script;
use crate::component::{Error, store, wasi};
use crate::wire::batch::Batch;

/// The most messages of a call.
const CALL_MESSAGES_MAX: usize = 1_000;
/// Messages of a call have so many bytes together, unless it is a single one.
const CALL_BYTES_MAX: usize = 1 << 20;
/// One that can't be opened in place of another is tried again after so long.
const REOPEN: Duration = Duration::from_secs(1);

/// A component, ready to be instantiated.
#[derive(Clone)]
pub struct Prepared {
    pre: ProcessorPre<Host>,
    /// What an engine of a scripting language runs.
    script: Arc<[u8]>,
}

impl Prepared {
    pub fn new(engine: &Engine, compiled: &Compiled) -> Result<Self, Error> {
        let invalid =
            |error: wasmtime::Error| Error::Invalid { path: compiled.path.clone(), reason: format!("{error:#}") };
        let component = compiled.code.load(engine).map_err(invalid)?;
        let mut linker = Linker::new(engine);
        wasi::add_to_linker(&mut linker).map_err(invalid)?;
        Processor::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host).map_err(invalid)?;
        script::add_to_linker(&mut linker).map_err(invalid)?;
        let pre = linker.instantiate_pre(&component).map_err(invalid)?;
        Ok(Self { pre: ProcessorPre::new(pre).map_err(invalid)?, script: compiled.code.script() })
    }
}

/// An instance that is open.
struct Live {
    store: Store<Host>,
    processor: Processor,
}

/// A processor and what outlives its instances.
pub struct Guest {
    spec: String,
    name: String,
    prepared: Prepared,
    settings: Settings,
    counts: Arc<Counts>,
    state: State,
    failures: Seldom,
    ticks: Seldom,
    start: Instant,
}

enum State {
    Live(Box<Live>),
    /// None is open; one is tried again then.
    Gone {
        host: Box<Host>,
        again: Instant,
    },
    /// In between.
    Moving,
}

impl Guest {
    /// Opens the processor of that name.
    pub async fn open(
        spec: &str,
        name: &str,
        prepared: Prepared,
        settings: Settings,
        counts: Arc<Counts>,
    ) -> Result<Self, Error> {
        let package = settings.package.to_string();
        let host = Box::new(Host::new(settings.clone(), prepared.script.clone()));
        let live = open(&prepared, host, name).await;
        let live = live.map_err(|(_, closed)| match closed {
            Closed::NoSuch(there) => Error::NoSuch { package, kind: "processor", name: name.to_owned(), there },
            Closed::Failed(reason) => Error::Failed { package, what: format!("processor `{name}`"), reason },
        })?;
        Ok(Self {
            spec: spec.to_owned(),
            name: name.to_owned(),
            prepared,
            settings,
            counts,
            state: State::Live(Box::new(live)),
            failures: Seldom::default(),
            ticks: Seldom::default(),
            start: Instant::now(),
        })
    }

    /// Takes messages. What it fails on is counted and logged, and it goes on with the next.
    pub async fn take(&mut self, batch: &Batch) {
        let messages: Vec<&[u8]> = batch.messages().collect();
        let mut rest = messages.as_slice();
        while !rest.is_empty() {
            if self.settings.give_up.is_cancelled() {
                return self.counts.dropped(rest.len() as u64);
            }
            let Some(mut live) = self.live().await else {
                self.counts.failed(rest.len() as u64);
                return self.complain(rest.len() as u64, "it could not be opened again");
            };
            let part = &rest[..call_len(rest)];
            live.enter(Call::Messages);
            live.store.data_mut().progress = Progress::begin(part.len() as u32);
            let called = live.processor.mite_processor_processors().call_process(&mut live.store, part).await;
            let progress = std::mem::take(&mut live.store.data_mut().progress);
            let fate = match called {
                Ok(()) => {
                    live.store.data_mut().flush();
                    self.state = State::Live(live);
                    progress.end()
                }
                Err(trap) => {
                    let reason = live.store.data().reason(&trap);
                    self.replace(*live);
                    progress.trap(reason)
                }
            };
            rest = &rest[(fate.taken + fate.failed) as usize..];
            self.count(&fate);
        }
    }

    fn count(&mut self, fate: &Fate) {
        self.counts.taken(u64::from(fate.taken));
        self.counts.failed(u64::from(fate.failed));
        if let Some(reason) = &fate.reason {
            self.complain(u64::from(fate.failed), reason);
        }
    }

    fn complain(&mut self, messages: u64, reason: &str) {
        if let Some(failed) = self.failures.say(self.start.elapsed(), messages) {
            let reason = super::printer::escape(reason);
            tracing::warn!("{}: failed on {failed} messages; one of them: {reason}", self.spec);
        }
    }

    /// The instance; a new one where there is none, if it is time to try.
    async fn live(&mut self) -> Option<Box<Live>> {
        match std::mem::replace(&mut self.state, State::Moving) {
            State::Live(live) => Some(live),
            State::Gone { host, again } if Instant::now() < again => {
                self.state = State::Gone { host, again };
                None
            }
            State::Gone { host, .. } => match open(&self.prepared, host, &self.name).await {
                Ok(live) => Some(Box::new(live)),
                Err((host, closed)) => {
                    tracing::warn!("{}: could not be opened again: {closed}", self.spec);
                    self.state = State::Gone { host, again: Instant::now() + REOPEN };
                    None
                }
            },
            State::Moving => None,
        }
    }

    /// An instance has trapped: what isn't of itself is kept for the next.
    fn replace(&mut self, live: Live) {
        let mut host = Box::new(live.store.into_data());
        host.renew();
        self.state = State::Gone { host, again: Instant::now() };
    }

    /// Time has passed.
    pub async fn tick(&mut self) {
        if let Some(mut live) = self.live().await {
            live.enter(Call::Other);
            let called = live.processor.mite_processor_processors().call_tick(&mut live.store).await;
            if let Err(reason) = self.after(live, called)
                && let Some(times) = self.ticks.say(self.start.elapsed(), 1)
            {
                let reason = super::printer::escape(&reason);
                tracing::warn!("{}: failed on {times} ticks; on the last of them: {reason}", self.spec);
            }
        }
        match &mut self.state {
            State::Live(live) => live.store.data_mut().tick(),
            State::Gone { host, .. } => host.tick(),
            State::Moving => {}
        }
    }

    /// There are no more messages.
    pub async fn close(mut self) {
        if let State::Live(mut live) = std::mem::replace(&mut self.state, State::Moving) {
            live.enter(Call::Other);
            let called = live.processor.mite_processor_processors().call_close(&mut live.store).await;
            if let Err(reason) = self.after(live, called) {
                tracing::warn!("{}: failed while it was closed: {reason}", self.spec);
            }
        }
        let host = match self.state {
            State::Live(live) => live.store.into_data(),
            State::Gone { host, .. } => *host,
            State::Moving => return,
        };
        host.close(&self.spec).await;
    }

    /// After a call that takes no messages.
    fn after(&mut self, live: Box<Live>, called: wasmtime::Result<Result<(), String>>) -> Result<(), String> {
        match called {
            Ok(done) => {
                self.state = State::Live(live);
                done
            }
            Err(trap) => {
                let reason = live.store.data().reason(&trap);
                self.replace(*live);
                Err(reason)
            }
        }
    }
}

impl Live {
    fn enter(&mut self, call: Call) {
        self.store.data_mut().enter(call);
    }
}

/// Why there is no instance.
enum Closed {
    NoSuch(Vec<String>),
    Failed(String),
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuch(_) => f.write_str("the component doesn't have it"),
            Self::Failed(reason) => f.write_str(&super::printer::escape(reason)),
        }
    }
}

/// Makes an instance and opens the processor in it.
async fn open(prepared: &Prepared, host: Box<Host>, name: &str) -> Result<Live, (Box<Host>, Closed)> {
    let mut store = store::bounded(prepared.pre.engine(), *host);
    store.limiter(|host| &mut host.limits);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| context.data_mut().slice_over());
    store.data_mut().enter(Call::Other);
    match begin(prepared, &mut store, name).await {
        Ok(Ok(processor)) => Ok(Live { store, processor }),
        Ok(Err(closed)) => Err((gone(store), closed)),
        Err(trap) => {
            let closed = Closed::Failed(store.data().reason(&trap));
            Err((gone(store), closed))
        }
    }
}

fn gone(store: Store<Host>) -> Box<Host> {
    let mut host = Box::new(store.into_data());
    host.renew();
    host
}

async fn begin(
    prepared: &Prepared,
    store: &mut Store<Host>,
    name: &str,
) -> wasmtime::Result<Result<Processor, Closed>> {
    let processor = prepared.pre.instantiate_async(&mut *store).await?;
    let there = processor.mite_processor_processors().call_describe(&mut *store).await?.processors;
    if !there.iter().any(|known| known == name) {
        return Ok(Err(Closed::NoSuch(there)));
    }
    let opened = processor.mite_processor_processors().call_open(&mut *store, name).await?;
    Ok(opened.map(|()| processor).map_err(Closed::Failed))
}

/// How many of these go into one call: one at least.
fn call_len(messages: &[&[u8]]) -> usize {
    let mut bytes = 0;
    let fits = messages.iter().take(CALL_MESSAGES_MAX).take_while(|message| {
        bytes += message.len();
        bytes <= CALL_BYTES_MAX
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_bounded() {
        let (small, half, large) = (vec![0; 10], vec![0; CALL_BYTES_MAX / 2], vec![0; 2 * CALL_BYTES_MAX]);
        for (messages, want, why) in [
            (vec![&small; 5], 5, "all"),
            (vec![&small; CALL_MESSAGES_MAX + 1], CALL_MESSAGES_MAX, "as many as there may be"),
            (vec![&half; 3], 2, "as many bytes as there may be"),
            (vec![&half, &small, &half], 2, "whole messages"),
            (vec![&large, &small], 1, "one that is too large goes alone"),
        ] {
            let messages: Vec<&[u8]> = messages.into_iter().map(Vec::as_slice).collect();
            assert_eq!(call_len(&messages), want, "{why}");
        }
    }
}

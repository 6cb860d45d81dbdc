//! The sinks of a test in one process: one thread that folds messages into stats and writes them to files, and the web
//! server that shows the figures.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Args, Error};
use crate::collector::Collector;
use crate::component::definition::Sent;
use crate::exporter::{self, Limits, State};
use crate::runner::Clock;
use crate::sink::Sink;
use crate::stats::{self, Stats};
use crate::steer::Received;
use crate::wire::batch::Batch;
use crate::wire::dump::Dump;
use crate::wire::message;
use crate::wire::queue::{QUEUE_BYTES_MAX, Receiver, Sender, queue};

/// How often sinks are told that time has passed.
const TICK: Duration = Duration::from_millis(250);

/// How long what is on its way may take to arrive at the end.
const CLOSE: Duration = Duration::from_secs(60);

/// The pipeline, open.
pub struct Pipeline {
    sender: Sender,
    thread: JoinHandle<Received>,
    web: Option<Web>,
    test: String,
    run_id: Arc<[u8]>,
    clock: Clock,
    /// Messages made here, by the controller.
    made: u64,
    dropped: u64,
}

struct Web {
    server: tokio::task::JoinHandle<Result<(), exporter::Error>>,
    shutdown: CancellationToken,
}

impl Pipeline {
    /// Opens files and addresses: what can be wrong with them is found here.
    pub async fn open(args: &Args, test: &str, run_id: Arc<[u8]>, clock: Clock) -> Result<Self, Error> {
        let listener = match &args.web_address {
            Some(address) => Some(exporter::bind(address).await?),
            None => None,
        };
        let directory = args.collector_dir.as_deref();
        let collector = directory.map(|directory| Collector::open(directory, args.collector_roll)).transpose()?;
        let state = Arc::new(Mutex::new(State::new(Limits::default(), stats::help)));
        let shown = state.clone();
        let output = move |dump: &Dump| {
            shown.lock().unwrap_or_else(PoisonError::into_inner).merge(dump.clone());
            true
        };
        let stats = Stats::new(&stats::Settings::default(), |name| std::env::var(name).ok(), output)?;
        let (sender, receiver) = queue(QUEUE_BYTES_MAX);
        let thread =
            std::thread::Builder::new().name("pipeline".to_owned()).spawn(move || drive(receiver, stats, collector))?;
        let web = listener.map(|listener| {
            let shutdown = CancellationToken::new();
            Web { server: tokio::spawn(exporter::serve(listener, state, shutdown.clone())), shutdown }
        });
        Ok(Self { sender, thread, web, test: test.to_owned(), run_id, clock, made: 0, dropped: 0 })
    }

    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Sends the messages of scenario functions.
    pub fn tell_outside(&mut self, sent: Vec<Sent>) {
        let now = self.clock.unix(self.clock.now());
        for Sent { message_type, fields } in sent {
            let Ok((own, count)) = message::own_pairs(&fields, &[]) else {
                tracing::warn!("a scenario function sent a message `{}` that is no map", message_type.escape_debug());
                continue;
            };
            let (test, run_id) = (self.test.clone(), self.run_id.clone());
            self.tell(|out| message::outside(out, &message_type, &own, count, now, &test, &run_id));
        }
    }

    /// Sends a message of the controller.
    pub fn tell(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut batch = Batch::default();
        encode(batch.buffer());
        batch.end_message();
        self.made += 1;
        self.dropped += self.sender.send(batch);
    }

    pub fn run_id(&self) -> Arc<[u8]> {
        self.run_id.clone()
    }

    /// Lets what is on its way arrive, and closes everything. Answers what arrived, and how many messages were made here and
    /// how many of those dropped.
    pub async fn close(self) -> (Received, u64, u64) {
        let Self { sender, thread, web, made, dropped, .. } = self;
        // The pipeline ends when nobody can send any more.
        drop(sender);
        let joined = tokio::time::timeout(CLOSE, tokio::task::spawn_blocking(move || thread.join())).await;
        let failed = |why: &str| Received { messages: 0, failure: Some(format!("{why}; please report it")) };
        let received = match joined {
            Ok(Ok(Ok(received))) => received,
            Ok(_) => failed("the pipeline has panicked"),
            Err(_) => failed("the pipeline did not come to its end"),
        };
        if let Some(Web { server, shutdown }) = web {
            shutdown.cancel();
            if let Ok(Err(error)) = server.await {
                tracing::warn!("{error}");
            }
        }
        (received, made, dropped)
    }
}

/// The thread: takes batches until no sender is left.
fn drive<O: FnMut(&Dump) -> bool>(receiver: Receiver, stats: Stats<O>, collector: Option<Collector>) -> Received {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return Received { messages: 0, failure: Some(error.to_string()) },
    };
    runtime.block_on(take_all(receiver, stats, collector))
}

async fn take_all<O: FnMut(&Dump) -> bool>(
    mut receiver: Receiver,
    mut stats: Stats<O>,
    mut collector: Option<Collector>,
) -> Received {
    let mut ticks = tokio::time::interval(TICK);
    let mut received = Received::default();
    loop {
        tokio::select! {
            batch = receiver.receive() => {
                let Some(batch) = batch else { break };
                infallible(stats.take(&batch));
                with(&mut collector, &mut received, |collector| collector.take(&batch));
                // A collector that has given up has not received this.
                received.messages += if received.failure.is_none() { batch.len() as u64 } else { 0 };
            }
            _ = ticks.tick() => {
                infallible(stats.tick());
                with(&mut collector, &mut received, Sink::tick);
            }
        }
    }
    infallible(stats.tick());
    infallible(stats.close());
    with(&mut collector, &mut received, Sink::tick);
    with(&mut collector, &mut received, Sink::close);
    received
}

fn infallible(done: Result<(), std::convert::Infallible>) {
    match done {
        Ok(()) => {}
    }
}

/// Drives the collector as long as it works: when its disk is full the load goes on, and the summary says what is missing.
fn with(
    collector: &mut Option<Collector>,
    received: &mut Received,
    drive: impl FnOnce(&mut Collector) -> Result<(), crate::collector::Error>,
) {
    let Some(Err(error)) = collector.as_mut().map(drive) else { return };
    let text = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    tracing::error!("messages are not kept any more: {text}");
    received.failure = Some(format!("messages were not kept: {text}"));
    *collector = None;
}

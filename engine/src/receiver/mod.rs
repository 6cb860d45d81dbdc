//! Takes messages from a socket and gives every one to every processor: mite's own, and those of components.
//!
//! ```text
//! PULL -> batches -> lane (bounded) -> processor on a thread of its own: own or guest -> its sockets, files, output
//! ```

mod bindings;
mod error;
mod guest;
mod host;
mod lane;
mod own;
mod patience;
mod printer;
mod processor;
mod sockets;
mod wanted;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

pub use self::error::Error;
use self::guest::Prepared;
use self::host::Settings;
use self::processor::{Running, Source};
use self::wanted::Wanted;
use crate::component::compile::compile_processors;
use crate::component::compiler::Bounds;
use crate::component::spec::{Component, SearchPath};
use crate::component::ticker::Ticker;
use crate::component::{self, engine};
use crate::sink::receipts::Receipts;
use crate::sink::{TICK, last};
use crate::wire::batch::Batch;
use crate::wire::option::{bound, connecting, wrong};
use crate::wire::socket::{Endpoint, Incoming, Options, Parcel, Pull, Received};

/// How errors and logs name the positional argument.
const SOCKET: &str = "RECEIVE_SOCKET";
/// As peers see it.
const KIND: &str = "receiver";
/// Once told to stop, how long what is on its way is taken at most.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long processors may take for what waits for them at the end. What then waits is dropped and counted.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// What a receiver is started with.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where messages come from: an output of a duplicator, or a processor's sender
    #[arg(value_name = "RECEIVE_SOCKET", required = true)]
    pub sockets: Vec<String>,
    /// Listen at the sockets instead of connecting to them
    #[arg(long)]
    pub bind: bool,
    /// What takes the messages: mite:stats, mite:collector, mite:recorder, mite:print, or one of a component: `file.wasm:Name`,
    /// `package.name:Name` looked up on MITE_PATH, or of a source that is built first (`processors.py:Name`). Can be given more than once: each gets every message
    #[arg(long = "processor", value_name = "SPEC", required = true)]
    pub processors: Vec<String>,
    /// An endpoint that processors of components may bind or connect to. Can be given more than once
    #[arg(long, value_name = "ENDPOINT", env = "MITE_GRANT_SOCKET", value_delimiter = ',')]
    pub grant_socket: Vec<String>,
    /// Where mite:collector writes; collectors of components have directories of their own in it
    #[arg(long, value_name = "DIR", default_value = "collector_data")]
    pub collector_dir: PathBuf,
    /// Messages a file
    #[arg(long, value_name = "N", default_value_t = crate::collector::ROLL, value_parser = clap::value_parser!(u64).range(1..))]
    pub collector_roll: u64,
    /// Where mite:recorder writes
    #[arg(long, value_name = "DIR", default_value = "recorder_data")]
    pub recorder_dir: PathBuf,
    /// Where mite:stats sends its figures
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14305")]
    pub stats_out_socket: String,
    /// Memory that a processor of a component may have, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub processor_memory: u32,
    #[command(flatten)]
    pub components: Bounds,
}

const EXAMPLES: &str = "\
Examples:
  mite receiver tcp://127.0.0.1:14303 --processor=mite:print
  mite receiver tcp://127.0.0.1:14303 --processor=my.custom.processors:StatsProcessor \\
    --processor=my.custom.processors:CollectorProcessor --grant-socket=tcp://127.0.0.1:14310
  mite receiver tcp://127.0.0.1:14310 --processor=my.custom.processors:PrintProcessor";

/// Receives until told to stop, or until no processor is left.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Error> {
    let give_up = CancellationToken::new();
    let mut opened = tokio::select! {
        opened = Opened::new(&args, &give_up) => opened?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let mut pull = Pull::new(Options::new(KIND));
    for socket in &args.sockets {
        if args.bind {
            bound(SOCKET, &pull.bind(socket).await.map_err(wrong(SOCKET))?);
        } else {
            pull.connect(socket).map_err(wrong(SOCKET))?;
            connecting(SOCKET, socket);
        }
    }
    opened.receive(&mut pull, &shutdown).await;
    let left = pull.received().saturating_sub(opened.received);
    if left > 0 {
        tracing::warn!("{left} messages that came at the end were not taken: they never stopped coming");
    }
    if pull.missing() > 0 {
        tracing::warn!("{} messages were sent here and never came", pull.missing());
    }
    drop(pull);
    opened.close().await
}

/// All processors, and what they run on.
struct Opened {
    processors: Vec<Running>,
    /// Messages given to all of them.
    received: u64,
    _ticker: Ticker,
}

impl Opened {
    async fn new(args: &Args, give_up: &CancellationToken) -> Result<Self, Error> {
        let wanted: Vec<_> = args.processors.iter().map(|text| wanted::parse(text)).collect::<Result<_, _>>()?;
        for endpoint in &args.grant_socket {
            endpoint.parse::<Endpoint>().map_err(|error| wrong("--grant-socket")(error.into()))?;
        }
        let engine = engine::plain()?;
        let ticker = Ticker::start(&engine, || ()).map_err(Error::System)?;
        let mut components = Components { engine, args, give_up, prepared: Vec::new() };
        let mut processors = Vec::new();
        for (spec, wanted) in args.processors.iter().zip(wanted) {
            let source = match wanted {
                Wanted::Own(own) => Source::Own(own, Box::new(args.clone())),
                Wanted::Guest(wanted) => components.source(&wanted.component, wanted.name).await?,
            };
            processors.push(Running::start(spec, source, give_up.clone()).await?);
        }
        Ok(Self { processors, received: 0, _ticker: ticker })
    }

    /// Until told to stop; then what is on its way.
    async fn receive(&mut self, pull: &mut Pull, shutdown: &CancellationToken) {
        let mut ticks = interval(TICK);
        let mut receipts = Receipts::new(KIND);
        loop {
            tokio::select! {
                incoming = pull.receive() => self.take(&incoming).await,
                _ = ticks.tick() => {
                    receipts.tell(pull, self.received, pull.missing());
                    // All have given up: nothing comes of going on.
                    if self.processors.iter().all(Running::is_over) {
                        return;
                    }
                }
                () = shutdown.cancelled() => break,
            }
        }
        pull.enough();
        let end = Instant::now() + DRAIN_MAX;
        while let Some(incoming) = last(pull, end).await {
            self.take(&incoming).await;
        }
        receipts.last(pull, self.received, pull.missing()).await;
    }

    async fn take(&mut self, incoming: &Incoming) {
        let Received::Parcel(parcel) = &incoming.what else { return };
        let batch = Arc::new(batch(parcel));
        self.received += batch.len() as u64;
        for processor in &mut self.processors {
            processor.give(&batch).await;
        }
    }

    /// Lets all of them come to their end, and says what became of the messages. Answers the first error.
    async fn close(mut self) -> Result<(), Error> {
        let received = self.received;
        self.processors.iter_mut().for_each(Running::finish);
        let deadline = Instant::now() + FINISH_MAX;
        let mut ended = Ok(());
        for processor in &mut self.processors {
            let done = processor.wait(deadline).await;
            let (taken, failed, dropped) = processor.counts.read();
            let spec = &processor.spec;
            tracing::info!("{spec}: received {received} messages: took {taken}, failed on {failed}, {dropped} dropped");
            if let (Err(error), true) = (&done, ended.is_err()) {
                tracing::error!("{error}");
            }
            ended = ended.and(done);
        }
        ended
    }
}

/// Components with processors, each compiled once.
struct Components<'a> {
    engine: wasmtime::Engine,
    args: &'a Args,
    give_up: &'a CancellationToken,
    /// With the names of their packages.
    prepared: Vec<(Component, Arc<str>, Prepared)>,
}

impl Components<'_> {
    async fn source(&mut self, component: &Component, name: String) -> Result<Source, Error> {
        let known = self.prepared.iter().find(|(known, ..)| known == component);
        let (package, prepared) = match known.map(|(_, package, prepared)| (package.clone(), prepared.clone())) {
            Some(known) => known,
            None => self.prepare(component).await?,
        };
        let settings = Settings {
            package,
            granted: self.args.grant_socket.clone().into(),
            collector_dir: self.args.collector_dir.clone(),
            collector_roll: self.args.collector_roll,
            memory_max: self.args.processor_memory as usize * (1 << 20),
            give_up: self.give_up.clone(),
        };
        Ok(Source::Guest { name, prepared, settings: Box::new(settings) })
    }

    async fn prepare(&mut self, component: &Component) -> Result<(Arc<str>, Prepared), Error> {
        let (engine, wanted) = (self.engine.clone(), component.clone());
        let (path, bounds) = (SearchPath::from_environment(), self.args.components);
        // Takes seconds at worst, in which signals are still answered.
        let compiling =
            tokio::task::spawn_blocking(move || compile_processors(&engine, &wanted.built()?, &path, &bounds));
        let compiled = compiling.await.map_err(|error| component::Error::Room { reason: error.to_string() })??;
        let (package, prepared) = (Arc::from(compiled.package.as_str()), Prepared::new(&self.engine, &compiled)?);
        self.prepared.push((component.clone(), Arc::clone(&package), prepared.clone()));
        Ok((package, prepared))
    }
}

/// The records of a parcel, each a message.
fn batch(parcel: &Parcel) -> Batch {
    let mut batch = Batch::default();
    parcel.records().for_each(|record| batch.push(record));
    batch
}

//! `mite duplicator`: gives every message to every output.
//!
//! It moves bytes: what came is queued to each output as it came, and nothing is decoded. An output that can't keep up, or that has
//! nobody behind it, fills its queue; what then comes is dropped there, counted and told.

mod debug;
mod output;

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use self::debug::Debug;
use self::output::Output;
use crate::sink::{TICK, last};
use crate::wire::account::{Account, RECEIPT_PREFIX};
use crate::wire::option::{self, bound, wrong};
use crate::wire::socket::{Incoming, Options, Pull, Received, process_id};
use crate::wire::statement::{READERS, Statement};

/// As peers see it.
const KIND: &str = "duplicator";
const IN: &str = "--message-socket";
/// How often it tells of drops, and accounts for what it did.
const REPORT: Duration = Duration::from_secs(1);
/// Once told to stop: how long it takes what is on its way, at most.
const DRAIN_MAX: Duration = Duration::from_secs(3);
/// How long consumers then get to say how much came to them, once they have it.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// How often it is looked whether they have.
const SETTLE_LOOK: Duration = Duration::from_millis(20);
/// How long the last statement may take to controllers.
const GOODBYE: Duration = Duration::from_millis(500);
/// How long outputs then get to send what waits.
const LINGER: Duration = Duration::from_secs(5);

/// Options of `mite duplicator`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where messages come in: binds there (PULL). May be given several times
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14302")]
    pub message_socket: Vec<String>,
    /// Where each message goes out: binds there (PUSH). Consumers of one kind on an output share it
    #[arg(value_name = "OUT_SOCKET", required = true)]
    pub out_socket: Vec<String>,
    /// MiB that wait for each kind of consumer of an output; what comes then is dropped there and counted
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub out_queue: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Option(#[from] option::Wrong),
    #[error("can't be told by signals: {0}")]
    Signal(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Option(_)) { 104 } else { 1 }
    }
}

/// Runs until told to stop; then takes what is on its way, and lets outputs send what waits.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Error> {
    let mut pull = Pull::new(Options::new(KIND));
    for endpoint in &args.message_socket {
        bound(IN, &pull.bind(endpoint).await.map_err(wrong(IN))?);
    }
    let mut outputs = Vec::new();
    for endpoint in &args.out_socket {
        outputs.push(Output::bind(endpoint, args.out_queue as usize * (1 << 20)).await?);
    }
    let mut duplicator = Duplicator::new(outputs);
    let mut ask = signal(SignalKind::user_defined1())?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reports = interval(REPORT);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            incoming = pull.receive() => duplicator.take(incoming).await,
            _ = ticks.tick() => duplicator.pass_receipts_on(&pull),
            _ = reports.tick() => duplicator.report(&pull),
            _ = ask.recv() => duplicator.debug.ask(),
            () = shutdown.cancelled() => break,
        }
    }
    let end = Instant::now() + DRAIN_MAX;
    pull.enough();
    while let Some(incoming) = last(&mut pull, end).await {
        duplicator.take(incoming).await;
    }
    duplicator.settle(&pull).await;
    duplicator.report(&pull);
    // Whoever isn't told in time asks nobody.
    pull.goodbye(GOODBYE).await;
    duplicator.close().await;
    Ok(())
}

struct Duplicator {
    outputs: Vec<Output>,
    debug: Debug,
    /// Messages so far.
    received: u64,
    began: Instant,
    /// What consumers have told is kept in it.
    statement: Statement,
    /// There were too many ways and consumers; said once.
    partial: bool,
}

impl Duplicator {
    fn new(outputs: Vec<Output>) -> Self {
        let statement = Statement { duplicator: process_id().to_owned(), ..Statement::default() };
        Self { outputs, debug: Debug::default(), received: 0, began: Instant::now(), statement, partial: false }
    }

    async fn take(&mut self, incoming: Incoming) {
        match incoming.what {
            Received::Parcel(parcel) => {
                self.received += parcel.len() as u64;
                self.debug.show(&parcel);
                for output in &self.outputs {
                    output.send(parcel.clone()).await;
                }
            }
            Received::Note { key, body } => self.outputs.iter_mut().for_each(|output| output.pass_on(&key, &body)),
        }
    }

    /// What consumers say they received goes down the stream, to whoever shows it, and up to controllers, with what was done here.
    fn pass_receipts_on(&mut self, pull: &Pull) {
        let told: Vec<_> = self.outputs.iter().flat_map(|output| std::iter::from_fn(|| output.told())).collect();
        for told in told.into_iter().filter(|told| told.key.starts_with(RECEIPT_PREFIX)) {
            if let Ok(receipt) = Account::decode(&told.body) {
                self.statement.enter(receipt);
                self.outputs.iter_mut().for_each(|output| output.pass_on(&told.key, &told.body));
            }
        }
        self.statement.age = self.began.elapsed().as_secs_f64();
        (self.statement.received, self.statement.missing) = (self.received, pull.missing());
        self.statement.ways.clear();
        for (output, number) in self.outputs.iter().zip(0..) {
            output.ways(number).for_each(|way| self.statement.add(way));
        }
        let noted = pull.note_for(READERS, &self.statement.key(), &self.statement.encode());
        if (self.statement.partial || noted.is_err()) && !self.partial {
            self.partial = true;
            tracing::warn!("there are too many consumers; controllers are not told what became of all messages");
        }
    }

    /// Waits, for a second at most, until consumers that have all messages have told so.
    async fn settle(&mut self, pull: &Pull) {
        let end = Instant::now() + SETTLE_MAX;
        loop {
            self.pass_receipts_on(pull);
            if Instant::now() >= end || !self.statement.kinds().has_more_to_come() {
                return;
            }
            sleep(SETTLE_LOOK).await;
        }
    }

    fn report(&mut self, pull: &Pull) {
        let missing = pull.missing();
        self.outputs.iter_mut().for_each(|output| output.report(missing));
        let accounts: Vec<_> = self.outputs.iter().map(|output| output.account(self.received)).collect();
        for output in &mut self.outputs {
            accounts.iter().for_each(|account| output.pass_on(&account.key(), &account.encode()));
        }
    }

    async fn close(self) {
        let received = self.received;
        let closing: Vec<_> = self.outputs.into_iter().map(|output| tokio::spawn(output.close(LINGER))).collect();
        for closing in closing {
            // It only panics if ours is wrong, and has said so then.
            drop(closing.await);
        }
        tracing::info!("{received} messages taken");
    }
}

//! `mite stats`: from a duplicator's output to an exporter.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Settings, Stats};
use crate::sink::{Note, Sink, drive};
use crate::wire::account::{Account, KEY_PREFIX, RECEIPT_PREFIX, receipt_key};
use crate::wire::batch::Batch;
use crate::wire::dump::{Dump, encode};
use crate::wire::option::{self, connecting, wrong};
use crate::wire::socket::{Full, Options, Parcel, Pull, Push, process_id};

/// As peers see it.
const KIND: &str = "stats";
const IN: &str = "--stats-in-socket";
const OUT: &str = "--stats-out-socket";
/// Dumps that wait for the exporter. While there are so many, what changes stays in the series and makes the next dump larger.
const QUEUE_DUMPS: usize = 4;
/// How long the last dump may take.
const LINGER: Duration = Duration::from_secs(5);

/// Options of `mite stats`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where messages come from: connects there (PULL). May be given several times
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14304")]
    pub stats_in_socket: Vec<String>,
    /// Where figures go: connects there (PUSH)
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14305")]
    pub stats_out_socket: String,
    /// Processors to use, with commas between them [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub stats_include_processors: Vec<String>,
    /// Processors not to use, with commas between them
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub stats_exclude_processors: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Option(#[from] option::Wrong),
    #[error(transparent)]
    Stats(#[from] super::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Io(_)) { 1 } else { 104 }
    }
}

/// Runs until told to stop; then folds what is on its way and sends the last figures.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Error> {
    let mut pull = Pull::new(Options::new(KIND));
    let mut push = Push::new(Options { full: Full::Block, queue_records: QUEUE_DUMPS, ..Options::new(KIND) });
    let settings = Settings {
        include: args.stats_include_processors,
        exclude: args.stats_exclude_processors,
        ..Settings::default()
    };
    push.connect(&args.stats_out_socket).map_err(wrong(OUT))?;
    let push = push;
    let output = |dump: &Dump| push_dump(&push, dump);
    let stats = Stats::new(&settings, |name| std::env::var(name).ok(), output)?;
    for endpoint in &args.stats_in_socket {
        pull.connect(endpoint).map_err(wrong(IN))?;
        connecting(IN, endpoint);
    }
    connecting(OUT, &args.stats_out_socket);
    let mut sink = Reporting { stats, push: &push, missing: 0, reported: (0, 0), refused: false };
    let driven = match drive(KIND, &mut pull, &mut sink, &shutdown).await {
        Ok(driven) => driven,
        Err(never) => match never {},
    };
    drop(sink);
    let left = push.close(LINGER).await;
    if left.waiting + left.unsure > 0 {
        tracing::warn!("{OUT}: {} dumps of figures were not taken by an exporter", left.waiting + left.unsure);
    }
    tracing::info!("{} messages taken, {} never came", driven.messages, driven.missing);
    Ok(())
}

fn push_dump(push: &Push, dump: &Dump) -> bool {
    push.try_send(Parcel::message(&[&encode(dump)])).is_ok()
}

/// Stats that pass on what senders account for and what consumers received, and say what came here.
struct Reporting<'p, O: FnMut(&Dump) -> bool> {
    stats: Stats<O>,
    push: &'p Push,
    missing: u64,
    /// Messages and missing ones as the exporter knows.
    reported: (u64, u64),
    refused: bool,
}

impl<O: FnMut(&Dump) -> bool> Reporting<'_, O> {
    fn pass_on(&mut self, key: &[u8], body: &[u8]) {
        if self.push.note(key, body).is_err() && !self.refused {
            self.refused = true;
            tracing::warn!("{OUT}: there are too many senders; the accounts of some are not passed on");
        }
    }
}

impl<O: FnMut(&Dump) -> bool> Sink for Reporting<'_, O> {
    type Error = std::convert::Infallible;

    fn take(&mut self, batch: &Batch) -> Result<(), Self::Error> {
        self.stats.take(batch)
    }

    fn note(&mut self, note: Note<'_>) {
        match note {
            Note::Told { key, body, .. } if key.starts_with(KEY_PREFIX) || key.starts_with(RECEIPT_PREFIX) => {
                self.pass_on(key, body);
            }
            Note::Told { .. } => {}
            Note::Missing(missing) => self.missing = missing,
        }
    }

    fn tick(&mut self) -> Result<(), Self::Error> {
        let now = (self.stats.messages(), self.missing);
        if now != self.reported {
            self.reported = now;
            let receipt = Account::receipt(process_id(), KIND, now.0, now.1);
            self.pass_on(&receipt_key(&receipt.sender), &receipt.encode());
        }
        self.stats.tick()
    }

    fn close(&mut self) -> Result<(), Self::Error> {
        self.stats.close()
    }
}

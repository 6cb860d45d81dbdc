//! mite's own processors.

use std::path::Path;
use std::sync::Arc;

use super::lane::Counts;
use super::printer::Printer;
use super::sockets;
use super::wanted::Own;
use super::{Args, Error};
use crate::collector::{self, Collector};
use crate::recorder::Recorder;
use crate::sink::Sink;
use crate::stats::{Settings, Stats};
use crate::wire::batch::Batch;
use crate::wire::dump::Dump;
use crate::wire::json;
use crate::wire::option::{connecting, wrong};
use crate::wire::socket::Push;
use crate::wire::value::Raw;

type Output = Box<dyn FnMut(&Dump) -> bool + Send>;

pub enum Processor {
    Stats { stats: Box<Stats<Output>>, push: Arc<Push>, endpoint: String },
    Collector(Box<Collector>),
    Recorder(Box<Recorder>),
    Print(Printer),
}

impl Processor {
    pub fn open(own: Own, args: &Args) -> Result<Self, Error> {
        Ok(match own {
            Own::Stats => open_stats(&args.stats_out_socket)?,
            Own::Collector => Self::Collector(Box::new(open_collector(&args.collector_dir, args.collector_roll)?)),
            Own::Recorder => Self::Recorder(Box::new(open_recorder(&args.recorder_dir)?)),
            Own::Print => Self::Print(Printer::new()),
        })
    }

    /// The error is final.
    pub fn take(&mut self, batch: &Batch, counts: &Counts) -> Result<(), String> {
        let messages = batch.len() as u64;
        let failed = match self {
            Self::Stats { stats, .. } => {
                let Ok(()) = stats.take(batch);
                0
            }
            Self::Collector(collector) => {
                let before = collector.counts().lost;
                if let Err(error) = collector.take(batch) {
                    counts.dropped(messages);
                    return Err(with_cause(&error));
                }
                collector.counts().lost - before
            }
            Self::Recorder(recorder) => {
                let before = recorder.counts();
                if let Err(error) = recorder.take(batch) {
                    counts.dropped(messages);
                    return Err(with_cause(&error));
                }
                let now = recorder.counts();
                now.refused + now.lost - before.refused - before.lost
            }
            Self::Print(printer) => {
                let printed = batch.messages().filter(|message| print(printer, message)).count() as u64;
                printer.flush();
                messages - printed
            }
        };
        counts.failed(failed);
        counts.taken(messages - failed);
        Ok(())
    }

    /// Time has passed. The error is final.
    pub fn tick(&mut self) -> Result<(), String> {
        match self {
            Self::Stats { stats, .. } => {
                let Ok(()) = stats.tick();
                Ok(())
            }
            Self::Collector(collector) => collector.tick().map_err(|error| with_cause(&error)),
            Self::Recorder(recorder) => recorder.tick().map_err(|error| with_cause(&error)),
            Self::Print(printer) => {
                printer.flush();
                Ok(())
            }
        }
    }

    /// Sends and writes what is left.
    pub async fn close(self, spec: &str) -> Result<(), String> {
        match self {
            Self::Stats { mut stats, push, endpoint } => {
                let Ok(()) = stats.close();
                drop(stats);
                if let Some(push) = Arc::into_inner(push) {
                    sockets::close(spec, &endpoint, push).await;
                }
                Ok(())
            }
            Self::Collector(mut collector) => collector.close().map_err(|error| with_cause(&error)),
            Self::Recorder(mut recorder) => recorder.close().map_err(|error| with_cause(&error)),
            Self::Print(printer) => {
                printer.close();
                Ok(())
            }
        }
    }
}

fn open_stats(endpoint: &str) -> Result<Processor, Error> {
    let mut push = sockets::push();
    push.connect(endpoint).map_err(wrong("--stats-out-socket"))?;
    connecting("--stats-out-socket", endpoint);
    let push = Arc::new(push);
    let variable = |name: &str| std::env::var(name).ok();
    let stats = Stats::new(&Settings::default(), variable, sockets::output(push.clone()));
    let stats = stats.map_err(|error| Error::Open { spec: "mite:stats".to_owned(), reason: error.to_string() })?;
    Ok(Processor::Stats { stats: Box::new(stats), push, endpoint: endpoint.to_owned() })
}

fn open_collector(directory: &Path, roll: u64) -> Result<Collector, Error> {
    let settings = collector::Settings { patient: true, ..collector::Settings::new(directory, roll) };
    let opened = Collector::with(settings);
    opened.map_err(|error| Error::Open { spec: "mite:collector".to_owned(), reason: with_cause(&error) })
}

fn open_recorder(directory: &Path) -> Result<Recorder, Error> {
    let opened = Recorder::open(directory);
    opened.map_err(|error| Error::Open { spec: "mite:recorder".to_owned(), reason: with_cause(&error) })
}

/// Whether it could be printed: not if it isn't msgpack.
fn print(printer: &mut Printer, message: &[u8]) -> bool {
    let Ok(value) = Raw::whole(message) else { return false };
    let mut json = Vec::new();
    json::write(&mut json, value);
    printer.line(&String::from_utf8_lossy(&json));
    true
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

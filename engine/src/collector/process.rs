//! `mite collector`: messages of a duplicator's output into files.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{Collector, ROLL, Settings};
use crate::sink::drive;
use crate::wire::option::{self, connecting, wrong};
use crate::wire::socket::{Options, Pull};

/// As peers see it.
const KIND: &str = "collector";
const IN: &str = "--collector-socket";

/// Options of `mite collector`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where messages come from: connects there (PULL). May be given several times
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14303")]
    pub collector_socket: Vec<String>,
    /// Where files go; made if it is missing. Each collector needs its own
    #[arg(long, value_name = "DIR", default_value = "collector_data")]
    pub collector_dir: PathBuf,
    /// Messages a file
    #[arg(long, value_name = "N", default_value_t = ROLL, value_parser = clap::value_parser!(u64).range(1..))]
    pub collector_roll: u64,
    /// Keep only messages of these types, as in `type=txn,error`
    #[arg(long, value_name = "FILTER", value_parser = types)]
    pub collector_filter: Option<Types>,
    /// Write a line of JSON for each message instead of its bytes
    #[arg(long)]
    pub collector_use_json: bool,
}

/// Types of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Types(Vec<String>);

fn types(text: &str) -> Result<Types, String> {
    let named = text.strip_prefix("type=").map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
    match named {
        Some(types) if types.iter().all(|name| !name.is_empty()) => Ok(Types(types)),
        _ => Err("it is not of the form type=NAME,NAME, as in `type=txn,error`".to_owned()),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Option(#[from] option::Wrong),
    /// What can't be opened.
    #[error(transparent)]
    Open(super::Error),
    /// What can't be written at the end.
    #[error("the last messages are lost: {0}")]
    Write(#[source] super::Error),
    #[error("{0} messages are lost: there was no room for them")]
    Lost(u64),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Option(_) | Self::Open(_) => 104,
            Self::Write(_) | Self::Lost(_) | Self::Io(_) => 1,
        }
    }
}

/// Runs until told to stop; then writes what is on its way.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Error> {
    let mut pull = Pull::new(Options::new(KIND));
    let settings = Settings {
        types: args.collector_filter.map(|Types(types)| types).unwrap_or_default(),
        json: args.collector_use_json,
        patient: true,
        ..Settings::new(&args.collector_dir, args.collector_roll)
    };
    let mut collector = Collector::with(settings).map_err(Error::Open)?;
    for endpoint in &args.collector_socket {
        pull.connect(endpoint).map_err(wrong(IN))?;
        connecting(IN, endpoint);
    }
    let driven = drive(KIND, &mut pull, &mut collector, &shutdown).await.map_err(Error::Write)?;
    let counts = collector.counts();
    let kept = counts.messages - counts.unwanted;
    tracing::info!("{kept} messages kept, {} not wanted, {} never came", counts.unwanted, driven.missing);
    if counts.lost > 0 { Err(Error::Lost(counts.lost)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for (text, want) in [
            ("type=a", Some(vec!["a"])),
            ("type=a,b", Some(vec!["a", "b"])),
            ("type=", None),
            ("type=a,", None),
            ("a", None),
            ("kind=a", None),
        ] {
            let want = want.map(|names| Types(names.into_iter().map(str::to_owned).collect()));
            assert_eq!(types(text).ok(), want, "{text}");
        }
    }
}

//! `mite recorder`: data that journeys created into files.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::Recorder;
use crate::sink::drive;
use crate::wire::option::{self, connecting, wrong};
use crate::wire::socket::{Options, Pull};

/// As peers see it.
const KIND: &str = "recorder";
const IN: &str = "--recorder-socket";

/// Options of `mite recorder`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where messages come from: connects there (PULL). May be given several times
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14303")]
    pub recorder_socket: Vec<String>,
    /// Where files go; made if it is missing. Each recorder needs its own
    #[arg(long, value_name = "DIR", default_value = "recorder_data")]
    pub recorder_dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Option(#[from] option::Wrong),
    /// What can't be opened.
    #[error(transparent)]
    Open(super::Error),
    /// What can't be written at the end.
    #[error("the last data is lost: {0}")]
    Write(#[source] super::Error),
    #[error("{0} items of data are lost: there was no room for them")]
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
    let mut recorder = Recorder::open(&args.recorder_dir).map_err(Error::Open)?;
    for endpoint in &args.recorder_socket {
        pull.connect(endpoint).map_err(wrong(IN))?;
        connecting(IN, endpoint);
    }
    let driven = drive(KIND, &mut pull, &mut recorder, &shutdown).await.map_err(Error::Write)?;
    let counts = recorder.counts();
    tracing::info!(
        "{} messages taken: {} items of data recorded, {} files purged, {} refused; {} never came",
        counts.messages,
        counts.recorded,
        counts.purged,
        counts.refused,
        driven.missing
    );
    if counts.lost > 0 { Err(Error::Lost(counts.lost)) } else { Ok(()) }
}

//! `mite up`: a whole test on this machine from one command. The controller runs here; runners and the pipeline are processes of
//! this same program.
//!
//! ```text
//! parts      PURE: which processes there are, and with which options
//! ports      PURE: where they meet
//! child      one of them, with its log
//! set        all of them: watched while the test runs, drained in the order of the data when it is over
//! ```

mod child;
mod parts;
mod ports;
mod set;

use std::cell::Cell;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::collector::Collector;
use crate::component::spec::Spec;
use crate::console::Report;
use crate::console::screen::Screen;
use crate::distributed::{self, Ready, Wanted};
use crate::exporter;
use crate::policy;
use crate::recorder::Recorder;
use crate::shutdown::Signals;
use crate::steer;
use ports::Ports;
use set::{Ended, Set};

/// Options of `mite up`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub test: steer::Args,
    #[command(flatten)]
    pub policy: policy::Args,
    /// Runner processes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub runners: u32,
    /// Threads of each runner that run journeys [default: the cores this process may use, shared out among the runners]
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroU32>,
    /// Keep the raw messages in rolling files in this directory
    #[arg(long, value_name = "DIR", default_value = "collector_data")]
    pub collector_dir: PathBuf,
    /// Messages a file
    #[arg(long, value_name = "N", default_value_t = crate::collector::ROLL, value_parser = clap::value_parser!(u64).range(1..))]
    pub collector_roll: u64,
    /// Keep the data that journeys create in this directory
    #[arg(long, value_name = "DIR", default_value = "recorder_data")]
    pub recorder_dir: PathBuf,
    /// Show Prometheus metrics at http://ADDRESS/metrics [default: 127.0.0.1:9301, or the next port that is free]
    #[arg(long, value_name = "ADDRESS")]
    pub web_address: Option<String>,
    /// Tell a log that the test begins (`POST URL/start`) and ends (`POST URL/end`)
    #[arg(long, value_name = "URL", env = "MITE_LOGGING_URL", value_parser = distributed::webhook_url)]
    pub logging_webhook: Option<reqwest::Url>,
}

/// Why a test was not run, or not as it should have been.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Test(#[from] distributed::Error),
    #[error("can't start {name}: {source}")]
    Start { name: String, source: std::io::Error },
    #[error(transparent)]
    Ports(#[from] ports::Taken),
    #[error("{0} while the test ran, which ended it; what it said stands above")]
    Early(Ended),
    #[error("{0} when the test was over; what it said stands above")]
    Late(Ended),
    #[error("{0} again: ended at once, without a summary")]
    AtOnce(&'static str),
    #[error(transparent)]
    Collector(#[from] crate::collector::Error),
    #[error(transparent)]
    Recorder(#[from] crate::recorder::Error),
    #[error(transparent)]
    Exporter(#[from] crate::exporter::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Test(error) => error.exit_code(),
            Self::Early(ended) if ended.is_of_bad_input() => 104,
            Self::Ports(_) | Self::Collector(_) | Self::Recorder(_) | Self::Exporter(_) => 104,
            Self::AtOnce(_) => 105,
            _ => 1,
        }
    }
}

/// How often it looks whether all are still there.
const LOOK: Duration = Duration::from_millis(50);
/// After the second signal: when whatever is still there is ended. Before that the controller gives up what takes long, and all that
/// is well has drained.
const HURRY: Duration = Duration::from_secs(2);
/// When, after that, even the summary is given up.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Runs a test with all its parts; answers when none of them runs any more. `options` are those of every command, which parts
/// are given too.
pub async fn run(args: &Args, spec: Spec, options: &[String], screen: &Screen) -> Result<Report, Error> {
    let mut signals = Signals::new()?;
    let (ports, _claim) = Ports::free(args.web_address.is_some(), ports::Claim::new, ports::is_free)?;
    let controller = controller(args, &ports);
    check(args).await?;
    let ready = Ready::new(&controller, &Wanted::Scenario(spec), &mut signals).await?;
    let mut set = Set::start(&parts::parts(args, &ports), options, screen)?;
    let until = Cell::new(None);
    let (tested, early) = test(ready, &mut set, &mut signals, &until, screen).await?;
    let late = {
        let mut draining = std::pin::pin!(set.drain(tested.is_ok(), &until));
        loop {
            tokio::select! {
                late = &mut draining => break late?,
                signal = signals.next() => hurry(&until, signal),
            }
        }
    };
    if let Some(early) = early {
        return Err(Error::Early(early));
    }
    let report = tested?;
    match late {
        // The summary has something worse to say.
        Some(late) if report.exit_code() == 0 => Err(Error::Late(late)),
        _ => Ok(report),
    }
}

/// What this process does itself.
fn controller(args: &Args, ports: &Ports) -> distributed::Args {
    distributed::Args {
        controller_socket: ports.controller(),
        message_socket: vec![ports.messages()],
        expect_runners: NonZeroU32::new(args.runners).unwrap_or(NonZeroU32::MIN),
        logging_webhook: args.logging_webhook.clone(),
        test: args.test.clone(),
    }
}

/// What is wrong with what parts are given is found before any of them is started; they are let go of again at once.
async fn check(args: &Args) -> Result<(), Error> {
    drop(Collector::open(&args.collector_dir, args.collector_roll)?);
    drop(Recorder::open(&args.recorder_dir)?);
    if let Some(address) = &args.web_address {
        drop(exporter::bind(address).await?);
    }
    Ok(())
}

/// From now on there is only so much time.
fn hurry(until: &Cell<Option<Instant>>, signal: &str) {
    if until.get().is_none() {
        tracing::warn!("{signal}: all that has not drained in {} s is ended", HURRY.as_secs());
        until.set(Some(Instant::now() + HURRY));
    }
}

/// The test itself, to its end: also that of one whose parts have ended too soon, and which of them did first. The first signal
/// lets runs end, the second cuts them off, as in every test.
async fn test(
    ready: Ready<'_>,
    set: &mut Set,
    signals: &mut Signals,
    until: &Cell<Option<Instant>>,
    screen: &Screen,
) -> Result<(Result<Report, distributed::Error>, Option<Ended>), Error> {
    let stop = CancellationToken::new();
    let mut told = Signals::new()?.or(stop.clone(), "a component that ended");
    let mut running = Box::pin(ready.run(&mut told, screen));
    let mut looks = tokio::time::interval(LOOK);
    let (mut early, mut heard) = (None, "");
    loop {
        tokio::select! {
            tested = &mut running => return Ok((tested, early)),
            _ = looks.tick() => {
                if until.get().is_some_and(|until| until + AT_ONCE < Instant::now()) {
                    return Err(Error::AtOnce(heard));
                }
                if let Some(ended) = set.look()? {
                    tracing::error!("{ended}: the test is brought to its end");
                    early.get_or_insert(ended);
                    stop.cancel();
                }
            }
            signal = signals.next() => {
                if !heard.is_empty() || early.is_some() {
                    hurry(until, signal);
                }
                heard = signal;
            }
        }
    }
}

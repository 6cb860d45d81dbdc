//! `mite runner`: a runner that is told over a socket what to run, by a controller of ours or by Python's.
//!
//! The control conversation has the program's first thread for itself; journeys run on the workers' threads and messages leave by
//! one of their own, so none of them ever waits for another.
//!
//! ```text
//! line       asks the controller
//! ours       a test under a controller of ours
//! fetch      its components
//! mail       PURE: what the controller has not been told yet
//! python     a test under a Python controller
//! ledger     PURE: the runs it has asked for
//! shop       the workers where runs are handed out one by one
//! outgoing   messages on their way out
//! account    what a tenant's tests came to
//! serving    whom it serves, and what that one's tests may have
//! tenants    many at a time
//! working    what is there while journeys run
//! ```

mod account;
mod fetch;
mod ledger;
mod line;
mod mail;
mod ours;
mod outgoing;
mod python;
mod serving;
mod shop;
mod tenants;
mod working;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::component::{self, compiler::Bounds};
use crate::policy;
use crate::web;
use crate::wire::config::Config;
use crate::wire::control::ours::{Asker, Extension, unpack};
use crate::wire::control::{EXTENSION, Hello, Request};
use crate::wire::socket::{self, Options, Push};
use line::{Line, PATIENCE};
use outgoing::OpenError;
use serving::Serving;

/// Options of `mite runner`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where the controller is (REQ, connects)
    #[arg(long, value_name = "ADDRESS", default_value = "tcp://127.0.0.1:14301")]
    pub controller_socket: String,
    /// Where messages go (PUSH, connects); may be given more than once
    #[arg(long, value_name = "ADDRESS", default_value = "tcp://127.0.0.1:14302")]
    pub message_socket: Vec<String>,
    /// Threads that run journeys [default: the cores this process may use]
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroU32>,
    /// Serve all tenants of this file instead, each with its controller and its limits, until told to stop; SIGHUP reads it again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["controller_socket", "message_socket", "secrets"])]
    pub tenants: Option<PathBuf>,
    /// With --tenants: show what each has, may have and was held back by at http://ADDRESS/metrics
    #[arg(long, value_name = "ADDRESS", requires = "tenants")]
    pub web_address: Option<String>,
    #[command(flatten)]
    pub policy: policy::Args,
    #[command(flatten)]
    pub components: Bounds,
}

/// Why a runner ends before its test does.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{option}: {source}")]
    Socket { option: &'static str, source: socket::Error },
    #[error("{what}: {source}")]
    Tenant { what: String, source: socket::Error },
    #[error(transparent)]
    Tenants(#[from] policy::Error),
    #[error(transparent)]
    Web(#[from] web::Error),
    #[error(transparent)]
    Secret(#[from] policy::SecretError),
    #[error("can't get {package} from the controller: {reason}")]
    Fetch { package: String, reason: String },
    #[error("the controller refuses this runner: {0}")]
    Refused(String),
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error(transparent)]
    Runner(#[from] super::Error),
    #[error(
        "the controller has not answered for {} s and is taken for lost: the journeys came to their end, and their last figures \
         are in no summary", PATIENCE.as_secs()
    )]
    Lost,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Socket(source) => Self::Socket { option: "--message-socket", source },
            OpenError::Thread(error) => Self::Io(error),
        }
    }
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lost => 111,
            Self::Runner(error) => error.exit_code(),
            Self::Io(_) => 1,
            _ => 104,
        }
    }
}

/// How a test ended for this runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is over.
    Over,
    /// The controller is another now, or knows this runner no more: begin anew.
    Again,
}

/// After a reply that means nothing, until the next hello.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for a controller, for however long, and runs its test to the end; with a file of tenants, test after test of each of them.
pub async fn run(args: &Args, shutdown: CancellationToken) -> Result<(), Error> {
    if let Some(path) = &args.tenants {
        return tenants::run(args, path, shutdown).await;
    }
    let wrong = |option| move |source| Error::Socket { option, source };
    let mut line = Line::open(&args.controller_socket).map_err(wrong("--controller-socket"))?;
    check(&args.message_socket).map_err(wrong("--message-socket"))?;
    let serving = Serving::alone(args);
    loop {
        tracing::info!(
            "asking {} for a test; messages go to {}",
            args.controller_socket,
            args.message_socket.join(", ")
        );
        match meet(&serving, &mut line, None, &shutdown).await.map_err(|(_, error)| error)? {
            Met::Nonsense => tokio::time::sleep(PAUSE).await,
            Met::Ran(End::Again) if !shutdown.is_cancelled() => {
                tracing::info!("the controller runs another test, or has given this runner up: beginning anew");
            }
            Met::Ran(_) | Met::Stopped | Met::Avoided => return Ok(()),
        }
    }
}

/// What came of a hello.
enum Met {
    Ran(End),
    /// Told to stop before there was an answer.
    Stopped,
    /// The answer means nothing.
    Nonsense,
    /// It is the test that this runner stays away from.
    Avoided,
}

/// Says hello until there is an answer, and runs the test that it names, unless its run id is `avoided`. An error comes with the run id,
/// if the controller is one of ours.
async fn meet(
    serving: &Serving,
    line: &mut Line,
    avoided: Option<&str>,
    shutdown: &CancellationToken,
) -> Result<Met, (Option<String>, Error)> {
    let Some(reply) = line.hello(&Request::Hello.encode(), shutdown).await else { return Ok(Met::Stopped) };
    let hello = match Hello::decode(&reply) {
        Ok(hello) => hello,
        Err(error) => {
            tracing::warn!("the controller's reply to a hello means nothing: {error}");
            return Ok(Met::Nonsense);
        }
    };
    let extension = hello.get(EXTENSION).and_then(|value| unpack::<Extension>(value.bytes()).ok());
    let run_id = extension.map(|extension| extension.run_id);
    if run_id.is_some() && run_id.as_deref() == avoided {
        return Ok(Met::Avoided);
    }
    match live(serving, line, &hello, run_id.clone(), shutdown).await {
        Ok(end) => Ok(Met::Ran(end)),
        Err(error) => Err((run_id, error)),
    }
}

async fn live(
    serving: &Serving,
    line: &mut Line,
    hello: &Hello<'_>,
    run_id: Option<String>,
    shutdown: &CancellationToken,
) -> Result<End, Error> {
    let Some(run_id) = run_id else {
        let told = (hello.runner, hello.test.to_owned(), config(hello));
        return python::Life::new(serving, line, told, shutdown)?.live().await;
    };
    let runner = u32::try_from(hello.runner).map_err(|_| Error::Refused(format!("its id {} is none", hello.runner)))?;
    let life = ours::Life {
        serving,
        line,
        from: Asker { runner, run_id },
        test: hello.test.to_owned(),
        config: config(hello),
        shutdown,
    };
    life.live().await
}

/// What can be wrong with addresses is found before anything else.
fn check(addresses: &[String]) -> Result<(), socket::Error> {
    let mut push = Push::new(Options::new("runner"));
    addresses.iter().try_for_each(|address| push.connect(address))
}

/// Entries that are over a limit are left out, with a warning.
fn config(hello: &Hello<'_>) -> Config {
    let mut config = Config::default();
    for (key, value) in hello.config.iter().filter(|(key, _)| *key != EXTENSION) {
        if let Err(error) = config.set(key, value.bytes().to_vec()) {
            tracing::warn!("{error}");
        }
    }
    config
}

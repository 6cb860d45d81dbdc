//! `mite prometheus_exporter`: from stats processes to `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::serve;
use super::state::{Help, Limits, State};
use crate::sink::last;
use crate::web;
use crate::wire::option::{self, bound, wrong};
use crate::wire::socket::{Incoming, Options, Pull, Received};

/// As peers see it.
const KIND: &str = "prometheus_exporter";
const IN: &str = "--stats-out-socket";
/// How often it looks for series to forget.
const TICK: Duration = Duration::from_secs(1);
/// Once told to stop: how long it takes what is on its way, at most.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Options of `mite prometheus_exporter`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where figures come in: binds there (PULL). May be given several times
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:14305")]
    pub stats_out_socket: Vec<String>,
    /// Where Prometheus finds them: `host:port`, `host`, `[v6]:port` or `[v6]`, port 9301 unless given
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9301")]
    pub web_address: String,
    /// Seconds after which series of a test that no figures come for any more are forgotten (0: never)
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub expire: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Option(#[from] option::Wrong),
    #[error(transparent)]
    Server(#[from] web::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Io(_) | Self::Server(web::Error::Serve(_))) { 1 } else { 104 }
    }
}

/// Runs until told to stop; then takes the figures that are on their way and answers what is asked. `help` has the texts that stand
/// beside figures.
pub async fn run(args: Args, help: Help, shutdown: CancellationToken) -> Result<(), Error> {
    let listener = web::bind(&args.web_address).await?;
    let mut pull = Pull::new(Options::new(KIND));
    for endpoint in &args.stats_out_socket {
        bound(IN, &pull.bind(endpoint).await.map_err(wrong(IN))?);
    }
    tracing::info!("--web-address: http://{}/metrics", listener.local_addr()?);
    let state = Arc::new(Mutex::new(State::new(Limits::default(), help)));
    let stopped = CancellationToken::new();
    let mut web = tokio::spawn(serve(listener, state.clone(), stopped.clone()));
    let merge = |incoming: Incoming| take(&state, &incoming);
    let mut ticks = tokio::time::interval(TICK);
    let expire = (args.expire > 0).then(|| Duration::from_secs(args.expire.into()));
    loop {
        tokio::select! {
            incoming = pull.receive() => merge(incoming),
            _ = ticks.tick() => if let Some(idle) = expire {
                state.lock().unwrap_or_else(PoisonError::into_inner).expire(Instant::now(), idle);
            },
            ended = &mut web => return Ok(ended.map_err(std::io::Error::other)??),
            () = shutdown.cancelled() => break,
        }
    }
    // The last figures can still be scraped while they come in.
    pull.enough();
    let end = tokio::time::Instant::now() + DRAIN_MAX;
    while let Some(incoming) = last(&mut pull, end).await {
        merge(incoming);
    }
    stopped.cancel();
    Ok(web.await.map_err(std::io::Error::other)??)
}

fn take(state: &Mutex<State>, incoming: &Incoming) {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    match &incoming.what {
        Received::Parcel(parcel) => parcel.records().for_each(|record| state.merge_bytes(record)),
        Received::Note { key, body } => state.note(key, body),
    }
}

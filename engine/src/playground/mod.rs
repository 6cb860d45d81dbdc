//! `mite playground`: a web server to practise on. It answers at once, late, wrongly, slowly or never, as its
//! address asks for, has a JSON API and a small shop, and counts what it served (`GET /stats`), so that a test's
//! own numbers can be checked against the other side's.
//!
//! Every worker is a thread with its own runtime, listener and counts. Workers share only what must be one thing
//! (items, sessions, the counters of `/fail`), so the cheap routes take no lock that anybody else wants.

mod answers;
mod bodies;
mod counts;
mod echo;
mod items;
mod plain;
mod products;
mod routes;
mod server;
mod shop;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::num::NonZeroUsize;

use tokio_util::sync::CancellationToken;

use server::Playground;

/// A web server to practise on.
///
/// Point journeys at it to learn, to try a scenario out or to see what the engine itself can do. Its first page
/// lists the addresses it knows; `/stats` tells what it served, to compare with what the test says.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  mite playground
  mite playground --address 127.0.0.1:0 --workers 2

  curl http://127.0.0.1:14380/delay/250          answers after 250 ms
  curl http://127.0.0.1:14380/fail/10            every tenth answer is a 500
  curl http://127.0.0.1:14380/stats              what it served so far
  curl -X POST http://127.0.0.1:14380/stats/reset")]
pub struct Args {
    /// Where to listen, as host:port.
    ///
    /// Port 0 takes a free port; the line `playground: listening on http://...` on standard output says which.
    /// There is no protection of any kind: listen on 0.0.0.0 only where everybody may come in.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:14380")]
    pub address: String,

    /// Threads that serve, each with a listener of its own on the same port (`SO_REUSEPORT`).
    ///
    /// One is good for tens of thousands of small answers a second. The kernel spreads connections (not requests) over
    /// the workers, so more than one helps only with many connections. At most 256.
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub workers: NonZeroUsize,

    /// Milliseconds that each answer of the shop takes, as if it had a database behind it. At most 60000.
    #[arg(long, value_name = "MS", default_value = "0", value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub shop_delay: u64,
}

/// More threads than this are a typing error, not a wish.
const WORKERS_MAX: usize = 256;

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(workers) if workers.get() <= WORKERS_MAX => Ok(workers),
        _ => Err(format!("give a whole number from 1 to {WORKERS_MAX}")),
    }
}

/// Why the playground could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{address}` is not an address to listen on ({source}): give --address host:port, for example 127.0.0.1:14380"
    )]
    Address {
        address: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "cannot listen on {address}: another program does. Stop it, or give another port with --address (0: a free one)"
    )]
    InUse { address: String },
    #[error(
        "cannot listen on {address}: {source}. Choose an address of this machine and a port you may use with --address"
    )]
    Listen {
        address: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot start worker {worker} of the playground: {source}. Fewer --workers need fewer threads and files")]
    Worker {
        worker: usize,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Worker { .. } | Self::Io(_) => 1,
            Self::Address { .. } | Self::InUse { .. } | Self::Listen { .. } => 104,
        }
    }
}

/// Serves until `shutdown`; requests in flight then have one second to end.
///
/// # Errors
///
/// When the address cannot be listened on or a worker cannot be started. What clients do is never an error.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Error> {
    let playground =
        Playground::bind(&args.address, args.workers, std::time::Duration::from_millis(args.shop_delay)).await?;
    // Whoever started us may have closed our standard output: that is no reason not to serve.
    let _ = writeln!(std::io::stdout(), "playground: listening on http://{}", playground.address());
    playground.serve(shutdown).await
}

//! What programs show of themselves by HTTP: `GET /metrics`, and whether they are well.

mod address;
mod connection;
mod families;

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus::core::Collector as _;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{TEXT_FORMAT, TextEncoder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use address::Address;
use connection::Limited;
pub use connection::accept;
pub use families::{counter, counters, family, gauge, own, pair};

/// How long answers under way may take once the program is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// CPU, memory and files of this process.
static PROCESS: LazyLock<ProcessCollector> = LazyLock::new(ProcessCollector::for_self);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}: --web-address is host:port, host or [v6]:port")]
    Address(String),
    #[error("cannot listen on {address}: stop what listens there, or choose another with --web-address")]
    Listen {
        address: Address,
        #[source]
        source: io::Error,
    },
    #[error("the web server failed")]
    Serve(#[source] io::Error),
}

/// Takes the address, so that a component can fail before it does anything else.
pub async fn bind(address: &str) -> Result<TcpListener, Error> {
    let address: Address = address.parse().map_err(Error::Address)?;
    match TcpListener::bind((address.host.as_str(), address.port)).await {
        Ok(listener) => Ok(listener),
        Err(source) => Err(Error::Listen { address, source }),
    }
}

/// What there is to show now. It may take a while.
pub type Source = Arc<dyn Fn() -> Vec<MetricFamily> + Send + Sync>;

#[derive(Clone)]
struct Shared {
    source: Source,
    shutdown: CancellationToken,
}

/// Answers until `shutdown`, and then what is under way, for 5 seconds at most.
pub async fn serve(listener: TcpListener, source: Source, shutdown: CancellationToken) -> Result<(), Error> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Shared { source, shutdown: shutdown.clone() });
    let stopped = shutdown.clone().cancelled_owned();
    let server = axum::serve(Limited::new(listener), router).with_graceful_shutdown(stopped);
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.map_err(Error::Serve),
        () = too_late => Ok(()),
    }
}

/// Whether it should be asked: not any more once it is stopping.
async fn ready(extract::State(shared): extract::State<Shared>) -> (StatusCode, &'static str) {
    if shared.shutdown.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}

async fn metrics(extract::State(shared): extract::State<Shared>, headers: HeaderMap) -> Response {
    let gzip = accepts_gzip(&headers);
    // Text of many series takes a while, and other work has to be done meanwhile.
    let made = tokio::task::spawn_blocking(move || {
        let mut families = (shared.source)();
        families.extend(PROCESS.collect());
        let text = text(&families);
        if gzip { compressed(&text) } else { text.into_bytes() }
    });
    let Ok(body) = made.await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = ([(CONTENT_TYPE, TEXT_FORMAT)], body).into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// In Prometheus' text format.
pub fn text(families: &[MetricFamily]) -> String {
    TextEncoder::new().encode_to_string(families).expect("families have a name and series")
}

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("a Vec takes every write");
    encoder.finish().expect("a Vec takes every write")
}

/// `gzip` or `*`, and not with `q=0`.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = false;
    for coding in lists.flat_map(|list| list.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        let wanted = weight.is_none_or(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => return wanted,
            "*" => any = wanted,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests;

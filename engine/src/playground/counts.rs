//! What was served: one middleware counts, `GET /stats` adds the workers up.
//!
//! A worker writes only its own counts, so its locks are free unless somebody reads `/stats` at that moment.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use hdrhistogram::Histogram;
use http_body::{Frame, SizeHint};
use serde::Serialize;

use super::bodies::CHUNK_BYTES;

/// Longest service time that is told apart; more counts as this. No route takes longer by itself.
const SERVICE_US_MAX: u64 = 3_600_000_000;

/// Significant digits of service times.
const DIGITS: u8 = 3;

/// One worker's counts.
pub(super) struct Counts {
    /// In the order of the table of routes, `other` last.
    routes: Vec<Arc<Route>>,
    traffic: Arc<Traffic>,
    connections: Arc<Connections>,
}

/// What happened on one route since the last reset.
pub(super) struct Route {
    label: &'static str,
    tally: Mutex<Tally>,
    traffic: Arc<Traffic>,
}

struct Tally {
    /// Resets so far: an answer to a request from before the last one must not count, or a route could have
    /// more responses than requests.
    epoch: u64,
    requests: u64,
    responses: u64,
    /// At most one entry for each of 200..=599.
    statuses: BTreeMap<u16, u64>,
    service_us: Histogram<u64>,
}

#[derive(Default)]
struct Traffic {
    open_requests: AtomicU64,
    bytes_sent: AtomicU64,
}

#[derive(Default)]
pub(super) struct Connections {
    accepted: AtomicU64,
    open: AtomicU64,
}

// === impl Connections ===

/// A connection that is open while this lives.
pub(super) struct OpenConnection(Arc<Connections>);

impl Connections {
    pub(super) fn open(self: &Arc<Self>) -> OpenConnection {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(self))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Tally ===

impl Tally {
    fn new(epoch: u64) -> Tally {
        let bounds = Histogram::new_with_bounds(1, 2 * 1000, DIGITS);
        let mut service_us = bounds.expect("the bounds are constants within the library's limits");
        // Grows with what it sees: most routes never see a second.
        service_us.auto(true);
        Tally { epoch, requests: 0, responses: 0, statuses: BTreeMap::new(), service_us }
    }

    fn add(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.responses += other.responses;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.service_us.add(&other.service_us).expect("a histogram that grows takes any other");
    }
}

// === impl Route ===

impl Route {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Numbers are never half written.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: Arc<Self>) -> OpenRequest {
        self.traffic.open_requests.fetch_add(1, Ordering::Relaxed);
        let epoch = {
            let mut tally = self.tally();
            tally.requests += 1;
            tally.epoch
        };
        OpenRequest { route: self, epoch, began: Instant::now() }
    }
}

/// A request in flight: from its head until its answer is handed over, or the client has gone.
struct OpenRequest {
    route: Arc<Route>,
    epoch: u64,
    began: Instant,
}

impl OpenRequest {
    fn responded(&self, status: u16) {
        let us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).min(SERVICE_US_MAX);
        let mut tally = self.route.tally();
        if tally.epoch == self.epoch {
            tally.responses += 1;
            *tally.statuses.entry(status).or_default() += 1;
            // `saturating_record` would never grow it.
            tally.service_us.record(us).expect("an hour fits a histogram that grows");
        }
    }

    fn sent(&self, bytes: u64) {
        self.route.traffic.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.route.traffic.open_requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The one place that counts.
pub(super) async fn count(State(route): State<Arc<Route>>, request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let open = route.begin();
    let response = next.run(request).await;
    open.responded(response.status().as_u16());
    match response.body().size_hint().exact() {
        // Its body is never sent.
        _ if is_head => response,
        // Goes out with its head in one piece: following it would cost more than it tells.
        Some(bytes) if bytes <= CHUNK_BYTES as u64 => {
            open.sent(bytes);
            response
        }
        _ => response.map(|body| Body::new(Followed { body, open })),
    }
}

/// A streamed body: counted piece by piece, its request open until the last.
struct Followed {
    body: Body,
    open: OpenRequest,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.open.sent(data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Counts ===

/// The answer of `GET /stats`.
#[derive(Serialize)]
pub(super) struct Report {
    requests: u64,
    responses: u64,
    routes: BTreeMap<&'static str, RouteReport>,
    connections: u64,
    open_connections: u64,
    open_requests: u64,
    bytes_sent: u64,
}

#[derive(Serialize)]
struct RouteReport {
    requests: u64,
    responses: u64,
    statuses: BTreeMap<u16, u64>,
    /// `null` as long as nothing was answered.
    service_ms: Option<Milliseconds>,
}

#[derive(Serialize)]
struct Milliseconds {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Counts {
    pub(super) fn new(labels: &[&'static str]) -> Counts {
        let traffic = Arc::new(Traffic::default());
        let route = |label: &&'static str| {
            Arc::new(Route { label, tally: Mutex::new(Tally::new(0)), traffic: Arc::clone(&traffic) })
        };
        Counts { routes: labels.iter().map(route).collect(), traffic, connections: Arc::default() }
    }

    pub(super) fn route(&self, at: usize) -> Arc<Route> {
        Arc::clone(&self.routes[at])
    }

    pub(super) fn other(&self) -> Arc<Route> {
        self.route(self.routes.len() - 1)
    }

    pub(super) fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    /// Counting starts anew. What is open stays open: those are no counts but the present.
    pub(super) fn reset(&self) {
        for route in &self.routes {
            let mut tally = route.tally();
            *tally = Tally::new(tally.epoch + 1);
        }
        self.traffic.bytes_sent.store(0, Ordering::Relaxed);
        self.connections.accepted.store(0, Ordering::Relaxed);
    }

    /// All workers together. Routes that nobody asked for are left out.
    pub(super) fn report(workers: &[Counts]) -> Report {
        let sum = |read: fn(&Counts) -> &AtomicU64| workers.iter().map(|w| read(w).load(Ordering::Relaxed)).sum();
        let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
        for route in workers.iter().flat_map(|worker| &worker.routes) {
            let tally = route.tally();
            if tally.requests > 0 {
                tallies.entry(route.label).or_insert_with(|| Tally::new(0)).add(&tally);
            }
        }
        Report {
            requests: tallies.values().map(|tally| tally.requests).sum(),
            responses: tallies.values().map(|tally| tally.responses).sum(),
            routes: tallies.into_iter().map(|(label, tally)| (label, tally.into())).collect(),
            connections: sum(|w| &w.connections.accepted),
            open_connections: sum(|w| &w.connections.open),
            open_requests: sum(|w| &w.traffic.open_requests),
            bytes_sent: sum(|w| &w.traffic.bytes_sent),
        }
    }
}

impl From<Tally> for RouteReport {
    fn from(tally: Tally) -> RouteReport {
        let at = |quantile| tally.service_us.value_at_quantile(quantile) as f64 / 1000.0;
        let max = tally.service_us.max() as f64 / 1000.0;
        let service_ms = Milliseconds { p50: at(0.50), p95: at(0.95), p99: at(0.99), max };
        RouteReport {
            requests: tally.requests,
            responses: tally.responses,
            service_ms: (tally.responses > 0).then_some(service_ms),
            statuses: tally.statuses,
        }
    }
}

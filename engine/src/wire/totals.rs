//! What a runner has seen so far: cumulative counts and mergeable histograms.
//!
//! Totals only ever grow, so the newest ones of a sender replace those before; those of several senders are added. Sending
//! them again heals any loss. Every figure people see at the end of a test comes from here.

mod encoding;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

pub use encoding::fit;

/// Names of requests (and of transactions) that figures are kept for; later ones count under [`OTHER`].
pub const NAMES_MAX: usize = 200;
/// Different failures that are counted one by one; later ones count under [`OTHER`].
pub const FAILURES_MAX: usize = 200;
/// Journeys of a test: as many as it has scenario items, at most.
const JOURNEYS_MAX: usize = 1_000;
/// Limits that can hold something back.
const HELD_MAX: usize = 16;
/// The name that takes what has no room of its own.
pub const OTHER: &str = "other";

/// Microseconds, 3 digits, growing with the values it has seen; what is over [`LATENCY_MAX_US`] counts as that.
pub type Latency = Histogram<u64>;
/// One hour.
pub const LATENCY_MAX_US: u64 = 3_600_000_000;

/// An empty histogram of latencies.
pub fn latency() -> Latency {
    let mut histogram = Histogram::new_with_bounds(1, 2_000, 3).expect("constant bounds are valid");
    histogram.auto(true);
    histogram
}

/// Why a request got no response: the class of an `http_error` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ErrorClass {
    Dns,
    Connect,
    Tls,
    Timeout,
    Protocol,
    Cancelled,
    Denied,
}

impl ErrorClass {
    /// As it stands in messages, metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
        }
    }
}

/// Requests of one name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestTotals {
    /// How often each status came. Their sum is the number of responses.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without a response.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Bytes of bodies, as they came.
    pub received_bytes: u64,
    /// Bytes of bodies, as they went.
    pub sent_bytes: u64,
    /// Of responses, from the beginning of the request to its last byte.
    #[serde(with = "encoding")]
    pub latency: Latency,
}

impl Default for RequestTotals {
    fn default() -> Self {
        Self {
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            received_bytes: 0,
            sent_bytes: 0,
            latency: latency(),
        }
    }
}

impl RequestTotals {
    pub fn responses(&self) -> u64 {
        self.statuses.values().sum()
    }

    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }

    pub fn add(&mut self, other: &Self) {
        add_counts(&mut self.statuses, &other.statuses);
        add_counts(&mut self.errors, &other.errors);
        self.received_bytes += other.received_bytes;
        self.sent_bytes += other.sent_bytes;
        add_latency(&mut self.latency, &other.latency);
    }
}

/// Transactions of one full name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransactionTotals {
    pub failed: u64,
    /// Of all, failed ones too; its length is their number.
    #[serde(with = "encoding")]
    pub latency: Latency,
}

impl Default for TransactionTotals {
    fn default() -> Self {
        Self { failed: 0, latency: latency() }
    }
}

impl TransactionTotals {
    pub fn add(&mut self, other: &Self) {
        self.failed += other.failed;
        add_latency(&mut self.latency, &other.latency);
    }
}

/// Runs of one journey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    pub started: u64,
    /// Ended by themselves, failed ones too.
    pub ended: u64,
    /// Of those that ended: with a failure or trap.
    pub failed: u64,
    /// Cut off at the end of the test or by a limit on their time.
    pub cancelled: u64,
}

impl RunTotals {
    pub fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.ended += other.ended;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
    }
}

/// What tells one failure from another in a summary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// The journey's spec.
    pub journey: String,
    /// The full name of the transaction it happened in.
    pub transaction: String,
    /// `MiteError`, `panic`, `OutOfMemory` ...
    pub ex_type: String,
    /// Cut at 200 bytes.
    pub message: String,
}

/// Messages of a sender: `made` are all, sent and dropped ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTotals {
    pub made: u64,
    /// Of those: not sent since the queue was full.
    pub dropped: u64,
    /// Not made, since the journey asked for one over a limit.
    pub refused: u64,
}

impl MessageTotals {
    pub fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.dropped += other.dropped;
        self.refused += other.refused;
    }
}

/// What a limit of the runner's operator held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldTotals {
    pub times: u64,
    /// How long all that waited did so, added up.
    pub seconds: f64,
    /// The limit, of all runners together; 0: there are several.
    pub allowed: f64,
    /// What was wanted at most, where that is known; 0: it isn't.
    pub wanted: f64,
}

impl HeldTotals {
    pub fn add(&mut self, other: &Self) {
        self.times += other.times;
        self.seconds += other.seconds;
        self.allowed += other.allowed;
        self.wanted += other.wanted;
    }
}

/// How well a worker kept up: whether its figures can be trusted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerHealth {
    /// From a socket being ready to its being read, µs, as probes that take the way of responses measure it.
    #[serde(with = "encoding")]
    pub lag: Latency,
    /// From a timer being due to its journey being woken, µs.
    #[serde(with = "encoding")]
    pub timer_lag: Latency,
    /// CPU time of the worker's thread so far.
    pub cpu_seconds: f64,
    /// Of that: inside of journeys, which is guest code and the host functions that it calls.
    pub guest_seconds: f64,
    /// How long it has been running.
    pub wall_seconds: f64,
}

impl Default for WorkerHealth {
    fn default() -> Self {
        Self { lag: latency(), timer_lag: latency(), cpu_seconds: 0.0, guest_seconds: 0.0, wall_seconds: 0.0 }
    }
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// By name (`request.name`, else method and URL without query), at most [`NAMES_MAX`] and [`OTHER`].
    #[serde(deserialize_with = "encoding::bounded::<_, _, _, { NAMES_MAX + 1 }>")]
    pub requests: BTreeMap<String, RequestTotals>,
    /// By full name (`__root__ :: login`), at most [`NAMES_MAX`] and [`OTHER`].
    #[serde(deserialize_with = "encoding::bounded::<_, _, _, { NAMES_MAX + 1 }>")]
    pub transactions: BTreeMap<String, TransactionTotals>,
    /// By spec (`load:load`).
    #[serde(deserialize_with = "encoding::bounded::<_, _, _, JOURNEYS_MAX>")]
    pub journeys: BTreeMap<String, RunTotals>,
    /// At most [`FAILURES_MAX`] and one whose fields are all [`OTHER`].
    #[serde(deserialize_with = "encoding::bounded::<_, _, _, { FAILURES_MAX + 1 }>")]
    pub failures: BTreeMap<Failure, u64>,
    pub messages: MessageTotals,
    /// One a worker.
    pub workers: Vec<WorkerHealth>,
    /// By the name of the limit. Runners that know no quotas don't have it.
    #[serde(default, deserialize_with = "encoding::bounded::<_, _, _, HELD_MAX>")]
    pub held: BTreeMap<String, HeldTotals>,
}

impl Totals {
    /// Adds what another sender has seen.
    pub fn add(&mut self, other: &Self) {
        for (name, requests) in &other.requests {
            slot(&mut self.requests, name).add(requests);
        }
        for (name, transactions) in &other.transactions {
            slot(&mut self.transactions, name).add(transactions);
        }
        for (spec, runs) in &other.journeys {
            self.journeys.entry(spec.clone()).or_default().add(runs);
        }
        for (failure, count) in &other.failures {
            self.add_failure(failure, *count);
        }
        self.messages.add(&other.messages);
        self.workers.extend(other.workers.iter().cloned());
        for (limit, held) in &other.held {
            if self.held.len() < HELD_MAX || self.held.contains_key(limit) {
                self.held.entry(limit.clone()).or_default().add(held);
            }
        }
    }

    fn add_failure(&mut self, failure: &Failure, count: u64) {
        if self.failures.len() >= FAILURES_MAX && !self.failures.contains_key(failure) {
            let other = || OTHER.to_owned();
            let rest = Failure { journey: other(), transaction: other(), ex_type: other(), message: other() };
            *self.failures.entry(rest).or_default() += count;
        } else {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
    }

    /// Responses and errors of all names together.
    pub fn all_requests(&self) -> RequestTotals {
        let mut all = RequestTotals::default();
        self.requests.values().for_each(|one| all.add(one));
        all
    }

    /// Responses and errors, counted.
    pub fn requests_made(&self) -> u64 {
        self.requests.values().map(|requests| requests.responses() + requests.errors()).sum()
    }

    /// Failures of journeys, `error` and `exception` messages together.
    pub fn all_failures(&self) -> u64 {
        self.failures.values().sum()
    }
}

fn slot<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let name = if map.len() >= NAMES_MAX && !map.contains_key(name) { OTHER } else { name };
    map.entry(name.to_owned()).or_default()
}

fn add_counts<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(*key).or_default() += count;
    }
}

/// Adds a histogram to another of the same precision; both grow by themselves, so this can't fail.
fn add_latency(into: &mut Latency, from: &Latency) {
    into.add(from).expect("a histogram that resizes itself takes every other");
}

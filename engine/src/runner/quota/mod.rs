//! How much of everything a tenant may have in this runner, shared by all workers of its tests.
//!
//! What is over a quota waits: it is neither refused nor counted as the tested system's time. How often and for how long is counted here
//! and told to the controller, so that a summary never takes a quota for a slow server.
//!
//! ```text
//! bucket     so many a second
//! journeys   PURE: so many at once, dealt to workers and scenario items
//! brakes     so much for one target, by all tenants together
//! door       a worker's way through all of these
//! labels     so many names
//! held       what the controller is told
//! ```

mod brakes;
mod bucket;
mod door;
mod held;
mod journeys;
mod labels;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use brakes::Brakes;
pub use bucket::Bucket;
pub use door::{Door, Slot, memory};
pub use held::{News, Test};
pub use journeys::{Journeys, Order};
pub use labels::{Known, Label, Labels};

use super::clock::Nanos;
use crate::component::limits::Total;
use crate::policy::Limits;

/// What can be held back, or be over a limit. Named as in the file of tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Journeys,
    Starts,
    Requests,
    Connections,
    Bytes,
    Memory,
    /// Messages that journeys send themselves.
    Messages,
    /// Responses larger than they may be: errors, and nothing that waits.
    Responses,
    /// Names that count under `other`.
    Labels,
    TargetRequests,
    TargetConnections,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Journeys,
        Self::Starts,
        Self::Requests,
        Self::Connections,
        Self::Bytes,
        Self::Memory,
        Self::Messages,
        Self::Responses,
        Self::Labels,
        Self::TargetRequests,
        Self::TargetConnections,
    ];

    /// Whether a test keeps the limit that it began with.
    fn holds_for_a_test(self) -> bool {
        matches!(self, Self::Responses | Self::Labels)
    }

    /// As it stands in the file, in messages, metrics and summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Journeys => "journeys",
            Self::Starts => "journeys_per_second",
            Self::Requests => "requests_per_second",
            Self::Connections => "connections",
            Self::Bytes => "bytes_per_second",
            Self::Memory => "memory",
            Self::Messages => "messages_per_second",
            Self::Responses => "response_size",
            Self::Labels => "labels",
            Self::TargetRequests => "targets.requests_per_second",
            Self::TargetConnections => "targets.connections",
        }
    }
}

/// A tenant's quota, and what it has of it.
#[derive(Debug)]
pub struct Quota {
    /// Journeys at once; used: those running.
    pub journeys: Total,
    /// Journeys begun a second.
    pub starts: Bucket,
    /// Requests a second.
    pub requests: Bucket,
    /// Bytes of bodies a second.
    pub bytes: Bucket,
    /// Open connections.
    pub connections: Total,
    /// Bytes of memory of all journeys.
    pub memory: Arc<Total>,
    /// Messages a second that journeys send themselves.
    pub messages: Bucket,
    /// Bytes of a response, and names, as the next test may have them: shown, and kept to elsewhere.
    response_size: Total,
    labels: Total,
    pub brakes: Arc<Brakes>,
    /// Somebody waits for a connection: whoever has one to spare closes it.
    crowded: AtomicBool,
    held: [Held; Kind::ALL.len()],
}

/// How often something was held back, and for how long in all.
#[derive(Debug, Default)]
struct Held {
    times: AtomicU64,
    nanos: AtomicU64,
}

impl Quota {
    pub fn new(limits: &Limits, brakes: Arc<Brakes>) -> Self {
        let quota = Self {
            journeys: Total::default(),
            starts: Bucket::default(),
            requests: Bucket::default(),
            bytes: Bucket::default(),
            connections: Total::default(),
            memory: Arc::default(),
            messages: Bucket::default(),
            response_size: Total::default(),
            labels: Total::default(),
            brakes,
            crowded: AtomicBool::new(false),
            held: Default::default(),
        };
        quota.set(limits);
        quota
    }

    /// From now on. What is over a smaller limit already stays.
    pub fn set(&self, limits: &Limits) {
        self.journeys.set(limits.journeys.map(u64::from));
        self.starts.set(limits.journeys_per_second);
        self.requests.set(limits.requests_per_second);
        #[expect(clippy::cast_precision_loss, reason = "as good as exact, for a rate")]
        self.bytes.set(limits.bytes_per_second.map(|bytes| bytes as f64));
        self.connections.set(limits.connections.map(u64::from));
        self.memory.set(limits.memory);
        self.messages.set(limits.messages_per_second);
        self.response_size.set(limits.response_size);
        self.labels.set(limits.labels.map(u64::from));
    }

    /// The limit, if there is one. Those on targets have one each.
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    pub fn limit(&self, kind: Kind) -> Option<f64> {
        let most = |total: &Total| total.limit().map(|most| most as f64);
        match kind {
            Kind::Journeys => most(&self.journeys),
            Kind::Starts => self.starts.limit(),
            Kind::Requests => self.requests.limit(),
            Kind::Connections => most(&self.connections),
            Kind::Bytes => self.bytes.limit(),
            Kind::Memory => most(&self.memory),
            Kind::Messages => self.messages.limit(),
            Kind::Responses => most(&self.response_size),
            Kind::Labels => most(&self.labels),
            Kind::TargetRequests | Kind::TargetConnections => None,
        }
    }

    /// What is used of it now, where that is a number of things.
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    pub fn used(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::Journeys => Some(self.journeys.used() as f64),
            Kind::Connections => Some(self.connections.used() as f64),
            Kind::Memory => Some(self.memory.used() as f64),
            _ => None,
        }
    }

    /// Something was held back for so long; not at all, where it was over a limit at which nothing waits.
    pub fn hold(&self, kind: Kind, nanos: Nanos) {
        let held = &self.held[kind as usize];
        held.times.fetch_add(1, Ordering::Relaxed);
        held.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How often it was held back since the runner began, and for how many nanoseconds in all.
    pub fn held(&self, kind: Kind) -> (u64, Nanos) {
        let held = &self.held[kind as usize];
        (held.times.load(Ordering::Relaxed), held.nanos.load(Ordering::Relaxed))
    }
}

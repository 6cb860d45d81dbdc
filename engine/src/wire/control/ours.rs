//! What a runner and a controller of ours say beyond Python's protocol. All are named maps, so that fields can be added.
//!
//! ```text
//! runner                                   controller
//!   hello (Python's)            ->
//!                               <-         id, test, config with the key of the extension
//!   Join: workers, version      ->
//!                               <-         the test: components by SHA-256, scenario items, settings
//!   Fetch: digest, offset       ->
//!                               <-         a piece of a component (again and again; offset makes it resumable)
//!   Exchange: reports, totals   ->         every 100 ms from here on, its own compiling included
//!                               <-         changes of the config, orders, data
//!   Leave: last totals          ->
//!                               <-         nil
//! ```
//!
//! Each may be asked again: a join, a fetch and a leave say the same twice, an exchange has a number and the controller keeps its
//! answer. Whoever comes back with the run id of another test, or after it was given up, is told [`Answer::Gone`].

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Wrong;
use crate::wire::totals::Totals;
use crate::wire::value::Raw;

/// The version of these messages; a runner with another one is refused in words.
pub const PROTOCOL: u32 = 1;
/// Bytes of a component in one piece.
pub const PIECE: usize = 256 << 10;
/// Workers of a runner, at most.
pub const WORKERS_MAX: u32 = 1_024;

/// The value of the config key [`EXTENSION`](super::EXTENSION).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub protocol: u32,
    pub run_id: String,
}

/// Who asks: the id of its hello, and the test it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    pub runner: u32,
    pub run_id: String,
}

/// A request of a runner of ours.
#[derive(Clone, Debug)]
pub enum Ask {
    Join(Join),
    Fetch(Fetch),
    Exchange(Box<Exchange>),
    Leave(Box<Leave>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    pub from: Asker,
    pub protocol: u32,
    /// Of mite.
    pub version: String,
    pub workers: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    pub from: Asker,
    /// In hexadecimal digits.
    pub sha256: String,
    pub offset: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    pub from: Asker,
    /// Counts from 1; the same again is the same exchange.
    pub number: u64,
    /// Its workers wait for orders.
    pub ready: bool,
    pub reports: Vec<WorkerReport>,
    /// Of all its workers; not every time.
    pub totals: Option<Totals>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leave {
    pub from: Asker,
    pub totals: Totals,
    /// Why it leaves before the end, if it does.
    pub reason: Option<String>,
}

/// See `scenario::Report`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    pub worker: u32,
    pub seen: u64,
    pub scenarios: Vec<ScenarioReport>,
    /// Its last.
    pub over: bool,
    /// Its thread has ended too soon.
    pub lost: bool,
}

/// See `scenario::Report`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioReport {
    pub scenario: u32,
    pub running: u32,
    pub ended: u64,
    pub completed: Vec<i64>,
    pub unused: Vec<i64>,
    pub wants: u32,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<T> {
    Here(T),
    /// The controller doesn't know this runner (any more), or runs another test: begin anew.
    Gone,
    /// There is nothing to do: the test is over.
    Over,
    /// Nothing can come of it: why, in words.
    Refused(String),
}

/// A test, as a runner has to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    pub components: Vec<Component>,
    pub assignments: Vec<Assignment>,
    /// The most journeys at once of the whole test; none: nobody knows.
    pub peak: Option<u32>,
    /// So many of the runner's workers are to be used.
    pub workers: u32,
    /// The most on this runner.
    pub journeys_max: Option<u32>,
    pub journeys: Journeys,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub package: String,
    pub sha256: String,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub scenario: u32,
    pub journey: String,
    pub package: String,
    /// The journey's name in the component.
    pub name: String,
    pub data: Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Data {
    Without,
    Recycled,
    Once,
}

/// How journeys are run; times in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journeys {
    /// Who may use an open connection again, as the option has it.
    pub connections: String,
    pub fresh_instances: bool,
    pub request_timeout: u64,
    pub journey_timeout: Option<u64>,
    /// MiB.
    pub journey_memory: u32,
}

/// A piece of a component; empty at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub bytes: Blob,
}

/// What a runner is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// What has changed of the config: keys and msgpack values. It holds for what is begun from now on, also by these commands.
    #[serde(default)]
    pub config: Vec<(String, Blob)>,
    pub commands: Vec<Command>,
    /// There is more already: ask again at once.
    pub more: bool,
}

/// See `scenario::Effect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Order { worker: u32, scenario: u32, journeys: u32, runs: Option<u64>, number: u64 },
    Items { worker: u32, scenario: u32, items: Vec<(i64, Blob)> },
    Recall { worker: u32, scenario: u32, items: u32 },
    Drain { number: u64 },
    Cancel,
}

/// Bytes, as msgpack's bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

const JOIN: i64 = 4;
const FETCH: i64 = 5;
const EXCHANGE: i64 = 6;
const LEAVE: i64 = 7;

impl Ask {
    /// From the type and the content of a request.
    pub fn decode(kind: i64, content: Raw<'_>) -> Result<Self, Wrong> {
        Ok(match kind {
            JOIN => Self::Join(unpack(content.bytes())?),
            FETCH => Self::Fetch(unpack(content.bytes())?),
            EXCHANGE => Self::Exchange(Box::new(unpack(content.bytes())?)),
            LEAVE => Self::Leave(Box::new(unpack(content.bytes())?)),
            other => return Err(Wrong::Type(other)),
        })
    }

    /// A whole request.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, content) = match self {
            Self::Join(join) => (JOIN, pack(join)),
            Self::Fetch(fetch) => (FETCH, pack(fetch)),
            Self::Exchange(exchange) => (EXCHANGE, pack(exchange)),
            Self::Leave(leave) => (LEAVE, pack(leave)),
        };
        let mut out = Vec::with_capacity(content.len() + 2);
        super::put_array(&mut out, 2);
        super::put_int(&mut out, kind);
        out.extend_from_slice(&content);
        out
    }

    pub fn from(&self) -> &Asker {
        match self {
            Self::Join(join) => &join.from,
            Self::Fetch(fetch) => &fetch.from,
            Self::Exchange(exchange) => &exchange.from,
            Self::Leave(leave) => &leave.from,
        }
    }
}

/// One of these messages as a named map.
pub fn pack(message: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("messages of ours are numbers, texts, lists and maps of known length")
}

/// The other way round.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    rmp_serde::from_slice(bytes).map_err(|error| Wrong::Content(error.to_string()))
}

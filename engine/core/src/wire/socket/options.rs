//! What can be set, each with a default that fits a pipeline of mite.

use std::time::Duration;

use super::backoff::Backoff;
use crate::wire::zmtp::Limits;
use crate::wire::zmtp::heartbeat::Pace;

/// What a PUSH does with what finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// [`send`](super::Push::send) waits for room.
    Block,
    /// It is dropped and counted; `send` never waits.
    DropNewest,
}

/// How a PUSH shares records out among its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Each record goes to one of all peers.
    One,
    /// Each record goes to one peer of each kind, as peers of ours say it in READY (`X-Mite-Kind`); peers that aren't ours are a kind
    /// of their own. A kind has its own queue, also while none of it is connected. One that is seen for the first time gets all since
    /// the beginning if it comes within 5 s of the first peer, else what comes from then on. There are 32 kinds at most.
    ByKind,
}

/// The settings of a socket.
#[derive(Clone, Debug)]
pub struct Options {
    /// What component this is, as our own peers see it: 1 to 64 visible characters.
    pub kind: &'static str,
    /// What a peer may send; one that goes over is disconnected.
    pub limits: Limits,
    /// From the first byte to READY; a slower peer that has come is disconnected.
    pub handshake: Duration,
    /// The same for one that we go to, from the first packet: then the next attempt begins. What got no answer while the network was down
    /// gets none when it is up again, so this is how long it takes to notice.
    pub attempt: Duration,
    /// Incoming connections that are still greeting. The oldest of them gives way to a newcomer, so that a flood of
    /// silent ones never keeps a good peer out.
    pub handshakes_max: usize,
    /// Incoming connections of a socket in all, those that are still greeting too. One more is closed at once.
    pub connections_max: usize,
    /// Pauses between attempts to connect.
    pub backoff: Backoff,
    /// Heartbeats.
    pub pace: Pace,
    /// PUSH: bytes that wait for each peer, and for the first one while there is none. A single larger parcel still goes when
    /// nothing else waits.
    pub queue_bytes: usize,
    /// PUSH: records that wait in the same places.
    pub queue_records: usize,
    /// PUSH: what happens to what finds no room.
    pub full: Full,
    /// PUSH: who gets what.
    pub groups: Groups,
    /// PULL and REP: bytes received of each peer that the owner hasn't taken. With more, its connection isn't read. May be exceeded by
    /// what one read brings (64 KiB), or by a message.
    pub receive_bytes: usize,
    /// REP: requests of a peer that aren't answered. With more, its connection isn't read; one read may bring more than that.
    pub requests_max: usize,
}

impl Options {
    /// Defaults for a component of this kind.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            limits: Limits::default(),
            handshake: Duration::from_secs(5),
            attempt: Duration::from_secs(2),
            handshakes_max: 1_024,
            connections_max: 4_096,
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(1)),
            pace: Pace {
                interval: Duration::from_secs(1),
                silence: Duration::from_secs(5),
                stall: Duration::from_secs(60),
            },
            queue_bytes: 32 << 20,
            queue_records: 1 << 20,
            full: Full::Block,
            groups: Groups::One,
            receive_bytes: 1 << 20,
            requests_max: 64,
        }
    }
}

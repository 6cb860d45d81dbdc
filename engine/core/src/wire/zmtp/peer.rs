//! Who is at the other end of a connection.

use super::mite::Name;

/// What is known of a peer once it has greeted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// ZMTP 3.*minor*; those of 3.0 know no PING.
    pub minor: u8,
    /// `PUSH`, `DEALER` ...
    pub socket_type: String,
    /// As it calls itself; empty if it doesn't.
    pub identity: Vec<u8>,
    /// If it is one of ours.
    pub name: Option<Name>,
    /// Where it is: a socket address or a path. Empty until the shell knows.
    pub address: String,
    /// Which connection of this process; 0 until the shell knows. The same peer has another one when it comes back.
    pub connection: u64,
}

impl Peer {
    /// Whether it may be sent PING.
    pub fn knows_ping(&self) -> bool {
        self.minor >= 1
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {} at {}", name.kind, name.id, self.address),
            None => write!(f, "{} at {}", self.socket_type, self.address),
        }
    }
}

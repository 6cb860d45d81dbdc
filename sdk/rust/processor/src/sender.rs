//! Messages to other programs.
use crate::bindings::mite::processor::sender as host;
use crate::error::{Error, Result};

/// A socket that sends: each message goes to one of the peers, in turn, which receive with a PULL socket, as `mite receiver` does.
///
/// Only endpoints that the receiver was started with (`--grant-socket`) can be used, letter by letter. Asking for one again gives
/// the same socket. Limit: 16 in a processor.
#[derive(Debug)]
pub struct Sender(host::Sender);

impl Sender {
    /// Listens at an endpoint, `tcp://127.0.0.1:14310` or `ipc:///tmp/mite.socket`.
    pub fn bind(endpoint: &str) -> Result<Self> {
        host::Sender::bind(endpoint).map(Self).map_err(Error::new)
    }

    /// Connects to an endpoint, again and again until somebody is there.
    pub fn connect(endpoint: &str) -> Result<Self> {
        host::Sender::connect(endpoint).map(Self).map_err(Error::new)
    }

    /// Sends a message. Never waits: answers whether there was room for it. 32 MiB may wait for each peer; a message has 16 MiB at
    /// most.
    pub fn send(&self, message: &[u8]) -> bool {
        self.0.send(&[message]) == 0
    }

    pub(crate) fn host(&self) -> &host::Sender {
        &self.0
    }
}

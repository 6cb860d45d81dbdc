//! Messages into files.
use crate::bindings::mite::processor::collector as host;
use crate::error::{Error, Result};

/// Writes messages to files in a directory of its own, named by its id, in the receiver's `--collector-dir`. Ids have 1 to 64 of
/// the characters `a-z A-Z 0-9 _ . -` and don't begin with a dot. Limit: 16 in a processor.
#[derive(Debug)]
pub struct Collector(host::Collector);

impl Collector {
    /// Opens the collector with this id.
    pub fn open(id: &str) -> Result<Self> {
        host::Collector::open(id).map(Self).map_err(Error::new)
    }

    /// Appends a message as it came. It is on disk after 250 ms, and at the end. An error is final.
    pub fn write(&self, message: &[u8]) -> Result {
        self.0.write(&[message]).map_err(Error::new)
    }
}

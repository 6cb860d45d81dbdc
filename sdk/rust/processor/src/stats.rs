//! Messages into figures.
use crate::bindings::mite::processor::stats as host;
use crate::error::{Error, Result};
use crate::sender::Sender;

/// Folds messages into figures, as `mite stats` does. What changed goes out through a sender every 250 ms and once more at the
/// end. Limit: 16 in a processor.
#[derive(Debug)]
pub struct Stats(host::Stats);

impl Stats {
    /// All figures, through this sender.
    pub fn new(output: &Sender) -> Result<Self> {
        Self::of(output, &[])
    }

    /// Only those of these processors of `mite stats`: `mite`, `mite_http` ...
    pub fn of(output: &Sender, processors: &[&str]) -> Result<Self> {
        let settings = host::Settings { include: processors, exclude: &[] };
        host::Stats::create(output.host(), settings).map(Self).map_err(Error::new)
    }

    /// Takes a message as it came. One that is malformed is counted in the figures.
    pub fn take(&self, message: &[u8]) {
        self.0.take(&[message]);
    }
}

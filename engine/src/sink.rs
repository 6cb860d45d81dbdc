//! What stands at the end of the message pipeline.

use crate::wire::batch::Batch;

/// Takes messages: writes them, folds them, passes them on. One loop drives it: [`take`](Sink::take) for every batch,
/// [`tick`](Sink::tick) on a timer (every 250 ms) and once more at the end, then [`close`](Sink::close). So the last interval
/// is never lost.
pub trait Sink {
    /// What a sink can die of: its disk is full, its file is gone. Never a message's content.
    type Error: std::error::Error;

    fn take(&mut self, batch: &Batch) -> Result<(), Self::Error>;

    fn tick(&mut self) -> Result<(), Self::Error>;

    fn close(&mut self) -> Result<(), Self::Error>;
}

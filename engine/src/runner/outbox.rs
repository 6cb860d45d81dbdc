//! Where the messages of a worker are written, each once, and from where they go on their way in batches.

use std::sync::Arc;

use crate::policy::Secrets;
use crate::wire::batch::Batch;
use crate::wire::queue::Sender;
use crate::wire::totals::MessageTotals;

/// The worker's batch being written. It goes on its way when full, and every 10 ms if it isn't empty.
pub struct Outbox {
    batch: Batch,
    sender: Sender,
    /// What must be in no message.
    secrets: Arc<Secrets>,
    pub counts: MessageTotals,
}

impl Outbox {
    pub fn new(sender: Sender, secrets: Arc<Secrets>) -> Self {
        Self { batch: Batch::with_capacity(), sender, secrets, counts: MessageTotals::default() }
    }

    /// Writes a message.
    pub fn write(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let buffer = self.batch.buffer();
        let before = buffer.len();
        encode(buffer);
        if !self.secrets.is_empty() {
            self.secrets.cover(&mut buffer[before..]);
        }
        self.batch.end_message();
        self.counts.made += 1;
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Lets the batch go.
    pub fn flush(&mut self) {
        if !self.batch.is_empty() {
            let mut batch = std::mem::replace(&mut self.batch, Batch::with_capacity());
            batch.shrink();
            self.counts.dropped += self.sender.send(batch);
        }
    }
}

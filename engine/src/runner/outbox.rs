//! Where the messages of a worker are written, each once, and from where they go on their way in batches.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::policy::Secrets;
use crate::wire::batch::Batch;
use crate::wire::queue::Sender;
use crate::wire::totals::MessageTotals;

/// The worker's batch being written. It goes on its way when full, and 10 ms after its first message.
pub struct Outbox {
    batch: Batch,
    sender: Sender,
    /// What must be in no message.
    secrets: Arc<Secrets>,
    /// Told whenever a batch begins.
    begun: Arc<Notify>,
    pub counts: MessageTotals,
}

impl Outbox {
    pub fn new(sender: Sender, secrets: Arc<Secrets>) -> Self {
        let (batch, counts) = (Batch::with_capacity(), MessageTotals::default());
        Self { batch, sender, secrets, begun: Arc::default(), counts }
    }

    /// For whoever lets it go when its time has come.
    pub fn begun(&self) -> Arc<Notify> {
        self.begun.clone()
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
        if before == 0 {
            self.begun.notify_one();
        }
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

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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::wire::queue::{QUEUE_BYTES_MAX, queue};

    /// Whoever sends batches that aren't full would sleep for ever if one began without a word.
    #[test]
    fn each_batch_says_when_it_begins() {
        let (sender, _receiver) = queue(QUEUE_BYTES_MAX);
        let mut outbox = Outbox::new(sender, Arc::default());
        let begun = outbox.begun();
        let is_told = || pin!(begun.notified()).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!is_told(), "there is nothing yet");
        for round in 0..2 {
            outbox.write(|buffer| buffer.push(0x80));
            assert!(is_told(), "the first of batch {round}");
            outbox.write(|buffer| buffer.push(0x80));
            assert!(!is_told(), "the next is in the same batch");
            outbox.flush();
            assert!(!is_told(), "it is gone");
        }
        assert_eq!(outbox.counts.made, 4);
    }
}

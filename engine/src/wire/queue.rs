//! The way of batches from those who make messages to the pipeline of the same process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::batch::Batch;

/// Bytes that may wait in all; a batch that finds no room is dropped whole and counted. Nobody ever waits for room: a journey
/// that waited here would put less load on the tested system than it was asked to.
pub const QUEUE_BYTES_MAX: usize = 128 << 20;
/// A second bound, on the number of batches.
const QUEUE_BATCHES_MAX: usize = 65_536;

/// Makes a queue of batches.
pub fn queue() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(QUEUE_BATCHES_MAX);
    let counts = Arc::new(Counts::default());
    (Sender { sender, counts: counts.clone() }, Receiver { receiver, counts })
}

#[derive(Default)]
struct Counts {
    waiting_bytes: AtomicUsize,
    dropped: AtomicU64,
}

#[derive(Clone)]
pub struct Sender {
    sender: mpsc::Sender<Batch>,
    counts: Arc<Counts>,
}

impl Sender {
    /// Sends a batch if there is room, else drops it. Answers how many messages were dropped.
    pub fn send(&self, batch: Batch) -> u64 {
        let (messages, bytes) = (batch.len() as u64, batch.bytes().len());
        let waiting = self.counts.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes <= QUEUE_BYTES_MAX && self.sender.try_send(batch).is_ok() {
            return 0;
        }
        self.counts.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.counts.dropped.fetch_add(messages, Ordering::Relaxed);
        messages
    }
}

pub struct Receiver {
    receiver: mpsc::Receiver<Batch>,
    counts: Arc<Counts>,
}

impl Receiver {
    /// The next batch; none when every sender is gone and all is taken.
    pub async fn receive(&mut self) -> Option<Batch> {
        let batch = self.receiver.recv().await?;
        self.counts.waiting_bytes.fetch_sub(batch.bytes().len(), Ordering::Relaxed);
        Some(batch)
    }

    /// Messages that were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }
}

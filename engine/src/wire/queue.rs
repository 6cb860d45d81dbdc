//! The way of batches from those who make messages to the pipeline of the same process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::batch::Batch;

/// Bytes that may wait in all, unless there is less room; a batch that finds no room is dropped whole and counted. Nobody ever waits for room: a journey
/// that waited here would put less load on the tested system than it was asked to.
pub const QUEUE_BYTES_MAX: usize = 128 << 20;
/// A second bound, on the number of batches.
const QUEUE_BATCHES_MAX: usize = 65_536;

/// Makes a queue of batches in which so many bytes may wait.
pub fn queue(bytes_max: usize) -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(QUEUE_BATCHES_MAX);
    let counts = Arc::new(Counts { bytes_max, ..Counts::default() });
    (Sender { sender, counts: counts.clone() }, Receiver { receiver, counts })
}

#[derive(Default)]
struct Counts {
    bytes_max: usize,
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
        if waiting + bytes <= self.counts.bytes_max && self.sender.try_send(batch).is_ok() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(messages: usize, bytes: usize) -> Batch {
        let mut batch = Batch::default();
        (0..messages).for_each(|_| batch.push(&vec![0; bytes]));
        batch
    }

    #[tokio::test]
    async fn the_newest_are_dropped_and_counted() {
        const LARGE: usize = QUEUE_BYTES_MAX / 8;
        let (sender, mut receiver) = queue(QUEUE_BYTES_MAX);
        let again = sender.clone();
        for (messages, bytes, dropped, all, why) in [
            (4, LARGE, 0, 0, "half of the room"),
            (3, LARGE, 0, 0, "more"),
            (2, LARGE, 2, 2, "one too many: the batch goes whole"),
            (10, LARGE / 10 + 1, 10, 12, "over by some bytes"),
            (1, LARGE, 0, 12, "what fits exactly still does"),
            (3, 1, 3, 15, "not a byte more"),
            (5, 0, 0, 15, "messages without a byte take no room"),
        ] {
            assert_eq!(again.send(batch(messages, bytes)), dropped, "{why}");
            assert_eq!(receiver.dropped(), all, "{why}");
        }
        assert_eq!(receiver.receive().await.map(|batch| batch.len()), Some(4), "the oldest comes first");
        assert_eq!(sender.send(batch(4, LARGE)), 0, "what was taken makes room");
        assert_eq!(sender.send(batch(1, 1)), 1);
        drop((sender, again));
        let mut left = Vec::new();
        while let Some(batch) = receiver.receive().await {
            left.push(batch.len());
        }
        assert_eq!(left, [3, 1, 5, 4], "all that was not dropped, then the end");
        assert_eq!(receiver.dropped(), 16);
        assert_eq!(receiver.counts.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_number_of_batches_is_bounded() {
        let (sender, receiver) = queue(QUEUE_BYTES_MAX);
        let dropped: u64 = (0..QUEUE_BATCHES_MAX + 3).map(|_| sender.send(batch(2, 1))).sum();
        assert_eq!((dropped, receiver.dropped()), (6, 6), "nobody waits for room");
        assert_eq!(receiver.counts.waiting_bytes.load(Ordering::Relaxed), 2 * QUEUE_BATCHES_MAX, "bytes of what waits");
    }

    #[test]
    fn what_nobody_receives_is_dropped() {
        let (sender, receiver) = queue(QUEUE_BYTES_MAX);
        drop(receiver);
        assert_eq!(sender.send(batch(3, 10)), 3);
        assert_eq!(sender.counts.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn many_senders_count_exactly() {
        const EACH: u64 = 30_000;
        let (sender, mut receiver) = queue(QUEUE_BYTES_MAX);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || (0..EACH).map(|_| sender.send(batch(1, 1))).sum::<u64>())
            })
            .collect();
        let dropped: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let mut received = 0;
        while let Ok(batch) = receiver.receiver.try_recv() {
            received += batch.len() as u64;
        }
        assert_eq!((received + dropped, receiver.dropped()), (4 * EACH, dropped), "made = received + dropped");
        assert_eq!(received, QUEUE_BATCHES_MAX as u64);
    }
}

//! The way of batches from the socket to one processor: a queue with a bound, and what became of each message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use super::patience::{Patience, Seldom};
use crate::wire::batch::Batch;

/// Bytes that may wait for a processor, those it is working on too. When there is no room the receiver waits as its
/// [`Patience`] allows, so that whoever sends is slowed down; then the newest are dropped and counted.
pub const LANE_BYTES_MAX: u32 = 16 << 20;
/// What a batch counts for at least, so that small ones are bounded too.
const BATCH_COST_MIN: u32 = 256;

/// What became of the messages for one processor. Once all is over, what was received is `taken + failed + dropped`.
#[derive(Debug, Default)]
pub struct Counts {
    taken: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    pub fn taken(&self, messages: u64) {
        self.taken.fetch_add(messages, Ordering::Relaxed);
    }

    pub fn failed(&self, messages: u64) {
        self.failed.fetch_add(messages, Ordering::Relaxed);
    }

    pub fn dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Ordering::Relaxed);
    }

    /// Messages that the processor took, that it failed on, and that it never saw.
    pub fn read(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.taken), read(&self.failed), read(&self.dropped))
    }
}

/// A batch on its way; its room is free again once this is dropped.
pub struct Item {
    pub batch: Arc<Batch>,
    _room: OwnedSemaphorePermit,
}

/// The receiver's end.
pub struct Lane {
    spec: String,
    sender: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
    counts: Arc<Counts>,
    patience: Patience,
    seldom: Seldom,
    start: Instant,
}

/// Makes a lane to the processor of that spec, and the end that the processor takes from.
pub fn lane(spec: &str, counts: Arc<Counts>) -> (Lane, mpsc::Receiver<Item>) {
    // So many of the smallest fill the room, so there is never one too many.
    let (sender, receiver) = mpsc::channel((LANE_BYTES_MAX / BATCH_COST_MIN) as usize + 1);
    let lane = Lane {
        spec: spec.to_owned(),
        sender,
        room: Arc::new(Semaphore::new(LANE_BYTES_MAX as usize)),
        counts,
        patience: Patience::default(),
        seldom: Seldom::default(),
        start: Instant::now(),
    };
    (lane, receiver)
}

impl Lane {
    /// Gives a batch to the processor; waits for room as long as patience lasts, then drops it.
    pub async fn give(&mut self, batch: &Arc<Batch>) {
        let room = self.room(cost(batch)).await;
        let given = room.is_some_and(|room| self.sender.try_send(Item { batch: batch.clone(), _room: room }).is_ok());
        if given {
            return;
        }
        let messages = batch.len() as u64;
        self.counts.dropped(messages);
        if let Some(dropped) = self.seldom.say(self.start.elapsed(), messages) {
            let why = if self.is_over() { "it has given up" } else { "it is too slow" };
            tracing::warn!("{}: {dropped} messages were dropped: {why}", self.spec);
        }
    }

    /// Whether the processor has given up.
    pub fn is_over(&self) -> bool {
        self.sender.is_closed()
    }

    async fn room(&mut self, cost: u32) -> Option<OwnedSemaphorePermit> {
        if let Ok(room) = self.room.clone().try_acquire_many_owned(cost) {
            return Some(room);
        }
        let began = self.start.elapsed();
        let wait = self.patience.left(began);
        if wait == Duration::ZERO || self.is_over() {
            return None;
        }
        let room = tokio::select! {
            room = timeout(wait, self.room.clone().acquire_many_owned(cost)) => room.ok()?.ok(),
            () = self.sender.closed() => None,
        };
        let now = self.start.elapsed();
        self.patience.spend(now, now - began);
        room
    }
}

/// How much of the room it takes. A batch that is larger than all the room goes alone.
fn cost(batch: &Batch) -> u32 {
    u32::try_from(batch.bytes().len()).unwrap_or(u32::MAX).clamp(BATCH_COST_MIN, LANE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::patience::PATIENCE_MAX;

    fn batch(messages: usize, bytes: usize) -> Arc<Batch> {
        let mut batch = Batch::default();
        (0..messages).for_each(|_| batch.push(&vec![0; bytes]));
        Arc::new(batch)
    }

    #[tokio::test]
    async fn a_slow_one_is_waited_for_and_then_left_behind() {
        const QUARTER: usize = LANE_BYTES_MAX as usize / 4;
        let counts = Arc::new(Counts::default());
        let (mut lane, mut items) = lane("x", counts.clone());
        lane.patience.spend(Duration::ZERO, PATIENCE_MAX - Duration::from_millis(50));
        for _ in 0..4 {
            lane.give(&batch(1, QUARTER)).await;
        }
        assert_eq!(counts.read(), (0, 0, 0), "there is room");
        let start = Instant::now();
        lane.give(&batch(3, 1)).await;
        assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
        assert_eq!(counts.read(), (0, 0, 3), "the newest, all of it");
        lane.give(&batch(2, 1)).await;
        assert_eq!(counts.read(), (0, 0, 5));
        let first = items.recv().await.map(|item| item.batch.len());
        assert_eq!(first, Some(1), "the oldest is first");
        lane.give(&batch(7, 1)).await;
        assert_eq!(counts.read(), (0, 0, 5), "what was taken makes room");
        drop(lane);
        let mut left = Vec::new();
        while let Some(item) = items.recv().await {
            left.push(item.batch.len());
        }
        assert_eq!(left, [1, 1, 1, 7], "all that was not dropped, in order");
    }

    #[tokio::test]
    async fn room_that_comes_in_time_is_taken() {
        let counts = Arc::new(Counts::default());
        let (mut lane, mut items) = lane("x", counts.clone());
        lane.give(&batch(1, 2 * LANE_BYTES_MAX as usize)).await;
        assert_eq!(counts.read(), (0, 0, 0), "one that is too large for the room has it alone");
        let taken = tokio::spawn(async move {
            // The other has found no room by now, and waits.
            tokio::task::yield_now().await;
            drop(items.recv().await);
            items.recv().await.map(|item| item.batch.len())
        });
        lane.give(&batch(9, 1)).await;
        assert_eq!(taken.await.ok(), Some(Some(9)));
        assert_eq!(counts.read(), (0, 0, 0));
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_has_given_up() {
        let counts = Arc::new(Counts::default());
        let (mut lane, items) = lane("x", counts.clone());
        lane.give(&batch(1, LANE_BYTES_MAX as usize)).await;
        drop(items);
        lane.give(&batch(4, 1)).await;
        assert!(lane.is_over());
        assert_eq!((lane.patience.left, counts.read()), (PATIENCE_MAX, (0, 0, 4)));
    }

    #[tokio::test]
    async fn the_smallest_are_bounded_too() {
        let counts = Arc::new(Counts::default());
        let (mut lane, items) = lane("x", counts.clone());
        lane.patience.spend(Duration::ZERO, Duration::from_secs(9));
        let many = u64::from(LANE_BYTES_MAX / BATCH_COST_MIN);
        for _ in 0..many + 2 {
            lane.patience.spend(Duration::from_secs(9), Duration::from_secs(9));
            lane.give(&batch(1, 0)).await;
        }
        assert_eq!(counts.read(), (0, 0, 2));
        assert_eq!(items.len() as u64, many);
    }
}

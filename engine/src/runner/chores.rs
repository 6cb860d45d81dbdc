//! What a worker does because time passes. An idle worker has next to none of it: with a thousand tenants in a process each wake-up counts.

use std::time::{Duration, Instant};

use super::descriptors;
use super::worker;

/// A batch that isn't full waits for no longer than this, in a crowd five times that.
const FLUSH: Duration = Duration::from_millis(10);
const FLUSH_MOST: Duration = Duration::from_millis(50);
/// How soon a connection that lies idle goes where another waits for its place; in a crowd later.
const TIDY: Duration = Duration::from_millis(10);
const TIDY_MOST: Duration = Duration::from_millis(500);
/// How often connections are looked for that nobody has used for long.
const IDLE: Duration = Duration::from_secs(10);

/// Sends batches that aren't full, each so long after its first message.
pub async fn flush() {
    let (begun, pace) = worker::with(|worker| (worker.outbox.borrow().begun(), worker.pace.clone()));
    loop {
        begun.notified().await;
        tokio::time::sleep(pace.every(FLUSH, FLUSH_MOST)).await;
        worker::with(|worker| worker.outbox.borrow_mut().flush());
    }
}

/// Closes connections that nobody uses, and looks whether journeys compute without end.
pub async fn tidy() {
    let pace = worker::with(|worker| worker.pace.clone());
    let mut looked = Instant::now();
    loop {
        tokio::time::sleep(pace.every(TIDY, TIDY_MOST)).await;
        worker::with(|worker| {
            if let Some(door) = &worker.door {
                door.close_one();
            }
            if let Some(turn) = &worker.turn {
                turn.look();
            }
            if descriptors::wanted() {
                worker.http.close_one(None);
            }
            if looked.elapsed() >= IDLE {
                looked = Instant::now();
                worker.http.close_idle();
            }
        });
    }
}

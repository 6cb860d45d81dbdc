//! The runner's time: one monotonic clock, and the wall clock derived from it, so that a step of the latter changes no
//! duration.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the process's runner began.
pub type Nanos = u64;

/// The same clock on every worker.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_unix: f64,
}

impl Clock {
    pub fn start() -> Self {
        let start_unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { start: Instant::now(), start_unix }
    }

    pub fn now(&self) -> Nanos {
        let elapsed = self.start.elapsed();
        elapsed.as_secs() * 1_000_000_000 + u64::from(elapsed.subsec_nanos())
    }

    /// Seconds since 1970.
    pub fn unix(&self, at: Nanos) -> f64 {
        self.start_unix + seconds(at)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a float has nanoseconds for 100 days, and messages carry floats")]
pub fn seconds(ns: Nanos) -> f64 {
    ns as f64 / 1e9
}

//! The runner's time: one monotonic clock, and the wall clock derived from it, so that a step of the latter changes no
//! duration.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the process's runner began.
pub type Nanos = u64;

/// The same clock on every worker.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// By the machine's clock.
    start: Nanos,
    start_unix: f64,
}

impl Clock {
    pub fn start() -> Self {
        let start_unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { start: machine_now(), start_unix }
    }

    pub fn now(&self) -> Nanos {
        machine_now() - self.start
    }

    /// A time of the machine's clock by this one.
    pub fn of_machine(&self, at: Nanos) -> Nanos {
        at.saturating_sub(self.start)
    }

    /// Seconds since 1970.
    pub fn unix(&self, at: Nanos) -> f64 {
        self.start_unix + seconds(at)
    }
}

/// The time by the machine's clock, for what tests of several tenants share. Asked a dozen times a request, so without the checks of
/// `Instant`.
pub fn machine_now() -> Nanos {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

#[expect(clippy::cast_precision_loss, reason = "a float has nanoseconds for 100 days, and messages carry floats")]
pub fn seconds(ns: Nanos) -> f64 {
    ns as f64 / 1e9
}

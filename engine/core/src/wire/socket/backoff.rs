//! Pauses between attempts, and chance.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Pauses that double from `min` to `max`, each shortened by up to a half, by chance, so that many who lost the same peer don't
/// come back at the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, failures: 0 }
    }

    /// The pause after another failure; `chance` is any number.
    pub fn pause(&mut self, chance: u64) -> Duration {
        let whole = self.min.saturating_mul(1 << self.failures.min(16)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(1.0 - (chance >> 11) as f64 / (1_u64 << 54) as f64)
    }

    /// After success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A number by chance, good enough to tell processes apart and to spread pauses.
pub fn chance() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let longest: Vec<_> = (0..7).map(|_| backoff.pause(0).as_millis()).collect();
        assert_eq!(longest, [50, 100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.pause(u64::MAX).as_millis(), 500, "half of it at least");
        let later = (0..100).map(|_| backoff.pause(0)).last();
        assert_eq!(later.map_or(0, |pause| pause.as_millis()), 1_000, "for ever");
        backoff.reset();
        assert_eq!(backoff.pause(0).as_millis(), 50, "from the start after success");
    }

    #[test]
    fn chance_differs() {
        assert_ne!(chance(), chance());
    }
}

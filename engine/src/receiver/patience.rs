//! How long a receiver waits for a processor that is slower than what comes, and how often it complains.

use std::time::Duration;

/// The most that a processor may hold up the others at once.
pub const PATIENCE_MAX: Duration = Duration::from_secs(1);
/// Patience comes back at a tenth of the time that passes: whatever a slow processor does, the others are held up for a tenth
/// of the time at most.
const REGAIN: u32 = 10;
/// Between two log lines of a kind.
const SELDOM: Duration = Duration::from_secs(1);

/// What is left of the patience with one processor. Time is since the receiver began.
#[derive(Debug)]
pub struct Patience {
    pub(super) left: Duration,
    at: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { left: PATIENCE_MAX, at: Duration::ZERO }
    }
}

impl Patience {
    /// How long may be waited now.
    pub fn left(&mut self, now: Duration) -> Duration {
        self.left = (self.left + now.saturating_sub(self.at) / REGAIN).min(PATIENCE_MAX);
        self.at = self.at.max(now);
        self.left
    }

    /// It was waited until `now`, for so long.
    pub fn spend(&mut self, now: Duration, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
        self.at = self.at.max(now);
    }
}

/// Lets something be said once a second at most.
#[derive(Debug, Default)]
pub struct Seldom {
    next: Duration,
    held: u64,
}

impl Seldom {
    /// So many times more it happened. Answers how often since it was said last, if it is to be said now.
    pub fn say(&mut self, now: Duration, times: u64) -> Option<u64> {
        self.held += times;
        if self.held == 0 || now < self.next {
            return None;
        }
        self.next = now + SELDOM;
        Some(std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn patience_runs_out_and_comes_back_slowly() {
        let mut patience = Patience::default();
        for (now, left, waits, why) in [
            (0, 1_000, 400, "all of it at first"),
            (400, 600, 600, "what is left"),
            (1_000, 0, 0, "none: waiting itself regains nothing"),
            (2_000, 100, 100, "a tenth of a second that passed"),
            (2_100, 0, 0, "spent again"),
            (1_500, 0, 0, "a clock that goes back gives nothing"),
            (60_000, 1_000, 0, "never more than the most"),
        ] {
            assert_eq!(patience.left(ms(now)), ms(left), "{why}");
            patience.spend(ms(now + waits), ms(waits));
        }
    }

    #[test]
    fn a_slow_one_holds_others_up_for_a_tenth_of_the_time() {
        let (mut patience, mut now, mut waited) = (Patience::default(), Duration::ZERO, Duration::ZERO);
        // One that never takes anything: every message waits for as long as it may.
        while now < Duration::from_secs(100) {
            let wait = patience.left(now);
            now += wait;
            waited += wait;
            patience.spend(now, wait);
            now += ms(1);
        }
        assert!(waited <= PATIENCE_MAX + now / 10, "{waited:?}");
    }

    #[test]
    fn it_is_said_once_a_second_and_nothing_is_forgotten() {
        let mut seldom = Seldom::default();
        for (now, times, said, why) in [
            (0, 0, None, "nothing happened"),
            (10, 2, Some(2), "the first time at once"),
            (500, 3, None, "not again"),
            (1_009, 1, None, "still not"),
            (1_010, 1, Some(5), "all that was held back"),
            (9_000, 0, None, "nothing since"),
        ] {
            assert_eq!(seldom.say(ms(now), times), said, "{why}");
        }
    }
}

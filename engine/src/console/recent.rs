//! The last seconds, out of totals that only grow.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::percentile;
use crate::wire::totals::RequestTotals;

/// How far back the live block looks.
pub const SPAN: Duration = Duration::from_secs(5);
/// States closer together than this are not kept: this bounds what is kept to a dozen.
const SPACING: Duration = Duration::from_millis(500);

struct Mark {
    at: Duration,
    requests: RequestTotals,
}

/// Requests of some time.
pub struct Stretch {
    pub duration: Duration,
    pub requests: RequestTotals,
}

impl Stretch {
    /// Responses and errors in a second.
    pub fn rate(&self) -> Option<f64> {
        let seconds = self.duration.as_secs_f64();
        (seconds > 0.0).then(|| (self.requests.responses() + self.requests.errors()) as f64 / seconds)
    }
}

/// States of the past, the oldest first; never empty.
pub struct Recent(VecDeque<Mark>);

impl Recent {
    pub fn new() -> Self {
        Self::from_mark(Duration::ZERO, RequestTotals::default())
    }

    /// Forgets what was before.
    pub fn from_mark(at: Duration, requests: RequestTotals) -> Self {
        Self(VecDeque::from([Mark { at, requests }]))
    }

    /// What came since the newest mark that is [`SPAN`] old, or since the oldest.
    pub fn until(&self, now: Duration, requests: &RequestTotals) -> Stretch {
        let then = self.0.iter().rev().find(|mark| mark.at + SPAN <= now).or(self.0.front());
        match then {
            Some(mark) => Stretch { duration: now.saturating_sub(mark.at), requests: since(requests, &mark.requests) },
            None => Stretch { duration: now, requests: requests.clone() },
        }
    }

    /// Keeps this state, and no more of the past than it takes.
    pub fn mark(&mut self, at: Duration, requests: RequestTotals) {
        if self.0.back().is_some_and(|last| last.at + SPACING > at) {
            return;
        }
        while self.0.get(1).is_some_and(|second| second.at + SPAN <= at) {
            self.0.pop_front();
        }
        self.0.push_back(Mark { at, requests });
    }
}

/// Saturating, for the day a sender is forgotten.
fn since(now: &RequestTotals, then: &RequestTotals) -> RequestTotals {
    RequestTotals {
        statuses: counts_since(&now.statuses, &then.statuses),
        errors: counts_since(&now.errors, &then.errors),
        received_bytes: now.received_bytes.saturating_sub(then.received_bytes),
        sent_bytes: now.sent_bytes.saturating_sub(then.sent_bytes),
        latency: percentile::since(&now.latency, &then.latency),
    }
}

fn counts_since<K: Ord + Copy>(now: &BTreeMap<K, u64>, then: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    now.iter().map(|(key, count)| (*key, count.saturating_sub(then.get(key).copied().unwrap_or(0)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::totals::ErrorClass;

    /// After so many seconds of 100 requests a second that took as many milliseconds as seconds had gone by.
    fn totals(seconds: u64) -> RequestTotals {
        let mut totals = RequestTotals::default();
        for second in 0..seconds {
            totals.latency.record_n((second + 1) * 1_000, 99).expect("it grows");
        }
        totals.statuses.insert(200, seconds * 99);
        totals.errors.insert(ErrorClass::Timeout, seconds);
        totals
    }

    #[test]
    fn last_seconds() {
        let mut recent = Recent::new();
        for tick in 1..=240 {
            let (now, totals) = (Duration::from_millis(tick * 250), totals(tick / 4));
            let stretch = recent.until(now, &totals);
            let rate = stretch.rate().expect("time goes by");
            assert!(tick < 40 || (80.0..120.0).contains(&rate), "{rate} at {now:?}");
            assert!(stretch.duration <= SPAN + SPACING);
            recent.mark(now, totals);
            assert!(recent.0.len() <= 12);
        }
        let stretch = recent.until(Duration::from_secs(60), &totals(60));
        assert_eq!(stretch.requests.errors[&ErrorClass::Timeout], 5);
        assert!(stretch.requests.latency.min() > 54_000 && stretch.requests.latency.len() == 5 * 99);
    }
}

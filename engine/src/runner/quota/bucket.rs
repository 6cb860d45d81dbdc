//! So many a second: when the next one may go.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::runner::clock::Nanos;

/// Whoever was late or idle may make up for so much at once, and no more: so a second never has more than a twentieth (and one) too many.
pub const BURST: Nanos = 50_000_000;
const SECOND: f64 = 1e9;

/// A rate, shared by the workers of a tenant, or by all tenants. Times are the machine's.
#[derive(Debug, Default)]
pub struct Bucket {
    /// The bits of a float; 0 a second is no limit.
    per_second: AtomicU64,
    /// All that was taken so far is paid for then.
    paid_at: AtomicU64,
}

/// What is paid for when, if something of this cost is taken at `now`, and when it may go.
fn take(paid_at: Nanos, now: Nanos, cost: Nanos) -> (Nanos, Nanos) {
    (paid_at.max(now).saturating_add(cost), paid_at.saturating_sub(BURST).max(now))
}

impl Bucket {
    /// None: no limit. What was held back by another rate goes by this one.
    pub fn set(&self, per_second: Option<f64>) {
        let bits = per_second.map_or(0, |rate| rate.max(f64::MIN_POSITIVE).to_bits());
        if self.per_second.swap(bits, Ordering::Relaxed) != bits {
            self.paid_at.store(0, Ordering::Relaxed);
        }
    }

    pub fn limit(&self) -> Option<f64> {
        match self.per_second.load(Ordering::Relaxed) {
            0 => None,
            bits => Some(f64::from_bits(bits)),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "floats saturate")]
    #[expect(clippy::cast_precision_loss, reason = "as good as exact for what a request may have of bytes")]
    fn cost(&self, tokens: u64) -> Option<Nanos> {
        self.limit().map(|rate| (tokens as f64 * SECOND / rate) as Nanos)
    }

    /// Takes one if it may go now.
    pub fn try_take(&self, now: Nanos) -> bool {
        let Some(cost) = self.cost(1) else { return true };
        let taken = self.paid_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_at| {
            let (next, due) = take(paid_at, now, cost);
            (due <= now).then_some(next)
        });
        taken.is_ok()
    }

    /// Takes one; answers when it may go.
    pub fn reserve(&self, now: Nanos) -> Nanos {
        self.spend(now, 1)
    }

    /// Takes so many that are gone already: who comes next waits for it. Answers when the first of them might have gone.
    pub fn spend(&self, now: Nanos, tokens: u64) -> Nanos {
        let Some(cost) = self.cost(tokens) else { return now };
        let mut due = now;
        let add = |paid_at| {
            let next;
            (next, due) = take(paid_at, now, cost);
            Some(next)
        };
        // It always has an answer.
        let _ = self.paid_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        due
    }

    /// When the next one may go, if none is taken before.
    pub fn open_at(&self) -> Nanos {
        self.limit().map_or(0, |_| self.paid_at.load(Ordering::Relaxed).saturating_sub(BURST))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Nanos = 1_000_000;

    fn bucket(per_second: f64) -> Bucket {
        let bucket = Bucket::default();
        bucket.set(Some(per_second));
        bucket
    }

    #[test]
    fn who_may_go_when() {
        for (paid_at, now, cost, want, why) in [
            (0, 500 * MS, 10 * MS, (510 * MS, 500 * MS), "after a rest: now, and without credit for the rest"),
            (510 * MS, 500 * MS, 10 * MS, (520 * MS, 500 * MS), "at once, within the burst"),
            (551 * MS, 500 * MS, 10 * MS, (561 * MS, 501 * MS), "over it: later"),
            (Nanos::MAX, 500 * MS, 10 * MS, (Nanos::MAX, Nanos::MAX - BURST), "never, and no overflow"),
        ] {
            assert_eq!(take(paid_at, now, cost), want, "{why}");
        }
    }

    #[test]
    fn no_limit_no_wait() {
        let bucket = Bucket::default();
        assert!((0..1_000).all(|_| bucket.try_take(0) && bucket.reserve(0) == 0 && bucket.open_at() == 0));
        bucket.set(Some(1.0));
        assert!(bucket.try_take(0));
        assert!(!bucket.try_take(0), "one a second");
        bucket.set(Some(1.0));
        assert!(!bucket.try_take(0), "the same limit again");
        bucket.set(Some(2.0));
        assert!(bucket.try_take(0), "another begins anew");
        bucket.set(None);
        assert!(bucket.try_take(0) && bucket.try_take(0));
    }

    #[test]
    fn bytes_are_paid_afterwards() {
        let bucket = bucket(1_000.0);
        bucket.spend(0, 500);
        assert_eq!(bucket.open_at(), 450 * MS, "half a second for half of a second's bytes, less the burst");
        bucket.spend(450 * MS, 1_000);
        assert_eq!(bucket.open_at(), 1_450 * MS);
    }

    proptest! {
        /// However it is asked, no second has more than the rate, a burst and one; and who always asks gets the whole rate.
        #[test]
        fn the_rate_is_kept(rate in 1_u32..20_000, gaps in prop::collection::vec(0_u64..3 * MS, 1..400)) {
            let (bucket, mut now, mut gone) = (bucket(f64::from(rate)), 5 * MS, Vec::new());
            for gap in gaps {
                now += gap;
                gone.push(bucket.reserve(now));
            }
            let most = f64::from(rate) * 1.05 + 2.0;
            for (at, from) in gone.iter().enumerate() {
                let within = gone[at..].iter().take_while(|due| **due < from + 1_000 * MS).count();
                prop_assert!(within as f64 <= most, "{within} in a second of {rate}");
            }
            let end = *gone.last().unwrap();
            prop_assert!(end <= now.max(5 * MS + (gone.len() as u64 * 1_001 * MS) / u64::from(rate)), "later than need be");
        }

        #[test]
        fn a_reservation_is_what_trying_gets(rate in 1_u32..5_000, steps in 1_u64..200) {
            let (one, other) = (bucket(f64::from(rate)), bucket(f64::from(rate)));
            for step in 0..steps {
                let now = step * MS / 2;
                if one.try_take(now) {
                    prop_assert_eq!(other.reserve(now), now);
                }
            }
        }
    }
}

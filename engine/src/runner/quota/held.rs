//! What a controller is told about what was held back, and what stands in the messages of its test.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Kind, Quota};
use crate::runner::clock::{Nanos, seconds};
use crate::wire::batch::Batch;
use crate::wire::message::{HeldBack, held_back};
use crate::wire::totals::HeldTotals;

type Counts = [(u64, Nanos); Kind::ALL.len()];

/// What was held back since a test began.
#[derive(Debug)]
pub struct News {
    quota: Arc<Quota>,
    at_start: Counts,
    told: Counts,
    /// The limits at its beginning, of which some hold until its end.
    began_with: [Option<f64>; Kind::ALL.len()],
}

/// In whose messages it stands.
#[derive(Clone, Copy, Debug)]
pub struct Test<'a> {
    pub test: &'a str,
    pub runner: u32,
    pub run_id: &'a str,
}

impl News {
    pub fn new(quota: Arc<Quota>) -> Self {
        let at_start = counts(&quota);
        let began_with = Kind::ALL.map(|kind| quota.limit(kind));
        Self { quota, at_start, told: at_start, began_with }
    }

    fn allowed(&self, kind: Kind) -> Option<f64> {
        if kind.holds_for_a_test() { self.began_with[kind as usize] } else { self.quota.limit(kind) }
    }

    /// Since the test began, by the name of the limit. `wanted`: the most journeys at once that were wanted, if that was too many.
    #[expect(clippy::cast_precision_loss, reason = "journeys at once are few enough")]
    pub fn totals(&self, wanted: u64) -> BTreeMap<String, HeldTotals> {
        let mut totals = BTreeMap::new();
        for (kind, ((times, nanos), before)) in
            Kind::ALL.into_iter().zip(counts(&self.quota).into_iter().zip(self.at_start))
        {
            if times > before.0 {
                let held = HeldTotals {
                    times: times - before.0,
                    seconds: seconds(nanos - before.1),
                    allowed: self.allowed(kind).unwrap_or_default(),
                    wanted: if kind == Kind::Journeys { wanted as f64 } else { 0.0 },
                };
                totals.insert(kind.as_str().to_owned(), held);
            }
        }
        totals
    }

    /// A message for each limit that held something back since this was asked before, if there are any.
    pub fn messages(&mut self, now_unix: f64, test: Test<'_>) -> Option<Batch> {
        let now = counts(&self.quota);
        let mut batch = Batch::default();
        for (kind, (now, told)) in Kind::ALL.into_iter().zip(now.into_iter().zip(self.told)) {
            if now.0 > told.0 {
                let message = HeldBack {
                    limit: kind.as_str(),
                    allowed: self.allowed(kind),
                    times: now.0 - told.0,
                    seconds: seconds(now.1 - told.1),
                };
                held_back(batch.buffer(), &message, now_unix, (test.test, test.runner, test.run_id));
                batch.end_message();
            }
        }
        self.told = now;
        Some(batch).filter(|batch| !batch.is_empty())
    }
}

fn counts(quota: &Quota) -> Counts {
    Kind::ALL.map(|kind| quota.held(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limits;
    use crate::runner::quota::Brakes;

    #[test]
    fn a_test_is_told_of_the_limits_that_it_has() {
        let limits =
            |labels, rate| Limits { labels: Some(labels), requests_per_second: Some(rate), ..Limits::default() };
        let quota = Arc::new(Quota::new(&limits(5, 5.0), Arc::new(Brakes::default())));
        let news = News::new(quota.clone());
        quota.set(&limits(7, 7.0));
        quota.hold(Kind::Requests, 1);
        quota.hold(Kind::Labels, 0);
        let totals = news.totals(0);
        assert_eq!((totals["labels"].allowed, totals["requests_per_second"].allowed), (5.0, 7.0));
        assert_eq!(News::new(quota).allowed(Kind::Labels), Some(7.0), "the next has the new one");
    }

    #[test]
    fn each_is_told_once_and_only_of_its_test() {
        let limits = Limits { requests_per_second: Some(5.0), ..Limits::default() };
        let quota = Arc::new(Quota::new(&limits, Arc::new(Brakes::default())));
        quota.hold(Kind::Requests, 1_000_000_000);
        let mut news = News::new(quota.clone());
        let test = Test { test: "a:b", runner: 3, run_id: "x" };
        assert!(news.totals(0).is_empty() && news.messages(1.0, test).is_none(), "that was another test");
        quota.hold(Kind::Requests, 500_000_000);
        quota.hold(Kind::Requests, 250_000_000);
        quota.hold(Kind::Journeys, 1);
        let totals = news.totals(9);
        let requests = &totals["requests_per_second"];
        assert_eq!((requests.times, requests.seconds, requests.allowed, requests.wanted), (2, 0.75, 5.0, 0.0));
        assert_eq!(totals["journeys"].wanted, 9.0);
        let batch = news.messages(1.0, test).expect("two messages");
        assert_eq!(batch.len(), 2);
        assert!(news.messages(1.0, test).is_none(), "told");
        quota.hold(Kind::Requests, 1);
        assert_eq!(
            (news.messages(1.0, test).map(|batch| batch.len()), news.totals(0)["requests_per_second"].times),
            (Some(1), 3)
        );
    }
}

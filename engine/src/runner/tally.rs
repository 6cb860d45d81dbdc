//! What a worker has seen, counted as it happens: names are numbers here, so that a request costs no lookup by text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::policy::Secrets;
use crate::wire::totals::{
    ErrorClass, FAILURES_MAX, Failure, LATENCY_MAX_US, Latency, NAMES_MAX, OTHER, RequestTotals, RunTotals, Totals,
    TransactionTotals, WorkerHealth,
};

use super::clock::Nanos;
use super::quota::{Known, Label, Labels};

/// A worker's figures.
#[derive(Default)]
pub struct Tally {
    requests: Named<RequestTotals>,
    transactions: Named<TransactionTotals>,
    journeys: Vec<(Arc<str>, RunTotals)>,
    failures: HashMap<Failure, u64>,
    /// What must be in no name.
    secrets: Arc<Secrets>,
    labels: Known,
    pub health: WorkerHealth,
}

/// Figures by name, numbered in the order the names came; past [`NAMES_MAX`] all share the one of [`OTHER`].
struct Named<T> {
    numbers: HashMap<Arc<str>, u32>,
    figures: Vec<(Arc<str>, T)>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), figures: Vec::new() }
    }
}

impl<T: Default> Named<T> {
    fn number(&mut self, name: &str, secrets: &Secrets) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let covered = (!secrets.is_empty()).then(|| secrets.covered(name));
        let name = covered.as_deref().unwrap_or(name);
        let name: Arc<str> = if self.figures.len() >= NAMES_MAX { OTHER.into() } else { name.into() };
        let next = u32::try_from(self.figures.len()).expect("bounded by NAMES_MAX");
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.figures.push((name, T::default()));
        }
        number
    }

    fn of(&mut self, number: u32) -> &mut T {
        &mut self.figures[number as usize].1
    }
}

impl Tally {
    pub fn new(secrets: Arc<Secrets>, labels: Option<Arc<Labels>>) -> Self {
        Self { secrets, labels: Known::new(labels), ..Self::default() }
    }

    /// A name as it stands in messages and figures: itself, or [`OTHER`] where a limit has no room for it.
    pub fn label<'a>(&mut self, label: Label, name: &'a str) -> &'a str {
        if self.labels.admit(label, name) {
            return name;
        }
        self.labels.folded(label);
        OTHER
    }

    /// Whether a limit has room for a name. Who keeps the answer tells by [`folded`](Self::folded) each time it is used.
    pub fn has_room(&mut self, label: Label, name: &str) -> bool {
        self.labels.admit(label, name)
    }

    /// Something counts under [`OTHER`] since a limit has no room for its name.
    pub fn folded(&self, label: Label) {
        self.labels.folded(label);
    }

    /// A name, cut, without secrets.
    pub fn cut<'a>(&self, name: &'a str, bytes_max: usize) -> Cow<'a, str> {
        self.secrets.cut(name, bytes_max)
    }

    /// The number of a request's name.
    pub fn request(&mut self, name: &str) -> u32 {
        self.requests.number(name, &self.secrets)
    }

    /// The number of a transaction's full name.
    pub fn transaction(&mut self, name: &str) -> u32 {
        self.transactions.number(name, &self.secrets)
    }

    pub fn response(&mut self, request: u32, status: u16, latency: Nanos, received: u64, sent: u64) {
        let figures = self.requests.of(request);
        *figures.statuses.entry(status).or_default() += 1;
        figures.received_bytes += received;
        figures.sent_bytes += sent;
        record(&mut figures.latency, latency);
    }

    pub fn error(&mut self, request: u32, class: ErrorClass) {
        *self.requests.of(request).errors.entry(class).or_default() += 1;
    }

    pub fn transaction_ended(&mut self, transaction: u32, latency: Nanos, failed: bool) {
        let figures = self.transactions.of(transaction);
        figures.failed += u64::from(failed);
        record(&mut figures.latency, latency);
    }

    /// The number of a journey's spec.
    pub fn journey(&mut self, spec: &Arc<str>) -> u32 {
        let known = self.journeys.iter().position(|(known, _)| known == spec);
        let number = known.unwrap_or_else(|| {
            self.journeys.push((spec.clone(), RunTotals::default()));
            self.journeys.len() - 1
        });
        u32::try_from(number).expect("a test has at most a thousand scenario items")
    }

    pub fn run(&mut self, journey: u32) -> &mut RunTotals {
        &mut self.journeys[journey as usize].1
    }

    pub fn failure(&mut self, mut failure: Failure) {
        if !self.secrets.is_empty() {
            for text in [&mut failure.transaction, &mut failure.ex_type, &mut failure.message] {
                *text = self.secrets.covered(text);
            }
        }
        if self.failures.len() >= FAILURES_MAX && !self.failures.contains_key(&failure) {
            let other = || OTHER.to_owned();
            let rest = Failure { journey: other(), transaction: other(), ex_type: other(), message: other() };
            *self.failures.entry(rest).or_default() += 1;
        } else {
            *self.failures.entry(failure).or_default() += 1;
        }
    }

    /// All of it, as it is sent on.
    pub fn totals(&self) -> Totals {
        fn named<T: Clone>(named: &Named<T>) -> BTreeMap<String, T> {
            named.figures.iter().map(|(name, figures)| (name.as_ref().to_owned(), figures.clone())).collect()
        }
        Totals {
            requests: named(&self.requests),
            transactions: named(&self.transactions),
            journeys: self.journeys.iter().map(|(spec, runs)| (spec.as_ref().to_owned(), *runs)).collect(),
            failures: self.failures.iter().map(|(failure, count)| (failure.clone(), *count)).collect(),
            messages: Default::default(),
            workers: vec![self.health.clone()],
            held: BTreeMap::new(),
        }
    }
}

/// Records a duration in microseconds.
pub fn record(histogram: &mut Latency, duration: Nanos) {
    let micros = ((duration + 500) / 1_000).clamp(1, LATENCY_MAX_US);
    histogram.record(micros).expect("a histogram that resizes itself takes every value");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::totals::latency;

    #[test]
    fn names_past_the_limit_share_one() {
        let mut tally = Tally::default();
        for name in 0..300 {
            let number = tally.request(&name.to_string());
            tally.response(number, 200, 1_000_000, 10, 1);
            let again = tally.request(&name.to_string());
            tally.error(again, ErrorClass::Timeout);
            let number = tally.transaction(&name.to_string());
            tally.transaction_ended(number, 2_000_000, name % 2 == 0);
        }
        let totals = tally.totals();
        let names = NAMES_MAX as u64;
        assert_eq!((totals.requests.len(), totals.transactions.len()), (NAMES_MAX + 1, NAMES_MAX + 1));
        let (first, rest) = (&totals.requests["0"], &totals.requests[OTHER]);
        assert_eq!((first.responses(), first.errors(), first.received_bytes, first.sent_bytes), (1, 1, 10, 1));
        assert_eq!((rest.responses(), rest.errors()), (300 - names, 300 - names));
        assert_eq!((rest.received_bytes, rest.latency.len()), (10 * (300 - names), 300 - names));
        assert_eq!(totals.all_requests().responses(), 300, "all are counted somewhere");
        let failed: u64 = totals.transactions.values().map(|one| one.failed).sum();
        let ended: u64 = totals.transactions.values().map(|one| one.latency.len()).sum();
        assert_eq!((failed, ended), (150, 300));
    }

    #[test]
    fn numbers_stay() {
        let mut tally = Tally::default();
        for (name, number, why) in [
            ("a", 0, "the first"),
            ("b", 1, "the next"),
            ("a", 0, "known"),
            (OTHER, 2, "a name like any other"),
            ("", 3, "no name is one too"),
        ] {
            assert_eq!(tally.request(name), number, "{why}");
        }
        assert_eq!(tally.transaction("b"), 0, "transactions are counted apart");
        for name in 4..NAMES_MAX {
            tally.request(&name.to_string());
        }
        assert_eq!(tally.request("one too many"), 2, "who is called so shares with the rest");
        assert_eq!(tally.request("b"), 1);
    }

    #[test]
    fn latencies_of_all_lengths() {
        const MAX: u64 = LATENCY_MAX_US;
        for (nanos, micros, why) in [
            (0, 1, "no time at all counts as the least"),
            (499, 1, "as does less than one"),
            (1_499, 1, "rounded down"),
            (1_500, 2, "rounded up"),
            (1_999_000, 1_999, "what it has room for from the start"),
            (2_000_000, 2_000, "2 ms"),
            (2_048_000, 2_048, "where its first buckets end"),
            (2_049_000, 2_049, "over that"),
            (10_000_000, 10_000, "10 ms"),
            (1_234_567_000, 1_234_567, "a second"),
            (60_000_000_000, 60_000_000, "a minute"),
            (3_600_000_000_000, MAX, "an hour"),
            (7_200_000_000_000, MAX, "two count as one"),
        ] {
            let mut histogram = latency();
            record(&mut histogram, 1_000_000);
            record(&mut histogram, nanos);
            let within = micros / 1_000;
            let (low, high) = (histogram.min().min(micros), histogram.max());
            assert_eq!(histogram.len(), 2, "{why}");
            assert_eq!(low, micros.min(1_000), "{why}");
            assert!(high.abs_diff(micros.max(1_000)) <= within, "{why}: {high}");
            assert!(histogram.count_between(micros - within, micros + within) >= 1, "{why}");
            let mean = (1_000 + micros) as f64 / 2.0;
            assert!((histogram.mean() - mean).abs() <= mean / 1_000.0, "{why}: {}", histogram.mean());
        }
    }

    #[test]
    fn a_histogram_that_has_grown_keeps_what_it_had() {
        let mut histogram = latency();
        for micros in 1..=1_000 {
            record(&mut histogram, micros * 1_000);
        }
        for micros in (1_000_000..=60_000_000).step_by(1_000_000) {
            record(&mut histogram, micros * 1_000);
        }
        assert_eq!(histogram.len(), 1_060);
        assert_eq!(histogram.value_at_quantile(500.0 / 1_060.0), 500);
        assert_eq!(histogram.value_at_quantile(1_000.0 / 1_060.0), 1_000);
        let mut sum = latency();
        sum.add(&histogram).unwrap();
        sum.add(&histogram).unwrap();
        assert_eq!((sum.len(), sum.max()), (2_120, histogram.max()), "workers are added up");
    }

    #[test]
    fn failures_are_bounded() {
        let failure = |number: usize| Failure {
            journey: "a:b".into(),
            transaction: "__root__".into(),
            ex_type: "MiteError".into(),
            message: number.to_string(),
        };
        let mut tally = Tally::default();
        for number in 0..FAILURES_MAX + 50 {
            tally.failure(failure(number));
            tally.failure(failure(0));
        }
        let failures = tally.totals().failures;
        let other = || OTHER.to_owned();
        let rest = Failure { journey: other(), transaction: other(), ex_type: other(), message: other() };
        assert_eq!(failures.len(), FAILURES_MAX + 1);
        assert_eq!(failures[&rest], 50, "those that found no room");
        assert_eq!(failures[&failure(0)], FAILURES_MAX as u64 + 51, "those that are known are counted on");
        assert_eq!(failures[&failure(FAILURES_MAX - 1)], 1);
    }

    #[test]
    fn journeys_are_one_by_spec() {
        let mut tally = Tally::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a:x".into(), "b:x".into());
        assert_eq!((tally.journey(&a), tally.journey(&b), tally.journey(&"a:x".into())), (0, 1, 0));
        tally.run(0).started += 2;
        tally.run(1).failed += 1;
        let journeys = tally.totals().journeys;
        assert_eq!((journeys["a:x"].started, journeys["b:x"].failed), (2, 1));
    }
}

//! What a worker has seen, counted as it happens: names are numbers here, so that a request costs no lookup by text.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::wire::totals::{
    ErrorClass, FAILURES_MAX, Failure, LATENCY_MAX_US, Latency, NAMES_MAX, OTHER, RequestTotals, RunTotals, Totals,
    TransactionTotals, WorkerHealth,
};

use super::clock::Nanos;

/// A worker's figures.
#[derive(Default)]
pub struct Tally {
    requests: Named<RequestTotals>,
    transactions: Named<TransactionTotals>,
    journeys: Vec<(Arc<str>, RunTotals)>,
    failures: HashMap<Failure, u64>,
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
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
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
    /// The number of a request's name.
    pub fn request(&mut self, name: &str) -> u32 {
        self.requests.number(name)
    }

    /// The number of a transaction's full name.
    pub fn transaction(&mut self, name: &str) -> u32 {
        self.transactions.number(name)
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

    pub fn failure(&mut self, failure: Failure) {
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
        }
    }
}

/// Records a duration in microseconds.
pub fn record(histogram: &mut Latency, duration: Nanos) {
    let micros = ((duration + 500) / 1_000).clamp(1, LATENCY_MAX_US);
    histogram.record(micros).expect("a histogram that resizes itself takes every value");
}

//! What a tenant's tests came to in this runner: what `/metrics` shows.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::totals::Totals;

/// Counts since the runner began, over all tests of the tenant.
#[derive(Debug, Default)]
pub struct Account {
    /// Tests that were begun here.
    pub tests: AtomicU64,
    /// Tests that could not be run here.
    pub refused: AtomicU64,
    pub requests: AtomicU64,
    /// Of those: without a response.
    pub errors: AtomicU64,
    /// Runs begun.
    pub runs: AtomicU64,
    /// Messages made.
    pub messages: AtomicU64,
}

/// The same of one test so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub requests: u64,
    pub errors: u64,
    pub runs: u64,
    pub messages: u64,
}

impl Figures {
    /// Those of a worker as well.
    pub fn add(&mut self, totals: &Totals) {
        for requests in totals.requests.values() {
            self.errors += requests.errors();
            self.requests += requests.errors() + requests.responses();
        }
        self.runs += totals.journeys.values().map(|runs| runs.started).sum::<u64>();
        self.messages += totals.messages.made;
    }
}

impl Account {
    /// A test has come from `before` to `now`.
    pub fn add(&self, before: Figures, now: Figures) {
        for (count, before, now) in [
            (&self.requests, before.requests, now.requests),
            (&self.errors, before.errors, now.errors),
            (&self.runs, before.runs, now.runs),
            (&self.messages, before.messages, now.messages),
        ] {
            count.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::totals::{ErrorClass, RequestTotals, RunTotals};

    #[test]
    fn tests_add_up() {
        let mut totals = Totals::default();
        let mut requests = RequestTotals::default();
        requests.statuses.insert(200, 5);
        requests.errors.insert(ErrorClass::Timeout, 2);
        totals.requests.insert("a".into(), requests);
        totals.journeys.insert("a:b".into(), RunTotals { started: 4, ..RunTotals::default() });
        totals.messages.made = 9;
        let (account, mut first) = (Account::default(), Figures::default());
        first.add(&totals);
        let mut second = first;
        second.add(&totals);
        account.add(Figures::default(), first);
        account.add(first, second);
        account.add(second, second);
        let counts = [&account.requests, &account.errors, &account.runs, &account.messages];
        assert_eq!(counts.map(|count| count.load(Ordering::Relaxed)), [14, 4, 8, 18]);
    }
}

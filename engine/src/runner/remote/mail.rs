//! What workers have reported and the controller has not been told yet.

use std::collections::BTreeMap;

use super::account::Figures;
use crate::runner::Report;
use crate::wire::control::ours::{Asker, Exchange, ScenarioReport, WorkerReport};
use crate::wire::totals::{HeldTotals, MessageTotals, Totals, fit};

/// Totals in one request: no peer takes a frame of more than 16 MiB. What is over loses names, and nothing else.
const TOTALS_BYTES: usize = 8 << 20;

/// Reports of a worker become one: the newest figures, and all the data that has come back. Data is bounded by what the runner was
/// given, so this is bounded however long the controller is away.
#[derive(Debug, Default)]
pub struct Mail {
    reports: BTreeMap<u32, WorkerReport>,
    /// The newest of each worker.
    totals: BTreeMap<u32, Totals>,
    fresh: bool,
    number: u64,
    /// What the quota has held back.
    pub held: BTreeMap<String, HeldTotals>,
    /// Messages that this thread has made, and dropped of these.
    told: MessageTotals,
}

impl Mail {
    pub fn put(&mut self, report: Report) {
        let Report { worker, seen, scenarios, totals, over } = report;
        if let Some(totals) = totals {
            self.totals.insert(worker, *totals);
            self.fresh = true;
        }
        let kept = self.reports.entry(worker).or_default();
        (kept.worker, kept.seen, kept.over) = (worker, seen, over);
        for new in scenarios {
            let before = kept.scenarios.iter().position(|one| one.scenario == new.scenario);
            let at = before.unwrap_or_else(|| {
                kept.scenarios.push(ScenarioReport { scenario: new.scenario, ..Default::default() });
                kept.scenarios.len() - 1
            });
            let one = &mut kept.scenarios[at];
            (one.running, one.ended, one.wants) = (new.running, new.ended, new.wants);
            one.completed.extend(new.completed);
            one.unused.extend(new.unused);
        }
    }

    /// A worker whose thread has ended without a last word.
    pub fn lost(&mut self, worker: u32) {
        let kept = self.reports.entry(worker).or_default();
        (kept.worker, kept.over, kept.lost) = (worker, true, true);
    }

    /// All of it, to be sent. `dropped`: messages dropped behind the workers' backs.
    pub fn take(&mut self, from: &Asker, dropped: u64) -> Exchange {
        self.number += 1;
        let totals = std::mem::take(&mut self.fresh).then(|| self.totals(dropped));
        let reports = std::mem::take(&mut self.reports).into_values().collect();
        Exchange { from: from.clone(), number: self.number, ready: true, reports, totals }
    }

    /// Of all workers.
    pub fn totals(&self, dropped: u64) -> Totals {
        let mut all = Totals::default();
        self.totals.values().for_each(|totals| all.add(totals));
        all.messages.dropped += dropped;
        all.messages.add(&self.told);
        all.held.clone_from(&self.held);
        fit(all, TOTALS_BYTES)
    }

    /// What the test came to so far.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures { messages: self.told.made, ..Figures::default() };
        self.totals.values().for_each(|totals| figures.add(totals));
        figures
    }

    /// Messages beside the workers' were made, and dropped at once.
    pub fn told(&mut self, made: u64, dropped: u64) {
        self.told.made += made;
        self.told.dropped += dropped;
    }

    /// The number of the next exchange.
    pub fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::ScenarioReport as Of;

    fn report(seen: u64, running: u32, completed: &[i64], with_totals: bool) -> Report {
        let of =
            Of { scenario: 1, running, ended: seen, completed: completed.to_vec(), unused: vec![], wants: running };
        let mut totals = Totals::default();
        totals.messages.made = seen;
        Report { worker: 0, seen, scenarios: vec![of], totals: with_totals.then(|| Box::new(totals)), over: false }
    }

    #[test]
    fn reports_of_a_worker_become_one() {
        let (mut mail, from) = (Mail::default(), Asker { runner: 1, run_id: "x".into() });
        mail.put(report(1, 3, &[1, 2], true));
        mail.put(report(2, 5, &[3], false));
        let sent = mail.take(&from, 7);
        let one = &sent.reports[0];
        assert_eq!((sent.reports.len(), one.seen), (1, 2));
        assert_eq!((one.scenarios[0].running, one.scenarios[0].ended, one.scenarios[0].wants), (5, 2, 5), "the newest");
        assert_eq!(one.scenarios[0].completed, [1, 2, 3], "all of the data");
        let messages = sent.totals.as_ref().map(|totals| (totals.messages.made, totals.messages.dropped));
        assert_eq!(messages, Some((1, 7)));
        let next = mail.take(&from, 7);
        assert_eq!((next.reports.len(), next.totals.is_none(), next.number), (0, true, 2), "each is told once");
        mail.lost(4);
        assert!(mail.take(&from, 0).reports[0].lost);
    }
}

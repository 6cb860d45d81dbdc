//! The runs that a Python controller has asked for: where each is, and what the controller is told of it.

use std::collections::{BTreeMap, VecDeque};

use crate::runner::NAMELESS;
use crate::wire::control::{Request, Work};
use crate::wire::value::{Raw, View};

/// See the module. Bounded by what the controller has handed out.
#[derive(Debug)]
pub struct Ledger {
    /// Runs under way, by scenario.
    running: BTreeMap<u32, u32>,
    /// The data ids of runs under way as they came, by scenario and item; nothing for runs without data.
    out: BTreeMap<(u32, i64), VecDeque<Option<Vec<u8>>>>,
    /// To be told with the next request.
    completed: Vec<(u32, Vec<u8>)>,
    /// Items that have no number of their own.
    nameless: i64,
    /// Runs under way by worker, and by worker and scenario with the most there ever were.
    workers: Vec<u32>,
    places: BTreeMap<(u32, u32), (u32, u32)>,
}

impl Ledger {
    pub fn new(workers: u32) -> Self {
        Self {
            running: BTreeMap::new(),
            out: BTreeMap::new(),
            completed: Vec::new(),
            nameless: NAMELESS,
            workers: vec![0; workers as usize],
            places: BTreeMap::new(),
        }
    }

    /// A run is to begin. Answers what its item is called here: by the number the controller gave it, if it did.
    pub fn begin(&mut self, scenario: u32, data_id: Option<Raw<'_>>) -> i64 {
        let numbered = match data_id.map(Raw::view) {
            Some(Ok(View::Int(id))) if id >= NAMELESS => Some(id),
            _ => None,
        };
        let item = numbered.unwrap_or_else(|| {
            self.nameless -= 1;
            self.nameless
        });
        *self.running.entry(scenario).or_default() += 1;
        self.out.entry((scenario, item)).or_default().push_back(data_id.map(|id| id.bytes().to_vec()));
        item
    }

    /// A run is over, or will never begin. Whether there was one.
    pub fn ended(&mut self, scenario: u32, item: i64) -> bool {
        let Some(ids) = self.out.get_mut(&(scenario, item)) else { return false };
        let id = ids.pop_front().flatten();
        if ids.is_empty() {
            self.out.remove(&(scenario, item));
        }
        self.completed.extend(id.map(|id| (scenario, id)));
        if let Some(running) = self.running.get_mut(&scenario) {
            *running = running.saturating_sub(1);
        }
        self.running.retain(|_, running| *running > 0);
        true
    }

    /// A worker for a run: the one with the fewest. With its new order, if it needs one more place than it has.
    pub fn place(&mut self, scenario: u32) -> (u32, Option<u32>) {
        let fewest = self.workers.iter().enumerate().min_by_key(|(_, runs)| **runs).map_or(0, |(worker, _)| worker);
        self.workers[fewest] += 1;
        let worker = u32::try_from(fewest).unwrap_or(0);
        let (runs, most) = self.places.entry((worker, scenario)).or_default();
        *runs += 1;
        let order = (*runs > *most).then_some(*runs);
        *most = (*most).max(*runs);
        (worker, order)
    }

    /// A run on this worker is over.
    pub fn leave(&mut self, worker: u32, scenario: u32) {
        if let Some(runs) = self.workers.get_mut(worker as usize) {
            *runs = runs.saturating_sub(1);
        }
        if let Some((runs, _)) = self.places.get_mut(&(worker, scenario)) {
            *runs = runs.saturating_sub(1);
        }
    }

    /// Runs under way.
    pub fn running(&self) -> i64 {
        self.running.values().map(|runs| i64::from(*runs)).sum()
    }

    /// Nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The next request for work; what has ended is told once.
    pub fn request(&mut self, runner: i64, max_work: Option<i64>) -> Vec<u8> {
        let completed = std::mem::take(&mut self.completed);
        Request::Work(Work {
            runner,
            current: self.running.iter().map(|(scenario, runs)| (i64::from(*scenario), i64::from(*runs))).collect(),
            completed: completed
                .iter()
                .filter_map(|(scenario, id)| Some((i64::from(*scenario), Raw::whole(id).ok()?)))
                .collect(),
            max_work,
        })
        .encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_controller_is_told() {
        let mut ledger = Ledger::new(1);
        let raw = |bytes: &'static [u8]| Raw::whole(bytes).unwrap();
        assert_eq!(ledger.request(1, None), b"\x92\x02\x94\x01\x80\x90\xc0", "nothing yet");
        let one = ledger.begin(4, None);
        let numbered = ledger.begin(6, Some(raw(b"\x01")));
        let text = ledger.begin(6, Some(raw(b"\xa1x")));
        assert_eq!(numbered, 1, "messages name it");
        assert!(one < NAMELESS && text < NAMELESS && one != text, "messages name none");
        assert_eq!(ledger.request(1, None), b"\x92\x02\x94\x01\x82\x04\x01\x06\x02\x90\xc0", "what runs");
        for item in [numbered, text, numbered] {
            ledger.ended(6, item);
        }
        let told = b"\x92\x02\x94\x01\x81\x04\x01\x92\x92\x06\x01\x92\x06\xa1x\x00";
        assert_eq!(ledger.request(1, Some(0)), told, "ids come back as they came, once");
        ledger.ended(4, one);
        assert_eq!(ledger.request(1, Some(0)), b"\x92\x02\x94\x01\x80\x90\x00", "a run without data completes nothing");
        assert!(ledger.is_empty());
    }

    #[test]
    fn workers_get_the_same() {
        let mut ledger = Ledger::new(2);
        let placed: Vec<_> = (0..4).map(|_| ledger.place(1)).collect();
        assert_eq!(placed, [(0, Some(1)), (1, Some(1)), (0, Some(2)), (1, Some(2))]);
        ledger.leave(1, 1);
        assert_eq!(ledger.place(1), (1, None), "there is a place already");
        assert_eq!(ledger.place(2), (0, Some(1)), "of another scenario");
    }
}

//! A runner of ours, as its controller sees it.

use std::collections::BTreeSet;

use crate::scenario::{self, Effect, Event, Item};
use crate::wire::config::Config;
use crate::wire::control::ours::{Answer, Blob, Command, Exchange, Orders, WorkerReport, pack};
use crate::wire::totals::Totals;

/// Bytes of data in one answer, about: what is over waits for the next, which the runner asks for at once.
const ORDERS_BYTES: usize = 1 << 20;
/// Bytes of config in one answer, about; likewise.
const CONFIG_BYTES: usize = 1 << 20;
/// Commands in one answer.
const ORDERS_MAX: usize = 10_000;
/// Bits of a core id for the worker.
const WORKER_BITS: u32 = 16;

/// See the module. To the state machine each of its workers is a runner: [`id`](Runner::id).
#[derive(Debug)]
pub struct Runner {
    serial: u64,
    pub workers: u32,
    /// Its workers wait for orders, and the state machine knows them.
    pub ready: bool,
    over: BTreeSet<u32>,
    /// Workers that ended too soon.
    pub lost_workers: u32,
    /// What it has not been told yet. Newer orders take the place of older ones, data is bounded by the leases, and a runner that
    /// doesn't ask is given up after two seconds: so this is bounded.
    commands: Vec<Command>,
    /// The exchange that was answered last, and its answer.
    answered: (u64, Vec<u8>),
    /// The exchange whose answer is due.
    asked: u64,
    pub totals: Totals,
    /// The version of the config that it knows.
    config_version: u64,
}

impl Runner {
    pub fn new(serial: u64, workers: u32, config_version: u64) -> Self {
        Self {
            serial,
            workers,
            ready: false,
            over: BTreeSet::new(),
            lost_workers: 0,
            commands: Vec::new(),
            answered: (0, Vec::new()),
            asked: 0,
            totals: Totals::default(),
            config_version,
        }
    }

    /// What the state machine calls a worker.
    fn id(&self, worker: u32) -> u64 {
        (self.serial << WORKER_BITS) | u64::from(worker)
    }

    /// What the state machine calls a runner without workers, or the first of them.
    pub fn first_id(serial: u64) -> u64 {
        serial << WORKER_BITS
    }

    /// The serial number of a runner from what the state machine calls one of its workers.
    pub fn serial_of(id: u64) -> u64 {
        id >> WORKER_BITS
    }

    fn worker_of(id: u64) -> u32 {
        u32::try_from(id & ((1 << WORKER_BITS) - 1)).unwrap_or(u32::MAX)
    }

    /// What has happened with it. None: it has asked this before, and the answer is the same.
    pub fn exchange(&mut self, exchange: Exchange) -> Option<Vec<Event>> {
        // One before that came late: nobody waits for its answer any more.
        if exchange.number <= self.answered.0 {
            return None;
        }
        self.asked = exchange.number;
        let mut events = Vec::new();
        if exchange.ready && !self.ready {
            self.ready = true;
            events.extend((0..self.workers).map(|worker| Event::Joined(self.id(worker))));
        }
        if let Some(totals) = exchange.totals {
            self.totals = totals;
        }
        for report in exchange.reports.into_iter().filter(|report| report.worker < self.workers) {
            if !self.ready || self.over.contains(&report.worker) {
                continue;
            }
            let (id, worker, over, lost) = (self.id(report.worker), report.worker, report.over, report.lost);
            events.push(Event::Report(id, told(report)));
            if over {
                self.over.insert(worker);
                self.lost_workers += u32::from(lost);
                events.push(Event::Left(id));
            }
        }
        Some(events)
    }

    /// Everything it is to be told, once; asked again, the same again. Orders wait until it knows the whole config.
    pub fn answer(&mut self, config: &Config) -> Vec<u8> {
        if self.asked != self.answered.0 {
            let (changes, version) = config.changes(self.config_version, CONFIG_BYTES);
            let changes = changes.into_iter().map(|(key, value)| (key.to_owned(), Blob(value.to_vec()))).collect();
            self.config_version = version;
            let knows_all = version == config.version();
            let (mut taken, mut bytes) = (0, 0);
            while knows_all && taken < self.commands.len().min(ORDERS_MAX) && bytes < ORDERS_BYTES {
                bytes += match &self.commands[taken] {
                    Command::Items { items, .. } => items.iter().map(|(_, data)| data.0.len() + 16).sum(),
                    _ => 64,
                };
                taken += 1;
            }
            let commands: Vec<_> = self.commands.drain(..taken).collect();
            let orders = Orders { config: changes, commands, more: !knows_all || !self.commands.is_empty() };
            self.answered = (self.asked, pack(&Answer::Here(orders)));
        }
        self.answered.1.clone()
    }

    /// Keeps an order until it asks.
    pub fn carry_out(&mut self, effect: Effect) {
        let worker = Self::worker_of;
        match effect {
            Effect::Order { runner, scenario, journeys, runs, number } => {
                let worker = worker(runner);
                let same = |one: &Command| matches!(one, Command::Order { worker: w, scenario: s, .. } if (*w, *s) == (worker, scenario));
                self.commands.retain(|one| !same(one));
                self.commands.push(Command::Order { worker, scenario, journeys, runs, number });
            }
            Effect::Items { runner, scenario, items } => {
                self.items(worker(runner), scenario, items);
            }
            Effect::Recall { runner, scenario, items } => {
                self.commands.push(Command::Recall { worker: worker(runner), scenario, items });
            }
            Effect::Drain { number } => self.commands.push(Command::Drain { number }),
            Effect::CancelRest => self.commands.push(Command::Cancel),
            // Nothing that runners are told.
            Effect::AskModel { .. } | Effect::AskPool { .. } | Effect::ScenarioOver { .. } | Effect::Done => {}
        }
    }

    /// In commands of no more than about as much as goes into one answer.
    fn items(&mut self, worker: u32, scenario: u32, items: Vec<Item>) {
        let (mut part, mut bytes) = (Vec::new(), 0);
        for item in items {
            bytes += item.data.len();
            part.push((item.id, Blob(item.data.to_vec())));
            if bytes >= ORDERS_BYTES {
                self.commands.push(Command::Items { worker, scenario, items: std::mem::take(&mut part) });
                bytes = 0;
            }
        }
        if !part.is_empty() {
            self.commands.push(Command::Items { worker, scenario, items: part });
        }
    }

    /// It is gone: so are those of its workers that had not said their last word.
    pub fn leave(&self) -> Vec<Event> {
        let there = (0..self.workers).filter(|worker| self.ready && !self.over.contains(worker));
        there.map(|worker| Event::Left(self.id(worker))).collect()
    }

    /// Whether all of its workers have said their last word.
    pub fn is_over(&self) -> bool {
        self.ready && self.over.len() == self.workers as usize
    }
}

fn told(report: WorkerReport) -> scenario::Report {
    let mut told = scenario::Report { seen: report.seen, ..Default::default() };
    for one in report.scenarios {
        let id = one.scenario;
        told.running.insert(id, one.running);
        told.ended.insert(id, one.ended);
        told.completed.extend(one.completed.into_iter().map(|item| (id, item)));
        told.unused.extend(one.unused.into_iter().map(|item| (id, item)));
        told.wants.insert(id, one.wants);
    }
    told
}

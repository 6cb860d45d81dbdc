//! A Python runner, as its controller sees it: it asks for runs one by one, so its standing orders are kept here.

use std::collections::{BTreeMap, VecDeque};

use crate::scenario::{self, Effect, Event, Item};
use crate::wire::config::Config;
use crate::wire::control::{Work, WorkItem, WorkReply};
use crate::wire::value::{Raw, View};

/// Runs in one reply; the rest with the next, which comes as soon as one of these has ended.
const RUNS_MAX: u32 = 10_000;
/// Bytes of data in one reply, about; likewise.
const REPLY_BYTES: usize = 4 << 20;

/// What a Python runner has to know of a scenario item.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The journey's spec.
    pub spec: String,
    /// Its data comes back for the next run.
    pub recycled: bool,
    pub with_data: bool,
}

/// See the module. To the state machine it is one runner.
#[derive(Debug)]
pub struct Runner {
    pub id: u64,
    lanes: BTreeMap<u32, Lane>,
    seen: u64,
    /// Its next replies say that it is over.
    stopping: bool,
    /// It may start so many in its next reply.
    most: u32,
    /// The version of the config that it knows.
    config_version: u64,
}

/// One scenario item on it.
#[derive(Debug, Default)]
struct Lane {
    journeys: u32,
    runs: Option<u64>,
    /// Runs begun, and how many before the last report.
    handed: u64,
    handed_before: u64,
    running: u32,
    ended: u64,
    stock: VecDeque<Item>,
    out: BTreeMap<i64, Item>,
    recalled: u32,
    completed: Vec<i64>,
    unused: Vec<i64>,
}

impl Runner {
    /// `serial` is what no other runner of the test has.
    pub fn new(serial: u64, config_version: u64) -> Self {
        let id = super::ours::Runner::first_id(serial);
        Self { id, lanes: BTreeMap::new(), seen: 0, stopping: false, most: 0, config_version }
    }

    /// It says how it stands and asks for more.
    pub fn asks(&mut self, work: &Work<'_>, journeys: &BTreeMap<u32, Journey>) -> Event {
        let current: BTreeMap<u32, u32> = work.current.iter().filter_map(|(id, count)| pair(*id, *count)).collect();
        for (scenario, id) in &work.completed {
            let (Ok(scenario), Ok(View::Int(id))) = (u32::try_from(*scenario), id.view()) else { continue };
            let recycled = journeys.get(&scenario).is_some_and(|journey| journey.recycled);
            if let Some(lane) = self.lanes.get_mut(&scenario) {
                lane.completed(id, recycled);
            }
        }
        self.most = work.max_work.map_or(RUNS_MAX, |most| u32::try_from(most).unwrap_or(0).min(RUNS_MAX));
        let mut report = scenario::Report { seen: self.seen, running: current.clone(), ..Default::default() };
        for (id, lane) in &mut self.lanes {
            lane.running = current.get(id).copied().unwrap_or(0);
            lane.ended = lane.ended.max(lane.handed.saturating_sub(u64::from(lane.running)));
            report.ended.insert(*id, lane.ended);
            report.completed.extend(std::mem::take(&mut lane.completed).into_iter().map(|item| (*id, item)));
            report.unused.extend(std::mem::take(&mut lane.unused).into_iter().map(|item| (*id, item)));
            if journeys.get(id).is_some_and(|journey| journey.with_data && !journey.recycled) && !self.stopping {
                report.wants.insert(*id, lane.wants());
            }
        }
        Event::Report(self.id, report)
    }

    /// The reply: as many runs as its orders lack, and the config they need.
    pub fn reply(&mut self, journeys: &BTreeMap<u32, Journey>, config: &Config) -> Vec<u8> {
        let (mut runs, mut bytes) = (Vec::new(), 0);
        for (id, lane) in &mut self.lanes {
            let Some(journey) = journeys.get(id) else { continue };
            while !self.stopping && runs.len() < self.most as usize && bytes < REPLY_BYTES && lane.may_begin() {
                let item = if journey.with_data {
                    let Some(item) = lane.stock.pop_front() else { break };
                    Some(item)
                } else {
                    None
                };
                lane.running += 1;
                lane.handed += 1;
                bytes += journey.spec.len();
                if let Some(item) = &item {
                    bytes += item.data.len();
                    lane.out.insert(item.id, item.clone());
                }
                runs.push((*id, journey.spec.as_str(), item));
            }
        }
        // All of it, which is less than the largest frame with the runs: a Python runner isn't asked to come again.
        let (changes, version) = config.changes(self.config_version, usize::MAX);
        self.config_version = version;
        encode(&runs, &changes, self.stopping)
    }

    /// It runs nothing, and no order lets it.
    pub fn is_idle(&self) -> bool {
        !self.stopping && self.most > 0 && self.lanes.values().all(|lane| lane.running == 0 && !lane.may_begin())
    }

    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Order { scenario, journeys, runs, number, .. } => {
                let lane = self.lanes.entry(scenario).or_default();
                (lane.journeys, lane.runs) = (journeys, runs);
                self.seen = self.seen.max(number);
            }
            Effect::Items { scenario, items, .. } => {
                let lane = self.lanes.entry(scenario).or_default();
                lane.stock.extend(items);
                lane.give_back();
            }
            Effect::Recall { scenario, items, .. } => {
                let lane = self.lanes.entry(scenario).or_default();
                lane.recalled = lane.recalled.saturating_add(items);
                lane.give_back();
            }
            Effect::Drain { number } => {
                self.seen = self.seen.max(number);
                self.stopping = true;
            }
            // A Python runner can't be told to cut anything off; the others are nothing that runners are told.
            Effect::CancelRest
            | Effect::AskModel { .. }
            | Effect::AskPool { .. }
            | Effect::ScenarioOver { .. }
            | Effect::Done => {}
        }
    }
}

fn pair(id: i64, count: i64) -> Option<(u32, u32)> {
    Some((u32::try_from(id).ok()?, u32::try_from(count).ok()?))
}

impl Lane {
    fn may_begin(&self) -> bool {
        self.running < self.journeys && self.runs.is_none_or(|runs| self.handed < runs)
    }

    fn completed(&mut self, id: i64, recycled: bool) {
        match self.out.remove(&id) {
            Some(item) if recycled => {
                self.stock.push_back(item);
                self.give_back();
            }
            Some(_) => self.completed.push(id),
            // It never had this.
            None => {}
        }
    }

    fn give_back(&mut self) {
        while self.recalled > 0
            && let Some(item) = self.stock.pop_back()
        {
            self.unused.push(item.id);
            self.recalled -= 1;
        }
    }

    /// Items for two rounds, and for what it used between its last two reports.
    fn wants(&mut self) -> u32 {
        let used = self.handed - self.handed_before;
        self.handed_before = self.handed;
        let goal = u64::from(self.journeys) * 2 + used * 2;
        u32::try_from(goal.saturating_sub(self.stock.len() as u64)).unwrap_or(u32::MAX)
    }
}

fn encode(runs: &[(u32, &str, Option<Item>)], changes: &[(&str, &[u8])], stop: bool) -> Vec<u8> {
    let ids: Vec<Vec<u8>> = runs.iter().map(|(_, _, item)| item.as_ref().map_or_else(Vec::new, id)).collect();
    let work = runs.iter().zip(&ids).map(|((scenario, journey, item), id)| WorkItem {
        scenario: i64::from(*scenario),
        data_id: item.as_ref().and_then(|_| Raw::whole(id).ok()),
        journey,
        args: item.as_ref().and_then(|item| Raw::whole(&item.data).ok()),
    });
    let config = changes.iter().filter_map(|(key, value)| Some((*key, Raw::whole(value).ok()?))).collect();
    WorkReply { work: work.collect(), config, stop }.encode()
}

fn id(item: &Item) -> Vec<u8> {
    let mut out = Vec::new();
    rmp::encode::write_sint(&mut out, item.id).expect("memory takes every byte");
    out
}

#[cfg(test)]
mod tests;

//! Who is there: every request of a runner comes here, and what follows from it for the test goes from here.
//!
//! No socket and no clock: time comes as [`tick`](Members::tick)s, and answers are bytes.

mod requests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::ours;
use super::python::{self, Journey};
use super::shelf::Shelf;
use crate::scenario::{Effect, Event};
use crate::wire::config::Config;
use crate::wire::control::BYE_REPLY;
use crate::wire::control::ours::Test;
use crate::wire::totals::Totals;

/// Seconds without a word after which a runner of ours is given up, and a Python runner.
const SILENCE_OURS: f64 = 2.0;
const SILENCE_PYTHON: f64 = 10.0;
/// Seconds more for each runner there is, for ours: hundreds have to be heard in turn, and each is a small part of the load.
const SILENCE_MORE: f64 = 0.005;
/// Runners at a time; one more is refused.
const MEMBERS_MAX: usize = 5_000;
/// A step of time counts as no more than this: when the controller itself was held up, its runners were not silent.
const STEP_MAX: f64 = 0.3;

/// What a runner is told of the test.
#[derive(Debug)]
pub struct About {
    /// The canonical spec.
    pub name: String,
    pub run_id: String,
    pub config: Config,
    pub test: Test,
    pub journeys: BTreeMap<u32, Journey>,
}

/// All runners.
#[derive(Debug)]
pub struct Members {
    about: About,
    /// The version of the config when the test was made. Every runner is told what is newer, also what its hello has said.
    config_at_first: u64,
    shelf: Shelf,
    next_id: u32,
    next_serial: u64,
    members: BTreeMap<u32, Member>,
    /// Whose runner a serial number is of.
    serials: BTreeMap<u64, u32>,
    /// What those had seen that are gone.
    gone: Totals,
    /// Nothing new is begun any more.
    closing: bool,
    /// Where the journeys on a runner are limited: the most on each worker, as the first runner that came divides them.
    worker_max: Option<u32>,
    pub figures: Figures,
}

/// How many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// That were ready at some time.
    pub took_part: u32,
    /// Of those, gone without a farewell.
    pub lost: u32,
    /// Of those that took part: Python's, whose figures nobody has.
    pub python: u32,
    /// Workers that ended too soon.
    pub lost_workers: u32,
}

#[derive(Debug)]
struct Member {
    kind: Kind,
    /// Seconds since it was heard.
    silent: f64,
    since: u64,
}

#[derive(Debug)]
enum Kind {
    Ours(Box<ours::Runner>),
    Python(python::Runner),
}

/// What a request comes to.
#[derive(Debug)]
pub struct Outcome {
    pub events: Vec<Event>,
    pub reply: Reply,
}

#[derive(Debug)]
pub enum Reply {
    Now(Vec<u8>),
    /// When all that follows from the events is done: [`Members::reply`] of this runner.
    Later(u32),
}

impl Members {
    pub fn new(about: About, shelf: Shelf) -> Self {
        Self {
            config_at_first: about.config.version(),
            about,
            shelf,
            next_id: 1,
            next_serial: 1,
            members: BTreeMap::new(),
            serials: BTreeMap::new(),
            gone: Totals::default(),
            closing: false,
            worker_max: None,
            figures: Figures::default(),
        }
    }

    fn serial(&mut self, runner: u32) -> u64 {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.serials.insert(serial, runner);
        serial
    }

    /// Whether a hello was answered with this id.
    fn greeted(&self, runner: i64) -> Option<u32> {
        u32::try_from(runner).ok().filter(|id| (1..self.next_id).contains(id))
    }

    /// It is not there any more; what it has seen still counts.
    fn remove(&mut self, id: u32) -> Option<Member> {
        let member = self.members.remove(&id)?;
        self.serials.remove(&member.since);
        if let Kind::Ours(runner) = &member.kind {
            self.gone.add(&runner.totals);
        }
        Some(member)
    }

    /// The config has changed.
    pub fn configure(&mut self, config: Config) {
        self.about.config = config;
    }

    /// The reply that a runner waits for.
    pub fn reply(&mut self, id: u32) -> Vec<u8> {
        let About { config, journeys, .. } = &self.about;
        match self.members.get_mut(&id).map(|member| &mut member.kind) {
            Some(Kind::Ours(runner)) => runner.answer(config),
            Some(Kind::Python(runner)) => runner.reply(journeys, config),
            None => BYE_REPLY.to_vec(),
        }
    }

    /// Whether this is a Python runner that runs nothing, and would be told to do nothing, while there may soon be something to do.
    pub fn has_nothing_for(&self, id: u32) -> bool {
        match self.members.get(&id).map(|member| &member.kind) {
            Some(Kind::Python(runner)) => !self.closing && runner.is_idle(),
            Some(Kind::Ours(_)) | None => false,
        }
    }

    /// So many seconds have passed: who has been silent for too long is gone.
    pub fn tick(&mut self, seconds: f64) -> Vec<Event> {
        let mut silent = Vec::new();
        let ours = SILENCE_OURS + SILENCE_MORE * self.members.len() as f64;
        for (id, member) in &mut self.members {
            member.silent += seconds.min(STEP_MAX);
            let most = if matches!(member.kind, Kind::Ours(_)) { ours } else { SILENCE_PYTHON };
            if member.silent > most {
                silent.push(*id);
            }
        }
        silent.into_iter().flat_map(|id| self.give_up(id)).collect()
    }

    fn give_up(&mut self, id: u32) -> Vec<Event> {
        match self.remove(id) {
            Some(Member { kind: Kind::Ours(runner), silent, .. }) => {
                tracing::error!("runner {id} has been silent for {silent:.1} s: it is lost, others get its share");
                self.figures.lost += u32::from(runner.ready && !runner.is_over());
                runner.leave()
            }
            Some(Member { kind: Kind::Python(runner), silent, .. }) => {
                tracing::error!("runner {id} has been silent for {silent:.1} s: it is lost, others get its share");
                self.figures.lost += 1;
                vec![Event::Left(runner.id)]
            }
            None => Vec::new(),
        }
    }

    pub fn carry_out(&mut self, effect: Effect) {
        match &effect {
            Effect::Order { runner, .. } | Effect::Items { runner, .. } | Effect::Recall { runner, .. } => {
                let id = self.serials.get(&ours::Runner::serial_of(*runner)).copied();
                if let Some(member) = id.and_then(|id| self.members.get_mut(&id)) {
                    member.carry_out(effect);
                }
            }
            Effect::Drain { .. } | Effect::CancelRest => {
                self.closing = true;
                self.members.values_mut().for_each(|member| member.carry_out(effect.clone()));
            }
            Effect::AskModel { .. } | Effect::AskPool { .. } | Effect::ScenarioOver { .. } | Effect::Done => {}
        }
    }

    /// Runners that can run journeys.
    pub fn ready(&self) -> u32 {
        let ready = |member: &&Member| match &member.kind {
            Kind::Ours(runner) => runner.ready,
            Kind::Python(_) => true,
        };
        u32::try_from(self.members.values().filter(ready).count()).unwrap_or(u32::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Those that are still there will not say their last word: they are lost, unless they need not say one.
    pub fn close(&mut self) {
        for member in std::mem::take(&mut self.members).into_values() {
            if let Kind::Ours(runner) = member.kind {
                self.figures.lost += u32::from(runner.ready && !runner.is_over());
                self.figures.lost_workers += runner.lost_workers;
                self.gone.add(&runner.totals);
            }
        }
        self.serials.clear();
    }

    fn each(&self) -> impl Iterator<Item = &Totals> {
        let there = self.members.values().filter_map(|member| match &member.kind {
            Kind::Ours(runner) => Some(&runner.totals),
            Kind::Python(_) => None,
        });
        there.chain([&self.gone])
    }

    pub fn totals(&self) -> Totals {
        let mut all = Totals::default();
        self.each().for_each(|totals| all.add(totals));
        all
    }

    pub fn requests(&self) -> u64 {
        self.each().map(Totals::requests_made).sum()
    }
}

impl Member {
    fn carry_out(&mut self, effect: Effect) {
        match &mut self.kind {
            Kind::Ours(runner) => runner.carry_out(effect),
            Kind::Python(runner) => runner.carry_out(effect),
        }
    }
}

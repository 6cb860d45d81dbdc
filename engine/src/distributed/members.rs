//! Who is there: every request of a runner comes here, and what follows from it for the test goes from here.
//!
//! No socket and no clock: time comes as [`tick`](Members::tick)s, and answers are bytes.

use std::collections::BTreeMap;

use super::ours;
use super::python::{self, Journey};
use super::shelf::Shelf;
use crate::console::text;
use crate::scenario::{Effect, Event};
use crate::wire::control::ours::{Answer, Ask, Asker, Extension, Join, Leave, PROTOCOL, Test, WORKERS_MAX, pack};
use crate::wire::control::{BYE_REPLY, EXTENSION, Hello, Request, Work, Wrong};
use crate::wire::totals::Totals;
use crate::wire::value::Raw;

/// Seconds without a word after which a runner of ours is given up, and a Python runner.
const SILENCE_OURS: f64 = 2.0;
const SILENCE_PYTHON: f64 = 10.0;
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
    /// Keys and msgpack values.
    pub config: Vec<(String, Vec<u8>)>,
    pub test: Test,
    pub journeys: BTreeMap<u32, Journey>,
}

/// All runners.
#[derive(Debug)]
pub struct Members {
    about: About,
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
    Ours(ours::Runner),
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

fn now(bytes: Vec<u8>) -> Outcome {
    Outcome { events: Vec::new(), reply: Reply::Now(bytes) }
}

fn gone() -> Outcome {
    now(pack(&Answer::<()>::Gone))
}

impl Members {
    pub fn new(about: About, shelf: Shelf) -> Self {
        Self {
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

    /// A request. What can't be read is answered with nil, so that nobody waits for ever, and changes nothing.
    pub fn ask(&mut self, body: &[u8]) -> Result<Outcome, (Wrong, Vec<u8>)> {
        let wrong = |error| (error, BYE_REPLY.to_vec());
        match Request::decode(body).map_err(wrong)? {
            Request::Hello => Ok(now(self.hello())),
            Request::Work(work) => Ok(self.work(&work)),
            Request::Bye(runner) => Ok(self.bye(runner)),
            Request::Ours(kind, content) => Ok(match Ask::decode(kind, content).map_err(wrong)? {
                ask if ask.from().run_id != self.about.run_id => gone(),
                Ask::Join(join) => self.join(&join),
                Ask::Fetch(fetch) => self.fetch(&fetch.from, &fetch.sha256, fetch.offset),
                Ask::Exchange(exchange) => self.exchange(*exchange),
                Ask::Leave(leave) => self.leave(*leave),
            }),
        }
    }

    fn hello(&mut self) -> Vec<u8> {
        let runner = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        let extension = pack(&Extension { protocol: PROTOCOL, run_id: self.about.run_id.clone() });
        let config = self.about.config.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        let config = config.chain([(EXTENSION, extension.as_slice())]);
        let config = config.filter_map(|(key, value)| Some((key, Raw::whole(value).ok()?))).collect();
        Hello { runner: i64::from(runner), test: &self.about.name, config }.encode()
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

    fn join(&mut self, join: &Join) -> Outcome {
        if self.closing {
            return now(pack(&Answer::<Test>::Over));
        }
        let refused = |reason: String| now(pack(&Answer::<Test>::Refused(reason)));
        if join.protocol != PROTOCOL {
            return refused(format!(
                "the controller is mite {} and the runner mite {}: they don't understand each other, use the same version",
                env!("CARGO_PKG_VERSION"),
                join.version
            ));
        }
        if !(1..=WORKERS_MAX).contains(&join.workers) {
            return refused(format!("a runner has 1 to {WORKERS_MAX} workers, not {}", join.workers));
        }
        let Some(runner) = self.greeted(i64::from(join.from.runner)) else { return gone() };
        let mut events = Vec::new();
        if !self.members.contains_key(&runner) {
            if self.members.len() >= MEMBERS_MAX {
                return refused(format!("there are {MEMBERS_MAX} runners already"));
            }
            let workers = self.workers(join.workers, &mut events);
            let serial = self.serial(runner);
            let kind = Kind::Ours(ours::Runner::new(serial, workers));
            self.members.insert(runner, Member { kind, silent: 0.0, since: serial });
            tracing::info!("runner {runner} is there, with {workers} workers");
        }
        let Some(Member { kind: Kind::Ours(there), .. }) = self.members.get(&runner) else { return gone() };
        let test = Test { workers: there.workers, ..self.about.test.clone() };
        Outcome { events, reply: Reply::Now(pack(&Answer::Here(test))) }
    }

    /// How many of a runner's workers are used, so that with the most on each there are never more journeys on it than may be.
    fn workers(&mut self, offered: u32, events: &mut Vec<Event>) -> u32 {
        let Some(most) = self.about.test.journeys_max else { return offered };
        let each = *self.worker_max.get_or_insert_with(|| {
            let each = most.div_ceil(offered.min(most)).max(1);
            events.push(Event::RunnerMax(each));
            each
        });
        offered.min((most / each).max(1))
    }

    fn ours(&mut self, from: &Asker) -> Option<&mut ours::Runner> {
        let member = self.members.get_mut(&from.runner)?;
        member.silent = 0.0;
        match &mut member.kind {
            Kind::Ours(runner) => Some(runner),
            Kind::Python(_) => None,
        }
    }

    fn fetch(&mut self, from: &Asker, sha256: &str, offset: u64) -> Outcome {
        if self.ours(from).is_none() {
            return gone();
        }
        now(pack(&match self.shelf.piece(sha256, offset) {
            Some(piece) => Answer::Here(piece),
            None => Answer::Refused(format!("there is no component {sha256}")),
        }))
    }

    fn exchange(&mut self, exchange: crate::wire::control::ours::Exchange) -> Outcome {
        let (closing, id) = (self.closing, exchange.from.runner);
        let from = exchange.from.clone();
        let Some(runner) = self.ours(&from) else { return gone() };
        if closing && !runner.ready {
            self.remove(id);
            return now(pack(&Answer::<()>::Over));
        }
        let was_ready = runner.ready;
        let Some(events) = runner.exchange(exchange) else {
            return now(runner.answer());
        };
        if runner.ready && !was_ready {
            self.figures.took_part += 1;
            tracing::info!("runner {id} is ready");
        }
        Outcome { events, reply: Reply::Later(id) }
    }

    fn leave(&mut self, leave: Leave) -> Outcome {
        let id = leave.from.runner;
        let mut events = Vec::new();
        if let Some(runner) = self.ours(&leave.from) {
            events = runner.leave();
            runner.totals = leave.totals;
            let lost_workers = runner.lost_workers;
            match leave.reason {
                Some(reason) => tracing::warn!(
                    "runner {id} leaves: {}",
                    text::escape(&reason.chars().take(500).collect::<String>())
                ),
                None => tracing::info!("runner {id} leaves"),
            }
            self.figures.lost_workers += lost_workers;
            self.remove(id);
        }
        Outcome { events, reply: Reply::Now(BYE_REPLY.to_vec()) }
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

    fn work(&mut self, work: &Work<'_>) -> Outcome {
        let stop = || now(crate::wire::control::WorkReply { stop: true, ..Default::default() }.encode());
        // One of another controller's, which runs something else: it comes to its end.
        let Some(id) = self.greeted(work.runner) else { return stop() };
        let mut events = Vec::new();
        if !self.members.contains_key(&id) {
            if self.closing || self.members.len() >= MEMBERS_MAX {
                return stop();
            }
            let serial = self.serial(id);
            let runner = python::Runner::new(serial);
            self.workers(1, &mut events);
            events.push(Event::Joined(runner.id));
            self.members.insert(id, Member { kind: Kind::Python(runner), silent: 0.0, since: serial });
            self.figures.took_part += 1;
            self.figures.python += 1;
            tracing::info!("runner {id} is there, one of Python's");
        }
        let journeys = &self.about.journeys;
        let Some(Member { kind: Kind::Python(runner), silent, .. }) = self.members.get_mut(&id) else { return stop() };
        *silent = 0.0;
        events.push(runner.asks(work, journeys));
        Outcome { events, reply: Reply::Later(id) }
    }

    fn bye(&mut self, runner: i64) -> Outcome {
        let mut events = Vec::new();
        let id = self
            .greeted(runner)
            .filter(|id| matches!(self.members.get(id), Some(Member { kind: Kind::Python(_), .. })));
        if let Some(Member { kind: Kind::Python(runner), .. }) = id.and_then(|id| self.remove(id)) {
            tracing::info!("runner {} leaves", id.unwrap_or_default());
            events.push(Event::Left(runner.id));
        }
        Outcome { events, reply: Reply::Now(BYE_REPLY.to_vec()) }
    }

    /// The reply that a runner waits for.
    pub fn reply(&mut self, id: u32) -> Vec<u8> {
        match self.members.get_mut(&id).map(|member| &mut member.kind) {
            Some(Kind::Ours(runner)) => runner.answer(),
            Some(Kind::Python(runner)) => runner.reply(&self.about.journeys),
            None => BYE_REPLY.to_vec(),
        }
    }

    /// So many seconds have passed: who has been silent for too long is gone.
    pub fn tick(&mut self, seconds: f64) -> Vec<Event> {
        let mut silent = Vec::new();
        for (id, member) in &mut self.members {
            member.silent += seconds.min(STEP_MAX);
            let most = if matches!(member.kind, Kind::Ours(_)) { SILENCE_OURS } else { SILENCE_PYTHON };
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

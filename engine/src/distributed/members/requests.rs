//! What runners ask, one request after the other.

use super::{Kind, MEMBERS_MAX, Member, Members, Outcome, Reply};
use crate::console::text;
use crate::distributed::{ours, python};
use crate::scenario::Event;
use crate::wire::control::ours::{
    Answer, Ask, Asker, Exchange, Extension, Join, Leave, PROTOCOL, Test, WORKERS_MAX, pack,
};
use crate::wire::control::{BYE_REPLY, EXTENSION, Hello, Request, Work, WorkReply, Wrong};
use crate::wire::value::Raw;

fn now(bytes: Vec<u8>) -> Outcome {
    Outcome { events: Vec::new(), reply: Reply::Now(bytes) }
}

fn gone() -> Outcome {
    now(pack(&Answer::<()>::Gone))
}

impl Members {
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
        let config = self.about.config.entries().chain([(EXTENSION, extension.as_slice())]);
        let config = config.filter_map(|(key, value)| Some((key, Raw::whole(value).ok()?))).collect();
        Hello { runner: i64::from(runner), test: &self.about.name, config }.encode()
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
            let kind = Kind::Ours(Box::new(ours::Runner::new(serial, workers, self.config_at_first)));
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

    fn exchange(&mut self, exchange: Exchange) -> Outcome {
        let (closing, id) = (self.closing, exchange.from.runner);
        let from = exchange.from.clone();
        let Some(runner) = self.ours(&from) else { return gone() };
        if closing && !runner.ready {
            self.remove(id);
            return now(pack(&Answer::<()>::Over));
        }
        let was_ready = runner.ready;
        let Some(events) = runner.exchange(exchange) else {
            return now(self.reply(id));
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

    fn work(&mut self, work: &Work<'_>) -> Outcome {
        let stop = || now(WorkReply { stop: true, ..Default::default() }.encode());
        // One of another controller's, which runs something else: it comes to its end.
        let Some(id) = self.greeted(work.runner) else { return stop() };
        let mut events = Vec::new();
        if !self.members.contains_key(&id) {
            if self.closing || self.members.len() >= MEMBERS_MAX {
                return stop();
            }
            let serial = self.serial(id);
            let runner = python::Runner::new(serial, self.config_at_first);
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
}

//! Runners elsewhere as a crew: the sockets around [`Members`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::Interval;

use super::downstream::Downstream;
use super::members::{Members, Reply};
use crate::console::text;
use crate::scenario::{Effect, Event};
use crate::steer::{Behind, Crew};
use crate::wire::account::Account;
use crate::wire::batch::Batch;
use crate::wire::config::Config;
use crate::wire::socket::{self, Parcel, Push, Rep, Responder, Told};
use crate::wire::totals::Totals;

/// How often it is looked who has been silent.
const LOOK: Duration = Duration::from_millis(100);
/// How long runners may take to say their last word once nothing runs any more: they first let their messages go.
const FAREWELL: Duration = Duration::from_secs(20);
/// How long what the controller itself has sent may take to arrive at the end.
pub const LINGER: Duration = Duration::from_secs(5);
/// How long it may take, once all is sent, until consumers have told that it came.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a Python runner that has nothing to do may be kept waiting for work: an answer without any would have it sleep for a second.
const HOLD: Duration = Duration::from_millis(250);
/// Requests whose answer is due; no more are taken before they have theirs.
const WAITING_MAX: usize = 10_000;

/// The runners of a test, and the way of the controller's messages.
pub struct Runners {
    rep: Rep,
    push: Push,
    pub members: Members,
    /// Runners to begin with.
    expected: u32,
    /// They were all there at some time.
    complete: bool,
    waiting: Vec<(Responder, u32, Instant)>,
    look: Interval,
    looked: Instant,
    account: Account,
    /// What became of messages.
    downstream: Downstream,
    opened: Instant,
    /// When a bad request was last complained about.
    complained: Option<Instant>,
}

impl Runners {
    pub fn new(rep: Rep, push: Push, members: Members, expected: u32, account: Account) -> Self {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self {
            rep,
            push,
            members,
            expected,
            complete: false,
            waiting: Vec::new(),
            look,
            looked: Instant::now(),
            account,
            downstream: Downstream::default(),
            opened: Instant::now(),
            complained: None,
        }
    }

    fn asked(&mut self, request: socket::Request) -> Vec<Event> {
        match self.members.ask(&request.body) {
            Ok(outcome) => {
                match outcome.reply {
                    Reply::Now(bytes) => drop(request.responder.answer(&bytes)),
                    Reply::Later(runner) => self.waiting.push((request.responder, runner, Instant::now())),
                }
                outcome.events
            }
            Err((wrong, reply)) => {
                let due = self.complained.is_none_or(|at| at.elapsed() > Duration::from_secs(1));
                if due {
                    self.complained = Some(Instant::now());
                    let peer = text::escape(&request.peer.to_string());
                    tracing::warn!("a request of {peer} means nothing here: {}", text::escape(&wrong.to_string()));
                }
                request.responder.answer(&reply);
                Vec::new()
            }
        }
    }

    /// Says how many messages were made here.
    fn note(&self) {
        if let Err(error) = self.push.note(&self.account.key(), &self.account.encode()) {
            tracing::warn!("{error}");
        }
    }

    /// Lets the controller's messages go, for `linger` at most, and waits for what becomes of all, if anybody tells. `made` and `dropped` are
    /// those of runners.
    pub async fn close(mut self, made: u64, dropped: u64, linger: Duration) -> Closed {
        self.members.close();
        self.note();
        let runners = made.saturating_sub(dropped);
        self.settle(runners + self.account.made - self.account.dropped, linger.min(SETTLE)).await;
        let (made, dropped) = (self.account.made, self.account.dropped);
        let counts = self.push.close(linger).await;
        if counts.waiting > 0 {
            tracing::warn!("{} messages of the controller found nobody who takes them", counts.waiting);
        }
        let dropped = dropped + counts.waiting;
        let behind = self.downstream.behind(runners + made - dropped).unwrap_or_default();
        Closed { made, dropped, behind }
    }

    fn hear(&mut self, told: &Told) {
        self.downstream.hear(&told.key, &told.body, self.opened.elapsed().as_secs_f64());
    }

    async fn settle(&mut self, sent: u64, most: Duration) {
        let deadline = tokio::time::Instant::now() + most;
        while let Some(told) = self.push.try_told() {
            self.hear(&told);
        }
        while !self.downstream.is_settled(sent) {
            match tokio::time::timeout_at(deadline, self.push.told()).await {
                Ok(told) => self.hear(&told),
                Err(_) => break,
            }
        }
    }
}

/// The controller's messages, those of them that were dropped, and what became of those of all senders.
pub struct Closed {
    pub made: u64,
    pub dropped: u64,
    pub behind: Behind,
}

impl Crew for Runners {
    fn is_complete(&self) -> bool {
        self.complete
    }

    fn runners(&self) -> u32 {
        self.members.ready()
    }

    async fn next(&mut self) -> Vec<Event> {
        let events = tokio::select! {
            // What has come is looked at before anybody is said to be silent.
            biased;
            event = self.rep.next(), if self.waiting.len() < WAITING_MAX => match event {
                socket::Event::Request(request) => self.asked(request),
                socket::Event::Connected(_) | socket::Event::Disconnected(_) => Vec::new(),
            },
            told = self.push.told() => {
                self.hear(&told);
                Vec::new()
            }
            _ = self.look.tick() => {
                let seconds = self.looked.elapsed().as_secs_f64();
                self.looked = Instant::now();
                self.members.tick(seconds)
            }
        };
        if !self.complete && self.members.ready() >= self.expected {
            self.complete = true;
        }
        events
    }

    async fn look_for_the_lost(&mut self) -> Vec<Event> {
        self.note();
        Vec::new()
    }

    async fn carry_out(&mut self, effect: Effect) {
        self.members.carry_out(effect);
    }

    async fn configure(&mut self, config: &Config) {
        self.members.configure(config.clone());
    }

    fn answer(&mut self) {
        for (responder, runner, since) in std::mem::take(&mut self.waiting) {
            if self.members.has_nothing_for(runner) && since.elapsed() < HOLD {
                self.waiting.push((responder, runner, since));
            } else {
                responder.answer(&self.members.reply(runner));
            }
        }
    }

    async fn farewell(&mut self) {
        let deadline = tokio::time::Instant::now() + FAREWELL;
        while !self.members.is_empty() {
            // Nothing that still happens changes the test.
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(_) => self.answer(),
                Err(_) => break,
            }
        }
    }

    fn totals(&self) -> Totals {
        self.members.totals()
    }

    fn requests(&self) -> u64 {
        self.members.requests()
    }

    fn tell(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut batch = Batch::default();
        encode(batch.buffer());
        batch.end_message();
        self.account.made += 1;
        // Where there is no room the message is dropped: the test doesn't wait for its pipeline.
        self.account.dropped += u64::from(self.push.try_send(Parcel::from(&batch)).is_err());
    }

    fn now_unix(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }
}

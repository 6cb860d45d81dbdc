//! A test under a controller of ours: its components, standing orders, and how it stands ten times a second.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

use super::line::{Line, Silence};
use super::mail::Mail;
use super::outgoing::Outgoing;
use super::{Args, End, Error, fetch};
use crate::component;
use crate::runner::room::{self, Made, Wanted};
use crate::runner::{Assignment, Clock, Data, REPORT, Reuse, Runner, Settings, machine, worker_count};
use crate::scenario::Item;
use crate::wire::config::Config;
use crate::wire::control::ours::{
    self as wire, Answer, Ask, Asker, Blob, Command, Exchange, Join, Leave, Orders, PROTOCOL, Test,
};

/// How often the controller is told how it stands, and asked for orders.
const EXCHANGE: Duration = Duration::from_millis(100);
/// The same while the components are compiled.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// What journeys get to come to their end when the controller is lost.
const GRACE: Duration = Duration::from_secs(30);
/// What workers get to say their last word after they were cut off.
const LAST_WORD: Duration = Duration::from_secs(5);

/// One test, from the hello on.
pub struct Life<'a> {
    pub args: &'a Args,
    pub line: &'a mut Line,
    pub from: Asker,
    pub test: String,
    pub config: Config,
    pub part: u32,
    pub shutdown: &'a CancellationToken,
}

/// What is there while journeys run.
struct Working {
    runner: Runner,
    outgoing: Outgoing,
    mail: Mail,
    config: Config,
    workers: u32,
    over: BTreeSet<u32>,
    told: bool,
}

impl Life<'_> {
    pub async fn live(mut self) -> Result<End, Error> {
        let workers = worker_count(self.args.workers);
        let join = Ask::Join(Join {
            from: self.from.clone(),
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workers,
        });
        let test = match self.line.ask::<Test>(&join).await {
            Ok(Answer::Here(test)) => test,
            Ok(Answer::Gone) | Err(Silence::Lost) => return Ok(End::Again),
            Ok(Answer::Over) => return Ok(End::Over),
            Ok(Answer::Refused(reason)) => return Err(Error::Refused(reason)),
            Err(error) => return Err(Error::Refused(error.to_string())),
        };
        tracing::info!("runner {} of {}: preparing", self.from.runner, self.test);
        let mut mail = Mail::default();
        let made = match self.prepare(&test, &mut mail).await? {
            Ok(made) => made,
            Err(end) => return Ok(end),
        };
        let workers = test.workers.clamp(1, workers);
        let mut working = self.start(&test, &made, workers, mail)?;
        tracing::info!("runner {} of {}: ready, {workers} workers", self.from.runner, self.test);
        match self.work(&mut working).await {
            Ok(None) => self.end(working).await,
            Ok(Some(end)) => {
                working.cut_off().await;
                Ok(end)
            }
            Err(Silence::Lost) => {
                tracing::error!("{}: no new runs", Silence::Lost);
                working.drain_alone().await;
                Err(Error::Lost)
            }
            Err(Silence::Wrong(error)) => {
                tracing::error!("the controller's answer means nothing: {error}");
                working.cut_off().await;
                Ok(End::Again)
            }
        }
    }

    /// Gets and compiles the components, and says every now and then that it is still there.
    async fn prepare(&mut self, test: &Test, mail: &mut Mail) -> Result<Result<Made, End>, Error> {
        let mut components = Vec::new();
        for wanted in &test.components {
            match fetch::component(self.line, &self.from, wanted, &self.args.components).await? {
                Ok(bytes) => components.push((wanted.package.clone(), bytes)),
                Err(end) => return Ok(Err(end)),
            }
        }
        let most = test.journeys_max.and_then(NonZeroU32::new);
        machine::prepare(test.peak, most).iter().for_each(|warning| tracing::warn!("{warning}"));
        let wanted = Wanted { peak: test.peak, journeys_max: most, journey_memory: test.journeys.journey_memory };
        let bounds = self.args.components;
        let preparing = async {
            let compiled = fetch::compile(components, bounds).await?;
            let made = tokio::task::spawn_blocking(move || {
                let components: Vec<_> = compiled.iter().map(|it| (it.package.as_str(), &it.code)).collect();
                room::make(wanted, &components)
            });
            made.await.unwrap_or_else(|panic| Err(component::Error::Room { reason: panic.to_string() }))
        };
        let mut preparing = std::pin::pin!(preparing);
        let mut every = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                made = &mut preparing => {
                    let made = made?;
                    made.fallback.iter().for_each(|warning| tracing::warn!("{warning}"));
                    return Ok(Ok(made));
                }
                _ = every.tick() => {
                    let (from, number) = (self.from.clone(), mail.next_number());
                    let exchange = Exchange { from, number, ready: false, reports: Vec::new(), totals: None };
                    match self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await {
                        // There are no orders before its workers are ready.
                        Ok(Answer::Here(orders)) => drop(change(&mut self.config, orders.config)),
                        Ok(Answer::Over) => return Ok(Err(End::Over)),
                        _ => return Ok(Err(End::Again)),
                    }
                }
                () = self.shutdown.cancelled() => return Ok(Err(End::Over)),
            }
        }
    }

    fn start(&mut self, test: &Test, made: &Made, workers: u32, mail: Mail) -> Result<Working, Error> {
        let journeys = &test.journeys;
        let settings = Arc::new(Settings {
            test: self.test.clone(),
            run_id: self.from.run_id.clone(),
            runner_id: self.from.runner,
            workers,
            reuse: Reuse::from_str(&journeys.connections, true).map_err(|_| {
                Error::Refused(format!("nobody knows who `{}` is that may use connections again", journeys.connections))
            })?,
            fresh_instances: journeys.fresh_instances,
            request_timeout: journeys.request_timeout,
            run_timeout: journeys.journey_timeout,
            report_every: REPORT,
        });
        let assignments = test.assignments.iter().map(|one| {
            let prepared = made.prepared.get(&one.package);
            Ok(Assignment {
                id: one.scenario,
                journey: one.journey.as_str().into(),
                name: one.name.clone(),
                prepared: prepared.ok_or_else(|| Error::Refused(format!("{} is missing", one.package)))?.clone(),
                data: match one.data {
                    wire::Data::Without => Data::Without,
                    wire::Data::Recycled => Data::Recycled,
                    wire::Data::Once => Data::Once,
                },
            })
        });
        let assignments = assignments.collect::<Result<Vec<_>, Error>>()?;
        let outgoing = Outgoing::open(&self.args.message_socket, &self.test, &self.from.run_id, self.part)?;
        let config = std::mem::take(&mut self.config);
        let known = Arc::new(config.clone());
        let runner = Runner::start(&settings, &made.engine, &assignments, &known, Clock::start(), &outgoing.sender())?;
        Ok(Working { runner, outgoing, mail, config, workers, over: BTreeSet::new(), told: false })
    }

    /// Until every worker has said its last word (None), or the controller has no use for this runner any more.
    async fn work(&mut self, working: &mut Working) -> Result<Option<End>, Silence> {
        let mut every = tokio::time::interval(EXCHANGE);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.shutdown.is_cancelled() && !working.told {
                working.told = true;
                working.runner.drain(0).await;
            }
            working.collect();
            let all_over = working.over.len() == working.workers as usize;
            loop {
                let exchange = working.mail.take(&self.from, working.outgoing.dropped());
                let orders = match self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await? {
                    Answer::Here(orders) => orders,
                    Answer::Over => return Ok(Some(End::Over)),
                    Answer::Gone | Answer::Refused(_) => return Ok(Some(End::Again)),
                };
                let more = orders.more;
                working.obey(orders).await;
                if !more {
                    break;
                }
            }
            if all_over {
                return Ok(None);
            }
        }
    }

    /// Nothing runs any more: lets the messages go, and says goodbye.
    async fn end(self, working: Working) -> Result<End, Error> {
        let Working { runner, outgoing, mut mail, told, .. } = working;
        runner.close();
        let mut closing = std::pin::pin!(outgoing.close().done());
        let mut every = tokio::time::interval(HEARTBEAT);
        let dropped = loop {
            tokio::select! {
                dropped = &mut closing => break dropped,
                _ = every.tick() => {
                    let exchange = mail.take(&self.from, 0);
                    // Whoever is silent now has all it needs.
                    let _ = self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await;
                }
            }
        };
        let reason = told.then(|| "it was told to stop".to_owned());
        let leave = Leave { from: self.from.clone(), totals: mail.totals(dropped), reason };
        if self.line.again(&Ask::Leave(Box::new(leave)).encode()).await.is_err() {
            return Err(Error::Lost);
        }
        tracing::info!("runner {} of {}: done", self.from.runner, self.test);
        Ok(End::Over)
    }
}

/// Takes changes of the config. Whether there were any; what is over a limit is left out, with a warning.
fn change(config: &mut Config, changes: Vec<(String, Blob)>) -> bool {
    let before = config.version();
    for (key, value) in changes {
        if let Err(error) = config.set(&key, value.0) {
            tracing::warn!("{error}");
        }
    }
    config.version() != before
}

impl Working {
    /// Takes what the workers have reported.
    fn collect(&mut self) {
        while let Ok(report) = self.runner.reports.try_recv() {
            if report.over {
                self.over.insert(report.worker);
            }
            self.mail.put(report);
        }
        for worker in self.runner.ended() {
            if self.over.insert(worker) {
                tracing::error!("worker {worker} has ended too soon: its journeys are lost");
                self.mail.lost(worker);
            }
        }
    }

    async fn obey(&mut self, orders: Orders) {
        if change(&mut self.config, orders.config) {
            self.runner.configure(&Arc::new(self.config.clone())).await;
        }
        for command in orders.commands {
            match command {
                Command::Order { worker, scenario, journeys, runs, number } => {
                    self.runner.order(worker, scenario, journeys, runs, number).await;
                }
                Command::Items { worker, scenario, items } => {
                    let items = items.into_iter().map(|(id, data)| Item { id, data: data.0.into() }).collect();
                    self.runner.supply(worker, scenario, items).await;
                }
                Command::Recall { worker, scenario, items } => self.runner.recall(worker, scenario, items).await,
                Command::Drain { number } => self.runner.drain(number).await,
                Command::Cancel => self.runner.cancel().await,
            }
        }
    }

    /// Ends what runs, now.
    async fn cut_off(mut self) {
        self.runner.cancel().await;
        self.wait(LAST_WORD).await;
        self.close().await;
    }

    /// Lets what runs come to its end, without anybody to tell.
    async fn drain_alone(mut self) {
        self.runner.drain(0).await;
        if !self.wait(GRACE).await {
            tracing::warn!("the grace is over: what still runs is cut off");
            self.runner.cancel().await;
            self.wait(LAST_WORD).await;
        }
        self.close().await;
    }

    /// Whether every worker has ended in time.
    async fn wait(&mut self, most: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + most;
        while self.over.len() < self.workers as usize && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(EXCHANGE).await;
            self.collect();
        }
        self.over.len() == self.workers as usize
    }

    async fn close(self) {
        self.runner.close();
        self.outgoing.close().done().await;
    }
}

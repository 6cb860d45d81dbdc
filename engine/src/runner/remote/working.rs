//! What is there of a test under a controller of ours while its journeys run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::account::{Account, Figures};
use super::mail::Mail;
use super::outgoing::Outgoing;
use crate::runner::Runner;
use crate::runner::clock::{Clock, machine_now};
use crate::runner::quota::{Journeys, Kind, News, Order, Quota, Test};
use crate::scenario::Item;
use crate::wire::config::Config;
use crate::wire::control::ours::{Blob, Command, Orders};

/// What journeys get to come to their end when the controller is lost.
const GRACE: Duration = Duration::from_secs(30);
/// What workers get to say their last word after they were cut off.
const LAST_WORD: Duration = Duration::from_secs(5);
/// How often workers are looked at while they end.
const LOOK: Duration = Duration::from_millis(100);

/// See the module.
pub struct Working {
    pub runner: Runner,
    pub outgoing: Outgoing,
    pub mail: Mail,
    pub config: Config,
    pub workers: u32,
    pub clock: Clock,
    over: BTreeSet<u32>,
    /// Journeys at once on each worker.
    running: BTreeMap<u32, u64>,
    journeys: Journeys,
    held: Option<Held>,
    stopping: Stopping,
}

/// A quota, and what is told of it.
struct Held {
    quota: Arc<Quota>,
    account: Arc<Account>,
    /// What of this test is in the account.
    counted: Figures,
    news: News,
    looked: u64,
    told: Instant,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.quota.journeys.set_used(0);
    }
}

/// How far it has come since the runner was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stopping {
    #[default]
    No,
    Since(Instant),
    CutOff,
}

/// How often messages tell what was held back.
const NEWS: Duration = Duration::from_secs(1);

impl Working {
    pub fn new(
        runner: Runner,
        outgoing: Outgoing,
        (mail, config): (Mail, Config),
        workers: u32,
        clock: Clock,
        tenant: Option<(Arc<Quota>, Arc<Account>)>,
    ) -> Self {
        let held = tenant.map(|(quota, account)| Held {
            news: News::new(quota.clone()),
            quota,
            account,
            counted: Figures::default(),
            looked: machine_now(),
            told: Instant::now(),
        });
        let (over, running, journeys, stopping) = Default::default();
        Self { runner, outgoing, mail, config, workers, clock, over, running, journeys, held, stopping }
    }

    /// Whether all workers have said their last word.
    pub fn is_over(&self) -> bool {
        self.over.len() == self.workers as usize
    }

    /// Whether it ends since the runner was told to stop.
    pub fn is_told_to_stop(&self) -> bool {
        self.stopping != Stopping::No
    }

    /// The runner was told to stop: no new runs, and after `grace`, if there is one, those that still go on are cut off.
    pub async fn stop(&mut self, grace: Option<Duration>) {
        match (self.stopping, grace) {
            (Stopping::No, _) => {
                self.stopping = Stopping::Since(Instant::now());
                self.runner.drain(0).await;
            }
            (Stopping::Since(since), Some(grace)) if since.elapsed() >= grace => {
                self.stopping = Stopping::CutOff;
                tracing::warn!("told to stop {} s ago: what still runs is cut off", grace.as_secs());
                self.runner.cancel().await;
            }
            _ => {}
        }
    }

    /// Takes what the workers have reported.
    pub fn collect(&mut self) {
        while let Ok(report) = self.runner.reports.try_recv() {
            if report.over {
                self.over.insert(report.worker);
            }
            self.running.insert(report.worker, report.scenarios.iter().map(|one| u64::from(one.running)).sum());
            self.mail.put(report);
        }
        for worker in self.runner.ended() {
            if self.over.insert(worker) {
                tracing::error!("worker {worker} has ended too soon: its journeys are lost");
                self.mail.lost(worker);
            }
        }
    }

    /// Looks at the quota: what has become of its limits, and what it held back.
    pub async fn look_at_quota(&mut self, from: Test<'_>) {
        let Some(held) = &mut self.held else { return };
        let most = held.quota.journeys.limit();
        let orders = self.journeys.deal(most);
        let now = machine_now();
        if most.is_some_and(|most| self.journeys.wanted() > most) && self.stopping == Stopping::No {
            held.quota.hold(Kind::Journeys, now - held.looked);
        }
        held.looked = now;
        held.quota.journeys.set_used(self.running.values().sum());
        if held.told.elapsed() >= NEWS || self.over.len() == self.workers as usize {
            held.told = Instant::now();
            let figures = self.mail.figures();
            held.account.add(std::mem::replace(&mut held.counted, figures), figures);
            if let Some(batch) = held.news.messages(self.clock.unix(self.clock.now()), from) {
                let made = batch.len() as u64;
                self.mail.told(made, self.outgoing.sender().send(batch));
            }
        }
        self.mail.held = held.news.totals(self.journeys.held_peak());
        self.give(orders).await;
    }

    async fn give(&self, orders: Vec<Order>) {
        for Order { worker, scenario, journeys, runs, number } in orders {
            self.runner.order(worker, scenario, journeys, runs, number).await;
        }
    }

    pub async fn obey(&mut self, orders: Orders) {
        if change(&mut self.config, orders.config) {
            self.runner.configure(&Arc::new(self.config.clone())).await;
        }
        for command in orders.commands {
            match command {
                Command::Order { worker, scenario, journeys, runs, number } => {
                    let most = self.held.as_ref().and_then(|held| held.quota.journeys.limit());
                    let order = Order { worker, scenario, journeys, runs, number };
                    let orders = self.journeys.order(order, most);
                    self.give(orders).await;
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
    pub async fn cut_off(mut self) {
        self.runner.cancel().await;
        self.wait(LAST_WORD).await;
        self.close().await;
    }

    /// Lets what runs come to its end, without anybody to tell.
    pub async fn drain_alone(mut self) {
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
        let deadline = Instant::now() + most;
        while !self.is_over() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            self.collect();
        }
        self.is_over()
    }

    async fn close(self) {
        self.runner.close();
        self.outgoing.close().done().await;
    }
}

/// Takes changes of the config. Whether there were any; what is over a limit is left out, with a warning.
pub fn change(config: &mut Config, changes: Vec<(String, Blob)>) -> bool {
    let before = config.version();
    for (key, value) in changes {
        if let Err(error) = config.set(&key, value.0) {
            tracing::warn!("{error}");
        }
    }
    config.version() != before
}

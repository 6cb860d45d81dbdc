//! The workers of this process as a crew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::pipeline::Pipeline;
use crate::runner::{self, Clock, Runner};
use crate::scenario::{Effect, Event};
use crate::steer::Crew;
use crate::wire::config::Config;
use crate::wire::totals::Totals;

/// How long workers may take to say their last word once nothing runs any more.
const FAREWELL: Duration = Duration::from_secs(10);

/// The workers, and the pipeline for their messages.
pub struct Workers {
    pub runner: Runner,
    pub pipeline: Pipeline,
    pub clock: Clock,
    /// The newest of each worker.
    totals: BTreeMap<u32, Totals>,
    /// Workers that have said their last word, and those that ended without.
    over: BTreeSet<u32>,
    lost: BTreeSet<u32>,
    workers: u32,
    /// Those that the controller knows of.
    joined: bool,
    /// Every worker has said its last word, or was lost.
    gone: bool,
}

impl Workers {
    pub fn new(runner: Runner, pipeline: Pipeline, clock: Clock, workers: u32) -> Self {
        let (totals, over, lost) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { runner, pipeline, clock, totals, over, lost, workers, joined: false, gone: false }
    }

    /// Workers that ended without their last figures.
    pub fn lost(&self) -> u32 {
        self.workers.saturating_sub(u32::try_from(self.over.len()).unwrap_or(self.workers))
    }

    fn reported(&mut self, mut report: runner::Report) -> Vec<Event> {
        if let Some(totals) = report.totals.take() {
            self.totals.insert(report.worker, *totals);
        }
        let (worker, over) = (report.worker, report.over);
        let mut events = vec![Event::Report(u64::from(worker), report.told())];
        if over {
            self.over.insert(worker);
            events.push(Event::Left(u64::from(worker)));
        }
        events
    }
}

impl Crew for Workers {
    fn is_complete(&self) -> bool {
        self.joined
    }

    fn runners(&self) -> u32 {
        1
    }

    async fn next(&mut self) -> Vec<Event> {
        if !self.joined {
            self.joined = true;
            return (0..self.workers).map(|worker| Event::Joined(u64::from(worker))).collect();
        }
        if self.gone {
            // The controller comes to its end by itself.
            return std::future::pending().await;
        }
        match self.runner.reports.recv().await {
            Some(report) => self.reported(report),
            None => {
                self.gone = true;
                Vec::new()
            }
        }
    }

    /// A worker whose thread has ended without a last word will not say one.
    async fn look_for_the_lost(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Ok(report) = self.runner.reports.try_recv() {
            events.extend(self.reported(report));
        }
        for worker in self.runner.ended() {
            if !self.over.contains(&worker) && self.lost.insert(worker) {
                tracing::error!("worker {worker} has ended too soon: its journeys are lost");
                events.push(Event::Left(u64::from(worker)));
            }
        }
        events
    }

    async fn carry_out(&mut self, effect: Effect) {
        let worker = |runner: u64| u32::try_from(runner).unwrap_or(u32::MAX);
        match effect {
            Effect::Order { runner, scenario, journeys, runs, number } => {
                self.runner.order(worker(runner), scenario, journeys, runs, number).await;
            }
            Effect::Items { runner, scenario, items } => self.runner.supply(worker(runner), scenario, items).await,
            Effect::Recall { runner, scenario, items } => self.runner.recall(worker(runner), scenario, items).await,
            Effect::Drain { number } => self.runner.drain(number).await,
            Effect::CancelRest => self.runner.cancel().await,
            // Nothing that workers are told.
            Effect::AskModel { .. } | Effect::AskPool { .. } | Effect::ScenarioOver { .. } | Effect::Done => {}
        }
    }

    async fn configure(&mut self, config: &Config) {
        self.runner.configure(&Arc::new(config.clone())).await;
    }

    fn answer(&mut self) {}

    async fn farewell(&mut self) {
        let deadline = tokio::time::Instant::now() + FAREWELL;
        while self.over.len() + self.lost.len() < self.workers as usize && tokio::time::Instant::now() < deadline {
            let next = tokio::time::timeout(Duration::from_secs(1), self.runner.reports.recv()).await;
            match next {
                Ok(Some(report)) => drop(self.reported(report)),
                Ok(None) => break,
                Err(_) => drop(self.look_for_the_lost().await),
            }
        }
    }

    fn totals(&self) -> Totals {
        let mut all = Totals::default();
        self.totals.values().for_each(|totals| all.add(totals));
        all
    }

    fn requests(&self) -> u64 {
        self.totals.values().map(Totals::requests_made).sum()
    }

    fn tell(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        self.pipeline.tell(encode);
    }

    fn now_unix(&self) -> f64 {
        self.clock.unix(self.clock.now())
    }
}

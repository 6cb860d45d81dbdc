//! The loop of a test: time, reports and signals go to the controller; what it decides goes to the runner, and how things
//! stand to the console.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::outcome::{Figures, Outcome};
use super::pipeline::Pipeline;
use super::{Args, Error, Ready, Started, Wanted};
use crate::console::screen::Screen;
use crate::console::{Phase, Progress, Report, ScenarioLine};
use crate::controller::Controller;
use crate::runner::{self, Clock, Runner};
use crate::scenario::{self, Effect, Event, OverReason};
use crate::shutdown::Signals;
use crate::wire::message::controller_report;
use crate::wire::totals::Totals;

/// How often the controller looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// How often the console is drawn.
const DRAW: Duration = Duration::from_millis(500);
/// How long workers may take to say their last word once nothing runs any more.
const FAREWELL: Duration = Duration::from_secs(10);

/// Runs a test to its end. The second part of the answer says what of the scenario's own code failed meanwhile.
pub async fn steer(
    args: &Args,
    wanted: &Wanted,
    ready: Ready,
    signals: &mut Signals,
    screen: &Screen,
) -> Result<(Report, Option<String>), Error> {
    let Started { runner, controller, pipeline, settings, clock, warnings, _ticker } = ready.start(args)?;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let mut wheel = Wheel {
        runner,
        controller,
        pipeline,
        clock,
        screen,
        start: Instant::now(),
        totals: BTreeMap::new(),
        over: BTreeSet::new(),
        lost: BTreeSet::new(),
        workers: settings.workers,
        signal: None,
        told_twice: false,
        done: false,
        figures: Figures::default(),
        test: settings.test.clone(),
    };
    for worker in 0..settings.workers {
        wheel.happened(Event::Joined(u64::from(worker))).await;
    }
    wheel.turn(signals).await;
    wheel.farewell().await;
    let failure = wheel.controller.failures.first().cloned();
    let until_told = matches!(wanted, Wanted::Journey { seconds: None, .. });
    let report = wheel.outcome(args, &settings, until_told, warnings).await;
    Ok((report, failure))
}

struct Wheel<'a> {
    runner: Runner,
    controller: Controller,
    pipeline: Pipeline,
    clock: Clock,
    screen: &'a Screen,
    start: Instant,
    /// The newest of each worker.
    totals: BTreeMap<u32, Totals>,
    /// Workers that have said their last word, and those that ended without.
    over: BTreeSet<u32>,
    lost: BTreeSet<u32>,
    workers: u32,
    signal: Option<&'static str>,
    told_twice: bool,
    done: bool,
    figures: Figures,
    test: String,
}

impl Wheel<'_> {
    async fn turn(&mut self, signals: &mut Signals) {
        let mut ticks = interval(TICK);
        let mut draws = interval(DRAW);
        let mut seconds = interval(Duration::from_secs(1));
        let mut gone = false;
        while !self.done {
            tokio::select! {
                _ = ticks.tick() => self.happened(Event::Tick).await,
                report = self.runner.reports.recv(), if !gone => match report {
                    Some(report) => self.reported(report).await,
                    // Every worker has said its last word, or was lost: the controller comes to its end by itself.
                    None => gone = true,
                },
                _ = draws.tick() => self.draw(),
                _ = seconds.tick() => {
                    self.look_for_the_lost().await;
                    self.second();
                }
                signal = signals.next() => self.stop(signal).await,
            }
        }
        self.second();
    }

    /// The first signal lets runs come to their end, the second cuts them off.
    async fn stop(&mut self, signal: &'static str) {
        self.told_twice = self.signal.is_some();
        if !self.told_twice {
            tracing::info!("{signal}: no new runs; a second one cuts off those that still run");
        }
        self.signal.get_or_insert(signal);
        self.happened(Event::Stop).await;
    }

    async fn happened(&mut self, event: Event) {
        let now = self.start.elapsed().as_secs_f64();
        for effect in self.controller.handle(now, event).await {
            self.carry_out(effect).await;
        }
        if self.controller.core().phase() == scenario::Phase::Running {
            self.figures.begin(Instant::now());
        }
    }

    async fn carry_out(&mut self, effect: Effect) {
        let worker = |runner: u64| u32::try_from(runner).unwrap_or(u32::MAX);
        match effect {
            Effect::Order { runner, scenario, journeys, runs, number } => {
                self.runner.order(worker(runner), scenario, journeys, runs, number).await;
            }
            Effect::Items { runner, scenario, items } => self.runner.supply(worker(runner), scenario, items).await,
            Effect::Recall { runner, scenario, items } => self.runner.recall(worker(runner), scenario, items).await,
            Effect::ScenarioOver { scenario, reason } => self.scenario_over(scenario, reason),
            Effect::Drain { number } => self.runner.drain(number).await,
            Effect::CancelRest => {
                let why = if self.told_twice { "told again" } else { "the grace is over" };
                tracing::warn!("{why}: what still runs is cut off");
                self.runner.cancel().await;
            }
            Effect::Done => {
                self.figures.end(Instant::now());
                self.done = true;
            }
            // The controller has answered these itself.
            Effect::AskModel { .. } | Effect::AskPool { .. } => {}
        }
    }

    fn scenario_over(&self, scenario: u32, reason: OverReason) {
        if let Some(item) = self.controller.core().scenario(scenario) {
            tracing::debug!(journey = %item.journey, "scenario item {scenario} is over: {reason}");
        }
    }

    async fn reported(&mut self, report: runner::Report) {
        let runner::Report { worker, seen, scenarios, totals, over } = report;
        if let Some(totals) = totals {
            self.totals.insert(worker, *totals);
        }
        let mut told = scenario::Report { seen, ..Default::default() };
        for one in scenarios {
            let id = one.scenario;
            told.running.insert(id, one.running);
            told.ended.insert(id, one.ended);
            told.completed.extend(one.completed.into_iter().map(|item| (id, item)));
            told.unused.extend(one.unused.into_iter().map(|item| (id, item)));
            told.wants.insert(id, one.wants);
        }
        self.happened(Event::Report(u64::from(worker), told)).await;
        if over {
            self.over.insert(worker);
            self.happened(Event::Left(u64::from(worker))).await;
        }
    }

    /// A worker whose thread has ended without a last word will not say one.
    async fn look_for_the_lost(&mut self) {
        while let Ok(report) = self.runner.reports.try_recv() {
            self.reported(report).await;
        }
        for worker in self.runner.ended() {
            if !self.over.contains(&worker) && self.lost.insert(worker) {
                tracing::error!("worker {worker} has ended too soon: its journeys are lost");
                self.happened(Event::Left(u64::from(worker))).await;
            }
        }
    }

    /// Once nothing runs any more, every worker has its totals to tell.
    async fn farewell(&mut self) {
        self.runner.drain(u64::MAX).await;
        let deadline = tokio::time::Instant::now() + FAREWELL;
        while self.over.len() + self.lost.len() < self.workers as usize {
            let next = tokio::time::timeout(Duration::from_secs(1), self.runner.reports.recv()).await;
            match next {
                Ok(Some(report)) => self.reported(report).await,
                Ok(None) => break,
                Err(_) => self.look_for_the_lost().await,
            }
            if tokio::time::Instant::now() > deadline {
                break;
            }
        }
    }

    fn all_totals(&self) -> Totals {
        let mut all = Totals::default();
        self.totals.values().for_each(|totals| all.add(totals));
        all
    }

    /// The message of the controller.
    fn second(&mut self) {
        let core = self.controller.core();
        let (required, actual) = (core.required(), core.actual());
        let (now, test, run_id) = (self.clock.unix(self.clock.now()), self.test.clone(), self.pipeline.run_id());
        self.pipeline.tell(|out| controller_report(out, now, &test, required.iter(), actual.iter(), 1, &run_id));
        let requests = self.totals.values().flat_map(|totals| totals.requests.values());
        let requests = requests.map(|requests| requests.responses() + requests.errors()).sum();
        let phase = self.controller.core().phase();
        self.figures.second(requests, phase == scenario::Phase::Running, Instant::now());
    }

    fn draw(&self) {
        let core = self.controller.core();
        let now = self.start.elapsed().as_secs_f64();
        let (required, actual) = (core.required(), core.actual());
        let ids = (1..).map_while(|id| core.scenario(id).map(|item| (id, item.journey.clone())));
        let of = |counts: &BTreeMap<u32, u32>, id: u32| counts.get(&id).copied().unwrap_or(0);
        let progress = Progress {
            test: self.test.clone(),
            phase: match core.phase() {
                scenario::Phase::Waiting => Phase::Waiting,
                scenario::Phase::Running => Phase::Running,
                scenario::Phase::Draining | scenario::Phase::Done => Phase::Draining,
            },
            elapsed: Duration::from_secs_f64(core.elapsed(now).max(0.0)),
            planned: planned(core),
            runners: 1,
            scenarios: ids
                .map(|(id, journey)| ScenarioLine {
                    id,
                    journey,
                    required: of(&required, id),
                    running: of(&actual, id),
                })
                .collect(),
            totals: self.all_totals(),
        };
        if let Err(error) = self.screen.update(&progress) {
            tracing::debug!("nothing can be shown: {error}");
        }
    }

    async fn outcome(
        self,
        args: &Args,
        settings: &runner::Settings,
        until_told: bool,
        warnings: Vec<String>,
    ) -> Report {
        let totals = self.all_totals();
        let over = u32::try_from(self.over.len()).unwrap_or(self.workers);
        let lost_workers = self.workers - over;
        let planned = planned(self.controller.core());
        self.runner.close();
        let (received, made, dropped) = self.pipeline.close().await;
        Outcome {
            settings,
            thresholds: args.thresholds(),
            totals,
            figures: self.figures,
            planned,
            signal: self.signal.filter(|_| !until_told),
            lost_workers,
            received,
            made,
            dropped,
            started: self.clock.unix(0),
            warnings,
        }
        .report()
    }
}

/// How long the test was to last; a test until interrupted has a volume that outlasts everyone.
fn planned(core: &scenario::Core) -> Option<Duration> {
    core.planned().filter(|seconds| *seconds < scenario::MAX_SECONDS).map(Duration::from_secs_f64)
}

fn interval(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

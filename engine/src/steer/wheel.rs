//! The loop of a test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Crew, Figures};
use crate::console::screen::Screen;
use crate::console::{Phase, Progress, ScenarioLine};
use crate::controller::Controller;
use crate::scenario::{self, Effect, Event, OverReason};
use crate::shutdown::Signals;
use crate::wire::message::controller_report;

/// How often the controller looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// How often the console is drawn.
const DRAW: Duration = Duration::from_millis(500);
/// How long last words are waited for after a second signal.
const HURRY: Duration = Duration::from_secs(1);

/// What is said of a test in its messages and on the screen.
#[derive(Clone, Debug)]
pub struct Test {
    /// The canonical spec.
    pub name: String,
    /// The field of messages.
    pub run_id: Arc<[u8]>,
}

/// A test that has been steered to its end.
pub struct Steered<C> {
    pub crew: C,
    pub figures: Figures,
    pub planned: Option<Duration>,
    pub signal: Option<&'static str>,
    /// A second signal has come, or one when all was over: nothing is waited for that may take long.
    pub hurried: bool,
    /// What of the scenario's own code failed meanwhile.
    pub failure: Option<String>,
}

/// Runs a test to its end. Its clock begins when the crew is complete.
pub async fn steer<C: Crew>(
    mut controller: Controller,
    crew: C,
    test: Test,
    signals: &mut Signals,
    screen: &Screen,
) -> Steered<C> {
    let mut wheel = Wheel {
        crew,
        config_version: controller.definition().config().version(),
        controller,
        screen,
        opened: Instant::now(),
        start: None,
        signal: None,
        hurried: false,
        done: false,
        figures: Figures::default(),
        test,
    };
    wheel.turn(signals).await;
    wheel.farewell(signals).await;
    let Wheel { crew, controller, signal, hurried, figures, .. } = wheel;
    let (planned, failure) = (planned(controller.core()), controller.failures.first().cloned());
    Steered { crew, figures, planned, signal, hurried, failure }
}

struct Wheel<'a, C> {
    crew: C,
    controller: Controller,
    /// Of the config that the crew knows.
    config_version: u64,
    screen: &'a Screen,
    /// When it was made.
    opened: Instant,
    /// When the crew was complete; no time passes for the controller before.
    start: Option<Instant>,
    signal: Option<&'static str>,
    /// A second signal has come, or one when all was over.
    hurried: bool,
    done: bool,
    figures: Figures,
    test: Test,
}

impl<C: Crew> Wheel<'_, C> {
    async fn turn(&mut self, signals: &mut Signals) {
        let mut ticks = interval(TICK);
        let mut draws = interval(DRAW);
        let mut seconds = interval(Duration::from_secs(1));
        while !self.done {
            tokio::select! {
                _ = ticks.tick() => self.tick().await,
                events = self.crew.next() => self.all(events).await,
                _ = draws.tick() => self.draw(),
                _ = seconds.tick() => {
                    let lost = self.crew.look_for_the_lost().await;
                    self.all(lost).await;
                    self.second();
                }
                signal = signals.next() => self.stop(signal).await,
            }
        }
        self.second();
    }

    async fn tick(&mut self) {
        if self.start.is_none() && self.crew.is_complete() {
            self.start = Some(Instant::now());
        }
        if self.start.is_some() {
            self.happened(Event::Tick).await;
        }
    }

    /// The first signal lets runs come to their end, the second cuts them off.
    async fn stop(&mut self, signal: &'static str) {
        self.hurried = self.signal.is_some();
        if !self.hurried {
            tracing::info!("{signal}: no new runs; a second one cuts off those that still run");
        }
        self.signal.get_or_insert(signal);
        self.happened(Event::Stop).await;
    }

    async fn all(&mut self, events: Vec<Event>) {
        for event in events {
            self.happened(event).await;
        }
        self.crew.answer();
    }

    fn now(&self) -> f64 {
        self.start.map_or(0.0, |start| start.elapsed().as_secs_f64())
    }

    async fn happened(&mut self, event: Event) {
        let effects = self.controller.handle(self.now(), event).await;
        // A function that was asked may have set some: journeys that were ordered because of its answer know that.
        let config = self.controller.definition().config();
        if config.version() != self.config_version {
            self.config_version = config.version();
            self.crew.configure(config).await;
        }
        for effect in effects {
            self.carry_out(effect).await;
        }
        if self.controller.core().phase() == scenario::Phase::Running {
            self.figures.begin(Instant::now());
        }
    }

    async fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ScenarioOver { scenario, reason } => self.scenario_over(scenario, reason),
            Effect::CancelRest => {
                let why = if self.hurried { "told again" } else { "the grace is over" };
                tracing::warn!("{why}: what still runs is cut off");
                self.crew.carry_out(effect).await;
            }
            Effect::Done => {
                self.figures.end(Instant::now());
                self.done = true;
            }
            // The controller has answered these itself.
            Effect::AskModel { .. } | Effect::AskPool { .. } => {}
            effect => self.crew.carry_out(effect).await,
        }
    }

    fn scenario_over(&self, scenario: u32, reason: OverReason) {
        if let Some(item) = self.controller.core().scenario(scenario) {
            match reason {
                OverReason::NoRunners | OverReason::RunnerLost => {
                    tracing::error!(journey = %item.journey, "scenario item {scenario} is over: {reason}");
                }
                _ => tracing::debug!(journey = %item.journey, "scenario item {scenario} is over: {reason}"),
            }
        }
    }

    /// Every worker has its totals to tell. Signals are heard, and change nothing any more but the patience, which is
    /// [`HURRY`] then.
    async fn farewell(&mut self, signals: &mut Signals) {
        self.crew.carry_out(Effect::Drain { number: u64::MAX }).await;
        let (crew, hurried) = (&mut self.crew, &mut self.hurried);
        let heard = async {
            if !*hurried {
                signals.next().await;
                *hurried = true;
            }
            tokio::time::sleep(HURRY).await;
        };
        tokio::select! {
            () = crew.farewell() => {}
            () = heard => tracing::warn!("told again: not waiting for the last words of all runners"),
        }
    }

    /// The message of the controller.
    fn second(&mut self) {
        let core = self.controller.core();
        let (required, actual) = (core.required(), core.actual());
        let (now, runners, test) = (self.crew.now_unix(), self.crew.runners(), &self.test);
        self.crew.tell(|out| {
            controller_report(out, now, &test.name, required.iter(), actual.iter(), runners, &test.run_id);
        });
        let running = core.phase() == scenario::Phase::Running;
        self.figures.second(self.crew.requests(), running, Instant::now());
    }

    fn draw(&self) {
        let core = self.controller.core();
        let (required, actual) = (core.required(), core.actual());
        let ids = (1..).map_while(|id| core.scenario(id).map(|item| (id, item.journey.clone())));
        let of = |counts: &BTreeMap<u32, u32>, id: u32| counts.get(&id).copied().unwrap_or(0);
        let waited = self.opened.elapsed();
        let progress = Progress {
            test: self.test.name.clone(),
            phase: match core.phase() {
                scenario::Phase::Waiting => Phase::Waiting,
                scenario::Phase::Running => Phase::Running,
                scenario::Phase::Draining | scenario::Phase::Done => Phase::Draining,
            },
            elapsed: match core.phase() {
                scenario::Phase::Waiting => waited,
                _ => Duration::from_secs_f64(core.elapsed(self.now()).max(0.0)),
            },
            planned: planned(core),
            runners: self.crew.runners(),
            scenarios: ids
                .map(|(id, journey)| ScenarioLine {
                    id,
                    journey,
                    required: of(&required, id),
                    running: of(&actual, id),
                })
                .collect(),
            totals: self.crew.totals(),
        };
        if let Err(error) = self.screen.update(&progress) {
            tracing::debug!("nothing can be shown: {error}");
        }
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

//! The controller's state machine: which runner keeps how many journeys of which scenario running, with which data, from
//! the first moment to the last.
//!
//! Orders are standing ones, so nothing here is asked for a single run. Two promises shape it: never more journeys at once
//! than asked for (a place moves to another runner only when the first one has reported that it is empty), and the test
//! ends.

mod check;
mod data;
mod plan;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use self::check::CoreError;
use super::datapool::{Item, Pool};
use super::spawn::Spawn;
use super::volume::Volume;

/// Runners at a time; a further one that joins is ignored (and so are its reports).
pub const MAX_RUNNERS: usize = 10_000;
/// Scenario items of a test; more are refused.
pub const MAX_SCENARIOS: usize = 1_000;
/// Items of one datapool that one runner has at a time, those in use included; it gets no more until some come back.
pub const LEASE_MAX: u32 = 100_000;
/// Seconds of test time between two questions to a volume model.
const MODEL_SECONDS: f64 = 1.0;

/// What the person who runs the test chose. Seconds are finite, from 0 to ten years.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// New journeys at once a second, over all scenarios: more than 0, finite.
    pub spawn_rate: f64,
    /// Nothing runs before; then the volumes begin at 0.
    pub delay_start_seconds: f64,
    /// Journeys at once on each runner, over all scenarios; none: no limit.
    pub runner_max_journeys: Option<u32>,
    /// Journeys at once on all runners together; none: no limit.
    pub journeys_max: Option<u32>,
    /// Seconds that runs may go on after the end before they are cancelled; and that a test goes on without any runner.
    pub grace: f64,
}

/// How much of a journey.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    Volume(Volume),
    /// A volume model of the component, by name; it is asked by [`Effect::AskModel`].
    Model(String),
    /// Exactly one run.
    Once,
}

/// One line of a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioItem {
    /// Counted from 1 in the order of the list.
    pub id: u32,
    /// `package:journey`
    pub journey: String,
    pub load: Load,
    /// None: the journey gets no data.
    pub pool: Option<Pool>,
}

/// What happens to a test.
#[derive(Clone, Debug)]
pub enum Event {
    /// A runner is there. An id is used once in a test.
    Joined(u64),
    /// So many journeys at once on each runner from now on, instead of [`Settings::runner_max_journeys`].
    RunnerMax(u32),
    /// A runner is gone, in order (after its last report) or not.
    Left(u64),
    Report(u64, Report),
    /// The answer to [`Effect::AskModel`]; none: the scenario is over.
    Model {
        scenario: u32,
        journeys: Option<u32>,
    },
    /// The answer to [`Effect::AskPool`]; with `end` (or without an item) there are no more after these.
    Block {
        scenario: u32,
        items: Vec<Arc<[u8]>>,
        end: bool,
    },
    /// The scenario's own code failed when it was asked: it is over.
    Failed {
        scenario: u32,
    },
    /// The first: no new runs, those running have the grace to end. The second: the rest is cancelled now.
    Stop,
    /// Time passes. Several times a second; whatever has to do with time, and every new order, happens here.
    Tick,
}

/// How it stands with a runner. Scenarios that are missing from a map count as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The greatest number of an order (or a drain) that the runner knew when it wrote this.
    pub seen: u64,
    /// Journeys running, by scenario.
    pub running: BTreeMap<u32, u32>,
    /// Runs ended since the runner joined, by scenario.
    pub ended: BTreeMap<u32, u64>,
    /// (scenario, item) of runs that ended since the last report. Of a recyclable pool only if the runner wants the item
    /// to go back instead of using it again itself.
    pub completed: Vec<(u32, i64)>,
    /// (scenario, item) of items given back without a run.
    pub unused: Vec<(u32, i64)>,
    /// How many more items the runner would like to have now, by scenario with an iterable pool.
    pub wants: BTreeMap<u32, u32>,
}

/// What is to be done now, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// From now on keep so many journeys running at once, starting the next run in a place by itself, but start no more
    /// than `runs` of this scenario ever (none: no limit). Less than before: let the surplus run to its end.
    Order { runner: u64, scenario: u32, journeys: u32, runs: Option<u64>, number: u64 },
    /// Data for runs. Items of a recyclable pool are the runner's to use again and again, first in first out; others are
    /// for one run.
    Items { runner: u64, scenario: u32, items: Vec<Item> },
    /// Give so many items back (as `unused`): of a recyclable pool as soon as they are free, of others what is unused now.
    Recall { runner: u64, scenario: u32, items: u32 },
    /// Ask the volume model of this scenario for the time between these seconds of the test. Not asked again before the
    /// answer.
    AskModel { scenario: u32, from: f64, to: f64 },
    /// Ask the source of this scenario's pool for at most so many items. Not asked again before the answer.
    AskPool { scenario: u32, most: u32 },
    /// Nothing of this scenario is started any more; its orders go to 0.
    ScenarioOver { scenario: u32, reason: OverReason },
    /// To every runner: start nothing more, all orders are 0.
    Drain { number: u64 },
    /// To every runner: cancel what is still running.
    CancelRest,
    /// The end; every event from now on is ignored.
    Done,
}

/// Why a scenario is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverReason {
    /// Its time is up, or its model said so.
    VolumeOver,
    /// Every item was used.
    PoolExhausted,
    /// Its one run has ended.
    RunEnded,
    /// The test was told to stop.
    Stopped,
    /// Its own code failed.
    Failed,
    /// The runner that had its one run (or its one item) left.
    RunnerLost,
    /// No runner was left, for as long as the grace.
    NoRunners,
}

impl fmt::Display for OverReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VolumeOver => "its volume is over",
            Self::PoolExhausted => "its datapool is exhausted",
            Self::RunEnded => "its run has ended",
            Self::Stopped => "stopped",
            Self::Failed => "its own code failed",
            Self::RunnerLost => "the runner of its only run was lost",
            Self::NoRunners => "no runner was left",
        })
    }
}

/// Where the test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the start delay is over.
    Waiting,
    Running,
    /// Nothing is started any more; what runs has the grace to end. A runner that joins now has nothing to do.
    Draining,
    Done,
}

/// See the module. `(state, event, now) -> effects`: [`handle`](Core::handle) is the only thing that changes it.
#[derive(Clone, Debug)]
pub struct Core {
    settings: Settings,
    scenarios: Vec<Scenario>,
    runners: BTreeMap<u64, Runner>,
    spawn: Spawn,
    phase: Phase,
    /// The latest time seen; it never runs back.
    now: f64,
    /// When the clock of the volumes began.
    begun: f64,
    drained: f64,
    ended: f64,
    /// Since when no runner is left. None: there is one, or none has ever been there.
    alone: Option<f64>,
    /// The number of the latest order or drain.
    number: u64,
    /// Runners or leases are not as they were when places were last shared.
    changed: bool,
    /// Some order is waiting for places to become empty elsewhere.
    pending: bool,
    ignored: u64,
    effects: Vec<Effect>,
}

/// What is known about one scenario item.
#[derive(Clone, Debug)]
struct Scenario {
    item: ScenarioItem,
    over: Option<OverReason>,
    /// What the volume asks for now.
    required: u32,
    /// What of it finds no place on any runner.
    unplaced: u32,
    /// The places that there are: as far as the spawn rate has let them grow.
    level: u32,
    /// Runs ended on runners that are gone.
    ended: u64,
    /// To a volume model that has not answered.
    asked: bool,
    /// Up to when the model was asked.
    asked_to: f64,
    /// The one runner that a single run belongs to.
    pinned: Option<u64>,
    /// Runners want more items than there are.
    starved: bool,
}

impl Scenario {
    /// There will be one run only, so all of it stays on one runner.
    fn single(&self) -> bool {
        self.item.load == Load::Once || self.item.pool.as_ref().is_some_and(Pool::is_single_run)
    }

    /// Its items are leased to runners (not handed out as they are wanted).
    fn leased(&self) -> bool {
        self.item.pool.as_ref().is_some_and(|pool| !pool.is_iterable())
    }
}

#[derive(Clone, Debug)]
struct Runner {
    /// The number of the latest order to this runner.
    sent: u64,
    /// One for each scenario.
    places: Vec<Place>,
}

/// One scenario on one runner.
#[derive(Clone, Debug, Default)]
struct Place {
    /// What the runner was told.
    order: u32,
    /// What it should be told as soon as nothing stands in the way.
    target: u32,
    /// As reported.
    running: u32,
    /// No more than this can be running: an order that was lowered counts until the runner has reported knowing it.
    charged: u32,
    ended: u64,
    wants: u32,
    /// Its share of the pool's items.
    lease: u32,
    /// Items asked back that have not come yet.
    recalled: u32,
    held: BTreeSet<i64>,
}

impl Place {
    /// Items that it has and keeps.
    fn kept(&self) -> u32 {
        (self.held.len() as u32).saturating_sub(self.recalled)
    }
}

impl Core {
    /// A test that has not begun. Times are seconds from here on.
    pub fn new(items: Vec<ScenarioItem>, settings: Settings) -> Result<Self, CoreError> {
        check::check(&items, &settings)?;
        let scenarios = items.into_iter().map(|item| Scenario {
            item,
            over: None,
            required: 0,
            unplaced: 0,
            level: 0,
            ended: 0,
            asked: false,
            asked_to: 0.0,
            pinned: None,
            starved: false,
        });
        Ok(Self {
            settings,
            scenarios: scenarios.collect(),
            runners: BTreeMap::new(),
            spawn: Spawn::new(settings.spawn_rate),
            phase: Phase::Waiting,
            now: 0.0,
            begun: 0.0,
            drained: 0.0,
            ended: 0.0,
            alone: None,
            number: 0,
            changed: true,
            pending: false,
            ignored: 0,
            effects: Vec::new(),
        })
    }

    /// `now`: seconds since the controller began; a time before the latest one counts as that. What makes no sense (an
    /// unknown runner, scenario or item) is ignored and counted.
    pub fn handle(&mut self, now: f64, event: Event) -> Vec<Effect> {
        if self.phase == Phase::Done {
            return Vec::new();
        }
        self.now = self.now.max(now);
        match event {
            Event::Joined(id) => self.join(id),
            Event::RunnerMax(journeys) => {
                self.settings.runner_max_journeys = Some(journeys.max(1));
                self.changed = true;
            }
            Event::Left(id) => self.leave(id),
            Event::Report(id, report) => self.report(id, &report),
            Event::Model { scenario, journeys } => self.model(scenario, journeys),
            Event::Block { scenario, items, end } => self.block(scenario, items, end),
            Event::Failed { scenario } => match self.index(scenario) {
                Some(index) => self.over(index, OverReason::Failed),
                None => self.ignored += 1,
            },
            Event::Stop => self.stop(),
            Event::Tick => self.tick(),
        }
        std::mem::take(&mut self.effects)
    }

    fn index(&self, scenario: u32) -> Option<usize> {
        let index = scenario.checked_sub(1)? as usize;
        (index < self.scenarios.len()).then_some(index)
    }

    fn join(&mut self, id: u64) {
        if self.runners.contains_key(&id) || self.runners.len() >= MAX_RUNNERS {
            self.ignored += 1;
            return;
        }
        self.runners.insert(id, Runner { sent: 0, places: vec![Place::default(); self.scenarios.len()] });
        self.alone = None;
        self.changed = true;
    }
}

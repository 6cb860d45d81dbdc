//! What people see of a test.

use std::collections::BTreeMap;

use super::{Core, Load, OverReason, Phase, Scenario, ScenarioItem};

impl Core {
    /// Where the test is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Journeys at once that the volumes ask for now, by scenario; without scenarios that are over, empty before the start
    /// and after the end.
    pub fn required(&self) -> BTreeMap<u32, u32> {
        match self.phase {
            Phase::Running => self.each(|scenario, _| scenario.over.is_none().then_some(scenario.required)),
            _ => BTreeMap::new(),
        }
    }

    /// Journeys running as the runners last reported, by scenario; without scenarios of which none runs.
    pub fn actual(&self) -> BTreeMap<u32, u32> {
        self.each(|_, index| {
            let running = self.runners.values().map(|runner| runner.places[index].running);
            Some(running.fold(0, u32::saturating_add)).filter(|running| *running > 0)
        })
    }

    /// Journeys at once that find no place because runners are full (`runner_max_journeys`), missing, or without data; by
    /// scenario, without those of which all have one. What only waits for the spawn rate is not counted.
    pub fn unplaced(&self) -> BTreeMap<u32, u32> {
        self.each(|scenario, _| Some(scenario.unplaced).filter(|unplaced| *unplaced > 0))
    }

    /// Runs ended, by scenario, as the runners last reported.
    pub fn ended(&self) -> BTreeMap<u32, u64> {
        self.each(|_, index| Some(self.ended_of(index)))
    }

    /// The scenarios that are over, and why.
    pub fn over_reasons(&self) -> BTreeMap<u32, OverReason> {
        self.each(|scenario, _| scenario.over)
    }

    /// Runners that are there.
    pub fn runners(&self) -> usize {
        self.runners.len()
    }

    /// Seconds since the clock of the volumes began: 0 before, and no longer growing when the test is done.
    pub fn elapsed(&self, now: f64) -> f64 {
        match self.phase {
            Phase::Waiting => 0.0,
            Phase::Done => (self.ended - self.begun).max(0.0),
            Phase::Running | Phase::Draining => (now - self.begun).max(0.0),
        }
    }

    /// Seconds from the beginning of the volumes to the end of the last one; none: something lasts as long as it lasts.
    pub fn planned(&self) -> Option<f64> {
        let seconds = self.scenarios.iter().map(|scenario| match &scenario.item.load {
            Load::Volume(volume) => Some(volume.duration()),
            Load::Model(_) | Load::Once => None,
        });
        seconds.reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// The scenario item with this id, its pool in its present state.
    pub fn scenario(&self, id: u32) -> Option<&ScenarioItem> {
        self.index(id).map(|index| &self.scenarios[index].item)
    }

    /// Events, and entries of reports, that made no sense.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    pub(super) fn ended_of(&self, index: usize) -> u64 {
        let here = self.runners.values().map(|runner| runner.places[index].ended);
        here.fold(self.scenarios[index].ended, u64::saturating_add)
    }

    fn each<T>(&self, value: impl Fn(&Scenario, usize) -> Option<T>) -> BTreeMap<u32, T> {
        let all = self.scenarios.iter().enumerate();
        all.filter_map(|(index, scenario)| Some((scenario.item.id, value(scenario, index)?))).collect()
    }
}

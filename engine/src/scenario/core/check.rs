//! What a test can't begin with.

use std::fmt;

use super::super::volume::MAX_SECONDS;
use super::{MAX_SCENARIOS, ScenarioItem, Settings};

pub(super) fn check(items: &[ScenarioItem], settings: &Settings) -> Result<(), CoreError> {
    if items.is_empty() {
        return Err(CoreError::NoItems);
    }
    if items.len() > MAX_SCENARIOS {
        return Err(CoreError::TooManyItems(items.len()));
    }
    for (expected, item) in (1..).zip(items) {
        if item.id != expected {
            return Err(CoreError::Id { expected, found: item.id });
        }
    }
    if !(settings.spawn_rate.is_finite() && settings.spawn_rate > 0.0) {
        return Err(CoreError::SpawnRate(settings.spawn_rate));
    }
    if settings.runner_max_journeys == Some(0) {
        return Err(CoreError::RunnerMaxJourneys);
    }
    for (name, seconds) in [("start delay", settings.delay_start_seconds), ("grace", settings.grace)] {
        if !(0.0..=MAX_SECONDS).contains(&seconds) {
            return Err(CoreError::Seconds { name, seconds });
        }
    }
    Ok(())
}

/// Why there can be no such test.
#[derive(Clone, Debug, PartialEq)]
pub enum CoreError {
    NoItems,
    TooManyItems(usize),
    Id { expected: u32, found: u32 },
    SpawnRate(f64),
    RunnerMaxJourneys,
    Seconds { name: &'static str, seconds: f64 },
}

impl fmt::Display for CoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoItems => write!(f, "the scenario has no journeys: give it at least one"),
            Self::TooManyItems(items) => {
                write!(f, "the scenario has {items} items, the limit is {MAX_SCENARIOS}: give it fewer")
            }
            Self::Id { expected, found } => write!(f, "scenario item {expected} has the id {found}: ids count from 1"),
            Self::SpawnRate(rate) => {
                write!(f, "a spawn rate of {rate} starts nothing: give a number of journeys a second, more than 0")
            }
            Self::RunnerMaxJourneys => {
                write!(f, "no journeys at all on a runner: give at least 1, or leave the limit out")
            }
            Self::Seconds { name, seconds } => {
                write!(f, "a {name} of {seconds} seconds: give a number from 0 to {MAX_SECONDS} (ten years)")
            }
        }
    }
}

impl std::error::Error for CoreError {}

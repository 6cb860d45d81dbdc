//! Which tests still have news.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The label that says which test a series is of.
pub const TEST: &str = "test";
/// Tests that are known to go on; series of further ones expire one by one.
const TESTS_MAX: usize = 10_000;

/// When a series of each test last had news.
#[derive(Debug, Default)]
pub struct Tests(HashMap<String, Instant>);

impl Tests {
    /// A series with these labels has news.
    pub fn news(&mut self, names: &[String], values: &[String], now: Instant) {
        let Some(test) = names.iter().position(|name| name == TEST).map(|at| &values[at]) else { return };
        if let Some(seen) = self.0.get_mut(test) {
            *seen = now;
        } else if self.0.len() < TESTS_MAX {
            self.0.insert(test.clone(), now);
        }
    }

    /// Forgets those that had none for so long.
    pub fn forget(&mut self, now: Instant, idle: Duration) {
        self.0.retain(|_, seen| !is_idle(*seen, now, idle));
    }

    pub fn goes_on(&self, test: &str) -> bool {
        self.0.contains_key(test)
    }
}

pub fn is_idle(seen: Instant, now: Instant, idle: Duration) -> bool {
    now.saturating_duration_since(seen) >= idle
}

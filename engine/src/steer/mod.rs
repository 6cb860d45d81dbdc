//! What steers a test, whoever its runners are: time, reports and signals go to the controller's state machine; what it decides
//! goes to a [`Crew`], and how things stand to the console.
//!
//! There are two crews: the workers of one process (`local`), and runners elsewhere that ask over a socket (`distributed`). To the
//! state machine a "runner" is in both a single worker, so that nobody but it ever divides journeys and data.

mod args;
mod outcome;
mod wheel;

use std::time::{SystemTime, UNIX_EPOCH};

pub use args::{Args, JourneyArgs, nanos};
pub use outcome::{Behind, Figures, Outcome, Received};
pub use wheel::{Steered, Test, steer};

use crate::scenario::{Effect, Event};
use crate::wire::config::Config;
use crate::wire::totals::Totals;

/// Those who run journeys.
#[expect(async_fn_in_trait, reason = "nobody outside implements it, and it stays on one thread")]
pub trait Crew {
    /// Whether all that the test wants to begin with are there.
    fn is_complete(&self) -> bool;

    /// Runners (processes, not workers) that are there now.
    fn runners(&self) -> u32;

    /// What happens to them next. Given up while it waits, nothing is lost.
    async fn next(&mut self) -> Vec<Event>;

    /// Called once a second: those that have ended without a word.
    async fn look_for_the_lost(&mut self) -> Vec<Event>;

    /// Carries out what was decided for one of them or for all.
    async fn carry_out(&mut self, effect: Effect);

    /// The config has changed: what is carried out from now on is for journeys that know it.
    async fn configure(&mut self, config: &Config);

    /// All that follows from what [`next`](Self::next) answered has been carried out: those who asked can have their answers.
    fn answer(&mut self);

    /// Nothing runs any more: waits, not for ever, until each has said its last word.
    async fn farewell(&mut self);

    /// What all of them have seen so far, those that are gone too.
    fn totals(&self) -> Totals;

    /// Requests made so far.
    fn requests(&self) -> u64;

    /// Sends a message of the controller.
    fn tell(&mut self, encode: impl FnOnce(&mut Vec<u8>));

    /// Unix seconds.
    fn now_unix(&self) -> f64;
}

/// Unique for every run of every test, and in the order of time.
pub fn run_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:04x}", since.as_micros(), std::process::id() & 0xffff)
}

//! What a person sees: a live block while a test runs, a summary when it has ended, the same as JSON.
//!
//! Everything here is a pure function of what is handed in ([`Progress`], [`Report`], [`Look`]); the clock is in
//! [`Progress::elapsed`] and writers are arguments. Figures and the summary go to standard output, logs to standard error.
//! Text from outside (names, URLs, messages) reaches a terminal only through [`text::escape`].

pub mod export;
pub mod health;
mod held;
pub mod live;
pub mod look;
mod number;
pub mod percentile;
mod recent;
pub mod screen;
pub mod summary;
mod table;
mod tables;
pub mod text;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::wire::totals::Totals;

/// How much to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// `-q`: nothing while the test runs; at the end the verdict, what crossed, and errors.
    Quiet,
    #[default]
    Normal,
    /// `-v`: every row and every worker.
    Verbose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// For the first runner.
    Waiting,
    Running,
    /// No more runs are started; those under way may end.
    Draining,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for runners",
            Self::Running => "running",
            Self::Draining => "draining",
        }
    }
}

/// One (journey, datapool, volume model) of the scenario.
#[derive(Clone, Debug)]
pub struct ScenarioLine {
    pub id: u32,
    /// The journey's spec.
    pub journey: String,
    /// How many journeys should run now.
    pub required: u32,
    /// How many do.
    pub running: u32,
}

/// Where a test is now.
#[derive(Clone, Debug)]
pub struct Progress {
    pub test: String,
    pub phase: Phase,
    /// Since the load began; while waiting, since waiting began.
    pub elapsed: Duration,
    /// None: until told to stop.
    pub planned: Option<Duration>,
    /// Connected now.
    pub runners: u32,
    pub scenarios: Vec<ScenarioLine>,
    /// Of the whole test so far.
    pub totals: Totals,
}

/// Why there is no more load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The scenario came to its end.
    Done,
    /// A rule of the test ended it early (an error limit); in words.
    Stopped(String),
    /// Cut short by a signal: its name.
    Signal(String),
}

/// One threshold (an error limit is one too) and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What was asked for: `p95 response time <= 500 ms`.
    pub text: String,
    /// What was measured, with its unit; `-` if there was too little to tell.
    pub actual: String,
    pub held: bool,
}

/// Messages for one kind of consumer behind the senders: `given = received + lost + open`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumer {
    /// `collector`, `stats` ...
    pub kind: String,
    /// Of the test, to be sent to this kind; on several outputs each copy counts.
    pub given: u64,
    /// As the consumers said.
    pub received: u64,
    /// Dropped on the way to it, or sent and known not to have come.
    pub lost: u64,
    /// Neither: they wait, or nobody said.
    pub open: u64,
}

/// A test that has ended. Every percentile, rate and share that is printed is made from this.
#[derive(Clone, Debug)]
pub struct Report {
    pub test: String,
    pub run_id: String,
    /// When the load began.
    pub started_at_unix: f64,
    /// From the beginning of the load to its end: what rates are divided by.
    pub duration: Duration,
    pub planned: Option<Duration>,
    pub ending: Ending,
    pub totals: Totals,
    pub thresholds: Vec<Threshold>,
    /// That took part.
    pub runners: u32,
    /// Of those: gone before the end without a farewell.
    pub runners_lost: u32,
    /// Starts of arrival models that could not be made in time.
    pub starts_missed: u64,
    /// By all senders.
    pub messages_made: u64,
    /// By each group of consumers, the least of them; None if no consumer tells (Python peers don't).
    pub messages_received: Option<u64>,
    /// Dropped at a full queue or lost on the way; one that two kinds of consumers lack is lost twice.
    pub messages_lost: u64,
    /// Each kind of consumer that told, if all that came to them is of this test.
    pub consumers: Vec<Consumer>,
    /// What else a reader should know, one sentence each.
    pub warnings: Vec<String>,
}

impl Report {
    /// Thresholds that did not hold.
    pub fn crossed(&self) -> impl Iterator<Item = &Threshold> {
        self.thresholds.iter().filter(|threshold| !threshold.held)
    }

    /// Something of the test is missing: runners, starts or messages.
    pub fn incomplete(&self) -> bool {
        self.runners_lost > 0 || self.starts_missed > 0 || self.messages_lost > 0
    }

    /// What the program ends with. A test that was cut short or is incomplete says so first: its thresholds were judged on
    /// less than the whole.
    pub fn exit_code(&self) -> u8 {
        if matches!(self.ending, Ending::Signal(_)) {
            105
        } else if self.incomplete() {
            111
        } else if self.crossed().next().is_some() {
            99
        } else {
            0
        }
    }

    /// A count in a second of the test; None for a test without duration.
    fn per_second(&self, count: u64) -> Option<f64> {
        let seconds = self.duration.as_secs_f64();
        (seconds > 0.0).then(|| count as f64 / seconds)
    }
}

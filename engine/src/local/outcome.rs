//! From what a test has counted to what people are told of it.

use std::time::{Duration, Instant};

use super::pipeline::Received;
use crate::console::{Ending, Report, Threshold};
use crate::runner;
use crate::scenario::{self, Thresholds};
use crate::wire::totals::Totals;

/// What has to be watched while the test runs.
#[derive(Default)]
pub struct Figures {
    begun: Option<Instant>,
    ended: Option<Instant>,
    last: Option<(Instant, u64)>,
    /// Welford's running mean and sum of squares of requests a second, and how many seconds they are of.
    mean: f64,
    squares: f64,
    seconds: f64,
}

impl Figures {
    /// A second has passed; `requests` are those so far.
    pub fn second(&mut self, requests: u64, running: bool, now: Instant) {
        if requests > 0 || running {
            self.begun.get_or_insert(now);
        }
        let grown = self.last.is_none_or(|(_, before)| requests > before);
        if running || grown {
            self.ended = Some(now);
        }
        if let Some((at, before)) = self.last.filter(|_| running) {
            let elapsed = (now - at).as_secs_f64();
            if elapsed > 0.5 {
                self.observe(approximate(requests - before) / elapsed);
            }
        }
        self.last = Some((now, requests));
    }

    fn observe(&mut self, rate: f64) {
        self.seconds += 1.0;
        let delta = rate - self.mean;
        self.mean += delta / self.seconds;
        self.squares += delta * (rate - self.mean);
    }

    fn standard_deviation_req_sec(&self) -> Option<f64> {
        (self.seconds > 1.0).then(|| (self.squares / (self.seconds - 1.0)).sqrt())
    }

    fn duration(&self) -> Duration {
        match (self.begun, self.ended) {
            (Some(begun), Some(ended)) => ended - begun,
            _ => Duration::ZERO,
        }
    }
}

/// Everything that a report is made of.
pub struct Outcome<'a> {
    pub settings: &'a runner::Settings,
    pub thresholds: Thresholds,
    pub totals: Totals,
    pub figures: Figures,
    pub planned: Option<Duration>,
    pub signal: Option<&'static str>,
    pub lost_workers: u32,
    pub received: Received,
    /// Messages of the controller, and those of them that were dropped.
    pub made: u64,
    pub dropped: u64,
    /// Unix seconds.
    pub started: f64,
    pub warnings: Vec<String>,
}

impl Outcome<'_> {
    pub fn report(self) -> Report {
        let thresholds = self.judge();
        let made = self.totals.messages.made + self.made;
        let dropped = self.totals.messages.dropped + self.dropped;
        let received = self.received.messages;
        let mut warnings = self.warnings;
        if dropped > 0 {
            warnings.push(format!("{dropped} messages were dropped: the pipeline did not keep up"));
        }
        warnings.extend(self.received.failure);
        if self.lost_workers > 0 {
            warnings.push(format!("{} workers ended without their last figures", self.lost_workers));
        }
        if self.totals.messages.refused > 0 {
            warnings.push(format!(
                "{} messages or fields were over a limit and left out: see the limits of messages in the manual",
                self.totals.messages.refused
            ));
        }
        Report {
            test: self.settings.test.clone(),
            run_id: self.settings.run_id.clone(),
            started_at_unix: self.started,
            duration: self.figures.duration(),
            planned: self.planned,
            ending: match self.signal {
                Some(signal) => Ending::Signal(signal.to_owned()),
                None => Ending::Done,
            },
            totals: self.totals,
            thresholds,
            runners: 1,
            runners_lost: u32::from(self.lost_workers > 0),
            starts_missed: 0,
            messages_made: made,
            messages_received: Some(received),
            messages_lost: made.saturating_sub(received),
            warnings,
        }
    }

    fn judge(&self) -> Vec<Threshold> {
        let latency = self.totals.all_requests().latency;
        let some = |value: f64| (!latency.is_empty()).then_some(value);
        let figures = scenario::Figures {
            errors: self.totals.all_failures(),
            max_ms: some(approximate(latency.max()) / 1e3),
            mean_ms: some(latency.mean() / 1e3),
            standard_deviation_ms: some(latency.stdev() / 1e3).filter(|_| latency.len() > 1),
            standard_deviation_req_sec: self.figures.standard_deviation_req_sec(),
            percentile: |percentile| some(approximate(latency.value_at_percentile(percentile)) / 1e3),
        };
        let judged = self.thresholds.judge(&figures);
        judged.into_iter().map(|one| Threshold { text: one.asked(), actual: one.actual(), held: one.held }).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn approximate(count: u64) -> f64 {
    count as f64
}

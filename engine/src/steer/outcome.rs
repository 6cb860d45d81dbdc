//! From what a test has counted to what people are told of it.

use std::time::{Duration, Instant};

use crate::console::{Consumer, Ending, Report, Threshold};
use crate::scenario::{self, Thresholds};
use crate::wire::totals::{ErrorClass, RequestTotals, Totals};

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
    /// The load begins: the first call counts.
    pub fn begin(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// The last run has ended.
    pub fn end(&mut self, now: Instant) {
        self.ended = Some(now);
    }

    /// A second has passed; `requests` are those so far.
    pub fn second(&mut self, requests: u64, running: bool, now: Instant) {
        if let Some((at, before)) = self.last.filter(|_| running) {
            let elapsed = (now - at).as_secs_f64();
            if elapsed > 0.5 {
                self.observe(approximate(requests.saturating_sub(before)) / elapsed);
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

/// What came through the pipeline of the same process.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Messages that every sink has taken.
    pub messages: u64,
    /// Why a sink gave up, if one did.
    pub failure: Option<String>,
}

/// What became of messages in other processes, behind their senders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// By the kind of consumer that received least; none: no consumer told, or not of this test alone.
    pub received: Option<u64>,
    /// Of this test, for sure.
    pub lost: u64,
    pub consumers: Vec<Consumer>,
    pub warnings: Vec<String>,
}

/// Everything that a report is made of.
pub struct Outcome {
    pub test: String,
    pub run_id: String,
    pub thresholds: Thresholds,
    pub totals: Totals,
    pub figures: Figures,
    pub planned: Option<Duration>,
    pub signal: Option<&'static str>,
    /// Runners that took part, and those of them that were gone before the end.
    pub runners: u32,
    pub runners_lost: u32,
    /// None: the messages went to other processes.
    pub received: Option<Received>,
    /// What is known of those; nothing if nobody tells.
    pub behind: Behind,
    /// Messages of the controller, and those of them that were dropped.
    pub made: u64,
    pub dropped: u64,
    /// Unix seconds.
    pub started: f64,
    pub warnings: Vec<String>,
}

impl Outcome {
    pub fn report(self) -> Report {
        let thresholds = self.judge();
        let made = self.totals.messages.made + self.made;
        let dropped = self.totals.messages.dropped + self.dropped;
        let mut warnings = self.warnings;
        if dropped > 0 {
            warnings.push(format!("{dropped} messages were dropped: the pipeline did not keep up"));
        }
        let (received, failure) = match &self.received {
            Some(received) => (Some(received.messages), received.failure.clone()),
            None => (self.behind.received, None),
        };
        // In one process what was made and not received is lost; elsewhere only what is known to be.
        let here = self.received.as_ref().map(|received| made.saturating_sub(received.messages));
        let lost = here.unwrap_or(dropped + self.behind.lost);
        warnings.extend(denied(&self.totals));
        warnings.extend(failure);
        warnings.extend(self.behind.warnings);
        if self.totals.messages.refused > 0 {
            warnings.push(format!(
                "{} messages or fields were over a limit and left out: see the limits of messages in the manual",
                self.totals.messages.refused
            ));
        }
        Report {
            test: self.test,
            run_id: self.run_id,
            started_at_unix: self.started,
            duration: self.figures.duration(),
            planned: self.planned,
            ending: match self.signal {
                Some(signal) => Ending::Signal(signal.to_owned()),
                None => Ending::Done,
            },
            totals: self.totals,
            thresholds,
            runners: self.runners,
            runners_lost: self.runners_lost,
            starts_missed: 0,
            messages_made: made,
            messages_received: received,
            messages_lost: lost,
            consumers: self.behind.consumers,
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

/// Names of requests that a warning has.
const DENIED_NAMED: usize = 5;

/// What journeys reached for and may not reach.
fn denied(totals: &Totals) -> Option<String> {
    let of = |figures: &RequestTotals| figures.errors.get(&ErrorClass::Denied).copied().filter(|count| *count > 0);
    let mut named: Vec<_> = totals.requests.iter().filter_map(|(name, figures)| Some((of(figures)?, name))).collect();
    named.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let all: u64 = named.iter().map(|(count, _)| count).sum();
    let most: Vec<_> =
        named.iter().take(DENIED_NAMED).map(|(count, name)| format!("{count} {}", name.escape_debug())).collect();
    let more = if named.len() > DENIED_NAMED { ", ..." } else { "" };
    (all > 0).then(|| {
        format!(
            "{all} requests were denied ({}{more}): their targets are none that journeys may reach here; the http_error \
             messages say why, docs/policy.md what to do",
            most.join(", ")
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since the beginning, requests so far, whether the test is running.
    type Seen = (f64, u64, bool);

    fn figures(seen: &[Seen]) -> Figures {
        let start = Instant::now();
        let mut figures = Figures::default();
        for (at, requests, running) in seen {
            figures.second(*requests, *running, start + Duration::from_secs_f64(*at));
        }
        figures
    }

    #[test]
    fn what_was_denied_is_said_once() {
        let mut totals = Totals::default();
        assert_eq!(denied(&totals), None);
        let mut request = |name: &str, class: ErrorClass, count: u64| {
            totals.requests.entry(name.to_owned()).or_default().errors.insert(class, count);
        };
        request("GET http://a/", ErrorClass::Denied, 2);
        request("pay\n", ErrorClass::Denied, 30);
        request("GET http://b/", ErrorClass::Timeout, 7);
        let told = denied(&totals).expect("some were");
        assert!(told.starts_with("32 requests were denied (30 pay\\n, 2 GET http://a/): "), "{told}");
    }

    #[test]
    fn how_long_it_took() {
        let start = Instant::now();
        let at = |second: &u64| start + Duration::from_secs(*second);
        type Case = (&'static [u64], &'static [u64], u64, &'static str);
        let rows: [Case; 5] = [
            (&[], &[], 0, "it never began"),
            (&[1], &[], 0, "it has not ended"),
            (&[], &[5], 0, "it ended before it began: its set-up failed"),
            (&[1, 2, 3], &[7], 6, "its first beginning counts"),
            (&[1], &[5, 9], 8, "its last end counts"),
        ];
        for (begins, ends, seconds, why) in rows {
            let mut figures = Figures::default();
            begins.iter().for_each(|begin| figures.begin(at(begin)));
            ends.iter().for_each(|end| figures.end(at(end)));
            assert_eq!(figures.duration(), Duration::from_secs(seconds), "{why}");
        }
    }

    #[test]
    fn rates() {
        type Case = (&'static [Seen], f64, Option<f64>, &'static str);
        let rows: [Case; 9] = [
            (&[], 0.0, None, "nothing was seen"),
            (&[(0.0, 9, true), (1.0, 5, true)], 0.0, None, "fewer than before, as without a lost worker's: none"),
            (&[(0.0, 0, true)], 0.0, None, "one look is no rate"),
            (&[(0.0, 0, true), (1.0, 10, true)], 10.0, None, "one rate deviates from nothing"),
            (&[(0.0, 0, true), (1.0, 10, true), (2.0, 20, true)], 10.0, Some(0.0), "steady"),
            (&[(0.0, 0, true), (1.0, 10, true), (2.0, 30, true)], 15.0, Some(50.0_f64.sqrt()), "of a sample: n - 1"),
            (&[(0.0, 0, true), (2.0, 20, true), (4.0, 40, true)], 10.0, Some(0.0), "a look that came late"),
            (
                &[(0.0, 0, true), (1.0, 10, true), (1.25, 15, true), (2.25, 25, true)],
                10.0,
                Some(0.0),
                "two looks at nearly the same time say nothing",
            ),
            (
                &[(0.0, 0, false), (1.0, 0, false), (2.0, 10, true), (3.0, 20, true), (4.0, 21, false)],
                10.0,
                Some(0.0),
                "before and after it is running there is no rate",
            ),
        ];
        for (seen, mean, deviation, why) in rows {
            let figures = figures(seen);
            assert!((figures.mean - mean).abs() < 1e-6, "{why}: {}", figures.mean);
            let is = figures.standard_deviation_req_sec();
            assert_eq!(is.is_some(), deviation.is_some(), "{why}");
            assert!((is.unwrap_or(0.0) - deviation.unwrap_or(0.0)).abs() < 1e-6, "{why}: {is:?}");
        }
    }

    #[test]
    fn an_hour_is_as_exact_as_a_sum() {
        let mut requests = 0;
        let seen: Vec<Seen> = (0..=3_600)
            .map(|second| {
                requests += if second == 0 { 0 } else { 1_000_000 + 7 * (second % 11) };
                (second as f64, requests, true)
            })
            .collect();
        let rates: Vec<f64> = seen.windows(2).map(|pair| approximate(pair[1].1 - pair[0].1)).collect();
        let mean = rates.iter().sum::<f64>() / 3_600.0;
        let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
        let figures = figures(&seen);
        assert!((figures.mean - mean).abs() < 1e-3);
        let deviation = figures.standard_deviation_req_sec().unwrap();
        assert!((deviation - (squares / 3_599.0).sqrt()).abs() < 1e-3, "{deviation}");
    }
}

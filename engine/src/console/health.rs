//! Whether the generator kept up: latencies measured by a busy machine are not those of the tested system.

use super::percentile::{self, P50, P99};
use crate::wire::totals::{Latency, Totals};

/// A lag over this is not the tested system's.
pub const LAG_LIMIT_MS: f64 = 1.0;
/// Nor is one over this share of a typical response.
pub const LAG_LIMIT_OF_P50: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reliability {
    /// No lag was measured.
    Unknown,
    Reliable,
    /// The lag (p99 of the worst worker) is over what may be, [`LAG_LIMIT_MS`] or less.
    Unreliable {
        lag_ms: f64,
        limit_ms: f64,
    },
}

/// What a worker's thread did with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorkerShare {
    /// CPU time of wall time.
    pub cpu: Option<f64>,
    /// Guest code's part of the CPU time.
    pub guest: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    pub reliability: Reliability,
    /// From socket-ready to read, p99 of the worst worker (see `judged_lag`); None without probes.
    pub socket_lag_p99_ms: Option<f64>,
    /// From a timer being due to its journey being woken, p99 of the worst worker.
    pub timer_lag_p99_ms: Option<f64>,
    /// Timers are later than [`LAG_LIMIT_MS`]: starts and pauses are not when they were meant to be. Latencies hold: they
    /// are taken before guests run.
    pub timers_late: bool,
    pub workers: Vec<WorkerShare>,
    /// Guest code's part of all CPU time.
    pub guest: Option<f64>,
}

/// The rule alone.
pub fn reliable(totals: &Totals) -> Reliability {
    reliable_for(totals, P50.of(&totals.all_requests().latency))
}

pub(super) fn reliable_for(totals: &Totals, p50_ms: Option<f64>) -> Reliability {
    let limit_ms = p50_ms.map_or(LAG_LIMIT_MS, |p50| LAG_LIMIT_MS.min(p50 * LAG_LIMIT_OF_P50));
    match worst(totals.workers.iter().map(|worker| judged_lag(&worker.lag))) {
        None => Reliability::Unknown,
        Some(lag_ms) if lag_ms > limit_ms => Reliability::Unreliable { lag_ms, limit_ms },
        Some(_) => Reliability::Reliable,
    }
}

pub fn health(totals: &Totals) -> Health {
    let workers = &totals.workers;
    let cpu: f64 = workers.iter().map(|worker| worker.cpu_seconds).sum();
    let guest: f64 = workers.iter().map(|worker| worker.guest_seconds).sum();
    let timer_lag = worst(workers.iter().map(|worker| judged_lag(&worker.timer_lag)));
    Health {
        reliability: reliable(totals),
        socket_lag_p99_ms: worst(workers.iter().map(|worker| judged_lag(&worker.lag))),
        timer_lag_p99_ms: timer_lag,
        timers_late: timer_lag.is_some_and(|lag| lag > LAG_LIMIT_MS),
        workers: workers
            .iter()
            .map(|worker| WorkerShare {
                cpu: ratio(worker.cpu_seconds, worker.wall_seconds),
                guest: ratio(worker.guest_seconds, worker.cpu_seconds),
            })
            .collect(),
        guest: ratio(guest, cpu),
    }
}

/// p99, or with fewer than a hundred probes the second largest: a saturated worker makes few probes, and one hiccup at the
/// start of a short test is no saturation.
fn judged_lag(lag: &Latency) -> Option<f64> {
    match lag.len() {
        0 | 1 => None,
        n if n < P99.needs => Some(percentile::milliseconds(lag.value_at_quantile((n - 1) as f64 / n as f64))),
        _ => P99.of(lag),
    }
}

/// One saturated worker among many idle ones spoils a part of all latencies, so workers are not averaged.
fn worst(lags: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    lags.flatten().reduce(f64::max)
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::totals::{RequestTotals, WorkerHealth};

    /// Workers by (samples, µs) of their lag, and requests that all took so many µs.
    fn totals(workers: &[&[(u64, u64)]], latency: Option<u64>) -> Totals {
        let mut totals = Totals::default();
        for lags in workers {
            let mut worker = WorkerHealth::default();
            for &(samples, value) in *lags {
                worker.lag.record_n(value, samples).expect("it grows");
            }
            totals.workers.push(worker);
        }
        if let Some(value) = latency {
            let mut requests = RequestTotals::default();
            requests.latency.record_n(value, 1_000).expect("it grows");
            totals.requests.insert("GET /".into(), requests);
        }
        totals
    }

    type Row<'a> = (&'a [&'a [(u64, u64)]], Option<u64>, Reliability, &'a str);

    #[test]
    fn rule() {
        use Reliability::{Reliable, Unknown, Unreliable};
        let quiet: &[(u64, u64)] = &[(10_000, 30)];
        let rows: &[Row] = &[
            (&[], Some(10_000), Unknown, "no worker told"),
            (&[&[(1, 9_000)]], None, Unknown, "one probe is none"),
            (&[quiet], None, Reliable, "without requests the millisecond counts"),
            (&[quiet], Some(10_000), Reliable, "0.03 ms of 10 ms"),
            (&[quiet], Some(300), Reliable, "just a tenth"),
            (&[quiet], Some(250), Unreliable { lag_ms: 0.03, limit_ms: 0.025 }, "more than a tenth"),
            (&[&[(9_890, 30), (110, 1_500)]], Some(50_000), Unreliable { lag_ms: 1.5, limit_ms: 1.0 }, "over 1 ms"),
            (&[&[(9_910, 30), (90, 1_500)]], Some(50_000), Reliable, "less than one in a hundred"),
            (
                &[quiet, quiet, quiet, &[(50, 30), (50, 1_900)]],
                Some(50_000),
                Unreliable { lag_ms: 1.9, limit_ms: 1.0 },
                "one worker of many",
            ),
            (&[&[(50, 30), (1, 1_900)]], Some(50_000), Reliable, "one hiccup of a short test"),
            (&[&[(2, 1_900)]], Some(50_000), Unreliable { lag_ms: 1.9, limit_ms: 1.0 }, "few probes, all late"),
        ];
        for (workers, latency, want, why) in rows {
            assert_eq!(reliable(&totals(workers, *latency)), *want, "{why}");
        }
    }

    #[test]
    fn shares() {
        let mut totals = totals(&[&[(99, 30)], &[]], None);
        let worker = &mut totals.workers[0];
        (worker.cpu_seconds, worker.guest_seconds, worker.wall_seconds) = (5.0, 1.0, 10.0);
        worker.timer_lag.record_n(1_200, 100).expect("it grows");
        let health = health(&totals);
        assert_eq!(health.workers[0], WorkerShare { cpu: Some(0.5), guest: Some(0.2) });
        assert_eq!(health.workers[1], WorkerShare { cpu: None, guest: None });
        assert_eq!((health.guest, health.socket_lag_p99_ms), (Some(0.2), Some(0.03)));
        assert_eq!((health.timer_lag_p99_ms, health.timers_late), (Some(1.2), true));
        assert_eq!(health.reliability, Reliability::Reliable, "late timers don't spoil latencies");
    }
}

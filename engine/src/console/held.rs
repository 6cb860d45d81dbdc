//! What quotas of the runners' operator held back: a load that was not asked for is no load that the tested system refused.

use serde::Serialize;

use super::Report;
use super::number::{bytes, count, figure};
use crate::wire::totals::{HeldTotals, OTHER, Totals};

/// The transaction that every run is.
const ROOT: &str = "__root__";

/// One limit that held something back.
#[derive(Debug, PartialEq, Serialize)]
pub struct Held {
    #[serde(skip)]
    limit: String,
    pub times: u64,
    /// How long all that waited did so, added up.
    pub waited_s: f64,
    /// Of all runners together; None: each target has its own.
    pub allowed: Option<f64>,
    /// What there would have been without it, where that can be told.
    pub wanted: Option<f64>,
}

/// All of them, as the runners named them.
pub fn held(report: &Report) -> Vec<(&str, Held)> {
    let totals = &report.totals;
    totals.held.iter().map(|(limit, held)| (limit.as_str(), of(limit, held, report))).collect()
}

fn of(limit: &str, held: &HeldTotals, report: &Report) -> Held {
    let some = |number: f64| Some(number).filter(|number| *number > 0.0);
    let totals = &report.totals;
    let runs = totals.transactions.get(ROOT).map_or(0.0, |runs| runs.latency.len() as f64);
    let requests = totals.requests_made() as f64;
    let duration = report.duration.as_secs_f64();
    let rate = |number: f64| some(duration).map(|duration| number / duration);
    let wanted = match limit {
        // Runs that waited had not begun.
        "journeys_per_second" => rate(runs).zip(without(run_seconds(totals) + held.seconds, held.seconds)),
        "requests_per_second" => rate(requests).zip(without(run_seconds(totals), held.seconds)),
        _ => None,
    };
    Held {
        limit: limit.to_owned(),
        times: held.times,
        waited_s: held.seconds,
        allowed: some(held.allowed),
        wanted: some(held.wanted).or(wanted.map(|(rate, factor)| rate * factor)),
    }
}

/// How long all runs took, added up.
fn run_seconds(totals: &Totals) -> f64 {
    totals.transactions.get(ROOT).map_or(0.0, |runs| runs.latency.mean() * runs.latency.len() as f64 / 1e6)
}

/// By how much faster it would have gone if nobody had waited, all else being equal. None: what was done beside waiting is too little
/// to tell.
fn without(all: f64, waited: f64) -> Option<f64> {
    (all > 0.0 && waited < 0.999 * all).then(|| all / (all - waited))
}

/// A whole number as one, as people have set it.
fn plain(number: f64) -> String {
    if number.fract() == 0.0 && number < 1e15 { count(number as u64) } else { figure(number) }
}

impl Held {
    /// `requests/s 100 (wanted about 180)`
    fn words(&self) -> String {
        let (name, unit): (_, fn(f64) -> String) = match self.limit.as_str() {
            "journeys_per_second" => ("journeys/s", plain),
            "requests_per_second" => ("requests/s", plain),
            "bytes_per_second" => ("bytes/s", bytes),
            "memory" => ("memory", bytes),
            "messages_per_second" => ("messages/s", plain),
            "response_size" => ("response size", bytes),
            "targets.requests_per_second" => ("requests/s of all tenants to a target", plain),
            "targets.connections" => ("connections of all tenants to a target", plain),
            other => (other, plain),
        };
        let allowed = self.allowed.map(|allowed| format!(" {}", unit(allowed))).unwrap_or_default();
        let why = match self.wanted {
            Some(wanted) if self.limit == "journeys" => format!("wanted {}", unit(wanted)),
            Some(wanted) => format!("wanted about {}", unit(wanted)),
            // Nothing waits at these.
            None if self.limit == "response_size" => format!("{} were larger", count(self.times)),
            None if self.limit == "labels" => format!("{} counted under `{OTHER}`", count(self.times)),
            None => format!("{} waited {} s in all", count(self.times), figure(self.waited_s)),
        };
        format!("{name}{allowed} ({why})")
    }
}

/// For the verdict, if there was any.
pub fn words(report: &Report) -> Option<String> {
    let held: Vec<_> = held(report).iter().map(|(_, held)| held.words()).collect();
    (!held.is_empty()).then(|| format!("HELD BACK BY QUOTA: {}", held.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::sample;

    fn report(limit: &str, held: HeldTotals) -> Report {
        let mut report = sample::small_report();
        report.duration = std::time::Duration::from_secs(10);
        report.totals = Totals::default();
        // A hundred runs of a second with ten requests each.
        report.totals.transactions.entry(ROOT.into()).or_default().latency.record_n(1_000_000, 100).expect("it grows");
        report.totals.requests.entry("a".into()).or_default().statuses.insert(200, 1_000);
        report.totals.held.insert(limit.into(), held);
        report
    }

    #[test]
    fn in_words() {
        let held = |seconds, allowed, wanted| HeldTotals { times: 1_200, seconds, allowed, wanted };
        for (limit, held, want) in [
            ("requests_per_second", held(50.0, 100.0, 0.0), "requests/s 100 (wanted about 200)"),
            ("requests_per_second", held(100.0, 100.0, 0.0), "requests/s 100 (1,200 waited 100 s in all)"),
            ("journeys_per_second", held(100.0, 10.0, 0.0), "journeys/s 10 (wanted about 20.0)"),
            ("journeys", held(10.0, 3.0, 8.0), "journeys 3 (wanted 8)"),
            ("connections", held(2.5, 3.0, 0.0), "connections 3 (1,200 waited 2.50 s in all)"),
            ("messages_per_second", held(2.5, 10.0, 0.0), "messages/s 10 (1,200 waited 2.50 s in all)"),
            ("response_size", held(0.0, 2e6, 0.0), "response size 2.00 MB (1,200 were larger)"),
            ("labels", held(0.0, 50.0, 0.0), "labels 50 (1,200 counted under `other`)"),
            ("bytes_per_second", held(2.5, 2e6, 0.0), "bytes/s 2.00 MB (1,200 waited 2.50 s in all)"),
            (
                "targets.requests_per_second",
                held(2.5, 0.0, 0.0),
                "requests/s of all tenants to a target (1,200 waited 2.50 s in all)",
            ),
        ] {
            let said = words(&report(limit, held)).expect("something was held back");
            assert_eq!(said, format!("HELD BACK BY QUOTA: {want}"), "{limit}");
        }
        assert_eq!(words(&sample::small_report()), None);
    }
}

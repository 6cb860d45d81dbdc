//! Percentiles out of histograms, where there are enough samples behind them.

use crate::wire::totals::Latency;

#[derive(Clone, Copy, Debug)]
pub struct Percentile {
    /// As it is printed.
    pub name: &'static str,
    pub quantile: f64,
    /// Samples it takes: one in `1 / (1 - quantile)` lies above, and with fewer it would only be the maximum by another
    /// name. The median of a single sample is that sample.
    pub needs: u64,
}

pub const P50: Percentile = Percentile { name: "p50", quantile: 0.5, needs: 1 };
pub const P90: Percentile = Percentile { name: "p90", quantile: 0.9, needs: 10 };
pub const P95: Percentile = Percentile { name: "p95", quantile: 0.95, needs: 20 };
pub const P99: Percentile = Percentile { name: "p99", quantile: 0.99, needs: 100 };
pub const P99_9: Percentile = Percentile { name: "p99.9", quantile: 0.999, needs: 1_000 };
pub const P99_99: Percentile = Percentile { name: "p99.99", quantile: 0.9999, needs: 10_000 };

/// In the order of columns.
pub const PERCENTILES: [Percentile; 6] = [P50, P90, P95, P99, P99_9, P99_99];

impl Percentile {
    /// In milliseconds; None with too few samples.
    pub fn of(&self, latency: &Latency) -> Option<f64> {
        (latency.len() >= self.needs).then(|| milliseconds(latency.value_at_quantile(self.quantile)))
    }
}

/// In milliseconds; None without samples.
pub fn max(latency: &Latency) -> Option<f64> {
    (!latency.is_empty()).then(|| milliseconds(latency.max()))
}

pub(super) fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}

/// What was recorded in `now` and not yet in `then`, an older state of the same. A `then` that has more (a sender was
/// forgotten) counts as having the same.
pub(super) fn since(now: &Latency, then: &Latency) -> Latency {
    let mut fresh = crate::wire::totals::latency();
    for bucket in now.iter_recorded() {
        let value = bucket.value_iterated_to();
        // Beyond its range `count_at` would answer with the last bucket.
        let before = if value > then.max() { 0 } else { then.count_at(value) };
        let number = bucket.count_at_value().saturating_sub(before);
        // Recording a value no times would still move the minimum and maximum. `saturating_record_n` would not grow.
        if number > 0 {
            fresh.record_n(value, number).expect("a histogram that resizes itself takes what another held");
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::totals::latency;

    fn samples(values: impl IntoIterator<Item = u64>) -> Latency {
        let mut histogram = latency();
        values.into_iter().for_each(|value| histogram.record(value).expect("it grows"));
        histogram
    }

    #[test]
    fn enough_samples() {
        for (percentile, needs) in PERCENTILES.iter().zip([1, 10, 20, 100, 1_000, 10_000]) {
            let name = percentile.name;
            assert_eq!(percentile.of(&samples(1..needs)), None, "{name} of one too few");
            let value = percentile.of(&samples(1..=needs)).unwrap_or_else(|| panic!("{name} of just enough"));
            let exact = needs as f64 * percentile.quantile / 1_000.0;
            assert!((value - exact).abs() <= exact * 0.001 + 0.001, "{name}: {value} is not {exact}");
            let above = 1.0 / (1.0 - percentile.quantile);
            assert!(name == "p50" || (percentile.needs as f64 - above).abs() < 0.01, "{name} follows the rule");
        }
        assert_eq!(max(&latency()), None);
        assert_eq!(max(&samples([1_500])), Some(1.5));
    }

    #[test]
    fn no_percentile_exceeds_the_maximum() {
        let histogram = samples((0..20_000).map(|i| (i * 7_919) % 3_000_017));
        let top = max(&histogram);
        assert!(PERCENTILES.iter().all(|percentile| percentile.of(&histogram) <= top));
    }

    #[test]
    fn differences() {
        let older: Vec<u64> = (0..5_000).map(|i| (i * 31) % 1_900).collect();
        let newer: Vec<u64> = (0..5_000).map(|i| (i * 7_919) % 9_000_000).collect();
        let then = samples(older.iter().copied());
        let now = samples(older.iter().chain(&newer).copied());
        assert!(now.high() > then.high(), "the newer one has grown");
        assert_eq!(since(&now, &then), samples(newer));
        assert_eq!(since(&now, &latency()), now);
        assert!(since(&now, &now).is_empty());
        assert!(since(&then, &now).is_empty(), "less than before is nothing");
    }
}

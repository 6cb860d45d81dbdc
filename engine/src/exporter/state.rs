//! What all stats have sent so far.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};

use crate::wire::dump::{self, Dump, LabelValues, Number, Observations, StatDump, Values};

use super::accounts::{self, Accounts};
use super::expiry::{TEST, Tests, is_idle};
use super::label;
use crate::web::{counter, family, gauge, own, pair};

/// The help text of a metric: the table of stats has them, dumps don't.
pub type Help = fn(&str) -> Option<&'static str>;

/// For metrics nobody has a help text for.
const HELP: &str = "Sent by a stats process.";
const DUMPS: &str = "mite_exporter_dumps_total";
const REFUSED: &str = "mite_exporter_refused_total";
const SERIES: &str = "mite_exporter_series";

/// Beyond any of these, series that are new are refused and counted; those that are there go on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Metrics in all.
    pub metrics: usize,
    /// Series of one metric.
    pub series: usize,
    /// Bytes of text in all, about.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { metrics: 500, series: 10_000, bytes: 64 * 1024 * 1024 }
    }
}

/// Why something was not merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// A dump or a stat of it can't be read.
    Malformed,
    /// A stat has other labels, bins or another type than the metric of its name, or a name that clashes with one.
    Changed,
    /// A series is over a limit.
    Limit,
    /// A value that would spoil the series: a counter that falls, a sum that is no number.
    Value,
}

const REASONS: [(Refusal, &str); 4] = [
    (Refusal::Malformed, "malformed"),
    (Refusal::Changed, "changed"),
    (Refusal::Limit, "limit"),
    (Refusal::Value, "value"),
];

/// All figures. Counters and histograms add up, gauges are the last value; nothing is forgotten unless [`State::expire`] is called.
pub struct State {
    /// In order of appearance.
    metrics: Vec<Family>,
    by_name: HashMap<String, usize>,
    /// Every name that a line of text may begin with, so that no two metrics share one.
    taken: HashSet<String>,
    /// How long the text is, about.
    bytes: usize,
    limits: Limits,
    help: Help,
    accounts: Accounts,
    dumps: u64,
    refused: [u64; REASONS.len()],
    tests: Tests,
}

struct Family {
    name: String,
    labels: Vec<String>,
    shape: Shape,
    /// By the text of their labels: two that print the same are one.
    series: BTreeMap<Vec<String>, Sample>,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Counter,
    Gauge,
    Histogram(Vec<f64>),
}

#[derive(Default)]
struct Sample {
    /// Of counters and gauges; the sum of histograms.
    value: f64,
    counts: Vec<u64>,
    total: u64,
    /// When it last had news.
    seen: Option<Instant>,
}

impl State {
    pub fn new(limits: Limits, help: Help) -> Self {
        Self {
            metrics: Vec::new(),
            by_name: HashMap::new(),
            taken: [DUMPS, REFUSED, SERIES].map(str::to_owned).into_iter().chain(accounts::names()).collect(),
            bytes: 0,
            limits,
            help,
            accounts: Accounts::default(),
            dumps: 0,
            refused: [0; REASONS.len()],
            tests: Tests::default(),
        }
    }

    /// Merges a message of a stats process. What can't be read is counted and does no harm.
    pub fn merge_bytes(&mut self, bytes: &[u8]) {
        match dump::decode(bytes) {
            Ok(decoded) => {
                for why in &decoded.refused {
                    tracing::warn!(%why, "a stat is refused");
                    self.refuse(Refusal::Malformed);
                }
                self.merge(decoded.dump);
            }
            Err(why) => {
                tracing::warn!(%why, "a dump is refused");
                self.refuse(Refusal::Malformed);
            }
        }
    }

    pub fn merge(&mut self, dump: Dump) {
        self.dumps += 1;
        for stat in dump {
            if let Err(refusal) = self.merge_stat(stat) {
                self.refuse(refusal);
            }
        }
    }

    /// Takes what a stats process tells beside dumps.
    pub fn note(&mut self, key: &[u8], body: &[u8]) {
        if !self.accounts.note(key, body) {
            self.refuse(Refusal::Malformed);
        }
    }

    /// How many were refused so far: dumps, stats and series together.
    pub fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }

    /// Drops the series whose label `test` is this, and says how many. Those of metrics without that label stay. If the
    /// test goes on they begin again at 0, which Prometheus takes for a restart.
    pub fn forget(&mut self, test: &str) -> usize {
        let mut dropped = 0;
        for family in &mut self.metrics {
            let Some(label) = family.labels.iter().position(|label| label == TEST) else { continue };
            let mut series = std::mem::take(&mut family.series);
            series.retain(|labels, _| {
                let goes = labels[label] == test;
                if goes {
                    dropped += 1;
                    self.bytes -= family.bytes(labels);
                }
                !goes
            });
            family.series = series;
        }
        dropped
    }

    /// Forgets the series that had no news for so long, unless their test still has some. A series that comes again begins at 0, which
    /// Prometheus takes for a restart.
    pub fn expire(&mut self, now: Instant, idle: Duration) -> usize {
        self.tests.forget(now, idle);
        let (tests, mut dropped, mut bytes) = (&self.tests, 0, 0);
        for family in &mut self.metrics {
            let label = family.labels.iter().position(|label| label == TEST);
            let mut series = std::mem::take(&mut family.series);
            series.retain(|labels, sample| {
                let goes = sample.seen.is_some_and(|seen| is_idle(seen, now, idle))
                    && !label.is_some_and(|at| tests.goes_on(&labels[at]));
                if goes {
                    dropped += 1;
                    bytes += family.bytes(labels);
                }
                !goes
            });
            family.series = series;
        }
        self.bytes -= bytes;
        dropped
    }

    /// As the text encoder of the `prometheus` crate takes them; those without series are left out.
    pub fn families(&self) -> Vec<MetricFamily> {
        let own = [
            own(DUMPS, "Dumps of stats processes that were merged.", MetricType::COUNTER, &[(None, self.dumps)]),
            own(
                REFUSED,
                "Dumps, stats and series that were not merged.",
                MetricType::COUNTER,
                &REASONS.map(|(refusal, reason)| (Some(reason), self.refused[refusal as usize])),
            ),
            own(SERIES, "Series the exporter shows.", MetricType::GAUGE, &[(None, self.series() as u64)]),
        ];
        let shown = self.metrics.iter().filter(|family| !family.series.is_empty());
        shown.map(|family| family.family(self.help)).chain(own).chain(self.accounts.families()).collect()
    }

    fn series(&self) -> usize {
        self.metrics.iter().map(|family| family.series.len()).sum()
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refused[refusal as usize] += 1;
    }

    /// An error refuses the stat as a whole; single series are counted on the way.
    fn merge_stat(&mut self, stat: StatDump) -> Result<(), Refusal> {
        // Nothing new: then its shape is not news either, and a metric nobody uses needs no place.
        if stat.values.is_empty() {
            return Ok(());
        }
        let index = self.family(&stat)?;
        match stat.values {
            Values::Counter(series) => self.merge_all(index, series, add_number),
            Values::Gauge(series) => self.merge_all(index, series, set_number),
            Values::Histogram { series, .. } => self.merge_all(index, series, add_observations),
        }
        Ok(())
    }

    /// The metric of this stat, if it has the same shape; a new one if there is none.
    fn family(&mut self, stat: &StatDump) -> Result<usize, Refusal> {
        let shape = Shape::of(&stat.values);
        if let Some(&index) = self.by_name.get(&stat.name) {
            let family = &mut self.metrics[index];
            if family.series.is_empty() && family.shape.names("") == shape.names("") {
                // All of it was forgotten: who comes now may look different, as long as its lines have the same names.
                (family.shape, family.labels) = (shape, stat.labels.clone());
                return Ok(index);
            }
            let same = family.shape == shape && family.labels == stat.labels;
            return if same { Ok(index) } else { Err(Refusal::Changed) };
        }
        let names = shape.names(&stat.name);
        if names.iter().any(|name| self.taken.contains(name)) {
            return Err(Refusal::Changed);
        }
        if self.metrics.len() >= self.limits.metrics {
            return Err(Refusal::Limit);
        }
        let index = self.metrics.len();
        self.taken.extend(names);
        self.by_name.insert(stat.name.clone(), index);
        let (name, labels) = (stat.name.clone(), stat.labels.clone());
        self.metrics.push(Family { name, labels, shape, series: BTreeMap::new() });
        Ok(index)
    }

    fn merge_all<T>(
        &mut self,
        index: usize,
        series: Vec<(LabelValues, T)>,
        merge: impl Fn(&mut Sample, &Shape, &T) -> Result<(), Refusal>,
    ) {
        let now = Instant::now();
        for (labels, value) in series {
            let family = &mut self.metrics[index];
            let labels: Vec<String> = labels.iter().map(label::text).collect();
            let merged = if labels.len() != family.labels.len() {
                Err(Refusal::Changed)
            } else if let Some(sample) = family.series.get_mut(&labels) {
                sample.seen = Some(now);
                self.tests.news(&family.labels, &labels, now);
                merge(sample, &family.shape, &value)
            } else {
                let bytes = self.bytes + family.bytes(&labels);
                let mut sample = Sample { seen: Some(now), ..Sample::default() };
                self.tests.news(&family.labels, &labels, now);
                if family.series.len() >= self.limits.series || bytes > self.limits.bytes {
                    Err(Refusal::Limit)
                } else {
                    merge(&mut sample, &family.shape, &value).map(|()| {
                        family.series.insert(labels, sample);
                        self.bytes = bytes;
                    })
                }
            };
            if let Err(refusal) = merged {
                self.refuse(refusal);
            }
        }
    }
}

fn add_number(sample: &mut Sample, _: &Shape, number: &Number) -> Result<(), Refusal> {
    let number = number.as_f64();
    if !number.is_finite() || number < 0.0 {
        return Err(Refusal::Value);
    }
    sample.value += number;
    Ok(())
}

fn set_number(sample: &mut Sample, _: &Shape, number: &Number) -> Result<(), Refusal> {
    sample.value = number.as_f64();
    Ok(())
}

fn add_observations(sample: &mut Sample, shape: &Shape, seen: &Observations) -> Result<(), Refusal> {
    let Shape::Histogram(bins) = shape else { return Err(Refusal::Changed) };
    if !seen.sum.is_finite() || !(seen.counts.is_empty() || seen.counts.len() == bins.len()) {
        return Err(Refusal::Value);
    }
    sample.counts.resize(bins.len(), 0);
    for (count, more) in sample.counts.iter_mut().zip(&seen.counts) {
        *count = count.saturating_add(*more);
    }
    sample.total = sample.total.saturating_add(seen.total);
    sample.value += seen.sum;
    Ok(())
}

impl Shape {
    fn of(values: &Values) -> Self {
        match values {
            Values::Counter(_) => Self::Counter,
            Values::Gauge(_) => Self::Gauge,
            Values::Histogram { bins, .. } => Self::Histogram(bins.clone()),
        }
    }

    /// What lines of text begin with.
    fn names(&self, name: &str) -> Vec<String> {
        match self {
            Self::Counter | Self::Gauge => vec![name.to_owned()],
            Self::Histogram(_) => ["", "_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).into(),
        }
    }
}

impl Family {
    /// How much text the series of these labels is, about.
    fn bytes(&self, labels: &[String]) -> usize {
        let lines = match &self.shape {
            Shape::Counter | Shape::Gauge => 1,
            Shape::Histogram(bins) => bins.len() + 3,
        };
        let pairs = self.labels.iter().zip(labels).map(|(name, value)| name.len() + value.len() + 4);
        lines * (self.name.len() + pairs.sum::<usize>() + 32)
    }

    fn family(&self, help: Help) -> MetricFamily {
        let kind = match self.shape {
            Shape::Counter => MetricType::COUNTER,
            Shape::Gauge => MetricType::GAUGE,
            Shape::Histogram(_) => MetricType::HISTOGRAM,
        };
        let help = help(&self.name).unwrap_or(HELP);
        family(&self.name, help, kind, self.series.iter().map(|(labels, sample)| self.metric(labels, sample)).collect())
    }

    fn metric(&self, labels: &[String], sample: &Sample) -> Metric {
        let pairs = self.labels.iter().zip(labels).map(|(name, value)| pair(name, value)).collect();
        let mut metric = Metric::from_label(pairs);
        match &self.shape {
            Shape::Counter => metric.set_counter(counter(sample.value)),
            Shape::Gauge => metric.set_gauge(gauge(sample.value)),
            Shape::Histogram(bins) => {
                let bucket = |(bin, count): (&f64, &u64)| {
                    let mut bucket = Bucket::default();
                    bucket.set_upper_bound(*bin);
                    bucket.set_cumulative_count(*count);
                    bucket
                };
                let mut histogram = Histogram::default();
                histogram.set_bucket(bins.iter().zip(&sample.counts).map(bucket).collect());
                histogram.set_sample_sum(sample.value);
                histogram.set_sample_count(sample.total);
                metric.set_histogram(histogram);
            }
        }
        metric
    }
}

#[cfg(test)]
mod tests;

//! Families of metrics, as the `prometheus` crate has them.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// A figure of the exporter itself, with a label `reason` or without.
pub fn own(name: &str, help: &str, kind: MetricType, values: &[(Option<&str>, u64)]) -> MetricFamily {
    let metric = |(reason, value): &(Option<&str>, u64)| {
        let mut metric = Metric::from_label(reason.iter().map(|reason| pair("reason", reason)).collect());
        metric.set_counter(counter(*value as f64));
        metric.set_gauge(gauge(*value as f64));
        metric
    };
    family(name, help, kind, values.iter().map(metric).collect())
}

/// Counters of the exporter itself, with labels.
pub fn counters(name: &str, help: &str, labels: &[&str], values: &[(Vec<String>, u64)]) -> MetricFamily {
    let metric = |(texts, value): &(Vec<String>, u64)| {
        let mut metric = Metric::from_label(labels.iter().zip(texts).map(|(name, text)| pair(name, text)).collect());
        metric.set_counter(counter(*value as f64));
        metric
    };
    family(name, help, MetricType::COUNTER, values.iter().map(metric).collect())
}

pub fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

pub fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

pub fn counter(value: f64) -> Counter {
    let mut counter = Counter::default();
    counter.set_value(value);
    counter
}

pub fn gauge(value: f64) -> Gauge {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    gauge
}

//! Which figures are made of which messages: the one place to add to.

/// One figure.
#[derive(Debug)]
pub struct Stat {
    /// Counters end in `_total`.
    pub name: &'static str,
    /// What people read beside it in Prometheus.
    pub help: &'static str,
    pub kind: Kind,
    /// What makes it change.
    pub source: Source,
    /// Fields of the message. A message without one has `""` there, nil stays nil.
    pub labels: &'static [&'static str],
    pub value: Value,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram {
        /// Upper bounds, rising.
        bins: &'static [f64],
        /// The environment variable that replaces them: numbers with commas between them.
        variable: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Messages of these types.
    Messages(&'static [&'static str]),
    /// Stats itself, of a message it can't use.
    Malformed,
    /// Stats itself, of a value it had no series for; the one label is the metric's name.
    Folded,
}

#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Each message is one.
    One,
    /// A number in this field. A message without it is malformed.
    Field(&'static str),
    /// The field is a map of numbers; each entry is a series, and its key is the value of the last label.
    Entries(&'static str),
}

/// Figures that are switched on and off together.
#[derive(Debug)]
pub struct Processor {
    /// As `--stats-include-processors` and `--stats-exclude-processors` name it.
    pub name: &'static str,
    pub stats: &'static [Stat],
}

/// Seconds.
const BINS: &[f64] = &[0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// In the order of the dump. The first two are Python's, to the letter.
pub const PROCESSORS: &[Processor] = &[
    Processor { name: "mite", stats: MITE },
    Processor { name: "mite_http", stats: MITE_HTTP },
    Processor { name: "mite_more", stats: MITE_MORE },
];

const MITE: &[Stat] = &[
    Stat {
        name: "mite_journey_error_total",
        help: "Errors and exceptions that ended a transaction.",
        kind: Kind::Counter,
        source: Source::Messages(&["error", "exception"]),
        labels: &["test", "journey", "transaction", "location", "ex_type", "message"],
        value: Value::One,
    },
    Stat {
        name: "mite_transaction_total",
        help: "Transactions that ended.",
        kind: Kind::Counter,
        source: Source::Messages(&["txn"]),
        labels: &["test", "journey", "transaction", "had_error"],
        value: Value::One,
    },
    Stat {
        name: "mite_actual_count",
        help: "Journeys that run now.",
        kind: Kind::Gauge,
        source: Source::Messages(&["controller_report"]),
        labels: &["test", "scenario_id"],
        value: Value::Entries("actual"),
    },
    Stat {
        name: "mite_required_count",
        help: "Journeys that should run now, as the volume models have it.",
        kind: Kind::Gauge,
        source: Source::Messages(&["controller_report"]),
        labels: &["test", "scenario_id"],
        value: Value::Entries("required"),
    },
    Stat {
        name: "mite_runner_count",
        help: "Runners that take part in the test now.",
        kind: Kind::Gauge,
        source: Source::Messages(&["controller_report"]),
        labels: &["test"],
        value: Value::Field("num_runners"),
    },
];

const MITE_HTTP: &[Stat] = &[
    Stat {
        name: "mite_http_response_total",
        help: "HTTP responses, each redirect included.",
        kind: Kind::Counter,
        source: Source::Messages(&["http_metrics"]),
        labels: &["test", "journey", "transaction", "method", "response_code"],
        value: Value::One,
    },
    Stat {
        name: "mite_http_response_time_seconds",
        help: "Time from the beginning of a request to the end of its response.",
        kind: Kind::Histogram { bins: BINS, variable: "MITE_HTTP_HISTOGRAM_BUCKETS" },
        source: Source::Messages(&["http_metrics"]),
        labels: &["transaction"],
        value: Value::Field("total_time"),
    },
];

const MITE_MORE: &[Stat] = &[
    Stat {
        name: "mite_http_error_total",
        help: "HTTP requests that got no response.",
        kind: Kind::Counter,
        source: Source::Messages(&["http_error"]),
        labels: &["test", "journey", "transaction", "error_class"],
        value: Value::One,
    },
    Stat {
        name: "mite_messages_malformed_total",
        help: "Messages that stats could not use, or not wholly.",
        kind: Kind::Counter,
        source: Source::Malformed,
        labels: &[],
        value: Value::One,
    },
    Stat {
        name: "mite_stats_series_folded_total",
        help: "Values that had no series of their own since the metric had too many.",
        kind: Kind::Counter,
        source: Source::Folded,
        labels: &["metric"],
        value: Value::One,
    },
];

/// What people should read beside the figure of this name.
pub fn help(name: &str) -> Option<&'static str> {
    let mut stats = PROCESSORS.iter().flat_map(|processor| processor.stats);
    stats.find(|stat| stat.name == name).map(|stat| stat.help)
}

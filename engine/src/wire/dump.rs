//! What `mite stats` tells `mite exporter`: what changed since it told last.
//!
//! One message is an array of maps, one a stat, as Python's stats send it, key order included. Counters and histograms are
//! differences, gauges are the last value seen; a series that is not there has nothing new.

use std::collections::HashMap;

use rmp::encode::{write_array_len, write_bin, write_f64, write_map_len, write_sint, write_str, write_uint};

use super::value::{Items, Malformed, Pairs, Raw, View};

/// Stats in a dump. One with more is refused as a whole.
pub const STATS_MAX: usize = 1_000;
/// Labels of a stat. One with more is refused.
pub const LABELS_MAX: usize = 32;
/// Bins of a histogram. One with more is refused.
pub const BINS_MAX: usize = 1_000;
/// Series of a stat in one dump. A stat with more is refused.
pub const SERIES_MAX: usize = 100_000;
/// Bytes of the name of a stat or label. One with a longer one is refused.
pub const NAME_BYTES_MAX: usize = 200;

/// What changed, stat by stat.
pub type Dump = Vec<StatDump>;

#[derive(Clone, Debug, PartialEq)]
pub struct StatDump {
    pub name: String,
    pub labels: Vec<String>,
    pub values: Values,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// How much each grew.
    Counter(Vec<(LabelValues, Number)>),
    /// What each is now.
    Gauge(Vec<(LabelValues, Number)>),
    Histogram {
        /// Upper bounds, rising, without infinity.
        bins: Vec<f64>,
        series: Vec<(LabelValues, Observations)>,
    },
}

impl Values {
    /// Whether no series has anything new.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Counter(series) | Self::Gauge(series) => series.is_empty(),
            Self::Histogram { series, .. } => series.is_empty(),
        }
    }
}

/// Values observed by one series of a histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observations {
    /// One a bin: how many are at or under its bound. Empty if all are over the last one.
    pub counts: Vec<u64>,
    pub sum: f64,
    /// How many there are, those over the last bin too.
    pub total: u64,
}

/// Whole numbers stay whole on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

/// The values of a series' labels with the types the message had: msgpack back to back, one a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelValues {
    bytes: Box<[u8]>,
    count: u32,
}

impl LabelValues {
    /// `bytes` are `count` whole values, as [`write_label`] writes them.
    pub fn new(bytes: &[u8], count: usize) -> Self {
        Self { bytes: bytes.into(), count: count as u32 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Raw<'_>> {
        let mut rest = &*self.bytes;
        std::iter::from_fn(move || {
            let (value, after) = Raw::split(rest).ok()?;
            rest = after;
            Some(value)
        })
    }
}

/// Appends a label's value in its shortest form, so that the same value always has the same bytes.
pub fn write_label(into: &mut Vec<u8>, value: View<'_>) {
    done(match value {
        View::Nil => return into.push(0xc0),
        View::Bool(bool) => return into.push(0xc2 + u8::from(bool)),
        View::Int(int) => write_sint(into, int).map(drop),
        View::BigInt(int) => write_uint(into, int).map(drop),
        View::Float(float) => write_f64(into, float),
        View::Str(text) => write_str(into, text),
        View::Bin(bytes) => write_bin(into, bytes),
        // Python could not use these as a key, so nobody sends them.
        View::Array(_) | View::Map(_) | View::Ext(..) => write_str(into, "other"),
    });
}

/// As one message.
pub fn encode(dump: &[StatDump]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4096);
    done(write_array_len(&mut bytes, dump.len() as u32).map(drop));
    for stat in dump {
        encode_stat(&mut bytes, stat);
    }
    bytes
}

fn encode_stat(into: &mut Vec<u8>, stat: &StatDump) {
    let (kind, keys) = match stat.values {
        Values::Counter(_) => ("Counter", 4),
        Values::Gauge(_) => ("Gauge", 4),
        Values::Histogram { .. } => ("Histogram", 7),
    };
    done(write_map_len(into, keys).map(drop));
    text(into, "type");
    text(into, kind);
    text(into, "name");
    text(into, &stat.name);
    match &stat.values {
        Values::Counter(series) | Values::Gauge(series) => {
            text(into, "metrics");
            encode_map(into, series, |into, value| number(into, *value));
        }
        Values::Histogram { bins, series } => encode_histogram(into, bins, series),
    }
    text(into, "labels");
    array(into, stat.labels.len());
    stat.labels.iter().for_each(|label| text(into, label));
}

fn encode_histogram(into: &mut Vec<u8>, bins: &[f64], series: &[(LabelValues, Observations)]) {
    text(into, "bin_counts");
    let binned: Vec<_> = series.iter().filter(|(_, seen)| !seen.counts.is_empty()).collect();
    encode_map(into, binned.iter().copied(), |into, seen| {
        array(into, seen.counts.len());
        seen.counts.iter().for_each(|count| done(write_uint(into, *count).map(drop)));
    });
    text(into, "sums");
    encode_map(into, series, |into, seen| number(into, Number::Float(seen.sum)));
    text(into, "total_counts");
    encode_map(into, series, |into, seen| done(write_uint(into, seen.total).map(drop)));
    text(into, "bins");
    array(into, bins.len());
    bins.iter().for_each(|bin| number(into, Number::Float(*bin)));
}

fn encode_map<'a, V: 'a>(
    into: &mut Vec<u8>,
    series: impl IntoIterator<Item = &'a (LabelValues, V), IntoIter: ExactSizeIterator>,
    value: impl Fn(&mut Vec<u8>, &V),
) {
    let series = series.into_iter();
    done(write_map_len(into, series.len() as u32).map(drop));
    for (labels, observed) in series {
        array(into, labels.len());
        into.extend_from_slice(&labels.bytes);
        value(into, observed);
    }
}

fn text(into: &mut Vec<u8>, text: &str) {
    done(write_str(into, text));
}

fn array(into: &mut Vec<u8>, len: usize) {
    done(write_array_len(into, len as u32).map(drop));
}

fn number(into: &mut Vec<u8>, number: Number) {
    done(match number {
        Number::Int(int) => write_sint(into, int).map(drop),
        Number::Float(float) => write_f64(into, float),
    });
}

/// Writing to memory does not fail.
fn done(written: Result<(), rmp::encode::ValueWriteError>) {
    written.expect("a Vec takes every write");
}

/// Why a dump, or one stat of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    #[error("the dump is not msgpack: {0}")]
    Malformed(#[from] Malformed),
    #[error("the dump is not an array of stats")]
    NotStats,
    #[error("the dump has over {STATS_MAX} stats")]
    Stats,
    #[error("`{key}` of a stat is missing or not of its type")]
    Key { key: &'static str },
    #[error("a stat has the type `{0}`, which is none of Counter, Gauge and Histogram")]
    Type(String),
    #[error("`{0}` is not a name for a stat or label")]
    Name(String),
    #[error("{0} of a stat are over their limit")]
    Limit(&'static str),
    #[error("the bins of a histogram do not rise")]
    Bins,
    #[error("a series does not have the labels or bins of its stat")]
    Series,
}

/// What was in a message: good stats, and why others were refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    pub dump: Dump,
    pub refused: Vec<DumpError>,
}

/// Reads a dump of ours or of Python's. Safe on any bytes: a stat that is wrong is refused and the others are kept; an error
/// means that nothing could be read.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DumpError> {
    let View::Array(stats) = Raw::whole(bytes)?.view()? else { return Err(DumpError::NotStats) };
    if stats.count_left() > STATS_MAX as u64 {
        return Err(DumpError::Stats);
    }
    let mut decoded = Decoded::default();
    for stat in stats {
        match decode_stat(stat) {
            Ok(stat) => decoded.dump.push(stat),
            Err(why) => decoded.refused.push(why),
        }
    }
    Ok(decoded)
}

fn decode_stat(stat: Raw<'_>) -> Result<StatDump, DumpError> {
    let View::Map(stat) = stat.view()? else { return Err(DumpError::NotStats) };
    let find = |key: &'static str| {
        let found = stat.filter(|(name, _)| name.text() == Some(key)).last();
        found.map(|(_, value)| value).ok_or(DumpError::Key { key })
    };
    let text = |key| find(key)?.text().ok_or(DumpError::Key { key });
    let name = checked_name(text("name")?, b":")?;
    let labels = decode_labels(list(find("labels")?, "labels", LABELS_MAX)?)?;
    let width = labels.len();
    let values = match text("type")? {
        "Counter" => Values::Counter(decode_map(find("metrics")?, "metrics", width, decode_number)?),
        "Gauge" => Values::Gauge(decode_map(find("metrics")?, "metrics", width, decode_number)?),
        "Histogram" => {
            let bins = decode_bins(list(find("bins")?, "bins", BINS_MAX)?)?;
            let counts = decode_map(find("bin_counts")?, "bin_counts", width, |raw| decode_counts(raw, bins.len()))?;
            let sums = decode_map(find("sums")?, "sums", width, decode_number)?;
            let totals = decode_map(find("total_counts")?, "total_counts", width, |raw| raw.as_u64())?;
            Values::Histogram { bins, series: join(counts, &sums, totals)? }
        }
        other => return Err(DumpError::Type(other.chars().take(NAME_BYTES_MAX).collect())),
    };
    Ok(StatDump { name, labels, values })
}

/// `extra` may stand wherever a letter may.
fn checked_name(name: &str, extra: &[u8]) -> Result<String, DumpError> {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_' || extra.contains(byte);
    let good = name.len() <= NAME_BYTES_MAX
        && name.as_bytes().first().is_some_and(letter)
        && name.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit());
    if good { Ok(name.to_owned()) } else { Err(DumpError::Name(name.chars().take(NAME_BYTES_MAX).collect())) }
}

fn decode_labels(names: Items<'_>) -> Result<Vec<String>, DumpError> {
    let mut labels: Vec<String> = Vec::new();
    for name in names {
        let name = name.text().ok_or(DumpError::Key { key: "labels" })?;
        // `__...` are Prometheus' own, and `le` is the exporter's.
        if name.starts_with("__") || name == "le" || labels.iter().any(|label| label == name) {
            return Err(DumpError::Name(name.to_owned()));
        }
        labels.push(checked_name(name, b"")?);
    }
    Ok(labels)
}

fn decode_bins(bins: Items<'_>) -> Result<Vec<f64>, DumpError> {
    let bins: Option<Vec<f64>> = bins.map(Raw::as_f64).collect();
    let bins = bins.ok_or(DumpError::Key { key: "bins" })?;
    let rising = bins.windows(2).all(|pair| pair[0] < pair[1]);
    if rising && bins.iter().all(|bin| bin.is_finite()) { Ok(bins) } else { Err(DumpError::Bins) }
}

fn decode_number(raw: Raw<'_>) -> Option<Number> {
    match raw.view().ok()? {
        View::Int(int) => Some(Number::Int(int)),
        View::BigInt(int) => Some(Number::Float(int as f64)),
        View::Float(float) => Some(Number::Float(float)),
        _ => None,
    }
}

/// Cumulative counts, one a bin.
fn decode_counts(raw: Raw<'_>, bins: usize) -> Option<Vec<u64>> {
    let View::Array(counts) = raw.view().ok()? else { return None };
    let counts: Vec<u64> = counts.take(bins + 1).map(Raw::as_u64).collect::<Option<_>>()?;
    (counts.len() == bins && counts.is_sorted()).then_some(counts)
}

fn list<'a>(raw: Raw<'a>, key: &'static str, max: usize) -> Result<Items<'a>, DumpError> {
    let View::Array(items) = raw.view()? else { return Err(DumpError::Key { key }) };
    if items.count_left() > max as u64 { Err(DumpError::Limit(key)) } else { Ok(items) }
}

fn decode_map<T>(
    raw: Raw<'_>,
    key: &'static str,
    width: usize,
    value: impl Fn(Raw<'_>) -> Option<T>,
) -> Result<Vec<(LabelValues, T)>, DumpError> {
    let View::Map(pairs) = raw.view()? else { return Err(DumpError::Key { key }) };
    if pairs.count_left() > SERIES_MAX as u64 {
        return Err(DumpError::Limit(key));
    }
    let read =
        |(labels, observed)| Ok((decode_label_values(labels, width)?, value(observed).ok_or(DumpError::Series)?));
    Pairs::map(pairs, read).collect()
}

fn decode_label_values(raw: Raw<'_>, width: usize) -> Result<LabelValues, DumpError> {
    let View::Array(values) = raw.view()? else { return Err(DumpError::Series) };
    if values.count_left() != width as u64 {
        return Err(DumpError::Series);
    }
    Ok(LabelValues::new(values.bytes(), width))
}

/// The three maps of a histogram as one. A series without total count is refused; it may lack bins.
fn join(
    counts: Vec<(LabelValues, Vec<u64>)>,
    sums: &[(LabelValues, Number)],
    totals: Vec<(LabelValues, u64)>,
) -> Result<Vec<(LabelValues, Observations)>, DumpError> {
    let mut counts: HashMap<_, _> = counts.into_iter().collect();
    let sums: HashMap<_, _> = sums.iter().map(|(labels, sum)| (labels, *sum)).collect();
    let mut series = Vec::with_capacity(totals.len());
    for (labels, total) in totals {
        let counts = counts.remove(&labels).unwrap_or_default();
        let sum = sums.get(&labels).ok_or(DumpError::Series)?.as_f64();
        // More values in the bins than in all would make a histogram that falls.
        if counts.last().is_some_and(|last| *last > total) {
            return Err(DumpError::Series);
        }
        series.push((labels, Observations { counts, sum, total }));
    }
    if counts.is_empty() { Ok(series) } else { Err(DumpError::Series) }
}

#[cfg(test)]
mod tests;

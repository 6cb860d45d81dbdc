//! From messages to figures: decodes each message once and folds it by the [table](table) of stats.
//!
//! What changed goes out as a [`Dump`] on every tick. Until an output takes it, it stays here and grows by what follows, so
//! an exporter that is away costs nothing but time: memory is bound by the number of series.

mod metric;
mod pick;
pub mod process;
mod series;
pub mod table;

use std::convert::Infallible;

use crate::sink::Sink;
use crate::wire::batch::Batch;
use crate::wire::dump::Dump;

use self::metric::{Metric, Outcome};
use self::pick::{FIELDS_MAX, Picked, Picker};
use self::table::{Kind, PROCESSORS, Processor, Source};

pub use self::table::help;

/// Series of a metric unless told otherwise. Values of further ones are folded into one series whose labels are `other`
/// except for `test` (gauges: dropped), and counted by `mite_stats_series_folded_total`.
pub const SERIES_MAX: usize = 2_000;
/// Bytes of a label's value. Longer ones are cut.
pub const LABEL_BYTES_MAX: usize = 200;
/// Bins of a histogram. More are an error at the start.
pub const BINS_MAX: usize = 100;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Processors to use; none means all.
    pub include: Vec<String>,
    /// Processors not to use even so.
    pub exclude: Vec<String>,
    /// Series of a metric, see [`SERIES_MAX`]; over 100,000 an exporter refuses them.
    pub series_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { include: Vec::new(), exclude: Vec::new(), series_max: SERIES_MAX }
    }
}

/// What a user told stats that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is no processor `{name}` of stats: use some of {known}")]
    Processor { name: String, known: String },
    #[error(
        "{variable}={text} is not a list of bins: {why}; write numbers with commas between them, such as 0.1,0.5,1"
    )]
    Bins { variable: &'static str, text: String, why: String },
}

/// The sink. `output` gets what changed since it last said `true`, which means that it has taken it (put it in a queue, say).
/// When it says `false` it gets the same and more with the next tick, so nothing is lost.
pub struct Stats<O: FnMut(&Dump) -> bool> {
    metrics: Vec<Metric>,
    /// Which metrics want messages of a type.
    types: Vec<(&'static str, Vec<usize>)>,
    picker: Picker,
    type_field: usize,
    malformed_metric: Option<usize>,
    folded_metric: Option<usize>,
    /// The labels of the series at hand.
    key: Vec<u8>,
    messages: u64,
    malformed: u64,
    /// How many malformed ones were logged.
    logged: u64,
    output: O,
}

impl<O: FnMut(&Dump) -> bool> Stats<O> {
    /// `variable` looks up an environment variable.
    pub fn new(settings: &Settings, variable: impl Fn(&str) -> Option<String>, output: O) -> Result<Self, Error> {
        let mut picker = Picker::new();
        let type_field = picker.number("type");
        let mut metrics = Vec::new();
        for stat in selected(settings)?.iter().flat_map(|processor| processor.stats) {
            let bins = match stat.kind {
                Kind::Histogram { bins, variable: name } => match variable(name) {
                    Some(text) => parse_bins(name, &text)?,
                    None => bins.to_vec(),
                },
                Kind::Counter | Kind::Gauge => Vec::new(),
            };
            metrics.push(Metric::new(stat, bins, settings.series_max, &mut picker));
        }
        let by_source = |source| metrics.iter().position(|metric: &Metric| metric.stat.source == source);
        let (malformed_metric, folded_metric) = (by_source(Source::Malformed), by_source(Source::Folded));
        Ok(Self {
            types: by_type(&metrics),
            metrics,
            picker,
            type_field,
            malformed_metric,
            folded_metric,
            key: Vec::with_capacity(1024),
            messages: 0,
            malformed: 0,
            logged: 0,
            output,
        })
    }

    /// What changed since a dump was last taken: every stat, those without news empty, as Python sends it.
    pub fn dump(&self) -> Dump {
        self.metrics.iter().map(Metric::dump).collect()
    }

    /// Messages so far, malformed ones too.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Messages so far that were of no use, or not wholly.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    fn take_message<'a>(&mut self, message: &'a [u8], picked: &mut Picked<'a>) {
        self.messages += 1;
        if self.picker.pick(message, picked).is_err() {
            return self.count_malformed();
        }
        let Some(kind) = picked[self.type_field].and_then(|kind| kind.text_bytes()) else {
            return self.count_malformed();
        };
        let Some((_, wanted)) = self.types.iter().find(|(name, _)| name.as_bytes() == kind) else { return };
        let mut all = Outcome::default();
        for &index in wanted {
            let metric = &mut self.metrics[index];
            let one = metric.take(picked, &mut self.key);
            all.malformed |= one.malformed;
            if one.folded > 0 {
                let name = metric.stat.name;
                count_folded(&mut self.metrics, self.folded_metric, name, one.folded);
            }
        }
        if all.malformed {
            self.count_malformed();
        }
    }

    #[cold]
    fn count_malformed(&mut self) {
        self.malformed += 1;
        if let Some(metric) = self.malformed_metric {
            self.metrics[metric].count(None);
        }
    }

    /// Whether nothing is left to send.
    fn send(&mut self) -> bool {
        if !self.metrics.iter().any(|metric| metric.series.has_news()) {
            return true;
        }
        let dump = self.dump();
        let taken = (self.output)(&dump);
        if taken {
            self.metrics.iter_mut().for_each(|metric| metric.series.sent());
        }
        taken
    }
}

impl<O: FnMut(&Dump) -> bool> Sink for Stats<O> {
    type Error = Infallible;

    fn take(&mut self, batch: &Batch) -> Result<(), Infallible> {
        let mut picked: Picked<'_> = [None; FIELDS_MAX + 1];
        for message in batch.messages() {
            self.take_message(message, &mut picked);
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Infallible> {
        self.metrics.iter_mut().for_each(|metric| metric.series.tick());
        if self.malformed > self.logged {
            tracing::warn!(count = self.malformed - self.logged, "messages are malformed");
            self.logged = self.malformed;
        }
        self.send();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Infallible> {
        if !self.send() {
            tracing::warn!("the last figures were not sent: nobody took them");
        }
        Ok(())
    }
}

#[cold]
fn count_folded(metrics: &mut [Metric], folded: Option<usize>, name: &str, times: u64) {
    if let Some(metric) = folded {
        (0..times).for_each(|_| metrics[metric].count(Some(name)));
    }
}

fn by_type(metrics: &[Metric]) -> Vec<(&'static str, Vec<usize>)> {
    let mut types: Vec<(&'static str, Vec<usize>)> = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        let Source::Messages(wanted) = metric.stat.source else { continue };
        for kind in wanted {
            match types.iter_mut().find(|(name, _)| name == kind) {
                Some((_, metrics)) => metrics.push(index),
                None => types.push((kind, vec![index])),
            }
        }
    }
    types
}

fn selected(settings: &Settings) -> Result<Vec<&'static Processor>, Error> {
    for name in settings.include.iter().chain(&settings.exclude) {
        if !PROCESSORS.iter().any(|processor| processor.name == name) {
            let known: Vec<_> = PROCESSORS.iter().map(|processor| processor.name).collect();
            return Err(Error::Processor { name: name.clone(), known: known.join(", ") });
        }
    }
    let has = |list: &[String], processor: &Processor| list.iter().any(|name| name == processor.name);
    let wanted = |processor: &&Processor| {
        (settings.include.is_empty() || has(&settings.include, processor)) && !has(&settings.exclude, processor)
    };
    Ok(PROCESSORS.iter().filter(wanted).collect())
}

/// Numbers with commas between them, in any order, as Python has it.
fn parse_bins(variable: &'static str, text: &str) -> Result<Vec<f64>, Error> {
    let error = |why: String| Error::Bins { variable, text: text.to_owned(), why };
    let mut bins = Vec::new();
    for part in text.split(',') {
        match part.trim().parse::<f64>() {
            Ok(bin) if bin.is_finite() => bins.push(bin),
            _ => return Err(error(format!("`{part}` is not a number"))),
        }
    }
    bins.sort_by(f64::total_cmp);
    bins.dedup();
    if bins.len() > BINS_MAX {
        return Err(error(format!("{} are over the limit of {BINS_MAX}", bins.len())));
    }
    Ok(bins)
}

#[cfg(test)]
mod tests;

//! One stat of the table at work: from the fields of a message to a value in a series.

use rmp::encode::{write_bin, write_str_len};

use crate::wire::dump::{Number, StatDump, write_label};
use crate::wire::value::{Raw, View};

use super::LABEL_BYTES_MAX;
use super::pick::{Picked, Picker};
use super::series::Series;
use super::table::{Kind, Stat, Value};

/// The label that folding spares: figures of different tests must not be mixed while it can be helped.
const SPARED: &str = "test";

/// What became of a message in one stat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A field that the stat needs was missing or of another type, or a label was not UTF-8.
    pub malformed: bool,
    /// Values that had no series of their own.
    pub folded: u64,
}

const MALFORMED: Outcome = Outcome { malformed: true, folded: 0 };

pub struct Metric {
    pub stat: &'static Stat,
    /// Numbers of the fields that are its labels.
    labels: Vec<usize>,
    /// Number of the field that is its value.
    value: Option<usize>,
    pub series: Series,
}

impl Metric {
    pub fn new(stat: &'static Stat, bins: Vec<f64>, limit: usize, picker: &mut Picker) -> Self {
        let labels = stat.labels.iter().map(|label| picker.number(label)).collect();
        let value = match stat.value {
            Value::One => None,
            Value::Field(field) | Value::Entries(field) => Some(picker.number(field)),
        };
        Self { stat, labels, value, series: Series::new(stat.kind, stat.labels.len(), bins, limit) }
    }

    /// Folds a message. `key` is only lent, so that there is one buffer for all.
    #[inline]
    pub fn take(&mut self, picked: &Picked<'_>, key: &mut Vec<u8>) -> Outcome {
        let field = self.value.and_then(|value| picked[value]);
        match self.stat.value {
            Value::One => self.add(picked, None, Number::Int(1), key),
            Value::Field(_) => match field.and_then(number) {
                Some(value) => self.add(picked, None, value, key),
                None => MALFORMED,
            },
            Value::Entries(_) => self.take_entries(picked, field, key),
        }
    }

    fn take_entries(&mut self, picked: &Picked<'_>, field: Option<Raw<'_>>, key: &mut Vec<u8>) -> Outcome {
        let Some(Ok(View::Map(entries))) = field.map(Raw::view) else { return MALFORMED };
        let mut all = Outcome::default();
        for (last, value) in entries {
            let one = match number(value) {
                Some(value) => self.add(picked, Some(last), value, key),
                None => MALFORMED,
            };
            all.malformed |= one.malformed;
            all.folded += one.folded;
        }
        all
    }

    /// One value; `last` replaces the last label.
    #[inline]
    fn add(&mut self, picked: &Picked<'_>, last: Option<Raw<'_>>, value: Number, key: &mut Vec<u8>) -> Outcome {
        key.clear();
        let own = self.labels.len() - usize::from(last.is_some());
        for label in &self.labels[..own] {
            append(key, picked[*label]);
        }
        if last.is_some() {
            append(key, last);
        }
        match self.series.find(key) {
            Some(place) => {
                self.series.fold(place, value);
                Outcome::default()
            }
            None => self.add_new(picked, value, key),
        }
    }

    /// One value whose labels came for the first time.
    #[cold]
    fn add_new(&mut self, picked: &Picked<'_>, value: Number, key: &mut Vec<u8>) -> Outcome {
        if !is_text_good(key) {
            return MALFORMED;
        }
        if !self.series.is_full() {
            let place = self.series.insert(key);
            self.series.fold(place, value);
            return Outcome::default();
        }
        // The last of several values that are not the same thing would say nothing.
        if !matches!(self.stat.kind, Kind::Gauge) {
            let place = self.folded_place(picked, key);
            self.series.fold(place, value);
        }
        Outcome { malformed: false, folded: 1 }
    }

    /// The series of all that have no room, of this test or, if there are too many tests, of all.
    fn folded_place(&mut self, picked: &Picked<'_>, key: &mut Vec<u8>) -> u32 {
        for spare in [SPARED, ""] {
            key.clear();
            for (name, label) in self.stat.labels.iter().zip(&self.labels) {
                if *name == spare { append(key, picked[*label]) } else { write_label(key, View::Str("other")) }
            }
            if let Some(place) = self.series.find(key) {
                return place;
            }
            if !self.series.is_overfull() {
                break;
            }
        }
        self.series.insert(key)
    }

    /// Counts one under a single label, or under none: for what stats itself has to say.
    pub fn count(&mut self, label: Option<&str>) {
        let mut key = Vec::new();
        if let Some(label) = label {
            write_label(&mut key, View::Str(label));
        }
        let place = self.series.find(&key).unwrap_or_else(|| self.series.insert(&key));
        self.series.fold(place, Number::Int(1));
    }

    pub fn dump(&self) -> StatDump {
        let labels = self.stat.labels.iter().map(|label| (*label).to_owned()).collect();
        StatDump { name: self.stat.name.to_owned(), labels, values: self.series.news() }
    }
}

/// Infinity and not-a-number would spoil a sum for ever.
fn number(raw: Raw<'_>) -> Option<Number> {
    match raw.view().ok()? {
        View::Int(int) => Some(Number::Int(int)),
        View::BigInt(int) => Some(Number::Float(int as f64)),
        View::Float(float) if float.is_finite() => Some(Number::Float(float)),
        _ => None,
    }
}

/// Appends a label's value in its one form: the same value has the same bytes whoever sent it.
#[inline]
fn append(key: &mut Vec<u8>, value: Option<Raw<'_>>) {
    let Some(value) = value else { return key.push(0xa0) };
    match value.bytes() {
        // Short text, small numbers, bool and nil, text and binary of a length in one byte: there is no shorter form.
        bytes
        @ ([0x00..=0x7f | 0xa0..=0xc0 | 0xc2 | 0xc3 | 0xe0.., ..] | [0xd9, 32..=200, ..] | [0xc4, ..=200, ..]) => {
            key.extend_from_slice(bytes);
        }
        _ => append_slowly(key, value),
    }
}

/// Text is not looked at here but in [`is_text_good`], once a series.
fn append_slowly(key: &mut Vec<u8>, value: Raw<'_>) {
    match (value.bytes(), value.text_bytes()) {
        ([0xc4..=0xc6, ..], Some(bytes)) => write_bin(key, cut(bytes)).expect("a Vec takes every write"),
        (_, Some(bytes)) => {
            let bytes = cut(bytes);
            write_str_len(key, bytes.len() as u32).expect("a Vec takes every write");
            key.extend_from_slice(bytes);
        }
        _ => write_label(key, value.view().unwrap_or(View::Str(""))),
    }
}

/// Not more than [`LABEL_BYTES_MAX`], and no half letter at the end.
fn cut(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= LABEL_BYTES_MAX {
        return bytes;
    }
    let is_start = |at: &usize| bytes[*at] & 0xc0 != 0x80;
    let end = (LABEL_BYTES_MAX - 3..=LABEL_BYTES_MAX).rev().find(is_start).unwrap_or(LABEL_BYTES_MAX);
    &bytes[..end]
}

fn is_text_good(key: &[u8]) -> bool {
    let mut rest = key;
    while !rest.is_empty() {
        let Ok((value, after)) = Raw::split(rest) else { return false };
        if value.view().is_err() {
            return false;
        }
        rest = after;
    }
    true
}

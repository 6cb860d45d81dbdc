//! Messages as bytes: one msgpack map each, keys in the order of the Python framework (fields of the message's own, type,
//! time, identity of the run, transaction), then ours.
//!
//! Source of the format: the Python framework's messages; golden bytes in `tests/wire`. Encoding is on the path of
//! every request, so keys are written as constants: a string's header and bytes, and where its type never changes the
//! value's header too.

use std::sync::Arc;

use rmp::encode::{write_bin, write_bool, write_map_len, write_sint, write_str, write_uint};

use super::value::{Fields, Malformed};

mod held_back;

pub use held_back::{HeldBack, held_back};

/// What all messages of a run have in common.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `test` ... `scenario_data_id`, encoded: [`IDENTITY_FIELDS`] pairs.
    fields: Vec<u8>,
    /// The pair `run_id`.
    run_id: Arc<[u8]>,
}

const IDENTITY_FIELDS: u32 = 6;
/// `transaction`, `transaction_id`, `run_id`.
const CLOSING_FIELDS: u32 = 3;
/// `type`, `time`.
const OPENING_FIELDS: u32 = 2;
/// Pairs that every message of a run has besides its own.
pub const ENVELOPE_FIELDS: u32 = OPENING_FIELDS + IDENTITY_FIELDS + CLOSING_FIELDS;

/// The keys of the envelope: a message's own field of such a name is left out.
pub const ENVELOPE_KEYS: [&str; 11] = [
    "type",
    "time",
    "test",
    "runner_id",
    "journey",
    "context_id",
    "scenario_id",
    "scenario_data_id",
    "transaction",
    "transaction_id",
    "run_id",
];

/// Types of the messages that tell what mite itself has measured or decided. A journey can't make one, so that figures made of them,
/// whoever makes them, are about what has happened. (`error` and `exception` are a journey's own word in any case.)
pub const MEASURED_TYPES: [&str; 5] = ["http_metrics", "http_error", "txn", "controller_report", "held_back"];

/// Encodes the pair that every message of a test ends with.
pub fn run_id_field(run_id: &str) -> Arc<[u8]> {
    let mut field = Vec::new();
    text(&mut field, "run_id");
    text(&mut field, run_id);
    field.into()
}

impl Identity {
    pub fn new(run_id: Arc<[u8]>) -> Self {
        Self { fields: Vec::new(), run_id }
    }

    /// Becomes the identity of another run.
    pub fn set(&mut self, scenario: &Scenario, context_id: u64, data_id: Option<i64>) {
        let out = &mut self.fields;
        out.clear();
        out.extend_from_slice(&scenario.before);
        uint(out, context_id);
        out.extend_from_slice(&scenario.between);
        match data_id {
            Some(id) => ok(write_sint(out, id)),
            None => out.push(0xc0),
        }
    }
}

/// What all runs of a scenario item have in common, encoded once.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// `test`, `runner_id`, `journey` and the key `context_id`.
    before: Vec<u8>,
    /// `scenario_id` and the key `scenario_data_id`.
    between: Vec<u8>,
}

impl Scenario {
    pub fn new(test: &str, runner_id: u32, journey: &str, scenario_id: u32) -> Self {
        let (mut before, mut between) = (Vec::new(), Vec::new());
        text(&mut before, "test");
        text(&mut before, test);
        text(&mut before, "runner_id");
        uint(&mut before, u64::from(runner_id));
        text(&mut before, "journey");
        text(&mut before, journey);
        text(&mut before, "context_id");
        text(&mut between, "scenario_id");
        uint(&mut between, u64::from(scenario_id));
        text(&mut between, "scenario_data_id");
        Self { before, between }
    }
}

/// Where in a run something happened.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub identity: &'a Identity,
    /// Full name.
    pub transaction: &'a str,
    pub transaction_id: u32,
}

/// Writes the envelope: the end of every message of a run.
fn close(out: &mut Vec<u8>, message_type: &str, unix: f64, place: Place<'_>) {
    out.extend_from_slice(b"\xa4type");
    text(out, message_type);
    out.extend_from_slice(b"\xa4time");
    float(out, unix);
    out.extend_from_slice(&place.identity.fields);
    out.extend_from_slice(b"\xabtransaction");
    text(out, place.transaction);
    out.extend_from_slice(b"\xaetransaction_id");
    uint(out, u64::from(place.transaction_id));
    out.extend_from_slice(&place.identity.run_id);
}

/// Seconds since the beginning of a request, cumulative as curl's; 0 for steps that didn't happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub dns: f64,
    pub connect: f64,
    pub tls: f64,
    pub transfer_start: f64,
    pub first_byte: f64,
    pub total: f64,
}

/// An exchange that got its response.
#[derive(Clone, Copy, Debug)]
pub struct HttpMetrics<'a> {
    /// Unix seconds.
    pub start: f64,
    pub end: f64,
    pub url: &'a str,
    pub status: u16,
    pub times: Times,
    pub primary_ip: &'a str,
    pub method: &'a str,
    pub download_bytes: u64,
    /// The label that the journey gave the request.
    pub name: Option<&'a str>,
    /// Encoded pairs that the journey added.
    pub extra: &'a [u8],
    pub extra_fields: u32,
}

pub fn http_metrics(out: &mut Vec<u8>, message: &HttpMetrics<'_>, place: Place<'_>) {
    let named = u32::from(message.name.is_some());
    map(out, 12 + named + message.extra_fields + ENVELOPE_FIELDS);
    out.extend_from_slice(b"\xaastart_time");
    uint(out, whole(message.start));
    out.extend_from_slice(b"\xadeffective_url");
    text(out, message.url);
    out.extend_from_slice(b"\xadresponse_code");
    uint(out, u64::from(message.status));
    times(out, &message.times);
    out.extend_from_slice(b"\xaaprimary_ip");
    text(out, message.primary_ip);
    out.extend_from_slice(b"\xa6method");
    ok(write_bin(out, message.method.as_bytes()));
    out.extend_from_slice(b"\xaddownload_size");
    float(out, approximate(message.download_bytes));
    if let Some(name) = message.name {
        out.extend_from_slice(b"\xa4name");
        text(out, name);
    }
    out.extend_from_slice(message.extra);
    close(out, "http_metrics", message.end, place);
}

fn times(out: &mut Vec<u8>, times: &Times) {
    let Times { dns, connect, tls, transfer_start, first_byte, total } = *times;
    out.extend_from_slice(b"\xa8dns_time");
    float(out, dns);
    out.extend_from_slice(b"\xacconnect_time");
    float(out, connect);
    out.extend_from_slice(b"\xa8tls_time");
    float(out, tls);
    out.extend_from_slice(b"\xb3transfer_start_time");
    float(out, transfer_start);
    out.extend_from_slice(b"\xaffirst_byte_time");
    float(out, first_byte);
    out.extend_from_slice(b"\xaatotal_time");
    float(out, total);
}

/// A request that got no response.
#[derive(Clone, Copy, Debug)]
pub struct HttpError<'a> {
    pub start: f64,
    pub end: f64,
    pub url: &'a str,
    pub method: &'a str,
    pub name: Option<&'a str>,
    /// `dns`, `connect`, `tls`, `timeout`, `protocol`, `cancelled` or `denied`.
    pub class: &'a str,
    pub message: &'a str,
    pub times: Times,
}

pub fn http_error(out: &mut Vec<u8>, message: &HttpError<'_>, place: Place<'_>) {
    let named = u32::from(message.name.is_some());
    map(out, 11 + named + ENVELOPE_FIELDS);
    out.extend_from_slice(b"\xaastart_time");
    uint(out, whole(message.start));
    out.extend_from_slice(b"\xadeffective_url");
    text(out, message.url);
    times(out, &message.times);
    out.extend_from_slice(b"\xa6method");
    ok(write_bin(out, message.method.as_bytes()));
    out.extend_from_slice(b"\xaberror_class");
    text(out, message.class);
    out.extend_from_slice(b"\xa7message");
    text(out, message.message);
    if let Some(name) = message.name {
        out.extend_from_slice(b"\xa4name");
        text(out, name);
    }
    close(out, "http_error", message.end, place);
}

/// The end of a transaction. Times are Unix seconds.
pub fn txn(out: &mut Vec<u8>, start: f64, end: f64, had_error: bool, place: Place<'_>) {
    map(out, 3 + ENVELOPE_FIELDS);
    out.extend_from_slice(b"\xaastart_time");
    float(out, start);
    out.extend_from_slice(b"\xa8end_time");
    float(out, end);
    out.extend_from_slice(b"\xa9had_error");
    ok(write_bool(out, had_error));
    close(out, "txn", end, place);
}

/// What went wrong in a journey.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// `error` or `exception`.
    pub message_type: &'static str,
    pub message: &'a str,
    pub ex_type: &'a str,
    pub location: &'a str,
    /// Of an exception.
    pub stacktrace: Option<&'a str>,
    /// Encoded pairs that the journey added.
    pub extra: &'a [u8],
    pub extra_fields: u32,
}

pub fn failure(out: &mut Vec<u8>, failure: &Failure<'_>, unix: f64, place: Place<'_>) {
    let traced = u32::from(failure.stacktrace.is_some());
    map(out, 3 + traced + failure.extra_fields + ENVELOPE_FIELDS);
    out.extend_from_slice(b"\xa7message");
    text(out, failure.message);
    out.extend_from_slice(b"\xa7ex_type");
    text(out, failure.ex_type);
    out.extend_from_slice(b"\xa8location");
    text(out, failure.location);
    if let Some(stacktrace) = failure.stacktrace {
        out.extend_from_slice(b"\xaastacktrace");
        text(out, stacktrace);
    }
    out.extend_from_slice(failure.extra);
    close(out, failure.message_type, unix, place);
}

/// A message that a journey makes itself, with encoded pairs.
pub fn free(out: &mut Vec<u8>, message_type: &str, extra: &[u8], extra_fields: u32, unix: f64, place: Place<'_>) {
    map(out, extra_fields + ENVELOPE_FIELDS);
    out.extend_from_slice(extra);
    close(out, message_type, unix, place);
}

/// A message of a scenario function: there is no run that it belongs to.
pub fn outside(
    out: &mut Vec<u8>,
    message_type: &str,
    extra: &[u8],
    extra_fields: u32,
    unix: f64,
    test: &str,
    run_id: &[u8],
) {
    map(out, extra_fields + 4);
    out.extend_from_slice(extra);
    out.extend_from_slice(b"\xa4type");
    text(out, message_type);
    out.extend_from_slice(b"\xa4time");
    float(out, unix);
    out.extend_from_slice(b"\xa4test");
    text(out, test);
    out.extend_from_slice(run_id);
}

/// What the controller says once a second: journeys at once by scenario id, asked for and running.
pub fn controller_report<'a>(
    out: &mut Vec<u8>,
    unix: f64,
    test: &str,
    required: impl ExactSizeIterator<Item = (&'a u32, &'a u32)>,
    actual: impl ExactSizeIterator<Item = (&'a u32, &'a u32)>,
    runners: u32,
    run_id: &[u8],
) {
    map(out, 7);
    out.extend_from_slice(b"\xa4type\xb1controller_report\xa4time");
    float(out, unix);
    out.extend_from_slice(b"\xa4test");
    text(out, test);
    out.extend_from_slice(b"\xa8required");
    counts(out, required);
    out.extend_from_slice(b"\xa6actual");
    counts(out, actual);
    out.extend_from_slice(b"\xabnum_runners");
    uint(out, u64::from(runners));
    out.extend_from_slice(run_id);
}

fn counts<'a>(out: &mut Vec<u8>, counts: impl ExactSizeIterator<Item = (&'a u32, &'a u32)>) {
    map(out, u32::try_from(counts.len()).expect("a test has at most a thousand scenario items"));
    for (id, count) in counts {
        uint(out, u64::from(*id));
        uint(out, u64::from(*count));
    }
}

/// The pairs of a msgpack map without those whose keys are taken, and how many they are. The error says why it isn't one.
pub fn own_pairs(map: &[u8], taken: &[&str]) -> Result<(Vec<u8>, u32), Malformed> {
    let mut own = Vec::with_capacity(map.len());
    let mut count = 0;
    if map.is_empty() {
        return Ok((own, count));
    }
    for field in Fields::new(map)? {
        let field = field?;
        if !ENVELOPE_KEYS.contains(&field.key) && !taken.contains(&field.key) {
            text(&mut own, field.key);
            own.extend_from_slice(field.value.bytes());
            count += 1;
        }
    }
    Ok((own, count))
}

fn map(out: &mut Vec<u8>, pairs: u32) {
    ok(write_map_len(out, pairs));
}

/// Writes a string.
pub fn text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        // Most are short; this is where a message's time goes.
        length @ 0..=31 => {
            out.push(0xa0 | length as u8);
            out.extend_from_slice(text.as_bytes());
        }
        _ => ok(write_str(out, text)),
    }
}

fn uint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        _ => ok(write_uint(out, value)),
    }
}

/// At once, since a message is mostly floats.
fn float(out: &mut Vec<u8>, value: f64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    out.extend_from_slice(&[0xcb, a, b, c, d, e, f, g, h]);
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds since 1970 are positive and fit")]
fn whole(unix: f64) -> u64 {
    unix as u64
}

#[expect(clippy::cast_precision_loss, reason = "the format has sizes as floats, exact up to 9 PB")]
fn approximate(bytes: u64) -> f64 {
    bytes as f64
}

/// Writing to a vector can't fail.
fn ok<T, E: std::fmt::Debug>(written: Result<T, E>) {
    written.expect("a vector takes all bytes");
}

#[cfg(test)]
mod tests;

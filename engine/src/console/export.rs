//! `--summary-export FILE`: the summary as JSON. docs/summary.md documents every key; a change that breaks a reader raises
//! [`SCHEMA`], a further key does not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::health::{Reliability, health};
use super::held::{Held, held};
use super::percentile::{self, P50, P90, P95, P99, P99_9, P99_99};
use super::{Consumer, Ending, Report};
use crate::wire::totals::{ErrorClass, Latency, RequestTotals, RunTotals, TransactionTotals};

pub const SCHEMA: u32 = 1;

/// All of them, since a reader should find a 0 and not a gap.
const CLASSES: [ErrorClass; 7] = [
    ErrorClass::Dns,
    ErrorClass::Connect,
    ErrorClass::Tls,
    ErrorClass::Timeout,
    ErrorClass::Protocol,
    ErrorClass::Cancelled,
    ErrorClass::Denied,
];

#[derive(Debug, thiserror::Error)]
#[error("cannot write the summary to {}", path.display())]
pub struct ExportError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// Writes the file beside its place and then moves it there: whoever watches for it never reads half of it.
pub fn write(path: &Path, report: &Report) -> Result<(), ExportError> {
    let text = json(report);
    replace(path, text.as_bytes()).map_err(|source| ExportError { path: path.to_owned(), source })
}

/// Whether a summary could be written there, found out before a test instead of after it: a file beside it is made and removed.
pub fn check(path: &Path) -> Result<(), ExportError> {
    let failed = |source| ExportError { path: path.to_owned(), source };
    let (target, temporary) = beside(path).map_err(failed)?;
    if is_device(&target) {
        return File::options().write(true).open(&target).map(drop).map_err(failed);
    }
    if target.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    File::create(&temporary).and_then(|_| fs::remove_file(&temporary)).map_err(failed)
}

/// The document, with a line end.
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&document(report)).expect("maps with text as keys can be written");
    text.push('\n');
    text
}

/// Where a path leads, and a name beside it. A link stays a link.
fn beside(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    let temporary = target.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    Ok((target, temporary))
}

/// A pipe or device (/dev/stdout) is written to: moving a file onto it would remove it.
fn is_device(target: &Path) -> bool {
    fs::metadata(target).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (target, temporary) = beside(path)?;
    if is_device(&target) {
        return File::options().write(true).open(&target)?.write_all(bytes);
    }
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // It may not even be there; the error worth telling is the first.
        _ = fs::remove_file(&temporary);
    }
    written
}

#[derive(Serialize)]
struct Document<'a> {
    requests: u64,
    errors: u64,
    messages_lost: u64,
    latency_ms: LatencyMs,
    schema: u32,
    mite_version: &'static str,
    test: &'a str,
    run_id: &'a str,
    started_at_unix_s: f64,
    duration_s: f64,
    planned_s: Option<f64>,
    ending: &'static str,
    ending_reason: Option<&'a str>,
    exit_code: u8,
    thresholds: Vec<ThresholdJson<'a>>,
    #[serde(flatten)]
    details: RequestDetails,
    by_request: BTreeMap<&'a str, RequestJson>,
    by_transaction: BTreeMap<&'a str, TransactionJson>,
    by_journey: BTreeMap<&'a str, JourneyJson>,
    failures: u64,
    failures_by_kind: Vec<FailureJson<'a>>,
    messages: MessagesJson<'a>,
    /// Only if there is any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    held_back: BTreeMap<&'a str, Held>,
    runners: u32,
    runners_lost: u32,
    starts_missed: u64,
    generator: GeneratorJson,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct LatencyMs {
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    p99_99: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct ThresholdJson<'a> {
    text: &'a str,
    actual: &'a str,
    held: bool,
}

#[derive(Serialize)]
struct RequestJson {
    requests: u64,
    errors: u64,
    latency_ms: LatencyMs,
    #[serde(flatten)]
    details: RequestDetails,
}

/// The same for one name and for all together.
#[derive(Serialize)]
struct RequestDetails {
    requests_per_s: Option<f64>,
    responses: u64,
    timeouts: u64,
    errors_by_class: BTreeMap<&'static str, u64>,
    statuses: BTreeMap<u16, u64>,
    received_bytes: u64,
    sent_bytes: u64,
}

#[derive(Serialize)]
struct TransactionJson {
    transactions: u64,
    failed: u64,
    latency_ms: LatencyMs,
    transactions_per_s: Option<f64>,
}

#[derive(Serialize)]
struct JourneyJson {
    started: u64,
    ended: u64,
    failed: u64,
    cancelled: u64,
    started_per_s: Option<f64>,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    count: u64,
    journey: &'a str,
    transaction: &'a str,
    #[serde(rename = "type")]
    ex_type: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct MessagesJson<'a> {
    made: u64,
    received: Option<u64>,
    lost: u64,
    dropped: u64,
    refused: u64,
    by_consumer: BTreeMap<&'a str, ConsumerJson>,
}

#[derive(Serialize)]
struct ConsumerJson {
    given: u64,
    received: u64,
    lost: u64,
    open: u64,
}

#[derive(Serialize)]
struct GeneratorJson {
    latencies_reliable: Option<bool>,
    socket_lag_p99_ms: Option<f64>,
    timer_lag_p99_ms: Option<f64>,
    guest_share_of_cpu: Option<f64>,
    workers: Vec<WorkerJson>,
}

#[derive(Serialize)]
struct WorkerJson {
    cpu_share_of_wall: Option<f64>,
    guest_share_of_cpu: Option<f64>,
}

fn document(report: &Report) -> Document<'_> {
    let totals = &report.totals;
    let all = request(report, &totals.all_requests());
    let (ending, ending_reason) = match &report.ending {
        Ending::Done => ("done", None),
        Ending::Stopped(why) => ("stopped", Some(why.as_str())),
        Ending::Signal(signal) => ("signal", Some(signal.as_str())),
    };
    Document {
        requests: all.requests,
        errors: all.errors,
        messages_lost: report.messages_lost,
        latency_ms: all.latency_ms,
        schema: SCHEMA,
        mite_version: env!("CARGO_PKG_VERSION"),
        test: &report.test,
        run_id: &report.run_id,
        started_at_unix_s: report.started_at_unix,
        duration_s: report.duration.as_secs_f64(),
        planned_s: report.planned.map(|planned| planned.as_secs_f64()),
        ending,
        ending_reason,
        exit_code: report.exit_code(),
        thresholds: thresholds(report),
        details: all.details,
        by_request: totals.requests.iter().map(|(name, one)| (name.as_str(), request(report, one))).collect(),
        by_transaction: transactions(report),
        by_journey: journeys(report),
        failures: totals.all_failures(),
        failures_by_kind: failures(report),
        messages: messages(report),
        held_back: held(report).into_iter().collect(),
        runners: report.runners,
        runners_lost: report.runners_lost,
        starts_missed: report.starts_missed,
        generator: generator(report),
        warnings: &report.warnings,
    }
}

fn thresholds(report: &Report) -> Vec<ThresholdJson<'_>> {
    let thresholds = report.thresholds.iter();
    thresholds.map(|one| ThresholdJson { text: &one.text, actual: &one.actual, held: one.held }).collect()
}

fn latency_ms(latency: &Latency) -> LatencyMs {
    LatencyMs {
        p50: P50.of(latency),
        p90: P90.of(latency),
        p95: P95.of(latency),
        p99: P99.of(latency),
        p99_9: P99_9.of(latency),
        p99_99: P99_99.of(latency),
        max: percentile::max(latency),
    }
}

fn request(report: &Report, requests: &RequestTotals) -> RequestJson {
    let errors_of = |class| requests.errors.get(&class).copied().unwrap_or(0);
    let number = requests.responses() + requests.errors();
    RequestJson {
        requests: number,
        errors: requests.errors(),
        latency_ms: latency_ms(&requests.latency),
        details: RequestDetails {
            requests_per_s: report.per_second(number),
            responses: requests.responses(),
            timeouts: errors_of(ErrorClass::Timeout),
            errors_by_class: CLASSES.iter().map(|&class| (class.as_str(), errors_of(class))).collect(),
            statuses: requests.statuses.clone(),
            received_bytes: requests.received_bytes,
            sent_bytes: requests.sent_bytes,
        },
    }
}

fn transactions(report: &Report) -> BTreeMap<&str, TransactionJson> {
    let one = |transaction: &TransactionTotals| TransactionJson {
        transactions: transaction.latency.len(),
        failed: transaction.failed,
        latency_ms: latency_ms(&transaction.latency),
        transactions_per_s: report.per_second(transaction.latency.len()),
    };
    report.totals.transactions.iter().map(|(name, transaction)| (name.as_str(), one(transaction))).collect()
}

fn journeys(report: &Report) -> BTreeMap<&str, JourneyJson> {
    let one = |runs: &RunTotals| JourneyJson {
        started: runs.started,
        ended: runs.ended,
        failed: runs.failed,
        cancelled: runs.cancelled,
        started_per_s: report.per_second(runs.started),
    };
    report.totals.journeys.iter().map(|(spec, runs)| (spec.as_str(), one(runs))).collect()
}

/// The most frequent first.
fn failures(report: &Report) -> Vec<FailureJson<'_>> {
    let mut failures: Vec<_> = report.totals.failures.iter().collect();
    failures.sort_by_key(|&(failure, &count)| (std::cmp::Reverse(count), failure));
    failures
        .into_iter()
        .map(|(failure, &count)| FailureJson {
            count,
            journey: &failure.journey,
            transaction: &failure.transaction,
            ex_type: &failure.ex_type,
            message: &failure.message,
        })
        .collect()
}

fn messages(report: &Report) -> MessagesJson<'_> {
    let one = |it: &Consumer| ConsumerJson { given: it.given, received: it.received, lost: it.lost, open: it.open };
    MessagesJson {
        made: report.messages_made,
        received: report.messages_received,
        lost: report.messages_lost,
        dropped: report.totals.messages.dropped,
        refused: report.totals.messages.refused,
        by_consumer: report.consumers.iter().map(|consumer| (consumer.kind.as_str(), one(consumer))).collect(),
    }
}

fn generator(report: &Report) -> GeneratorJson {
    let health = health(&report.totals);
    GeneratorJson {
        latencies_reliable: match health.reliability {
            Reliability::Unknown => None,
            Reliability::Reliable => Some(true),
            Reliability::Unreliable { .. } => Some(false),
        },
        socket_lag_p99_ms: health.socket_lag_p99_ms,
        timer_lag_p99_ms: health.timer_lag_p99_ms,
        guest_share_of_cpu: health.guest,
        workers: health
            .workers
            .iter()
            .map(|worker| WorkerJson { cpu_share_of_wall: worker.cpu, guest_share_of_cpu: worker.guest })
            .collect(),
    }
}

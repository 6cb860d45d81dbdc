//! The summary's tables: requests, transactions, journeys, failures.

use super::number::{NONE, count, figure, maybe};
use super::percentile::{self, PERCENTILES};
use super::table::{Cell, Table};
use super::text::{Flow, Line, Style};
use super::{Report, Verbosity};
use crate::wire::totals::{Failure, Latency, OTHER, RequestTotals};

/// Rows of a table unless `-v` asks for all.
const ROWS_MAX: usize = 20;
const FAILURES_SHOWN: usize = 10;
/// What every full name of a transaction begins with.
const ROOT: &str = "__root__";
const SEPARATOR: &str = " :: ";

fn shown(verbosity: Verbosity, max: usize) -> usize {
    if verbosity == Verbosity::Verbose { usize::MAX } else { max }
}

fn plain(text: String) -> Cell {
    Cell(Style::Plain, text)
}

/// A number that should be 0.
fn bad(number: u64) -> Cell {
    Cell(if number > 0 { Style::Bad } else { Style::Dim }, count(number))
}

fn percentile_heads() -> impl Iterator<Item = &'static str> {
    PERCENTILES.iter().map(|percentile| percentile.name).chain(["max"])
}

fn percentile_cells(latency: &Latency) -> impl Iterator<Item = Cell> {
    let values = PERCENTILES.iter().map(|percentile| percentile.of(latency)).chain([percentile::max(latency)]);
    values.map(|value| Cell(if value.is_some() { Style::Plain } else { Style::Dim }, maybe(value)))
}

fn rate(report: &Report, number: u64) -> Cell {
    plain(report.per_second(number).map_or_else(|| NONE.to_owned(), figure))
}

/// The note under a table that was cut.
fn more(left_out: usize) -> Option<Line> {
    let text = format!("  and {left_out} more: -v prints all of them");
    (left_out > 0).then(|| Line::new().with(Style::Dim, &text))
}

/// The most frequent names, the most frequent first; what had no room of its own comes last.
fn frequent<'a, T>(
    all: impl Iterator<Item = (&'a String, &'a T)>,
    number: impl Fn(&T) -> u64,
) -> Vec<(&'a str, &'a T)> {
    let mut names: Vec<_> = all.map(|(name, totals)| (name.as_str(), totals)).collect();
    names.sort_by_key(|(name, totals)| (*name == OTHER, std::cmp::Reverse(number(totals)), *name));
    names
}

pub fn requests(report: &Report, total: usize, verbosity: Verbosity) -> Vec<Line> {
    let names = &report.totals.requests;
    if names.is_empty() {
        return Vec::new();
    }
    let all = report.totals.all_requests();
    let refused = all.statuses.range(400..).next().is_some();
    let heads = ["count", "rate/s", "errors"].into_iter().chain(refused.then_some("≥400")).chain(percentile_heads());
    let mut table = Table::new("REQUESTS, ms", heads.collect());
    let row = |requests: &RequestTotals| {
        let number = requests.responses() + requests.errors();
        let mut cells = vec![plain(count(number)), rate(report, number), bad(requests.errors())];
        cells.extend(refused.then(|| bad(requests.statuses.range(400..).map(|(_, count)| count).sum())));
        cells.extend(percentile_cells(&requests.latency));
        cells
    };
    let sorted = frequent(names.iter(), |requests| requests.responses() + requests.errors());
    let limit = shown(verbosity, ROWS_MAX);
    for (name, requests) in sorted.iter().take(limit) {
        table.row(name, row(requests));
    }
    if sorted.len() > 1 {
        table.row("all", row(&all));
    }
    let mut lines = table.lines(total);
    lines.extend(more(sorted.len().saturating_sub(limit)));
    lines
}

/// `__root__ :: login :: submit` as `login › submit`.
pub fn transaction_name(full: &str) -> String {
    let parts: Vec<&str> = full.split(SEPARATOR).collect();
    match parts.as_slice() {
        [ROOT] => "(whole journey)".to_owned(),
        [ROOT, rest @ ..] => rest.join(" › "),
        all => all.join(" › "),
    }
}

pub fn transactions(report: &Report, total: usize, verbosity: Verbosity) -> Vec<Line> {
    let names = &report.totals.transactions;
    if names.is_empty() {
        return Vec::new();
    }
    let limit = shown(verbosity, ROWS_MAX);
    let mut sorted = frequent(names.iter(), |transaction| transaction.latency.len());
    let left_out = sorted.len().saturating_sub(limit);
    sorted.truncate(limit);
    // By name: an inner one then stands below the one it is in.
    sorted.sort_by_key(|(name, _)| (*name == OTHER, *name));
    let heads = ["count", "rate/s", "failed"].into_iter().chain(percentile_heads());
    let mut table = Table::new("TRANSACTIONS, ms", heads.collect());
    for (name, transaction) in sorted {
        let number = transaction.latency.len();
        let mut cells = vec![plain(count(number)), rate(report, number), bad(transaction.failed)];
        cells.extend(percentile_cells(&transaction.latency));
        table.row(&transaction_name(name), cells);
    }
    let mut lines = table.lines(total);
    lines.extend(more(left_out));
    lines
}

pub fn journeys(report: &Report, total: usize, verbosity: Verbosity) -> Vec<Line> {
    let journeys = &report.totals.journeys;
    if journeys.is_empty() {
        return Vec::new();
    }
    let limit = shown(verbosity, ROWS_MAX);
    let sorted = frequent(journeys.iter(), |runs| runs.started);
    let mut table = Table::new("JOURNEYS", vec!["started", "rate/s", "ended", "failed", "cancelled"]);
    for (spec, runs) in sorted.iter().take(limit) {
        let started = plain(count(runs.started));
        let cells = vec![started, rate(report, runs.started), plain(count(runs.ended)), bad(runs.failed)];
        table.row(spec, cells.into_iter().chain([plain(count(runs.cancelled))]).collect());
    }
    let mut lines = table.lines(total);
    lines.extend(more(sorted.len().saturating_sub(limit)));
    lines
}

pub fn failures(report: &Report, total: usize, verbosity: Verbosity) -> Vec<Line> {
    let mut failures: Vec<_> = report.totals.failures.iter().collect();
    failures.sort_by_key(|&(failure, &count)| (failure.ex_type == OTHER, std::cmp::Reverse(count), failure));
    let limit = shown(verbosity, FAILURES_SHOWN);
    let Some(widest) = failures.iter().take(limit).map(|(_, number)| count(**number).len()).max() else {
        return Vec::new();
    };
    let mut lines = vec![Line::new().with(Style::Bold, "FAILURES")];
    for (failure, number) in failures.iter().take(limit) {
        let label = format!("  {:>widest$}", count(**number));
        lines.extend(
            Flow { label: (Style::Bold, &label), indent: widest + 4, gap: 3, items: failure_items(failure) }
                .lines(total),
        );
    }
    lines.extend(more(failures.len().saturating_sub(limit)));
    lines
}

/// The message, which begins with its type in most languages.
fn told(failure: &Failure) -> String {
    if failure.message.starts_with(&failure.ex_type) {
        failure.message.clone()
    } else {
        format!("{}: {}", failure.ex_type, failure.message)
    }
}

fn failure_items(failure: &Failure) -> Vec<(Style, String)> {
    if failure.ex_type == OTHER && failure.message == OTHER {
        return vec![(Style::Plain, "others, which had no room of their own".to_owned())];
    }
    vec![
        (Style::Plain, failure.journey.clone()),
        (Style::Dim, transaction_name(&failure.transaction)),
        (Style::Bad, told(failure)),
    ]
}

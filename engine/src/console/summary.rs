//! When a test has ended: the verdict in words, then the figures behind it.

use std::io::{self, Write};
use std::time::Duration;

use super::health::{Health, Reliability, WorkerShare, health};
use super::look::Look;
use super::number::{NONE, bytes, clock, count, figure, maybe, percent, several, share, utc};
use super::text::{Flow, Line, Style, escape, width};
use super::{Consumer, Ending, Report, Verbosity, held, tables};
use crate::wire::totals::{ErrorClass, RequestTotals};

/// Workers whose CPU is printed one by one unless `-v` asks for all.
const WORKERS_SHOWN: usize = 8;
const INDENT: usize = 14;

/// Writes it all at once.
pub fn print(report: &Report, look: Look, verbosity: Verbosity, out: &mut impl Write) -> io::Result<()> {
    let mut text = String::new();
    lines(report, look.width, verbosity).iter().for_each(|line| line.render(look.colour, &mut text));
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The summary, laid out for so many columns.
pub fn lines(report: &Report, width: usize, verbosity: Verbosity) -> Vec<Line> {
    let health = health(&report.totals);
    let requests = report.totals.all_requests();
    let mut sections = vec![verdict(report, &health, width)];
    if verbosity == Verbosity::Quiet {
        sections.push(thresholds(report, true, width));
        if requests.errors() > 0 {
            sections.push(fact("errors", error_items(&requests), width));
        }
        sections.push(tables::failures(report, width, verbosity));
    } else {
        sections.push(thresholds(report, false, width));
        sections.push(facts(report, &requests, width));
        sections.push(tables::requests(report, width, verbosity));
        sections.push(tables::transactions(report, width, verbosity));
        sections.push(tables::journeys(report, width, verbosity));
        sections.push(tables::failures(report, width, verbosity));
        sections.push(generator(&health, verbosity, width));
    }
    sections.push(warnings(report, width));
    let filled = sections.into_iter().filter(|section| !section.is_empty());
    filled.collect::<Vec<_>>().join(&Line::new())
}

/// What is wrong with the latencies, if anything is.
pub(super) fn unreliable(reliability: Reliability) -> Option<String> {
    let Reliability::Unreliable { lag_ms, limit_ms } = reliability else { return None };
    let (lag, limit) = (figure(lag_ms), figure(limit_ms));
    Some(format!("LATENCIES UNRELIABLE: generator saturated (lag p99 {lag} ms, at most {limit} ms is allowed)"))
}

fn verdict(report: &Report, health: &Health, total: usize) -> Vec<Line> {
    let mut verdicts: Vec<(Style, &str, String)> = Vec::new();
    let test = &report.test;
    if let Ending::Signal(signal) = &report.ending {
        verdicts.push((Style::Bad, "✗", format!("CUT SHORT: {test} by {signal} {}", after(report))));
    }
    if report.incomplete() {
        verdicts.push((Style::Bad, "✗", format!("INCOMPLETE: {test}, {}", missing(report))));
    }
    let (crossed, all) = (report.crossed().count(), report.thresholds.len());
    let thresholds = if all == 1 { "threshold" } else { "thresholds" };
    if crossed > 0 {
        verdicts.push((Style::Bad, "✗", format!("FAILED: {test}, {crossed} of {all} {thresholds} crossed")));
    }
    if let Ending::Stopped(why) = &report.ending {
        verdicts.push((Style::Warn, "!", format!("STOPPED: {test} {}: {why}", after(report))));
    }
    if verdicts.is_empty() {
        let words = if all == 0 { format!("DONE: {test}") } else { format!("PASSED: {test}, {all} {thresholds} held") };
        verdicts.push((Style::Good, "✓", words));
    }
    if let Some(words) = unreliable(health.reliability) {
        verdicts.push((Style::Bad, "!", words));
    }
    if let Some(words) = held::words(report) {
        verdicts.push((Style::Warn, "!", words));
    }
    let flow = |(style, mark, words): (Style, &str, String)| {
        let items = words.split(' ').map(|word| (style, word.to_owned())).collect();
        Flow { label: (style, mark), indent: 2, gap: 1, items }.lines(total)
    };
    verdicts.into_iter().flat_map(flow).collect()
}

/// `after 0:42 of 2:00`
fn after(report: &Report) -> String {
    let planned = report.planned.map(|planned| format!(" of {}", clock(planned))).unwrap_or_default();
    format!("after {}{planned}", clock(report.duration))
}

fn missing(report: &Report) -> String {
    let parts = [
        (u64::from(report.runners_lost), "runner lost", "runners lost"),
        (report.starts_missed, "start missed", "starts missed"),
        (report.messages_lost, "message lost", "messages lost"),
    ];
    let some = parts.into_iter().filter(|part| part.0 > 0);
    some.map(|(number, one, many)| several(number, one, many)).collect::<Vec<_>>().join(", ")
}

fn thresholds(report: &Report, crossed_only: bool, total: usize) -> Vec<Line> {
    let shown: Vec<_> = report.thresholds.iter().filter(|threshold| !(crossed_only && threshold.held)).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let room = total.saturating_sub(4 + 3 + 12);
    let texts = shown.iter().map(|threshold| width(&escape(&threshold.text))).max().unwrap_or(0).min(room);
    let mut lines = vec![Line::new().with(Style::Bold, "THRESHOLDS")];
    for threshold in shown {
        let (style, mark) = if threshold.held { (Style::Good, "  ✓") } else { (Style::Bad, "  ✗") };
        let pad = texts.saturating_sub(width(&escape(&threshold.text)));
        let text = format!("{}{:pad$}", threshold.text, "");
        let actual = if threshold.held { Style::Plain } else { Style::Bad };
        let items = vec![(Style::Plain, text), (actual, threshold.actual.clone())];
        lines.extend(Flow { label: (style, mark), indent: 4, gap: 3, items }.lines(total));
    }
    lines
}

/// One line (or more) of `label  item   item`.
fn fact(label: &str, items: Vec<(Style, String)>, total: usize) -> Vec<Line> {
    Flow { label: (Style::Dim, &format!("  {label}")), indent: INDENT, gap: 3, items }.lines(total)
}

fn facts(report: &Report, requests: &RequestTotals, total: usize) -> Vec<Line> {
    let plain = |text: String| (Style::Plain, text);
    let rate = |number: u64| report.per_second(number).map_or_else(|| NONE.to_owned(), figure);
    let number = requests.responses() + requests.errors();
    let mut lines = vec![Line::new().with(Style::Bold, "TOTALS")];
    let run = vec![
        plain(format!("run {}", report.run_id)),
        plain(format!("{} from {}", span(report.duration), utc(report.started_at_unix))),
        plain(several(report.runners.into(), "runner", "runners")),
    ];
    lines.extend(fact("test", run, total));
    lines.extend(fact("requests", vec![plain(count(number)), plain(format!("{}/s", rate(number)))], total));
    lines.extend(fact("errors", error_items(requests), total));
    if !requests.statuses.is_empty() {
        lines.extend(fact("status", status_items(requests), total));
    }
    let data = [("received", requests.received_bytes), ("sent", requests.sent_bytes)].map(|(word, number)| {
        let rate = report.per_second(number).map_or_else(|| NONE.to_owned(), bytes);
        plain(format!("{} {word} ({rate}/s)", bytes(number as f64)))
    });
    lines.extend(fact("data", data.to_vec(), total));
    lines.extend(fact("messages", message_items(report), total));
    if !report.consumers.is_empty() {
        lines.extend(fact("consumers", report.consumers.iter().flat_map(consumer_items).collect(), total));
    }
    lines
}

/// A duration as people say it.
fn span(time: Duration) -> String {
    if time < Duration::from_secs(60) { format!("{} s", figure(time.as_secs_f64())) } else { clock(time) }
}

/// Timeouts first and always: a server that hangs and one that refuses are different troubles.
fn error_items(requests: &RequestTotals) -> Vec<(Style, String)> {
    let errors = requests.errors();
    let style = if errors > 0 { Style::Bad } else { Style::Plain };
    let timeouts = requests.errors.get(&ErrorClass::Timeout).copied().unwrap_or(0);
    let mut items = vec![(style, count(errors))];
    if errors > 0 {
        items.push((style, share(errors as f64, (errors + requests.responses()) as f64)));
    }
    items.push((if timeouts > 0 { Style::Bad } else { Style::Plain }, format!("timeout {}", count(timeouts))));
    let others = requests.errors.iter().filter(|&(class, number)| *class != ErrorClass::Timeout && *number > 0);
    items.extend(others.map(|(class, number)| (Style::Plain, format!("{} {}", class.as_str(), count(*number)))));
    items
}

fn status_items(requests: &RequestTotals) -> Vec<(Style, String)> {
    let style = |status: u16| match status {
        0..400 => Style::Plain,
        400..500 => Style::Warn,
        _ => Style::Bad,
    };
    let statuses = requests.statuses.iter().filter(|(_, number)| **number > 0);
    statuses.map(|(status, number)| (style(*status), format!("{status}: {}", count(*number)))).collect()
}

fn message_items(report: &Report) -> Vec<(Style, String)> {
    let should_be_none = |number: u64| if number > 0 { Style::Bad } else { Style::Plain };
    let received = report.messages_received.map_or_else(|| NONE.to_owned(), count);
    let mut items = vec![
        (should_be_none(report.messages_lost), format!("{} lost", count(report.messages_lost))),
        (Style::Plain, format!("{} made", count(report.messages_made))),
        (Style::Plain, format!("{received} received")),
    ];
    let totals = report.totals.messages;
    for (number, word) in [(totals.dropped, "dropped (queue full)"), (totals.refused, "refused (over a limit)")] {
        if number > 0 {
            items.push((Style::Bad, format!("{} {word}", count(number))));
        }
    }
    items
}

/// How many came to a kind of consumer; then how many didn't, if any.
fn consumer_items(consumer: &Consumer) -> Vec<(Style, String)> {
    let mut items = vec![(Style::Plain, format!("{} {}", consumer.kind, count(consumer.received)))];
    for (number, style, word) in [(consumer.lost, Style::Bad, "lost"), (consumer.open, Style::Warn, "not told of")] {
        if number > 0 {
            items.push((style, format!("{} {word}", count(number))));
        }
    }
    items
}

fn generator(health: &Health, verbosity: Verbosity, total: usize) -> Vec<Line> {
    let style = |late: bool| if late { Style::Bad } else { Style::Plain };
    let mut lines = vec![Line::new().with(Style::Bold, "GENERATOR")];
    if health.workers.is_empty() {
        lines.push(Line::new().with(Style::Dim, "  no runner told how well it kept up"));
        return lines;
    }
    let saturated = matches!(health.reliability, Reliability::Unreliable { .. });
    let mut lag = vec![
        (style(saturated), format!("sockets {} ms", maybe(health.socket_lag_p99_ms))),
        (style(health.timers_late), format!("timers {} ms", maybe(health.timer_lag_p99_ms))),
        (Style::Dim, "p99 of the worst worker".to_owned()),
    ];
    if health.timers_late {
        lag.push((Style::Bad, "starts and pauses come late".to_owned()));
    }
    lines.extend(fact("lag", lag, total));
    lines.extend(fact("CPU", cpu_items(&health.workers, verbosity), total));
    lines.extend(fact("guest code", vec![(Style::Plain, format!("{} of the CPU time", percent(health.guest)))], total));
    lines
}

fn cpu_items(workers: &[WorkerShare], verbosity: Verbosity) -> Vec<(Style, String)> {
    // A thread at its core's limit is about to lag.
    let style = |cpu: Option<f64>| if cpu.is_some_and(|cpu| cpu > 0.9) { Style::Warn } else { Style::Plain };
    let item = |word: &str, cpu: Option<f64>| (style(cpu), format!("{word}{}", percent(cpu)));
    let told: Vec<f64> = workers.iter().filter_map(|worker| worker.cpu).collect();
    let mut items = vec![(Style::Plain, several(workers.len() as u64, "worker", "workers"))];
    if workers.len() <= WORKERS_SHOWN || verbosity == Verbosity::Verbose {
        items.extend(workers.iter().map(|worker| item("", worker.cpu)));
    } else {
        items.push(item("least ", told.iter().copied().reduce(f64::min)));
        items.push(item("mean ", (!told.is_empty()).then(|| told.iter().sum::<f64>() / told.len() as f64)));
        items.push(item("most ", told.iter().copied().reduce(f64::max)));
    }
    items.push((Style::Dim, "of a core each".to_owned()));
    items
}

fn warnings(report: &Report, total: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for warning in &report.warnings {
        let items = warning.split(' ').map(|word| (Style::Warn, word.to_owned())).collect();
        lines.extend(Flow { label: (Style::Warn, "!"), indent: 2, gap: 1, items }.lines(total));
    }
    lines
}

//! While a test runs: one compact block that is drawn over itself, or without a terminal one line every 10 s.

use std::io::{self, Write};
use std::time::Duration;

use super::health::{Reliability, reliable_for};
use super::look::Look;
use super::number::{clock, count, figure, maybe, several, share};
use super::percentile::{P50, P95, P99};
use super::recent::{Recent, Stretch};
use super::text::{Flow, Line, Style, cut_middle, escape, width};
use super::{Phase, Progress, ScenarioLine, Verbosity, summary};
use crate::wire::totals::{ErrorClass, RequestTotals};

/// Between two lines where lines can't be overwritten.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Scenarios with a row of their own; the rest shares one.
const SCENARIOS_MAX: usize = 8;
/// Rows of the block beside those of scenarios, with some to spare for lines that wrap.
const OTHER_ROWS: usize = 8;
const BAR: usize = 20;

pub struct Live<W> {
    out: W,
    look: Look,
    verbosity: Verbosity,
    recent: Recent,
    /// Of the last update.
    before: (Phase, Duration),
    next_line: Duration,
    /// The block.
    block: Vec<Line>,
    /// It is on the screen now.
    drawn: bool,
}

impl<W: Write> Live<W> {
    pub fn new(out: W, look: Look, verbosity: Verbosity) -> Self {
        Self {
            out,
            look,
            verbosity,
            recent: Recent::new(),
            before: (Phase::Waiting, Duration::ZERO),
            next_line: LINE_EVERY,
            block: Vec::new(),
            drawn: false,
        }
    }

    /// The window has another size from now on.
    pub fn set_look(&mut self, look: Look) {
        self.look = look;
    }

    /// Shows where the test is; a few times a second is enough. An error means that nobody can read it: the test goes on.
    pub fn update(&mut self, progress: &Progress) -> io::Result<()> {
        if self.verbosity == Verbosity::Quiet {
            return Ok(());
        }
        let (phase, elapsed) = self.before;
        if (phase == Phase::Waiting && progress.phase != phase) || progress.elapsed < elapsed {
            self.recent = Recent::new();
            self.next_line = LINE_EVERY;
        }
        self.before = (progress.phase, progress.elapsed);
        if self.look.terminal { self.draw(progress) } else { self.print_line(progress) }
    }

    /// Takes the block off the screen, lets something else be printed, and puts it back.
    pub fn suspend<T>(&mut self, print: impl FnOnce() -> T) -> io::Result<T> {
        if !self.drawn {
            return Ok(print());
        }
        self.clear()?;
        let answer = print();
        self.write_block(String::new())?;
        Ok(answer)
    }

    /// Takes the block off the screen; the next update draws it again.
    pub fn clear(&mut self) -> io::Result<()> {
        let erase = self.erase();
        self.drawn = false;
        self.out.write_all(erase.as_bytes())?;
        self.out.flush()
    }

    /// What it writes to: for the summary, after [`Live::clear`].
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    fn draw(&mut self, progress: &Progress) -> io::Result<()> {
        let requests = progress.totals.all_requests();
        let stretch = self.recent.until(progress.elapsed, &requests);
        let erase = self.erase();
        self.block = block(progress, &requests, &stretch, self.look);
        self.recent.mark(progress.elapsed, requests);
        self.write_block(erase)
    }

    /// In one write, so that no half of it is seen.
    fn write_block(&mut self, mut out: String) -> io::Result<()> {
        self.block.iter().for_each(|line| line.render(self.look.colour, &mut out));
        self.drawn = true;
        self.out.write_all(out.as_bytes())?;
        self.out.flush()
    }

    /// The sequence that puts the cursor where the block begins and clears from there.
    fn erase(&self) -> String {
        if !self.drawn || self.block.is_empty() {
            return String::new();
        }
        // A window that became narrower has wrapped the lines that are there.
        let rows: usize = self.block.iter().map(|line| line.width().div_ceil(self.look.width).max(1)).sum();
        format!("\r\x1b[{rows}A\x1b[J")
    }

    fn print_line(&mut self, progress: &Progress) -> io::Result<()> {
        if progress.elapsed < self.next_line {
            return Ok(());
        }
        while self.next_line <= progress.elapsed {
            self.next_line += LINE_EVERY;
        }
        let requests = progress.totals.all_requests();
        let stretch = self.recent.until(progress.elapsed, &requests);
        let mut out = String::new();
        one_line(progress, &requests, &stretch).render(false, &mut out);
        // Every request stands in exactly one line.
        self.recent = Recent::from_mark(progress.elapsed, requests);
        self.out.write_all(out.as_bytes())?;
        self.out.flush()
    }
}

fn block(progress: &Progress, requests: &RequestTotals, stretch: &Stretch, look: Look) -> Vec<Line> {
    let mut lines = vec![headline(progress, look.width)];
    if progress.phase != Phase::Waiting {
        lines.extend(scenarios(&progress.scenarios, look));
        let flow = |label, items| Flow { label: (Style::Dim, label), indent: 12, gap: 3, items }.lines(look.width);
        lines.extend(flow("  last 5 s", last_seconds(stretch)));
        lines.extend(flow("  so far", so_far(progress, requests)));
        let reliability = reliable_for(&progress.totals, P50.of(&requests.latency));
        if let Some(words) = summary::unreliable(reliability) {
            lines.extend(
                Flow { label: (Style::Plain, ""), indent: 2, gap: 1, items: vec![(Style::Bad, words)] }
                    .lines(look.width),
            );
        }
    }
    lines.iter_mut().for_each(|line| line.cut(look.width));
    lines
}

/// `0:42 of 2:00`
fn time(progress: &Progress) -> String {
    match progress.planned.filter(|_| progress.phase != Phase::Waiting) {
        Some(planned) => format!("{} of {}", clock(progress.elapsed), clock(planned)),
        None => clock(progress.elapsed),
    }
}

fn headline(progress: &Progress, total: usize) -> Line {
    let test = cut_middle(&escape(&progress.test), total / 3);
    let mut line = Line::new().with(Style::Bold, &test).with(Style::Plain, &format!("  {}", progress.phase.as_str()));
    if progress.runners > 0 {
        line.push(Style::Dim, &format!(" on {}", several(u64::from(progress.runners), "runner", "runners")));
    }
    line.push(Style::Plain, &format!("  {}  ", time(progress)));
    let room = total.saturating_sub(line.width());
    if let Some(planned) = progress.planned.filter(|_| progress.phase != Phase::Waiting && room >= 10) {
        let done = progress.elapsed.as_secs_f64() / planned.as_secs_f64().max(0.001);
        bar(&mut line, done, room, Style::Good);
    }
    line
}

fn bar(line: &mut Line, done: f64, room: usize, style: Style) {
    let filled = (done.clamp(0.0, 1.0) * room as f64) as usize;
    line.push(style, &"━".repeat(filled));
    line.push(Style::Dim, &"─".repeat(room - filled));
}

fn scenarios(scenarios: &[ScenarioLine], look: Look) -> Vec<Line> {
    let shown = SCENARIOS_MAX.min(look.rows.saturating_sub(OTHER_ROWS)).max(1);
    let (own, rest) = scenarios.split_at(if scenarios.len() > shown { shown - 1 } else { scenarios.len() });
    let mut rows: Vec<(String, u32, u32)> =
        own.iter().map(|line| (escape(&line.journey), line.running, line.required)).collect();
    if !rest.is_empty() {
        let sum = |figure: fn(&ScenarioLine) -> u32| rest.iter().map(figure).fold(0, u32::saturating_add);
        rows.push((format!("and {} more", rest.len()), sum(|line| line.running), sum(|line| line.required)));
    }
    let digits = rows.iter().map(|row| count(row.1.max(row.2).into()).len()).max().unwrap_or(0);
    // "  name  1 of 1 journeys  bar"
    let room = look.width.saturating_sub(2 + 2 + digits + 4 + digits + 9 + 2 + BAR);
    let names = rows.iter().map(|row| width(&row.0)).max().unwrap_or(0).min(room);
    rows.into_iter().map(|row| scenario(row, names, digits)).collect()
}

fn scenario((name, running, required): (String, u32, u32), names: usize, digits: usize) -> Line {
    let name = cut_middle(&name, names);
    let pad = names - width(&name);
    let short = running < required;
    let figures = format!("{:>digits$} of {:>digits$}", count(running.into()), count(required.into()));
    let mut line = Line::new()
        .with(Style::Plain, &format!("  {name}{:pad$}  ", ""))
        .with(if short { Style::Warn } else { Style::Plain }, &figures)
        .with(Style::Dim, " journeys  ");
    if required > 0 {
        bar(&mut line, f64::from(running) / f64::from(required), BAR, if short { Style::Warn } else { Style::Good });
    }
    line
}

fn bad_if(bad: bool) -> Style {
    if bad { Style::Bad } else { Style::Plain }
}

fn last_seconds(stretch: &Stretch) -> Vec<(Style, String)> {
    let requests = &stretch.requests;
    let (errors, latency) = (requests.errors(), &requests.latency);
    let all = requests.responses() + errors;
    let p99 = P99.of(latency);
    let unit = if p99.is_some() { " ms" } else { "" };
    let mut items = vec![
        (Style::Bold, format!("{} req/s", maybe(stretch.rate()))),
        (Style::Plain, format!("p50 {}", maybe(P50.of(latency)))),
        (Style::Plain, format!("p95 {}", maybe(P95.of(latency)))),
        (Style::Plain, format!("p99 {}{unit}", maybe(p99))),
        (bad_if(errors > 0), format!("errors {}", share(errors as f64, all as f64))),
    ];
    items.extend(bad_statuses(requests, all));
    items
}

/// Answers that say no, by their first digit.
fn bad_statuses(requests: &RequestTotals, all: u64) -> impl Iterator<Item = (Style, String)> {
    [(400..500, "4xx", Style::Warn), (500..600, "5xx", Style::Bad)].into_iter().filter_map(
        move |(range, name, style)| {
            let number: u64 = requests.statuses.range(range).map(|(_, count)| count).sum();
            (number > 0).then(|| (style, format!("{name} {}", share(number as f64, all as f64))))
        },
    )
}

fn so_far(progress: &Progress, requests: &RequestTotals) -> Vec<(Style, String)> {
    let errors = requests.errors();
    let mut items = vec![
        (Style::Plain, several(requests.responses() + errors, "request", "requests")),
        (bad_if(errors > 0), errors_of(requests)),
    ];
    let failures = progress.totals.all_failures();
    items.push((bad_if(failures > 0), several(failures, "failure", "failures")));
    let dropped = progress.totals.messages.dropped;
    if dropped > 0 {
        items.push((Style::Bad, several(dropped, "message dropped", "messages dropped")));
    }
    items
}

/// `12 errors (3 timeouts)`
fn errors_of(requests: &RequestTotals) -> String {
    let mut text = several(requests.errors(), "error", "errors");
    if let Some(&timeouts) = requests.errors.get(&ErrorClass::Timeout).filter(|&&timeouts| timeouts > 0) {
        text.push_str(&format!(" ({})", several(timeouts, "timeout", "timeouts")));
    }
    text
}

fn one_line(progress: &Progress, requests: &RequestTotals, stretch: &Stretch) -> Line {
    let mut text = format!("{} {} {}", progress.test, time(progress), progress.phase.as_str());
    if progress.phase != Phase::Waiting {
        let sum =
            |figure: fn(&ScenarioLine) -> u32| progress.scenarios.iter().map(|line| u64::from(figure(line))).sum();
        let (running, required): (u64, u64) = (sum(|line| line.running), sum(|line| line.required));
        text += &format!(": {} of {} journeys", count(running), count(required));
        for (_, item) in last_seconds(stretch) {
            text += &format!(", {item}");
        }
        text += "; so far";
        for (_, item) in so_far(progress, requests) {
            text += &format!(" {item},");
        }
        text.pop();
        let p50 = P50.of(&requests.latency);
        if let Reliability::Unreliable { lag_ms, .. } = reliable_for(&progress.totals, p50) {
            text += &format!(", LATENCIES UNRELIABLE (lag {} ms)", figure(lag_ms));
        }
    }
    Line::new().with(Style::Plain, &text)
}

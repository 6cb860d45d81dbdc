//! Private memory per journey: a process with 10,000 of them less one with 10.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::Result;
use crate::child::{Running, until};
use crate::parts::{Parts, Playground, at};
use crate::table::Row;

const FEW: u64 = 10;
const MANY: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(45);
/// Longer than anything here takes.
const SECONDS: f64 = 120.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let pause = |volume| {
        let mut command = parts.mite(&[]);
        parts.scenario(&mut command, "pause", volume, SECONDS);
        command.arg("--add-to-config=pause:120");
        settled(parts, &mut command, volume, || Ok(true))
    };
    let playground = Playground::start(parts)?;
    let hang = |volume| {
        let mut command = parts.mite(&[]);
        parts.scenario(&mut command, "load", volume, SECONDS);
        command.args(["--request-timeout", "120"]).arg(format!("--add-to-config=url:{}/hang", playground.url));
        blocked(parts, &playground, &mut command, volume)
    };
    let mut rows = row("private memory per journey in a sleep", 64.0, (FEW, MANY), pause)?;
    rows.extend(row("private memory per journey in a pending request", 80.0, (FEW, MANY), hang)?);
    Ok(rows)
}

/// Bytes once all journeys wait for an answer, after which they are gone.
pub fn blocked(parts: &Parts, playground: &Playground, command: &mut Command, volume: u64) -> Result<u64> {
    let pending = || Ok(at(&playground.stats()?, &["open_requests"])? >= volume as f64);
    let memory = settled(parts, command, volume, pending)?;
    until("clients left", LIMIT, || Ok(at(&playground.stats()?, &["open_requests"])? < 1.0))?;
    Ok(memory)
}

/// What one journey more takes, in KiB: with so few and so many of them.
pub fn row(what: &str, target: f64, volumes: (u64, u64), settled: impl Fn(u64) -> Result<u64>) -> Result<Vec<Row>> {
    let (few, many) = (settled(volumes.0)?, settled(volumes.1)?);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let each = (mib(many) - mib(few)) * 1024.0 / (volumes.1 - volumes.0) as f64;
    let source = format!("{:.1} MiB with {}, {:.1} MiB with {}", mib(few), volumes.0, mib(many), volumes.1);
    Ok(vec![Row::at_most(what, each, target, "KiB").from(source)])
}

/// Bytes once all journeys run and nothing grows any more.
fn settled(parts: &Parts, command: &mut Command, volume: u64, pending: impl Fn() -> Result<bool>) -> Result<u64> {
    command.args(["--spawn-rate", "4000", "--grace", "0", "--summary-export"]).arg(parts.summary_path());
    let mut mite = Running::start(command, &parts.cores)?;
    until("all journeys wait for their answers", LIMIT, || {
        mite.check()?;
        pending()
    })?;
    let mut last = Vec::new();
    until("memory settles", LIMIT, || {
        mite.check()?;
        last.push(mite.anonymous()?);
        std::thread::sleep(Duration::from_millis(100));
        // For two seconds no page in a thousand more, and time enough for all to have begun.
        let settled = |before: u64| last.len() > 40 && last[last.len() - 1] <= before + before / 1000;
        Ok(last.len().checked_sub(20).is_some_and(|at| settled(last[at])))
    })?;
    let memory = mite.anonymous()?;
    mite.signal(Signal::INT)?;
    mite.wait()?;
    let summary = parts.summary()?;
    let journeys = summary["by_journey"].as_object().and_then(|journeys| journeys.values().next().cloned());
    let started = at(&journeys.ok_or("no journey in the summary")?, &["started"])?;
    if (started - volume as f64).abs() > 0.5 {
        return Err(format!("{started} runs of {volume} journeys: they were to run all at once").into());
    }
    Ok(memory)
}

//! What a run of an empty journey costs, and what a second worker brings.

use std::process::Command;

use crate::Result;
use crate::child::Running;
use crate::figures::{list, median};
use crate::parts::{Parts, at};
use crate::table::Row;

const ROUNDS: usize = 3;
const SHORT: f64 = 1.5;
const LONG: f64 = 4.0;
const RATE: f64 = 3.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let (mut reused, mut fresh) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reused.push(cpu(parts, &[])?);
        fresh.push(cpu(parts, &["--fresh-instances"])?);
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let alone = rate(parts, 1, &[parts.core])?;
        let one = rate(parts, 1, &parts.cores)?;
        let two = rate(parts, 2, &parts.cores)?;
        rounds.push((alone, one, two));
    }
    let free: Vec<f64> = rounds.iter().map(|(_, one, two)| two.runs / one.runs).collect();
    let cores: Vec<f64> = rounds.iter().map(|(alone, _, two)| two.runs / alone.runs).collect();
    let cpu: Vec<f64> = rounds.iter().map(|(_, one, two)| 2.0 * one.cpu / two.cpu).collect();
    Ok(vec![
        Row::at_most("CPU per run, instance reused", median(reused.iter().copied()), 5.0, "µs").from(list(reused)),
        Row::at_most("CPU per run, fresh instance", median(fresh.iter().copied()), 45.0, "µs").from(list(fresh)),
        Row::fact("runs per second, one worker", median(rounds.iter().map(|(_, one, _)| one.runs)), ""),
        Row::at_least("two workers / one, both on two cores", median(free.iter().copied()), 1.8, "").from(list(free)),
        Row::at_least("two workers on two cores / one on one", median(cores.iter().copied()), 1.8, "")
            .from(list(cores)),
        Row::at_least("the same by CPU per run, whatever others do", median(cpu.iter().copied()), 1.8, "")
            .from(list(cpu)),
    ])
}

/// One test: CPU in seconds, runs.
fn test(parts: &Parts, seconds: f64, volume: u64, cores: &[usize], more: &[&str]) -> Result<(f64, f64)> {
    let mut command = parts.mite(&[]);
    parts.scenario(&mut command, "empty", volume, seconds);
    command.args(["--workers", &volume.to_string()]).args(more);
    cpu_and_runs(parts, &mut command, cores)
}

/// What a test took: CPU in seconds, runs.
pub fn cpu_and_runs(parts: &Parts, command: &mut Command, cores: &[usize]) -> Result<(f64, f64)> {
    command.arg("--summary-export").arg(parts.summary_path());
    let cpu = Running::start(command, cores)?.finish()?;
    let summary = parts.summary()?;
    let runs = summary["by_journey"].as_object().and_then(|journeys| journeys.values().next().cloned());
    let runs = at(&runs.ok_or("no journey in the summary")?, &["started"])?;
    Ok((cpu.as_secs_f64(), runs))
}

/// µs of CPU a run: what a longer test takes more than a shorter one.
fn cpu(parts: &Parts, more: &[&str]) -> Result<f64> {
    let (short_cpu, short_runs) = test(parts, SHORT, 1, &[parts.core], more)?;
    let (long_cpu, long_runs) = test(parts, LONG, 1, &[parts.core], more)?;
    Ok((long_cpu - short_cpu) * 1e6 / (long_runs - short_runs))
}

struct Rate {
    /// A second.
    runs: f64,
    /// µs a run.
    cpu: f64,
}

/// A journey a worker.
fn rate(parts: &Parts, workers: u64, cores: &[usize]) -> Result<Rate> {
    let (cpu, runs) = test(parts, RATE, workers, cores, &[])?;
    Ok(Rate { runs: runs / RATE, cpu: cpu * 1e6 / runs })
}

//! The machine: what it is, and who runs where.

use std::fs::read_to_string;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{Problem, Result};

/// The cores that this process was given.
pub fn cores() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}

/// Does something with this thread, and so with what it starts, on some cores only.
pub fn on_cores<T>(cores: &[usize], f: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(None)?;
    let mut wanted = CpuSet::new();
    for core in cores {
        wanted.set(*core);
    }
    sched_setaffinity(None, &wanted)?;
    let done = f();
    sched_setaffinity(None, &before)?;
    Ok(done)
}

/// How long a core has been busy, whoever it worked for. Stolen time counts: it was not ours.
pub fn busy(core: usize) -> Result<Duration> {
    let text = read_to_string("/proc/stat")?;
    let prefix = format!("cpu{core} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix)).ok_or("no such core in /proc/stat")?;
    let ticks = line.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
    // user nice system idle iowait irq softirq steal
    let busy = ticks.iter().take(8).enumerate().filter(|(at, _)| *at != 3 && *at != 4).map(|(_, ticks)| ticks).sum();
    ticks_to_time(busy)
}

pub fn ticks_to_time(ticks: u64) -> Result<Duration> {
    let each = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(ticks.checked_mul(each).ok_or("too long")?))
}

/// One line: CPU, cores, kernel, program.
pub fn facts(mite_version: &str) -> String {
    let first = |file: &str, key: &str| -> std::result::Result<String, Problem> {
        let text = read_to_string(file)?;
        let line = text.lines().find(|line| line.starts_with(key)).ok_or("missing")?;
        Ok(line.split_once(':').map_or(line, |(_, value)| value).trim().to_owned())
    };
    let model = first("/proc/cpuinfo", "model name").unwrap_or_else(|_| "unknown CPU".to_owned());
    let memory = first("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let cores = cores().map_or(0, |cores| cores.len());
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    format!("\n{mite_version}; {model}, {cores} cores, {memory} of memory, Linux {kernel}; load {load}")
}

//! User instructions per request, counted by valgrind: the same on every machine, however busy it is.
//!
//! Two runs, one longer than the other: what the longer one has more of, without the start. Time passes much faster under
//! valgrind than work gets done, so whatever happens by the clock (statistics are sent, the console looks) weighs more than
//! in life: the worker alone is the figure to watch.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::child::Running;
use crate::parts::{Parts, Server};
use crate::table::Row;

const AT_ONCE: u64 = 8;
const SHORT: f64 = 4.0;
const LONG: f64 = 10.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let server = Server::start(parts)?;
    let own = parts.own("bench-floor");
    let floor = slope(parts, &server, |wrapper, seconds| {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(own.get_program());
        command.args([&server.url, &AT_ONCE.to_string(), &seconds.to_string()]);
        command
    })?;
    let mite = slope(parts, &server, |wrapper, seconds| {
        let mut command = parts.mite_under(wrapper);
        parts.scenario(&mut command, "load", AT_ONCE, seconds);
        command.args(["--workers", "1"]).arg(format!("--add-to-config=url:{}", server.url));
        command
    })?;
    Ok(vec![
        Row::fact("user instructions per request: floor", floor.iter().sum(), ""),
        Row::fact("user instructions per request: mite, the worker", mite[0], ""),
        Row::fact("user instructions per request: mite, all threads", mite.iter().sum(), "")
            .from(format!("by thread: {}", crate::figures::list(mite.iter().copied()))),
    ])
}

/// Instructions per request of each thread, the busiest first, by a command for some seconds behind a wrapper.
pub fn slope(parts: &Parts, server: &Server, command: impl Fn(&[&str], f64) -> Command) -> Result<Vec<f64>> {
    let count = |seconds: f64| -> Result<(u64, Vec<u64>)> {
        let directory = tempfile::tempdir_in(parts.directory.path())?;
        let wrapper = parts.root.join("benches/noauxv.py");
        let out = format!("--callgrind-out-file={}/out", directory.path().display());
        let wrapper = wrapper.to_str().ok_or("the path is no text")?;
        let valgrind = [
            "python3",
            wrapper,
            "valgrind",
            "-q",
            "--tool=callgrind",
            "--fair-sched=try",
            "--separate-threads=yes",
            &out,
        ];
        let before = server.count()?;
        Running::start(&mut command(&valgrind, seconds), &[parts.core])?.finish()?;
        Ok((server.count()? - before, totals(directory.path())?))
    };
    let (few, short) = count(SHORT)?;
    let (many, long) = count(LONG)?;
    if many <= few || short.len() != long.len() {
        return Err(format!("the longer run made {many} requests, the shorter one {few}").into());
    }
    let requests = (many - few) as f64;
    let mut threads: Vec<f64> =
        long.iter().zip(&short).map(|(long, short)| long.saturating_sub(*short) as f64 / requests).collect();
    threads.sort_by(|one, other| other.total_cmp(one));
    Ok(threads)
}

/// The totals of the threads, in their order.
fn totals(directory: &Path) -> Result<Vec<u64>> {
    let mut threads = Vec::new();
    for file in std::fs::read_dir(directory)? {
        let path = file?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        if let Some(total) = text.lines().find_map(|line| line.strip_prefix("totals: ")) {
            threads.push((path, total.trim().parse()?));
        }
    }
    threads.sort();
    if threads.is_empty() {
        return Err("callgrind left no totals".into());
    }
    Ok(threads.into_iter().map(|(_, total)| total).collect())
}

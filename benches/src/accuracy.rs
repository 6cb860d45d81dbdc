//! Latencies as reported, against the server's own clock.

use crate::Result;
use crate::child::Running;
use crate::figures::{list, median};
use crate::parts::{Parts, Playground, at};
use crate::table::Row;

const ROUNDS: usize = 3;
const AT_ONCE: u64 = 20;
const SECONDS: f64 = 5.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let playground = Playground::start(parts)?;
    let (mut rounds, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        playground.reset()?;
        let mut command = parts.punctual_mite(&[]);
        parts.scenario(&mut command, "load", AT_ONCE, SECONDS);
        command.args(["--workers", "1", "--summary-export"]).arg(parts.summary_path());
        command.arg(format!("--add-to-config=url:{}/delay/20", playground.url));
        Running::start(&mut command, &[parts.core])?.finish()?;
        rounds.push((parts.summary()?, playground.stats()?));
        playground.reset()?;
        let floor = floor(parts, &format!("{}/delay/20", playground.url))?;
        let stats = playground.stats()?;
        let served = |percentile| at(&stats, &["routes", "/delay/{ms}", "service_ms", percentile]);
        floors.push((floor.0 - served("p50")?, floor.1 - served("p99")?));
    }
    let off = |percentile: &str| -> Result<Vec<f64>> {
        let one = |(summary, stats): &(serde_json::Value, serde_json::Value)| -> Result<f64> {
            let reported = at(summary, &["latency_ms", percentile])?;
            Ok(reported - at(stats, &["routes", "/delay/{ms}", "service_ms", percentile])?)
        };
        rounds.iter().map(one).collect()
    };
    let middle = |values: Vec<f64>| median(values);
    let (p50, p99) = (off("p50")?, off("p99")?);
    let figures = |path: &[&str]| rounds.iter().map(|(summary, _)| at(summary, path)).collect::<Result<Vec<_>>>();
    let lag = figures(&["generator", "socket_lag_p99_ms"])?;
    Ok(vec![
        Row::fact("requests per second to /delay/20", middle(figures(&["requests"])?) / SECONDS, ""),
        Row::fact("reported p50", middle(figures(&["latency_ms", "p50"])?), "ms"),
        Row::at_most("reported p50 less the server's", median(p50.iter().copied()), 0.1, "ms").from(list(p50)),
        Row::at_most("reported p99 less the server's", median(p99.iter().copied()), 0.2, "ms").from(list(p99)),
        Row::fact("the floor's p50 less the server's", median(floors.iter().map(|floor| floor.0)), "ms")
            .from(list(floors.iter().map(|floor| floor.0))),
        Row::fact("the floor's p99 less the server's", median(floors.iter().map(|floor| floor.1)), "ms")
            .from(list(floors.iter().map(|floor| floor.1))),
        Row::fact("p99 of the sockets' lag, as reported", median(lag.iter().copied()), "ms").from(list(lag)),
    ])
}

/// p50 and p99, in ms, of a minimal client: what the kernel and the machine add, whoever asks.
fn floor(parts: &Parts, url: &str) -> Result<(f64, f64)> {
    let mut command = parts.punctual("bench-floor");
    command.args([url, &AT_ONCE.to_string(), &SECONDS.to_string(), "latencies"]);
    let (running, mut lines) = Running::talking(&mut command, &[parts.core])?;
    lines.after("")?;
    let line = lines.after("")?;
    running.finish()?;
    let (p50, p99) = line.split_once(' ').ok_or("the floor says two percentiles")?;
    Ok((p50.parse()?, p99.parse()?))
}

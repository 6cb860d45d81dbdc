//! Whether a load is the same when it is put by processes that talk over sockets.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use rmpv::Value;
use rustix::process::Signal;

use crate::child::Running;
use crate::figures::{list, median};
use crate::parts::{Parts, Playground, at};
use crate::table::Row;
use crate::{Result, messages};

const PAIRS: usize = 5;
const JOURNEYS: u64 = 200;
const SECONDS: f64 = 6.0;
/// The server takes so long, so that neither side is at the limit of a core.
const PATH: &str = "/delay/20";

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let playground = Playground::start(parts)?;
    let url = format!("--add-to-config=url:{}{PATH}", playground.url);
    let (mut alone, mut apart, mut at_once) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Whatever changes with time does so for both.
        for turn in 0..2 {
            if (pair + turn) % 2 == 0 {
                alone.push(one_process(parts, &url)?);
            } else {
                let (rate, journeys) = processes(parts, &url)?;
                apart.push(rate);
                at_once.push(journeys);
            }
        }
    }
    let ratios: Vec<f64> = apart.iter().zip(&alone).map(|(apart, alone)| apart / alone).collect();
    let percent = |share: &f64| share * 100.0;
    Ok(vec![
        Row::fact("requests per second: scenario test", median(alone.iter().copied()), "").from(list(alone)),
        Row::fact("requests per second: processes", median(apart.iter().copied()), "").from(list(apart)),
        Row::at_least("processes / scenario test, median of pairs", median(ratios.iter().map(percent)), 95.0, "%")
            .from(list(ratios.iter().map(percent))),
        Row::at_least("journeys at once / required, processes", median(at_once.iter().map(percent)), 99.0, "%")
            .from(list(at_once.iter().map(percent))),
    ])
}

/// Requests a second.
fn one_process(parts: &Parts, url: &str) -> Result<f64> {
    let mut command = parts.mite(&[]);
    parts.scenario(&mut command, "load", JOURNEYS, SECONDS);
    command.args(["--workers", "1", url, "--summary-export"]).arg(parts.summary_path());
    Running::start(&mut command, &parts.cores)?.finish()?;
    at(&parts.summary()?, &["requests_per_s"])
}

/// Requests a second, and the mean of journeys at once as a share of what was required.
fn processes(parts: &Parts, url: &str) -> Result<(f64, f64)> {
    let directory = tempfile::tempdir_in(parts.directory.path())?;
    let [control, bus, collected, counted, figures] = endpoints()?;
    let start = |command: &mut Command| Running::start(command, &parts.cores);
    let socket = |option: &str, endpoint: &str| format!("--{option}-socket={endpoint}");
    let mut duplicator = parts.mite(&["duplicator", &socket("message", &bus), &collected, &counted]);
    let mut collector = parts.mite(&["collector", &socket("collector", &collected), "--collector-dir"]);
    let mut stats = parts.mite(&["stats", &socket("stats-in", &counted), &socket("stats-out", &figures)]);
    let mut exporter =
        parts.mite(&["prometheus_exporter", &socket("stats-out", &figures), "--web-address=127.0.0.1:0"]);
    let sinks = [&mut duplicator, collector.arg(directory.path()), &mut stats, &mut exporter].map(start);
    let sockets = [socket("controller", &control), socket("message", &bus)];
    let runner = start(parts.mite(&["runner", "--workers=1"]).args(&sockets))?;
    let mut command = parts.controller("load", JOURNEYS, SECONDS);
    command.args(&sockets).args([url, "--summary-export"]).arg(parts.summary_path());
    start(&mut command)?.finish()?;
    runner.finish()?;
    for sink in sinks {
        let sink = sink?;
        sink.signal(Signal::TERM)?;
        sink.finish()?;
    }
    Ok((at(&parts.summary()?, &["requests_per_s"])?, journeys_at_once(directory.path())?))
}

/// Free ports, as endpoints.
pub fn endpoints() -> Result<[String; 5]> {
    let listeners = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut endpoints = [const { String::new() }; 5];
    for (endpoint, listener) in endpoints.iter_mut().zip(listeners) {
        *endpoint = format!("tcp://{}", listener?.local_addr()?);
    }
    Ok(endpoints)
}

/// By the controller's reports, from when all journeys were required until the end; the first of these is of the way up.
fn journeys_at_once(directory: &Path) -> Result<f64> {
    let mut shares = Vec::new();
    for message in messages::all(directory)? {
        let all = |key: &str| -> f64 {
            let by_scenario = messages::field(&message, key).and_then(Value::as_map);
            by_scenario.into_iter().flatten().filter_map(|(_, count)| count.as_f64()).sum()
        };
        let is_report = messages::is(&message, "type", "controller_report");
        if is_report && (all("required") - JOURNEYS as f64).abs() < 0.5 {
            shares.push(all("actual") / JOURNEYS as f64);
        }
    }
    if shares.len() < 3 {
        return Err(format!("only {} reports of the controller", shares.len()).into());
    }
    Ok(shares[1..].iter().sum::<f64>() / (shares.len() - 1) as f64)
}

//! What each hostile journey does to a healthy tenant beside it: the requests that its server has counted, and its p99, against its own
//! alone.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tests::hostile;

use crate::Result;
use crate::child::{Running, until};
use crate::distributed::endpoints;
use crate::figures::median;
use crate::parts::{Parts, Playground, at};
use crate::table::{Row, number};

/// How long the healthy one is looked at, with 20 journeys and a server of 20 ms.
const SECONDS: f64 = 2.0;
const JOURNEYS: u64 = 20;
/// It is looked at alone once for so many hostile ones: what the machine gives changes with the minutes.
const FOR_EACH: usize = 6;
const LIMIT: Duration = Duration::from_secs(60);
/// What a hostile journey's limits are, as in `tests/tests/hostile_tenants.rs`.
const LIMITS: &str = "journey_memory = \"64MiB\"\njourney_time = \"1500ms\"\n";
const NAMES: [&str; 2] = ["healthy", "hostile"];

/// How the healthy one fared.
struct Seen {
    name: &'static str,
    /// Against its own alone.
    p99: f64,
    rate: f64,
}

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let (own, others) = (Playground::start(parts)?, Playground::start(parts)?);
    let messages = Taken::start(parts)?;
    let mut seen = Vec::new();
    let mut alone = (0.0, 0.0);
    for (number, harm) in hostile::all().enumerate() {
        if number % FOR_EACH == 0 {
            alone = Fleet::start(parts, &messages)?.healthy(parts, &own)?;
        }
        let fleet = Fleet::start(parts, &messages)?;
        let _harming = fleet.harm(parts, harm.name, &others)?;
        let (p99, rate) = fleet.healthy(parts, &own).map_err(|problem| format!("{}: {problem}", harm.name))?;
        seen.push(Seen { name: harm.name, p99: p99 / alone.0, rate: rate / alone.1 });
    }
    let how_many = seen.len();
    let (p99, rate) = (median(seen.iter().map(|seen| seen.p99)), median(seen.iter().map(|seen| seen.rate)));
    let high = worst(&mut seen, |seen| seen.p99);
    let low = worst(&mut seen, |seen| -seen.rate);
    Ok(vec![
        Row::at_most("p99 beside a hostile tenant / alone, median", p99, 1.2, "").from(format!("{how_many} journeys")),
        Row::fact("the highest", seen_at(&high, |seen| seen.p99), "").from(named(&high, |seen| seen.p99)),
        Row::at_least("its rate beside one / alone, median", rate * 100.0, 99.0, "%").from("as its server has counted"),
        Row::fact("the lowest", seen_at(&low, |seen| seen.rate) * 100.0, "%").from(named(&low, |seen| seen.rate)),
    ])
}

/// The five that are worst.
fn worst(seen: &mut [Seen], by: impl Fn(&Seen) -> f64) -> Vec<Seen> {
    seen.sort_by(|one, other| by(other).total_cmp(&by(one)));
    seen.iter().take(5).map(|&Seen { name, p99, rate }| Seen { name, p99, rate }).collect()
}

fn seen_at(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> f64 {
    seen.first().map_or(f64::NAN, of)
}

fn named(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> String {
    seen.iter().map(|seen| format!("{} {}", seen.name, number(of(seen)))).collect::<Vec<_>>().join(", ")
}

/// Where all messages go, and are taken: a runner would wait for somebody who takes them at the end of each test.
struct Taken {
    socket: String,
    _sinks: [Running; 2],
    _directory: tempfile::TempDir,
}

impl Taken {
    fn start(parts: &Parts) -> Result<Self> {
        let [socket, collected, ..] = endpoints()?;
        let directory = tempfile::tempdir_in(parts.directory.path())?;
        let mut duplicator = parts.mite(&["-q", "duplicator", &format!("--message-socket={socket}"), &collected]);
        let mut collector = parts.mite(&["-q", "collector", &format!("--collector-socket={collected}")]);
        collector.arg("--collector-dir").arg(directory.path());
        let start = |command: &mut Command| Running::start(command, &parts.cores);
        let sinks = [start(&mut duplicator)?, start(&mut collector)?];
        Ok(Self { socket, _sinks: sinks, _directory: directory })
    }
}

/// A runner for the two.
struct Fleet {
    _runner: Running,
    metrics: String,
    messages: String,
    /// Of the healthy and the hostile one.
    controllers: [String; 2],
}

impl Fleet {
    fn start(parts: &Parts, messages: &Taken) -> Result<Self> {
        let [healthy, hostile, metrics, ..] = endpoints()?;
        let (controllers, messages) = ([healthy, hostile], messages.socket.clone());
        let mut text = format!("[defaults]\ntargets = [\"loopback\"]\nmessage_socket = \"{messages}\"\n");
        for (name, controller) in NAMES.iter().zip(&controllers) {
            writeln!(text, "[[tenant]]\nname = \"{name}\"\ncontroller_socket = \"{controller}\"")?;
        }
        let path = parts.directory.path().join("hostile.toml");
        std::fs::write(&path, text + LIMITS)?;
        let metrics = metrics.trim_start_matches("tcp://").to_owned();
        let mut command = parts.mite(&["runner", "--log-level=error", "--web-address", &metrics, "--tenants"]);
        let mut runner = Running::start(command.arg(&path), &parts.cores)?;
        until("the runner", LIMIT, || {
            runner.check()?;
            Ok(TcpStream::connect(&metrics).is_ok())
        })?;
        Ok(Self { _runner: runner, metrics, messages, controllers })
    }

    /// The hostile tenant's journey, run after run, which has begun.
    fn harm(&self, parts: &Parts, name: &str, playground: &Playground) -> Result<Running> {
        let found = |directory: &str| -> PathBuf { parts.root.join("target").join(directory) };
        let mut command = parts.mite(&["-q", "controller", "hostile_calls:beside"]);
        command.env("MITE_PATH", std::env::join_paths([found("journeys"), found("guests")])?);
        command.arg(format!("--add-to-config=harms:{name}")).arg(format!("--add-to-config=url:{}", playground.url));
        command.args(["--add-to-config=seconds:60", "--add-to-config=runs:1000000"]);
        self.connect(&mut command, 1);
        let harming = Running::start(&mut command, &parts.cores)?;
        // One of these is the healthy journey of its own.
        until(name, LIMIT, || Ok(self.runs("hostile")? >= 3.0))?;
        Ok(harming)
    }

    /// The healthy tenant's p99 in milliseconds and its requests a second, which its server has counted.
    fn healthy(&self, parts: &Parts, playground: &Playground) -> Result<(f64, f64)> {
        playground.reset()?;
        let mut command = parts.controller("load", JOURNEYS, SECONDS);
        self.connect(&mut command, 0);
        command.arg(format!("--add-to-config=url:{}/delay/20", playground.url));
        command.arg("--summary-export").arg(parts.summary_path());
        Running::start(&mut command, &parts.cores)?.wait()?;
        let (summary, counted) = (parts.summary()?, at(&playground.stats()?, &["requests"])?);
        let requests = at(&summary, &["requests"])?;
        if (counted - requests).abs() > 0.5 {
            return Err(format!("the server has counted {counted} requests, and the summary {requests}").into());
        }
        Ok((at(&summary, &["latency_ms", "p99"])?, at(&summary, &["requests_per_s"])?))
    }

    fn connect(&self, command: &mut Command, tenant: usize) {
        command.arg(format!("--controller-socket={}", self.controllers[tenant]));
        command.arg(format!("--message-socket={}", self.messages));
    }

    /// Runs that a tenant has begun.
    fn runs(&self, tenant: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(&self.metrics)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: mite\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let name = format!("mite_tenant_runs_total{{tenant=\"{tenant}\"}} ");
        let value = answer.lines().find_map(|line| line.strip_prefix(name.as_str()));
        Ok(value.map_or(Ok(0.0), str::parse)?)
    }
}

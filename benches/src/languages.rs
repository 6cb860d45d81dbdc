//! The same journey in three languages, beside other tools: CPU per request, memory of a blocked journey, how long components load.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::Result;
use crate::child::Running;
use crate::figures::{list, median};
use crate::parts::{Parts, Playground, Server};
use crate::request::{AT_ONCE, window};
use crate::table::Row;
use crate::{journeys, memory};

const ROUNDS: usize = 3;
const FEW: u64 = 10;

/// A language of journeys, with what its figures should be.
struct Language {
    name: &'static str,
    component: PathBuf,
    /// The journeys that make a request, and that do nothing.
    get: &'static str,
    nothing: &'static str,
    /// µs a request, KiB a blocked journey.
    cpu: f64,
    memory: f64,
    /// How many of them are blocked at once.
    many: u64,
}

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let languages = languages(parts)?;
    let mut rows = requests(parts, &languages)?;
    for language in &languages {
        rows.extend(loads(parts, language)?);
        rows.extend(fresh(parts, language)?);
    }
    for language in &languages {
        rows.extend(blocked(parts, language)?);
    }
    Ok(rows)
}

fn languages(parts: &Parts) -> Result<[Language; 3]> {
    let built = |source: &str| -> Result<PathBuf> {
        let component = parts.directory.path().join(source).with_extension(format!("{}.wasm", &source[4..]));
        let mut build = parts.mite(&["build"]);
        build.arg(parts.root.join("benches/journeys").join(source)).arg("-o").arg(&component);
        // The environment of the tests, where there is one: componentize-py is in it.
        let python = parts.root.join("target/venv/bin/python");
        if python.is_file() && std::env::var_os("MITE_PYTHON").is_none() {
            build.env("MITE_PYTHON", python);
        }
        Running::start(&mut build, &parts.cores)?.finish()?;
        // Compiles, so that no test that is measured does.
        Running::start(parts.mite(&["-q", "inspect"]).arg(&component), &parts.cores)?.finish()?;
        Ok(component)
    };
    let rust = parts.directory.path().join("load.wasm");
    Ok([
        Language { name: "Rust", component: rust, get: "load", nothing: "empty", cpu: 20.0, memory: 80.0, many: 1_000 },
        Language { component: built("get.js")?, cpu: 45.0, memory: 300.0, ..of("JavaScript", 1_000) },
        Language { component: built("get.py")?, cpu: 60.0, memory: 1.6 * 1024.0, ..of("Python", 300) },
    ])
}

fn of(name: &'static str, many: u64) -> Language {
    Language { name, component: PathBuf::new(), get: "get", nothing: "nothing", cpu: 0.0, memory: 0.0, many }
}

impl Language {
    /// One journey, so many at once.
    fn test(&self, parts: &Parts, journey: &str, volume: u64, seconds: f64) -> Command {
        let mut command = parts.mite(&["-q", "journey", "test"]);
        command.arg(format!("{}:{journey}", self.component.display()));
        command.arg(format!("--volume={volume}")).arg(format!("--duration={seconds}"));
        command
    }
}

/// All of them one after the other, several times, so that whatever changes with time does so for all.
fn requests(parts: &Parts, languages: &[Language]) -> Result<Vec<Row>> {
    let server = Server::start(parts)?;
    let peers = peers(parts);
    if let Err(problem) = &peers {
        eprintln!("  no other tools: {problem}");
    }
    let mut cpu: Vec<Vec<f64>> = vec![Vec::new(); languages.len() + 2];
    for _ in 0..ROUNDS {
        for (language, cpu) in languages.iter().zip(&mut cpu) {
            let mut command = language.test(parts, language.get, AT_ONCE, 60.0);
            command.arg("--workers=1").arg(format!("--add-to-config=url:{}", server.url));
            cpu.push(window(parts, &server, &mut command)?.cpu);
        }
        if let Ok(peers) = &peers {
            for (peer, cpu) in [k6(parts, peers, &server.url), framework(parts, peers, &server.url)]
                .iter_mut()
                .zip(&mut cpu[languages.len()..])
            {
                cpu.push(window(parts, &server, peer)?.cpu);
            }
        }
    }
    let middle: Vec<f64> = cpu.iter().map(|windows| median(windows.iter().copied())).collect();
    let mut rows = Vec::new();
    for ((language, windows), middle_of) in languages.iter().zip(&cpu).zip(&middle) {
        let what = format!("CPU per request: {}", language.name);
        rows.push(Row::at_most(&what, *middle_of, language.cpu, "µs").from(list(windows.clone())));
        let ratio = language.cpu / languages[0].cpu;
        if ratio > 1.0 {
            rows.push(Row::at_most(&format!("{} / Rust", language.name), middle_of / middle[0], ratio, ""));
        }
    }
    for (name, at) in [("k6 1.1", languages.len()), ("the Python framework 2.11", languages.len() + 1)] {
        let what = format!("CPU per request: {name}");
        rows.push(match &peers {
            Ok(_) => Row::fact(&what, middle[at], "µs").from(list(cpu[at].clone())),
            Err(problem) => Row::unknown(&what, &problem.to_string()),
        });
    }
    Ok(rows)
}

/// The environment with the other tools, made if it isn't there.
fn peers(parts: &Parts) -> Result<PathBuf> {
    let place = parts.root.join("target/peers");
    let made = Command::new(parts.root.join("benches/peers.sh")).arg(&place).output()?;
    if made.status.success() {
        return Ok(place.join("bin"));
    }
    let said = String::from_utf8_lossy(&made.stderr).trim().lines().last().unwrap_or_default().to_owned();
    Err(format!("benches/peers.sh: {said}").into())
}

fn k6(parts: &Parts, peers: &std::path::Path, url: &str) -> Command {
    let mut command = Command::new(peers.join("k6"));
    command.args(["run", "--quiet", "--no-usage-report", "--no-summary"]).arg("--env").arg(format!("URL={url}"));
    command.arg(parts.root.join("benches/journeys/k6.js")).env("GOMAXPROCS", "1");
    command
}

fn framework(parts: &Parts, peers: &std::path::Path, url: &str) -> Command {
    let mut command = Command::new(peers.join("mite"));
    command.args(["journey", "test", "get:get", "--log-level=ERROR"]).arg(format!("--volume={AT_ONCE}"));
    command.arg(format!("--add-to-config=url:{url}")).current_dir(parts.root.join("benches/journeys"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", ".");
    command
}

/// From the start of the program until it knows what is in a component: with nothing kept, and with its code.
fn loads(parts: &Parts, language: &Language) -> Result<Vec<Row>> {
    let cache = tempfile::tempdir()?;
    let timed = || -> Result<f64> {
        let mut inspect = parts.mite(&["-q", "inspect"]);
        inspect.arg(&language.component).env("MITE_CACHE_DIR", cache.path());
        let start = Instant::now();
        Running::start(&mut inspect, &parts.cores)?.finish()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    let cold = timed()?;
    let warm: Vec<f64> = (0..5).map(|_| timed()).collect::<Result<_>>()?;
    let name = language.name;
    let first = format!("{name}: a component's first load on a machine");
    Ok(vec![
        if name == "JavaScript" { Row::at_most(&first, cold, 100.0, "ms") } else { Row::fact(&first, cold, "ms") },
        Row::at_most(&format!("{name}: its next load"), median(warm.iter().copied()), 100.0, "ms").from(list(warm)),
    ])
}

/// What a fresh instance costs more than one that is used again.
fn fresh(parts: &Parts, language: &Language) -> Result<Vec<Row>> {
    let cpu = |more: &[&str]| -> Result<f64> {
        let test = |seconds: f64| {
            let mut command = language.test(parts, language.nothing, 1, seconds);
            command.arg("--workers=1").args(more);
            journeys::cpu_and_runs(parts, &mut command, &[parts.core])
        };
        let ((short, few), (long, many)) = (test(1.5)?, test(4.0)?);
        Ok((long - short) * 1e6 / (many - few))
    };
    let (reused, fresh) = (cpu(&[])?, cpu(&["--fresh-instances"])?);
    let name = language.name;
    let target = if name == "Python" { 2_000.0 } else { 200.0 };
    Ok(vec![
        Row::fact(&format!("{name}: CPU of an empty run, instance used again"), reused, "µs"),
        Row::at_most(&format!("{name}: what a fresh instance takes more"), fresh - reused, target, "µs"),
    ])
}

/// Private memory of a journey that waits for an answer.
fn blocked(parts: &Parts, language: &Language) -> Result<Vec<Row>> {
    let playground = Playground::start(parts)?;
    let hang = |volume| {
        let mut command = language.test(parts, language.get, volume, 120.0);
        command.args(["--request-timeout", "120"]).arg(format!("--add-to-config=url:{}/hang", playground.url));
        memory::blocked(parts, &playground, &mut command, volume)
    };
    let what = format!("{}: private memory of a journey in a pending request", language.name);
    memory::row(&what, language.memory, (FEW, language.many), hang)
}

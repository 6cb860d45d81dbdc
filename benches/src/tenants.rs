//! A runner for many tenants: what an idle one costs, whether a thousand can test at once, and what one that computes without end does to
//! another.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::Result;
use crate::child::{Running, until};
use crate::distributed::endpoints;
use crate::figures::{list, median};
use crate::parts::{Parts, Playground, at};
use crate::table::Row;

const MANY: usize = 1_000;
const LIMIT: Duration = Duration::from_secs(60);
/// Pairs of a tenant alone and the same beside an endless loop.
const PAIRS: usize = 3;
const SECONDS: f64 = 6.0;
/// The loops have had so much of the CPU when it is looked what they do.
const LOOPING: Duration = Duration::from_secs(4);

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let mut rows = idle(parts)?;
    rows.extend(many(parts)?);
    rows.extend(beside(parts, 1)?);
    rows.extend(beside(parts, 10)?);
    Ok(rows)
}

/// A file of so many tenants, all with the same sockets.
fn file(parts: &Parts, tenants: usize, control: &str, messages: &str) -> Result<PathBuf> {
    let mut text = format!(
        "[defaults]\ncontroller_socket = \"{control}\"\nmessage_socket = \"{messages}\"\njourneys = 1\ntargets = [\"loopback\"]\n"
    );
    for number in 0..tenants {
        writeln!(text, "[[tenant]]\nname = \"tenant-{number}\"")?;
    }
    let path = parts.directory.path().join(format!("tenants-{tenants}.toml"));
    std::fs::write(&path, text)?;
    Ok(path)
}

fn runner(parts: &Parts, file: &PathBuf) -> Result<Running> {
    Running::start(parts.mite(&["runner", "--log-level=error", "--tenants"]).arg(file), &parts.cores)
}

/// Bytes of a runner once nothing grows any more.
fn settled(runner: &mut Running) -> Result<u64> {
    let mut last = Vec::new();
    until("memory settles", LIMIT, || {
        runner.check()?;
        last.push(runner.anonymous()?);
        std::thread::sleep(Duration::from_millis(100));
        let newest = last[last.len() - 1];
        Ok(last.len() > 40 && newest <= last[last.len() - 20] + newest / 1000)
    })?;
    runner.anonymous()
}

fn idle(parts: &Parts) -> Result<Vec<Row>> {
    let [control, messages, ..] = endpoints()?;
    let settled = |tenants| settled(&mut runner(parts, &file(parts, tenants, &control, &messages)?)?);
    let (few, many) = (settled(1)?, settled(MANY)?);
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let each = (kib(many) - kib(few)) / (MANY - 1) as f64;
    let source = format!("{:.1} MiB with 1, {:.1} MiB with {MANY}", kib(few) / 1024.0, kib(many) / 1024.0);
    Ok(vec![Row::at_most("private memory per idle tenant", each, 64.0, "KiB").from(source)])
}

/// A thousand tenants in one process, each with a journey of the same test.
fn many(parts: &Parts) -> Result<Vec<Row>> {
    let [control, messages, collected, ..] = endpoints()?;
    let playground = Playground::start(parts)?;
    let directory = tempfile::tempdir_in(parts.directory.path())?;
    let mut collector = parts.mite(&["-q", "collector", &format!("--collector-socket={collected}"), "--collector-dir"]);
    let duplicator = &mut parts.mite(&["-q", "duplicator", &format!("--message-socket={messages}"), &collected]);
    let _sinks =
        [Running::start(duplicator, &parts.cores)?, Running::start(collector.arg(directory.path()), &parts.cores)?];
    let mut runner = runner(parts, &file(parts, MANY, &control, &messages)?)?;
    let before = settled(&mut runner)?;
    let mut command = parts.controller("load", MANY as u64, SECONDS);
    command.arg(format!("--controller-socket={control}")).arg(format!("--message-socket={messages}"));
    command.arg(format!("--expect-runners={MANY}")).arg("--spawn-rate=10000").arg("--grace=1");
    command.arg(format!("--add-to-config=url:{}/delay/500", playground.url));
    command.arg("--summary-export").arg(parts.summary_path());
    let cpu = runner.cpu()?;
    let mut controller = Running::start(&mut command, &parts.cores)?;
    let mut peak = 0;
    while controller.check().is_ok() {
        peak = runner.anonymous()?.max(peak);
        std::thread::sleep(Duration::from_millis(100));
    }
    controller.wait()?;
    let cpu = (runner.cpu()? - cpu).as_secs_f64();
    let summary = parts.summary()?;
    let (requests, dropped) = (at(&summary, &["requests"])?, at(&summary, &["messages", "dropped"])?);
    let source = format!("{requests} requests, {dropped} messages dropped, {cpu:.1} s of CPU with the start of all");
    let runners = at(&summary, &["runners"])?;
    let each = peak.saturating_sub(before) as f64 / 1024.0 / MANY as f64;
    Ok(vec![
        Row::at_least("tenants of one runner with a journey each", runners, MANY as f64, "").from(source),
        Row::fact("p50 of /delay/500 for them", at(&summary, &["latency_ms", "p50"])?, "ms")
            .from("two cores for all of it"),
        Row::fact("private memory per tenant that tests, at its peak", each, "KiB").from("with one journey"),
    ])
}

/// What so many others, whose journeys are endless loops, do to a tenant with a server of 20 ms.
fn beside(parts: &Parts, others: usize) -> Result<Vec<Row>> {
    let playground = Playground::start(parts)?;
    let tenants = (0..=others).map(|_| endpoints()).collect::<Result<Vec<_>>>()?;
    let mut text = "[defaults]\ntargets = [\"loopback\"]\n".to_owned();
    for (number, [control, messages, ..]) in tenants.iter().enumerate() {
        writeln!(text, "[[tenant]]\nname = \"tenant-{number}\"\ncontroller_socket = \"{control}\"")?;
        writeln!(text, "message_socket = \"{messages}\"")?;
    }
    let path = parts.directory.path().join("beside.toml");
    std::fs::write(&path, text)?;
    let (mut p99, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let runner = runner(parts, &path)?;
        let alone = healthy(parts, &playground, &tenants[0])?;
        let endless = tenants[1..].iter().map(|tenant| endless(parts, &playground, tenant));
        let endless = endless.collect::<Result<Vec<_>>>()?;
        let cpu = runner.cpu()?;
        until("loops", LIMIT, || Ok(runner.cpu()? > cpu + LOOPING))?;
        let beside = healthy(parts, &playground, &tenants[0])?;
        drop(endless);
        p99.push(beside.0 / alone.0 * 100.0 - 100.0);
        rates.push(beside.1 / alone.1 * 100.0);
        runner.signal(Signal::TERM)?;
        runner.wait()?;
    }
    let (added, rate) = (median(p99.iter().copied()), median(rates.iter().copied()));
    let more = format!("p99 that a tenant has more beside {others} with endless loops");
    let less = format!("its rate beside {others} with endless loops");
    let rows = if others == 1 {
        [Row::at_most(&more, added, 20.0, "%"), Row::at_least(&less, rate, 99.0, "%")]
    } else {
        [Row::fact(&more, added, "%"), Row::fact(&less, rate, "%")]
    };
    let [first, second] = rows;
    Ok(vec![first.from(list(p99)), second.from(list(rates))])
}

/// A tenant whose journeys are endless loops, two of five.
fn endless(parts: &Parts, playground: &Playground, [control, messages, ..]: &[String; 5]) -> Result<Running> {
    let mut command = parts.mite(&["-q", "controller"]);
    command.arg(format!("{}:beside", parts.root.join("target/journeys/hostile.wasm").display()));
    command.args(["--add-to-config=harm:loops", "--add-to-config=seconds:60"]);
    command.arg(format!("--add-to-config=url:{}/delay/500", playground.url));
    command.arg(format!("--controller-socket={control}")).arg(format!("--message-socket={messages}"));
    Running::start(&mut command, &parts.cores)
}

/// Milliseconds and requests a second.
fn healthy(parts: &Parts, playground: &Playground, [control, messages, ..]: &[String; 5]) -> Result<(f64, f64)> {
    let mut command = parts.controller("load", 20, SECONDS);
    command.arg(format!("--controller-socket={control}")).arg(format!("--message-socket={messages}"));
    command.arg(format!("--add-to-config=url:{}/delay/20", playground.url));
    command.arg("--summary-export").arg(parts.summary_path());
    Running::start(&mut command, &parts.cores)?.wait()?;
    let summary = parts.summary()?;
    Ok((at(&summary, &["latency_ms", "p99"])?, at(&summary, &["requests_per_s"])?))
}

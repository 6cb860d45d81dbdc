//! The network between the components is as bad as it gets, and good again: all goes on within three seconds from then, and what was
//! lost is said to be lost, to the record.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::faults::{Fault, Proxy};
use tests::files;
use tests::pipeline::{Places, stop};
use tests::program::{Running, command, eventually};
use tests::servers::{Playground, free_port};

const HEALED: Duration = Duration::from_secs(3);
const JOURNEYS: u32 = 4;

/// One row of the table.
struct Case {
    name: &'static str,
    fault: Fault,
    lasts: Duration,
    /// Between which components: see [`Bad::links`].
    links: &'static [usize],
    /// Whether connections end by it, and with them what is on its way.
    ends: bool,
}

const ALL: &[usize] = &[0, 1, 2];
const fn case(name: &'static str, fault: Fault, seconds: u64, links: &'static [usize], ends: bool) -> Case {
    Case { name, fault, lasts: Duration::from_secs(seconds), links, ends }
}

const CASES: [Case; 7] = [
    case("latency", Fault::Latency(Duration::from_millis(300)), 2, ALL, false),
    case("jitter", Fault::Jitter(Duration::from_millis(200)), 2, ALL, false),
    case("rate", Fault::Rate(8_000), 2, ALL, false),
    case("reset", Fault::Reset(20_000), 2, ALL, true),
    case("truncate", Fault::Truncate(20_000), 2, ALL, true),
    // Longer than it takes to find a peer dead that says nothing.
    case("half-open, messages", Fault::HalfOpen, 7, &[1, 2], true),
    case("half-open, control", Fault::HalfOpen, 7, &[0], true),
];

/// A test whose every link goes through a proxy.
struct Bad {
    places: Places,
    playground: Playground,
    /// From the runner to the controller, from there to the duplicator, from there to the collector.
    links: [Proxy; 3],
    sinks: [Running; 2],
    controller: Running,
    runner: Running,
}

fn port(endpoint: &str) -> u16 {
    endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

impl Bad {
    fn start(seed: u64, seconds: u64) -> Self {
        let (places, playground, control) = (Places::new(), Playground::start(), free_port());
        let links = [control, port(&places.messages), port(&places.shared)].map(|port| Proxy::to(port, seed));
        let duplicator = places.start("duplicator");
        let mut collector = command(&["collector", "--collector-socket", &links[2].endpoint()]);
        let collector = Running::start(collector.arg("--collector-dir").arg(places.collected()));
        let mut controller = command(&["controller", "load:load", "--expect-runners=1"]);
        let config =
            [format!("url:{}/delay/20", playground.url), format!("volume:{JOURNEYS}"), format!("seconds:{seconds}")];
        controller.args(config.map(|pair| format!("--add-to-config={pair}")));
        controller.arg(format!("--controller-socket=tcp://127.0.0.1:{control}"));
        controller.arg(format!("--message-socket={}", places.messages));
        let controller = Running::start(controller.arg(format!("--summary-export={}", places.summary().display())));
        let mut runner = command(&["runner", "--workers=1"]);
        runner.arg(format!("--controller-socket={}", links[0].endpoint()));
        let runner = Running::start(runner.arg(format!("--message-socket={}", links[1].endpoint())));
        Self { places, playground, links, sinks: [duplicator, collector], controller, runner }
    }

    /// When the newest message that was collected was made, in Unix seconds.
    fn newest(&self) -> Option<f64> {
        let there = self.places.collected();
        let messages = if there.is_dir() { files::messages_so_far(&there) } else { Vec::new() };
        let of_runner = files::of_type(&messages, "http_metrics");
        of_runner.last().map(|message| files::number(message, "time"))
    }
}

fn count(summary: &Value, path: &str) -> u64 {
    summary.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no count {path}: {summary:#}"))
}

fn unix() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs_f64()
}

fn under(case: &Case, seed: u64) {
    let Case { name, fault, lasts, links, ends } = *case;
    let bad = Bad::start(seed, lasts.as_secs() + 6);
    eventually(&format!("{name}: messages"), || bad.newest());
    let connections = || links.iter().map(|link| bad.links[*link].connections()).collect::<Vec<_>>();
    let before = connections();
    links.iter().for_each(|link| bad.links[*link].set(fault));
    std::thread::park_timeout(lasts);
    links.iter().for_each(|link| bad.links[*link].set(Fault::Healthy));
    let (healthy, since) = (Instant::now(), unix());
    eventually(&format!("{name}: messages again"), || bad.newest().filter(|newest| *newest > since));
    let took = healthy.elapsed();
    assert!(took <= HEALED, "{name}: healed only after {took:?}");
    let again = connections();
    assert!(
        before.iter().zip(&again).all(|(before, again)| (before != again) == ends),
        "{name}: {before:?}, {again:?}"
    );
    let (controller, runner) = (bad.controller.wait(), bad.runner.wait().expect(0));
    bad.sinks.into_iter().for_each(|sink| drop(stop(sink)));
    let summary = std::fs::read(bad.places.summary()).expect("a summary");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    let (lost, runners_lost) = (count(&summary, "/messages_lost"), count(&summary, "/runners_lost"));
    let whole = lost == 0 && runners_lost == 0;
    assert_eq!(controller.code(), if whole { 0 } else { 111 }, "{name}: {lost} lost\n{}", controller.stdout);
    assert!(ends || whole, "{name}: {lost} messages and {runners_lost} runners lost");
    let (made, served) = (count(&summary, "/messages/made"), bad.playground.requests());
    let collected = files::messages(&bad.places.collected()).len() as u64;
    if runners_lost == 0 {
        assert_eq!(count(&summary, "/requests"), served, "{name}: the server counts as the summary does");
        assert_eq!(made, collected + lost, "{name}: {collected} in the files: {summary:#}\n{}", controller.stderr);
    } else {
        // Given up by the controller, which says so; what it did until it knew is in the files and not in the summary.
        assert!(links.contains(&0) && runner.stderr.contains("given this runner up"), "{name}: {}", runner.stderr);
        assert!(collected >= made - lost && served >= count(&summary, "/requests"), "{name}: {summary:#}");
    }
}

#[test]
fn each_fault_heals_and_its_losses_are_counted() {
    std::thread::scope(|scope| {
        for (seed, case) in (1..).zip(&CASES) {
            scope.spawn(move || under(case, seed));
        }
    });
}

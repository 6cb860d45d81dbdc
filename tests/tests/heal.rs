//! Each component is killed under load and started again: everything goes on within three seconds from when the new one is there, what
//! is lost is bounded, and all end when they should.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tests::files;
use tests::heard::Heard;
use tests::pipeline::{PARTS, Places, kill, stop};
use tests::program::{Running, command, eventually};
use tests::sender::Sender;
use tests::servers::{Playground, free_port};

const HEALED: Duration = Duration::from_secs(3);
/// Messages a second.
const RATE: u64 = 2_000;

/// The first message after the last one that is missing, and when it was made.
#[track_caller]
fn healed(part: &str, numbers: &[u64], times: &[(Instant, u64)], up: Instant) -> u64 {
    let there: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(there.len(), numbers.len(), "{part}: nothing is written twice");
    let made = times.last().expect("something was sent").1;
    let lost = (0..made).filter(|number| !there.contains(number)).collect::<Vec<_>>();
    if let Some(last) = lost.last() {
        let when = times.iter().find(|(_, made)| made > last).expect("it was made").0;
        let took = when.saturating_duration_since(up);
        assert!(took <= HEALED, "{part}: healed only after {took:?}");
    }
    assert!(lost.len() as u64 <= RATE, "{part}: {} of {made} lost, more than a second's", lost.len());
    lost.len() as u64
}

/// Fails unless the figures grow in time.
#[track_caller]
fn figures_grow(places: &Places, part: &str, up: Instant) {
    let shown = || places.metrics().map(|metrics| metrics.sum("mite_transaction_total", &[]));
    let before = shown().unwrap_or(0.0);
    eventually(&format!("{part}: figures grow"), || (shown()? > before).then_some(()));
    let took = up.elapsed();
    assert!(took <= HEALED, "{part}: figures grow only after {took:?}");
}

fn kill_and_restart(part: &'static str) {
    let places = Places::new();
    let names = || PARTS.into_iter().chain(["receiver"]);
    let mut parts: Vec<(&str, Running)> = names().map(|part| (part, places.start(part))).collect();
    let mut sender = Sender::connect(&places.messages);
    sender.send_for(Duration::from_secs(1), RATE);
    let place = parts.iter().position(|(name, _)| *name == part).expect("it runs");
    kill(parts.remove(place).1);
    sender.send_for(Duration::from_millis(300), RATE);
    let again = places.start(part);
    let up = Heard::of(&again).up();
    parts.insert(place, (part, again));
    let sending = std::thread::spawn(move || {
        sender.send_for(HEALED + Duration::from_millis(500), RATE);
        sender
    });
    figures_grow(&places, part, up);
    let sender = sending.join().expect("it only sends");
    let (made, times) = (sender.made(), sender.times());
    assert_eq!(sender.close().dropped, 0, "{part}: nobody had to drop anything");
    for (_, running) in parts {
        stop(running);
    }
    let lost = [("collector", places.numbers()), ("receiver", places.numbers_received())]
        .map(|(sink, numbers)| (sink, healed(&format!("{part} killed, {sink}"), &numbers, &times, up)));
    for (sink, lost) in lost {
        assert!(lost == 0 || part == "duplicator" || part == sink, "{part} killed: the {sink} lacks {lost}");
    }
    let wanted = (0..made).filter(|number| number % 4 == 1).count() as u64;
    let users = places.users().len() as u64;
    assert!(wanted - users <= RATE / 4, "{part}: {users} of {wanted} recorded");
}

#[test]
fn each_part_of_the_pipeline() {
    std::thread::scope(|scope| {
        for part in PARTS.into_iter().chain(["receiver"]) {
            scope.spawn(move || kill_and_restart(part));
        }
    });
}

/// A test with its messages collected.
struct Load {
    places: Places,
    playground: Playground,
    sinks: [Running; 2],
    control: String,
    /// Requests a second, before anything happened.
    rate: f64,
}

const JOURNEYS: u64 = 10;

impl Load {
    fn new() -> Self {
        let places = Places::new();
        let sinks = ["duplicator", "collector"].map(|part| places.start(part));
        let control = format!("tcp://127.0.0.1:{}", free_port());
        Self { places, playground: Playground::start(), sinks, control, rate: 0.0 }
    }

    fn start(&self, words: &[&str]) -> Running {
        let mut command = command(words);
        command.arg(format!("--controller-socket={}", self.control));
        Running::start(command.arg(format!("--message-socket={}", self.places.messages)))
    }

    fn controller(&self, seconds: u64) -> Running {
        let config = [
            format!("url:{}/delay/20", self.playground.url),
            format!("volume:{JOURNEYS}"),
            format!("seconds:{seconds}"),
        ];
        let config = config.map(|pair| format!("--add-to-config={pair}"));
        let export = format!("--summary-export={}", self.places.summary().display());
        self.start(&["controller", "load:load", &config[0], &config[1], &config[2], &export])
    }

    fn runner(&self) -> Running {
        self.start(&["runner", "--workers=1"])
    }

    /// Waits for the load, and sees how much it is.
    fn begun(&mut self) {
        eventually("the load", || (self.playground.requests() > 50).then_some(()));
        let (start, before) = (Instant::now(), self.playground.requests());
        std::thread::park_timeout(Duration::from_secs(1));
        self.rate = (self.playground.requests() - before) as f64 / start.elapsed().as_secs_f64();
    }

    /// Fails unless the server is asked half as often as before, for a third of a second, in time.
    #[track_caller]
    fn healed(&self, up: Instant) {
        let mut seen = vec![(Instant::now(), self.playground.requests())];
        let since = eventually("the load is back", || {
            let (now, served) = (Instant::now(), self.playground.requests());
            seen.push((now, served));
            let (then, before) = *seen.iter().rev().find(|(then, _)| now - *then > Duration::from_millis(300))?;
            let rate = (served - before) as f64 / (now - then).as_secs_f64();
            (rate > self.rate / 2.0).then_some(then)
        });
        let took = since.saturating_duration_since(up);
        assert!(took <= HEALED, "healed only after {took:?}");
    }

    /// What the collector has in the end.
    fn messages(self) -> (Vec<rmpv::Value>, u64) {
        let served = self.playground.requests();
        self.sinks.into_iter().for_each(|sink| drop(stop(sink)));
        (files::messages(&self.places.collected()), served)
    }
}

fn summary(places: &Places) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(places.summary()).expect("a summary")).expect("it is JSON")
}

/// The controller gives the dead one's share to the new one, and says in the end that something is missing.
#[test]
fn a_runner() {
    let mut load = Load::new();
    let (controller, runner) = (load.controller(8), load.runner());
    load.begun();
    kill(runner);
    let again = load.runner();
    load.healed(Heard::of(&again).up());
    controller.wait().expect(111);
    again.wait().expect(0);
    let (summary, rate) = (summary(&load.places), load.rate);
    assert_eq!((summary["runners"].as_u64(), summary["runners_lost"].as_u64()), (Some(2), Some(1)), "{summary:#}");
    let (messages, served) = load.messages();
    let collected = files::of_type(&messages, "http_metrics").len() as u64;
    assert!(
        collected <= served && served - collected <= rate as u64,
        "{collected} of {served}: more than a second's lost"
    );
}

/// The new one's test is another one, and the runner follows; no message is lost.
#[test]
fn a_controller() {
    let mut load = Load::new();
    let (first, runner) = (load.controller(60), load.runner());
    load.begun();
    kill(first);
    let second = load.controller(4);
    let up = Heard::of(&second).up();
    let since = SystemTime::now() - up.elapsed();
    second.wait().expect(0);
    runner.wait().expect(0);
    let (summary, rate) = (summary(&load.places), load.rate);
    let (messages, served) = load.messages();
    let requests = files::of_type(&messages, "http_metrics");
    let mut runs: Vec<&str> = requests.iter().map(|message| files::text(message, "run_id")).collect();
    runs.dedup();
    assert_eq!(runs.len(), 2, "one test after the other: {runs:?}");
    assert_eq!(summary["run_id"].as_str(), Some(runs[1]));
    let of_second = requests.iter().filter(|message| files::text(message, "run_id") == runs[1]);
    let times: Vec<f64> = of_second.map(|message| files::number(message, "time")).collect();
    assert_eq!(summary["responses"].as_u64(), Some(times.len() as u64));
    let since = since.duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
    let took = times[0] - since;
    assert!(took <= HEALED.as_secs_f64(), "the second test's load begins only after {took} s");
    let enough = rate * (4.0 - HEALED.as_secs_f64()) / 2.0;
    assert!(times.len() as f64 > enough, "{} requests in four seconds, {rate} a second before", times.len());
    let cut = files::of_type(&messages, "http_error").len() as u64;
    let answered = requests.len() as u64;
    assert!(answered <= served && served <= answered + cut, "served {served}, answered {answered}, cut off {cut}");
}

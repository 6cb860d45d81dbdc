//! A controller and its runners as processes: the load is put once, every request is in the summary, and nobody waits for ever.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::program::{Ended, Running, command, eventually};
use tests::python;
use tests::raw::{Raw, answer};
use tests::servers::{Playground, free_port};

/// The sockets of one test.
struct Places {
    control: String,
    messages: String,
    directory: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let address = || format!("tcp://127.0.0.1:{}", free_port());
        Self { control: address(), messages: address(), directory: tempfile::tempdir().expect("a directory") }
    }

    fn sockets(&self) -> [String; 2] {
        [format!("--controller-socket={}", self.control), format!("--message-socket={}", self.messages)]
    }

    fn summary(&self) -> PathBuf {
        self.directory.path().join("summary.json")
    }

    fn controller(&self, spec: &str, url: &str, options: &[&str]) -> Running {
        let mut command = command(&["controller", spec]);
        command.args(self.sockets()).args(options).arg(format!("--add-to-config=url:{url}"));
        Running::start(command.arg(format!("--summary-export={}", self.summary().display())))
    }

    fn runner(&self, options: &[&str]) -> Running {
        Running::start(command(&["runner"]).args(self.sockets()).args(options))
    }

    fn sink(&self) -> Running {
        python::start(python::SINK, &[&self.messages])
    }

    /// The summary of a controller that has ended.
    fn figures(&self, ended: &Ended) -> serde_json::Value {
        let json = std::fs::read(self.summary()).unwrap_or_else(|error| panic!("no summary: {error}\n{ended:?}"));
        serde_json::from_slice(&json).expect("JSON")
    }
}

fn count(summary: &serde_json::Value, path: &str) -> u64 {
    summary
        .pointer(&format!("/{path}"))
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_else(|| panic!("{path}: {summary:#}"))
}

const LOAD: [&str; 3] = ["--add-to-config=volume:8", "--add-to-config=seconds:3", "--expect-runners=2"];

/// Whoever is started first: both runners take part, each request is in the summary once, every message has arrived, all end with 0.
#[test]
fn runners_share_a_load() {
    for controller_first in [true, false] {
        let (places, playground) = (Places::new(), Playground::start());
        let sink = places.sink();
        let early = controller_first.then(|| places.controller("load:load", &playground.url, &LOAD));
        let runners = [places.runner(&["--workers=1"]), places.runner(&["--workers=2"])];
        if !controller_first {
            std::thread::park_timeout(Duration::from_secs(1));
        }
        let controller = early.unwrap_or_else(|| places.controller("load:load", &playground.url, &LOAD));
        let ended = controller.wait().expect(0);
        for runner in runners {
            runner.wait().expect(0);
        }
        let summary = places.figures(&ended);
        let requests = count(&summary, "requests");
        assert_eq!(playground.requests(), requests, "what the server counted is what the runners counted");
        assert!(requests > 100, "{requests} requests in three seconds");
        assert_eq!((count(&summary, "runners"), count(&summary, "runners_lost")), (2, 0));
        assert_eq!(count(&summary, "messages_lost"), 0);
        let counts = python::counts(sink);
        let all: u64 = counts.as_object().expect("types").values().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(all, count(&summary, "messages/made"), "every message that was made has arrived: {counts}");
        assert_eq!(counts["http_metrics"].as_u64(), Some(requests));
        assert!(ended.stdout.contains("2 runners"), "the summary says who took part:\n{}", ended.stdout);
    }
}

/// The load has begun.
fn begun(playground: &Playground) {
    eventually("the load", || (playground.requests() > 50).then_some(()));
}

/// Killed in the middle: its share goes to the other, the test comes to its end and says that it is incomplete.
#[test]
fn a_runner_that_is_killed_is_replaced() {
    let (places, playground) = (Places::new(), Playground::start());
    let options = ["--add-to-config=volume:8", "--add-to-config=seconds:8", "--expect-runners=2"];
    let (sink, controller) = (places.sink(), places.controller("load:load", &playground.url, &options));
    let (one, other) = (places.runner(&["--workers=1"]), places.runner(&["--workers=1"]));
    begun(&playground);
    one.signal(Signal::KILL);
    std::thread::park_timeout(Duration::from_secs(3));
    let before = playground.requests();
    eventually("the other goes on", || (playground.requests() > before + 50).then_some(()));
    let ended = controller.wait().expect(111);
    other.wait().expect(0);
    let summary = places.figures(&ended);
    assert_eq!((count(&summary, "runners"), count(&summary, "runners_lost")), (2, 1));
    assert!(ended.stderr.contains("it is lost, others get its share"), "{}", ended.stderr);
    let (known, made) = (count(&summary, "requests"), playground.requests());
    assert!(
        known > 0 && known <= made,
        "{known} of {made} requests are in the summary: the last second of one is missing"
    );
    drop(sink);
}

/// Runners neither hang nor go on for ever without their controller.
#[test]
fn a_controller_that_is_killed_ends_its_runners() {
    let (places, playground) = (Places::new(), Playground::start());
    let options = ["--add-to-config=volume:4", "--add-to-config=seconds:60"];
    let (sink, controller) = (places.sink(), places.controller("load:load", &playground.url, &options));
    let runner = places.runner(&["--workers=1"]);
    begun(&playground);
    let killed = Instant::now();
    controller.signal(Signal::KILL);
    let ended = runner.wait().expect(111);
    assert!(killed.elapsed() < Duration::from_secs(30), "it waited for {:?}", killed.elapsed());
    assert!(ended.stderr.contains("the controller has not answered for 10 s"), "{}", ended.stderr);
    drop(sink);
}

/// One that is started again begins another test, and its runners follow.
#[test]
fn a_controller_that_is_started_again() {
    let (places, playground) = (Places::new(), Playground::start());
    let first = places.controller("load:load", &playground.url, &["--add-to-config=seconds:60"]);
    let (sink, runner) = (places.sink(), places.runner(&["--workers=1"]));
    begun(&playground);
    first.signal(Signal::KILL);
    drop(first);
    let ended = places.controller("load:load", &playground.url, &["--add-to-config=seconds:2"]).wait().expect(0);
    let ran = runner.wait().expect(0);
    assert!(ran.stderr.contains("beginning anew"), "{}", ran.stderr);
    let (second, all) = (count(&places.figures(&ended), "requests"), playground.requests());
    assert!(second > 0 && second < all, "{second} of {all} requests were the second test's");
    drop(sink);
}

/// Data is dealt to two processes, and each item is used once; then the test is over.
#[test]
fn each_item_is_used_once() {
    let places = Places::new();
    let sink = places.sink();
    let steps = "--add-to-config=steps:[{\"url\": \"nonsense\"}]";
    let controller = places.controller(
        "probe:plan",
        "none",
        &[
            "--add-to-config=journey:counted",
            "--add-to-config=datapool:numbers",
            "--add-to-config=count:5000",
            "--add-to-config=volume:8",
            "--expect-runners=2",
            steps,
        ],
    );
    let runners = [places.runner(&["--workers=1"]), places.runner(&["--workers=2"])];
    let ended = controller.wait().expect(0);
    for runner in runners {
        runner.wait().expect(0);
    }
    assert_eq!(count(&places.figures(&ended), "by_journey/probe:counted/ended"), 5_000);
    let counts = python::counts(sink);
    assert_eq!(counts["txn"].as_u64(), Some(5_000), "a root transaction a run: {counts}");
}

/// A controller that is told to stop ends its test in order, and its runners.
#[test]
fn told_to_stop() {
    let (places, playground) = (Places::new(), Playground::start());
    let options = ["--add-to-config=volume:4", "--add-to-config=seconds:60"];
    let (sink, controller) = (places.sink(), places.controller("load:load", &playground.url, &options));
    let (one, other) = (places.runner(&["--workers=1"]), places.runner(&["--workers=1"]));
    begun(&playground);
    one.signal(Signal::TERM);
    one.wait().expect(0);
    let before = playground.requests();
    eventually("the other goes on", || (playground.requests() > before + 50).then_some(()));
    controller.signal(Signal::INT);
    let ended = controller.wait().expect(105);
    other.wait().expect(0);
    let summary = places.figures(&ended);
    assert_eq!(count(&summary, "runners_lost"), 0, "one left in order");
    drop(sink);
}

/// A log is told of the beginning and of the end, whatever comes of the test; one that can't be told is no reason not to test.
#[test]
fn a_log_is_told() {
    let log = Raw::start(|request| match request.path() {
        "/log/start" => answer("200 OK\r\ncontent-type: application/json", br#"{"newid": 77}"#),
        _ => answer("204 No Content", b""),
    });
    let places = Places::new();
    let hook = format!("--logging-webhook={}", log.url("/log/"));
    let controller = places.controller("load:load", "http://127.0.0.1:1/", &[&hook]);
    eventually("the beginning", || (log.asked().len() == 1).then_some(()));
    std::thread::park_timeout(Duration::from_millis(500));
    controller.signal(Signal::TERM);
    controller.wait().expect(105);
    let asked: Vec<_> =
        log.asked().iter().map(|it| (it.line.clone(), String::from_utf8_lossy(&it.body).into_owned())).collect();
    let want =
        [("POST /log/start HTTP/1.1", r#"{"testname":"load:load"}"#), ("POST /log/end HTTP/1.1", r#"{"id":77}"#)];
    assert_eq!(asked, want.map(|(line, body)| (line.to_owned(), body.to_owned())));
    let controller = places.controller("load:load", "http://127.0.0.1:1/", &["--logging-webhook=http://127.0.0.1:1/"]);
    std::thread::park_timeout(Duration::from_secs(2));
    controller.signal(Signal::TERM);
    let ended = controller.wait().expect(105);
    assert!(ended.stderr.contains("was not told that the test begins"), "{}", ended.stderr);
}

/// Nobody comes: a signal ends it. A runner without a controller is ended by one, too.
#[test]
fn nobody_is_there() {
    let places = Places::new();
    let controller = places.controller("load:load", "http://127.0.0.1:1/", &[]);
    let runner = Running::start(command(&["runner"]).arg("--controller-socket=tcp://127.0.0.1:1"));
    std::thread::park_timeout(Duration::from_secs(2));
    controller.signal(Signal::TERM);
    runner.signal(Signal::TERM);
    let ended = controller.wait().expect(105);
    assert!(ended.stdout.contains("no runner took part"), "{}", ended.stdout);
    runner.wait().expect(0);
}

/// What is wrong with addresses and specs is said at once, and names the option.
#[test]
fn bad_input() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = format!("--controller-socket=tcp://{}", taken.local_addr().expect("bound"));
    for (words, code, says) in [
        (&["controller", "load:load", &taken][..], 104, "--controller-socket: can't listen on tcp://"),
        (&["controller", "load:load", "--controller-socket=foo"], 104, "--controller-socket: "),
        (
            &["controller", "load:load", "--controller-socket=tcp://127.0.0.1:0", "--message-socket=foo"],
            104,
            "--message-socket: ",
        ),
        (&["controller", "nothing:x", "--controller-socket=tcp://127.0.0.1:0"], 104, "no component `nothing`"),
        (&["controller", "load:load", "--expect-runners=0"], 2, "--expect-runners"),
        (&["controller", "load:load", "--logging-webhook=foo"], 2, "--logging-webhook"),
        (&["controller"], 2, "<SPEC>"),
        (&["runner", "--controller-socket=foo"], 104, "--controller-socket: "),
        (&["runner", "--message-socket=udp://127.0.0.1:1"], 104, "--message-socket: "),
        (&["runner", "--workers=0"], 2, "--workers"),
    ] {
        let ended = tests::program::run(words).expect(code);
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
    }
}

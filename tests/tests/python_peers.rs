//! Python's runners under our controller, and our runner under Python's controller: peers that speak the protocol as Python does,
//! and are as strict.

use rustix::process::Signal;
use tests::program::{Running, command, eventually};
use tests::python::{self, told};
use tests::servers::{Playground, free_port};

fn address() -> String {
    format!("tcp://127.0.0.1:{}", free_port())
}

/// A test whose messages go to a sink of its own.
struct Test {
    control: String,
    messages: String,
    sink: Running,
}

impl Test {
    fn new() -> Self {
        let messages = address();
        Self { control: address(), sink: python::start(python::SINK, &[&messages]), messages }
    }

    fn start(&self, words: &[&str]) -> Running {
        let (control, messages) =
            (format!("--controller-socket={}", self.control), format!("--message-socket={}", self.messages));
        Running::start(command(words).args([control, messages]))
    }
}

fn number(value: &serde_json::Value, path: &str) -> u64 {
    value.pointer(path).and_then(serde_json::Value::as_u64).unwrap_or_else(|| panic!("{path}: {value:#}"))
}

/// The volume is kept, data is with one run at a time and comes back, the config is there, and it is let go at the end.
#[test]
fn a_python_runner_under_our_controller() {
    let test = Test::new();
    let runner = python::start(python::RUNNER, &[&test.control, "0.2"]);
    let controller = test.start(&["controller", "mite.example:scenario", "--add-to-config=url:here"]);
    let told = told(runner);
    let ended = controller.wait().expect(0);
    assert_eq!((told["test"].as_str(), told["url"].as_str()), (Some("mite.example:scenario"), Some("here")));
    assert_eq!(number(&told, "/most"), 5, "five at once, and never more");
    assert_eq!(number(&told, "/twice"), 0, "an item is with one run at a time");
    assert_eq!(told["items"].as_object().map(serde_json::Map::len), Some(10), "all ten items were used: {told}");
    // 5 at once for 5 s and half of that for 4 s before, 0.2 s each: 175, less what it takes to ask on a busy machine.
    let runs = number(&told, "/runs/mite.example:journey");
    assert!((30..=185).contains(&runs), "{runs} runs");
    assert!(ended.stdout.contains("the figures of 1 Python runner"), "{}", ended.stdout);
    let counts = python::counts(test.sink);
    assert!(number(&counts, "/controller_report") >= 9, "one a second: {counts}");
}

/// Both kinds in one test.
#[test]
fn mixed_runners() {
    let test = Test::new();
    let (python_runner, ours) =
        (python::start(python::RUNNER, &[&test.control, "0.2"]), test.start(&["runner", "--workers=1"]));
    let controller = test.start(&["controller", "mite.example:scenario", "--expect-runners=2"]);
    let told = told(python_runner);
    ours.wait().expect(0);
    controller.wait().expect(0);
    let most = number(&told, "/most");
    assert!((2..=3).contains(&most), "{most} of five journeys at once were Python's");
    let counts = python::counts(test.sink);
    assert!(number(&counts, "/my_message") > 5, "ours has run some: {counts}");
}

/// Silent for ten seconds: lost, and the test ends by itself since nobody is left.
#[test]
fn a_python_runner_that_falls_silent() {
    let test = Test::new();
    let _runner = python::start(python::RUNNER, &[&test.control, "0.1", "1"]);
    let controller = test.start(&["controller", "load:pause", "--add-to-config=seconds:60", "--grace=1"]);
    let ended = controller.wait().expect(111);
    assert!(ended.stderr.contains("silent for 10."), "{}", ended.stderr);
}

/// Each run that is handed out is run once, what it was given comes back as it went, a spec that can't be run is told and over.
#[test]
fn our_runner_under_a_python_controller() {
    let (test, playground) = (Test::new(), Playground::start());
    let controller =
        python::start(python::CONTROLLER, &[&test.control, &playground.url, "200", "load:load", "nothing:at_all"]);
    let runner = test.start(&["runner", "--workers=2"]);
    let told = told(controller);
    let ended = runner.wait().expect(0);
    assert_eq!(number(&told, "/hellos"), 1);
    assert!(number(&told, "/most") <= 4, "no more than were handed out");
    let handed = number(&told, "/handed/load:load");
    assert_eq!(playground.requests(), handed, "each once");
    let mut completed = told["completed"].as_array().expect("a list").clone();
    let count = completed.len();
    completed.sort_by_key(ToString::to_string);
    completed.dedup();
    let all: u64 = handed + number(&told, "/handed/nothing:at_all");
    let with_data = (0..all).filter(|number| number % 4 != 0).count();
    assert_eq!((completed.len(), count), (with_data, with_data), "all that had data, once each");
    assert!(ended.stderr.contains("no component `nothing`"), "{}", ended.stderr);
    let counts = python::counts(test.sink);
    assert_eq!(number(&counts, "/http_metrics"), handed);
    assert_eq!(number(&counts, "/exception"), all - handed, "{counts}");
}

/// A Python controller that is killed: the runner comes to its end.
#[test]
fn a_python_controller_that_is_killed() {
    let (test, playground) = (Test::new(), Playground::start());
    let controller = python::start(python::CONTROLLER, &[&test.control, &playground.url, "1000000", "load:load"]);
    let runner = test.start(&["runner", "--workers=1"]);
    eventually("the load", || (playground.requests() > 10).then_some(()));
    controller.signal(Signal::KILL);
    let ended = runner.wait().expect(111);
    assert!(ended.stderr.contains("has not answered"), "{}", ended.stderr);
}

/// Whatever is sent to it, a controller answers and goes on.
#[test]
fn what_means_nothing_is_answered() {
    const JUNK: &str = r#"
import sys, msgpack, zmq
for junk in [b"", b"\xc1", b"hello", msgpack.packb({}), msgpack.packb([2, None]), msgpack.packb([3, 77]), msgpack.packb([9, {}]),
             msgpack.packb([4, {}]), msgpack.packb([6, {"from": 1}]), b"\x93" * 1000, msgpack.packb([2, [1, {"a": 1}, [], None]])]:
    req = zmq.Context.instance().socket(zmq.REQ)
    req.connect(sys.argv[1])
    req.send(junk)
    assert req.poll(20000), junk
    print(junk, req.recv())
    # A request that is never sent, and a socket that goes away in between.
    req.close(0)
"#;
    let (test, playground) = (Test::new(), Playground::start());
    let url = format!("--add-to-config=url:{}", playground.url);
    let controller = test.start(&["controller", "load:load", &url, "--add-to-config=seconds:2"]);
    python::start(JUNK, &[&test.control]).wait().expect(0);
    let runner = test.start(&["runner", "--workers=1"]);
    controller.wait().expect(0);
    runner.wait().expect(0);
    drop(test.sink);
}

/// What a Python controller once answered, to our runner: it can run none of those journeys, says so, and gives everything back.
#[test]
fn a_recorded_conversation() {
    const REPLAY: &str = r#"
import json, msgpack, sys, zmq
rep = zmq.Context.instance().socket(zmq.REP)
rep.bind(sys.argv[1])
wire = lambda name: open("tests/wire/ctl.%s.bin" % name, "rb").read()
heard = []
def answer(reply):
    heard.append(msgpack.unpackb(rep.recv(), use_list=False, strict_map_key=False))
    rep.send(reply)
answer(wire("rep.hello.1"))
answer(wire("rep.request_work.1"))
given = [(item[0], item[1]) for item in msgpack.unpackb(wire("rep.request_work.1"))[0] if item[1] is not None]
back = []
while len(back) < len(given):
    answer(wire("rep.request_work.2"))
    back += [tuple(pair) for pair in heard[-1][1][2]]
answer(msgpack.packb([[], [], True]))
while heard[-1][0] != 3:
    assert len(heard) < 100, "no bye"
    kind = msgpack.unpackb(rep.recv(), use_list=False, strict_map_key=False)
    heard.append(kind)
    rep.send(msgpack.packb(None if kind[0] == 3 else [[], [], True]))
import time
time.sleep(0.2)
assert heard[0] == (1, None) and heard[-1] == (3, 1), heard
assert sorted(back) == sorted(given), (back, given)
assert heard[1][1] == (1, {}, (), None), heard[1]
print("told {}")
"#;
    let test = Test::new();
    let controller = python::start(REPLAY, &[&test.control]);
    let runner = test.start(&["runner", "--workers=1"]);
    told(controller);
    runner.wait().expect(0);
    let counts = python::counts(test.sink);
    assert_eq!(number(&counts, "/exception"), 10, "one a run: {counts}");
}

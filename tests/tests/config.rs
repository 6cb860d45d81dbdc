//! Config that a scenario's functions set while a test runs: whatever follows from the same answer knows it, wherever it runs.
//!
//! The datapool `changing` sets `value` to a number when it is asked for that number, so a run may see a later value than its item,
//! and never an earlier one.

use tests::files::{number, of_type};
use tests::program::{Running, command};
use tests::python::{self, told};
use tests::servers::{Playground, free_port};
use tests::trial::Trial;

const OPTIONS: [&str; 6] = [
    "--add-to-config=journey:follows",
    "--add-to-config=datapool:changing",
    "--add-to-config=pause:0.01",
    "--add-to-config=seconds:60",
    "--add-to-config=volume:4",
    "--add-to-config=count:400",
];

/// Each item once, each with its value or a later one, and more values than one.
#[track_caller]
fn followed(messages: &[rmpv::Value]) {
    let told = of_type(messages, "follows").into_iter();
    let mut told: Vec<_> = told.map(|one| (number(one, "number") as u64, number(one, "value") as u64)).collect();
    told.sort_unstable();
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..400).collect::<Vec<_>>());
    told.iter().for_each(|(number, value)| assert!(value >= number, "item {number} began knowing {value}"));
    let mut values: Vec<_> = told.iter().map(|(_, value)| *value).collect();
    values.dedup();
    assert!(values.len() > 2, "it changed again and again: {values:?}");
}

fn trial(words: &[&str]) -> Trial {
    OPTIONS.iter().fold(Trial::new(words), |trial, option| trial.option(option))
}

#[test]
fn in_one_process() {
    followed(&trial(&["scenario", "test", "probe:plan"]).run().expect(0).messages);
}

#[test]
fn with_runners_of_ours() {
    let web = format!("--web-address=127.0.0.1:{}", free_port());
    followed(
        &trial(&["up", "probe:plan", "--runners=2", "--workers=1"]).option(&web).files(&[]).run().expect(0).messages,
    );
}

/// Where control is, where messages go, and both as options.
fn sockets() -> (String, String, [String; 2]) {
    let [control, messages] = [free_port(), free_port()].map(|port| format!("tcp://127.0.0.1:{port}"));
    let options = [format!("--controller-socket={control}"), format!("--message-socket={messages}")];
    (control, messages, options)
}

#[test]
fn with_a_python_runner() {
    let (control, messages, sockets) = sockets();
    let (_sink, runner) =
        (python::start(python::SINK, &[&messages]), python::start(python::RUNNER, &[&control, "0.01"]));
    let controller = Running::start(command(&["controller", "probe:plan"]).args(OPTIONS).args(sockets));
    let told = told(runner);
    controller.wait().expect(0);
    assert_eq!(told["early"].as_u64(), Some(0), "runs that didn't know the value they came with: {told}");
    assert_eq!(told["runs"]["probe:follows"].as_u64(), Some(400), "{told}");
    assert!(told["changes"].as_u64() > Some(2), "it changed again and again: {told}");
}

/// The change comes with the first run that needs it, after a hundred others.
#[test]
fn with_a_python_controller() {
    let (before, after) = (Playground::start(), Playground::start());
    let (control, messages, sockets) = sockets();
    let _sink = python::start(python::SINK, &[&messages]);
    let urls = format!("{} {}", before.url, after.url);
    let controller = python::start(python::CONTROLLER, &[&control, &urls, "200", "load:load"]);
    let runner = Running::start(command(&["runner", "--workers=2"]).args(sockets));
    let told = told(controller);
    runner.wait().expect(0);
    let handed = told["handed"]["load:load"].as_u64().expect("runs");
    let changed = told["changed"].as_u64().expect("runs");
    assert_eq!(before.requests() + after.requests(), handed, "each once");
    assert!(changed >= 90 && after.requests() >= changed, "{} of {changed} runs knew of the change", after.requests());
    assert!(before.requests() >= 90, "{}", before.requests());
}

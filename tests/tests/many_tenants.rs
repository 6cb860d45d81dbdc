//! Hundreds of tenants in one runner, each with a journey of its own; `make bench` has a thousand.

use std::fmt::Write as _;

use rustix::process::Signal;
use serde_json::Value;
use tests::fleet::{Fleet, Tenant, count};
use tests::program::{Running, eventually};
use tests::python;
use tests::servers::Playground;

const MANY: usize = 250;

#[test]
fn a_journey_for_each_of_hundreds_of_tenants() {
    let (fleet, playground) = (Fleet::new(), Playground::start());
    // To one controller they are runners.
    let all = Tenant::new("all", "");
    let mut sections = String::new();
    for number in 0..MANY {
        let Tenant { control, messages, .. } = &all;
        writeln!(sections, "[[tenant]]\nname = \"team-{number:03}\"\njourneys = 1").expect("text");
        writeln!(sections, "controller_socket = \"{control}\"\nmessage_socket = \"{messages}\"").expect("text");
    }
    fleet.write(&[], &sections);
    let sink = python::start(python::SINK, &[&all.messages]);
    let runner = fleet.runner(&[]);
    let url = format!("url:{}/delay/200", playground.url);
    let mut command = fleet.controlling(&all, "load:load", &[&format!("volume:{MANY}"), "seconds:5", &url]);
    command.arg(format!("--expect-runners={MANY}")).arg("--spawn-rate=10000");
    let controller = Running::start(&mut command);
    let ended = controller.wait().expect(0);
    let summary = fleet.summary(&all, &ended);
    assert_eq!(count(&summary, "/runners"), MANY as u64);
    let requests = count(&summary, "/requests");
    assert_eq!(playground.requests(), requests, "what the server counted");
    let metrics = fleet.metrics();
    let of = |number: usize| metrics.sum("mite_tenant_requests_total", &[&format!("team-{number:03}")]);
    let each: Vec<_> = (0..MANY).map(of).collect();
    assert!(each.iter().all(|requests| *requests >= 2.0), "everybody had its turn: {each:?}");
    assert_eq!(each.iter().sum::<f64>(), requests as f64);

    // An idle tenant has no thread.
    let threads = || std::fs::read_dir(format!("/proc/{}/task", runner.pid())).expect("it runs").count();
    eventually("the threads are gone", || (threads() < 20).then_some(()));
    runner.signal(Signal::TERM);
    drop(runner.wait().expect(0));
    let counts = python::counts(sink);
    let arrived: u64 = counts.as_object().expect("types").values().filter_map(Value::as_u64).sum();
    assert_eq!(arrived, count(&summary, "/messages/made"), "every message has arrived: {counts}");
}

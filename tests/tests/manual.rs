//! The commands of the manual's page of components, word for word, at the addresses that everybody knows: in a network of its
//! own, where nobody else has them.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tests::files;
use tests::metrics::Metrics;
use tests::program::{Ended, Running, command, eventually, root};

const PLAYGROUND: &str = "mite playground";
const DUPLICATOR: &str =
    "mite duplicator --message-socket=tcp://0.0.0.0:14302 tcp://127.0.0.1:14303 tcp://127.0.0.1:14304";
const STATS: &str = "mite stats";
const COLLECTOR: &str = "mite collector --collector-dir mite-logs";
const RECORDER: &str = "mite recorder";
const EXPORTER: &str = "mite prometheus_exporter";
const RECEIVER: &str = "mite receiver tcp://127.0.0.1:14303 --processor=my.custom.processors:StatsProcessor \
    --processor=my.custom.processors:CollectorProcessor --grant-socket=tcp://127.0.0.1:14310";
const SECOND_RECEIVER: &str = "mite receiver tcp://127.0.0.1:14310 --processor=my.custom.processors:PrintProcessor";
const RUNNER: &str = "mite runner";
const CONTROLLER: &str = "mite controller mite.example:scenario";
const CONTROLLER_OF_LOAD: &str = "mite controller load:load --add-to-config=url:http://127.0.0.1:14380/json \
    --add-to-config=seconds:2 --add-to-config=volume:4";

/// Set for the test that is run again in a network of its own.
const INSIDE: &str = "MITE_TEST_NETWORK";

/// `unshare` into a network of its own, with this to be run in it.
fn unshare(words: &[&str]) -> Command {
    let mut unshare = Command::new("unshare");
    // Who isn't root may have one together with a user namespace.
    unshare.args(if rustix::process::geteuid().is_root() { &["--net"][..] } else { &["--net", "--map-root-user"] });
    unshare.arg("bash").args(["-euc", "ip link set lo up; exec \"$@\"", "bash"]).args(words);
    unshare
}

/// Where nobody may have a network of its own this one has to do; then a port that is taken is a failure.
fn has_networks() -> bool {
    unshare(&["true"]).output().is_ok_and(|tried| tried.status.success())
}

/// Runs a test of this file again, in a network of its own.
fn elsewhere(test: &str) {
    let this = std::env::current_exe().expect("a program").display().to_string();
    let ended = Running::start(unshare(&[&this, "--exact", test, "--nocapture"]).env(INSIDE, "1")).wait();
    let (out, err) = (&ended.stdout, &ended.stderr);
    assert!(
        ended.status.success() && out.contains("test result: ok. 1 passed"),
        "in a network of its own:\n{out}\n{err}"
    );
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Starts a command as it is written, in this directory.
fn start(directory: &Path, line: &str) -> Running {
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], "mite", "{line}");
    let mut command = command(&words[1..]);
    Running::start(command.current_dir(directory).env("MITE_PATH", root().join("target/journeys")))
}

fn stop(running: Running) -> Ended {
    running.signal(Signal::TERM);
    running.wait().expect(0)
}

/// Runs a controller's test to its end with a runner, and answers how many messages were made and how many requests.
fn test(directory: &Path, controller: &str) -> (u64, u64) {
    let runner = start(directory, RUNNER);
    let summary = directory.join("summary.json");
    let exported = format!("{controller} --summary-export={}", summary.display());
    let ended = start(directory, &exported).wait().expect(0);
    runner.wait().expect(0);
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&summary).expect("a summary")).expect("it is JSON");
    let count = |path: &str| json.pointer(path).and_then(serde_json::Value::as_u64).unwrap_or_else(|| panic!("{path}"));
    assert_eq!((count("/messages_lost"), count("/runners"), count("/runners_lost")), (0, 1, 0), "{ended:?}");
    (count("/messages/made"), count("/requests"))
}

#[test]
fn the_page_of_components() {
    if !is_inside() && has_networks() {
        return elsewhere("the_page_of_components");
    }
    let directory = files::directory();
    let here = directory.path();
    let playground = start(here, PLAYGROUND);
    let url = playground.line("playground: listening on ");
    assert_eq!(url, "http://127.0.0.1:14380");
    let [duplicator, stats, collector, recorder, exporter] =
        [DUPLICATOR, STATS, COLLECTOR, RECORDER, EXPORTER].map(|line| start(here, line));
    let [receiver, second] = [RECEIVER, SECOND_RECEIVER].map(|line| start(here, line));
    let (example, none) = test(here, CONTROLLER);
    let (load, requests) = test(here, CONTROLLER_OF_LOAD);
    let made = example + load;
    assert!(none == 0 && example > 50 && requests > 100, "{none} {example} {requests}");
    let served: serde_json::Value =
        reqwest::blocking::get(format!("{url}/stats")).expect("it answers").json().expect("JSON");
    assert_eq!(served["requests"].as_u64(), Some(requests), "what the server counted");
    let metrics = eventually("all is in the metrics", || {
        let metrics = Metrics::scrape("127.0.0.1:9301")?;
        let received = metrics.sum("mite_messages_received_total", &[r#"kind="stats""#]);
        (received == made as f64).then_some(metrics)
    });
    assert_eq!(metrics.sum("mite_http_response_total", &[r#"response_code="200""#]), requests as f64);
    let of = |kind: &str| metrics.sum("mite_messages_made_total", &[&format!("kind=\"{kind}\"")]);
    assert_eq!(of("runner") + of("controller"), made as f64, "{}", metrics.text());
    for none in ["mite_messages_dropped_total", "mite_messages_missing_total", "mite_messages_malformed_total"] {
        assert_eq!(metrics.sum(none, &[]), 0.0, "{none}");
    }
    // In the order data flows, so that each has all that the one before had.
    for part in [duplicator, collector, recorder, stats, exporter] {
        stop(part);
    }
    let received = stop(receiver);
    let printed = stop(second).stdout;
    let messages = files::messages(&here.join("mite-logs"));
    assert_eq!(messages.len() as u64, made, "each message in mite-logs");
    assert_eq!(files::of_type(&messages, "http_metrics").len() as u64, requests);
    assert_eq!(files::messages(&here.join("collector_data/mine")), messages, "the receiver's collector has the same");
    for processor in ["StatsProcessor", "CollectorProcessor"] {
        let said = format!("{processor}: received {made} messages: took {made}, failed on 0, 0 dropped");
        assert!(received.stderr.contains(&said), "{said}:\n{}", received.stderr);
    }
    assert!(printed.contains("mite_transaction_total"), "the second receiver prints figures: {printed}");
}

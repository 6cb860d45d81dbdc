//! What became of the messages of a distributed test: runners, controller, duplicator, consumers, exporter and files agree to the record.

use std::path::Path;

use serde_json::Value;
use tests::files;
use tests::pipeline::{PARTS, Places, stop};
use tests::program::{Ended, Running, command, eventually};
use tests::sender::Sender;
use tests::servers::{Playground, free_port};

/// Those behind the duplicator.
const CONSUMERS: [&str; 4] = ["collector", "receiver", "recorder", "stats"];

/// A test with one runner; its summary. `meanwhile` is done while it runs.
fn test(places: &Places, url: &str, seconds: u32, code: i32, meanwhile: impl FnOnce()) -> (Value, Ended) {
    let control = format!("--controller-socket=tcp://127.0.0.1:{}", free_port());
    let messages = format!("--message-socket={}", places.messages);
    let runner = Running::start(&mut command(&["runner", "--workers=1", &control, &messages]));
    let mut controller = command(&["controller", "load:load", &control, &messages]);
    controller.args([&format!("--add-to-config=url:{url}"), "--add-to-config=volume:4"]);
    controller.arg(format!("--add-to-config=seconds:{seconds}"));
    let controller = Running::start(controller.arg(format!("--summary-export={}", places.summary().display())));
    meanwhile();
    let ended = controller.wait().expect(code);
    runner.wait().expect(0);
    (summary(&places.summary()), ended)
}

fn summary(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a summary")).expect("JSON")
}

fn count(summary: &Value, path: &str) -> u64 {
    summary.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no count {path}: {summary:#}"))
}

/// Waits until the exporter shows so much.
fn shown(places: &Places, name: &str, kind: &str, want: u64) {
    let mut last = None;
    let label = format!("kind=\"{kind}\"");
    let ask = || {
        last = places.metrics().map(|metrics| metrics.sum(name, &[&label]));
        (last == Some(want as f64)).then_some(())
    };
    eventually(&format!("{name} of {kind} is {want}"), ask);
}

/// Made, received by each kind, in the files: one number. A second test on the same pipeline has its own, and one that isn't alone
/// claims nothing.
#[test]
fn every_message_is_accounted_for() {
    let (places, playground) = (Places::new(), Playground::start());
    let parts: Vec<Running> = PARTS.iter().chain(&["receiver"]).map(|part| places.start(part)).collect();
    let mut all = 0;
    for run in 1..=2 {
        let (summary, ended) = test(&places, &playground.url, 2, 0, || ());
        let made = count(&summary, "/messages/made");
        assert!(made > 50, "run {run}: {made} messages");
        let came = (count(&summary, "/messages/received"), count(&summary, "/messages_lost"));
        assert_eq!(came, (made, 0), "run {run}: {:#}\n{}", summary["messages"], summary["warnings"]);
        for kind in CONSUMERS {
            let one = &summary["messages"]["by_consumer"][kind];
            let want = serde_json::json!({ "given": made, "received": made, "lost": 0, "open": 0 });
            assert_eq!(one, &want, "run {run}: {kind}\n{}", summary["warnings"]);
        }
        assert_eq!(summary["warnings"], serde_json::json!([]), "run {run}");
        assert!(ended.stdout.contains("  consumers   collector "), "run {run}:\n{}", ended.stdout);
        all += made;
        CONSUMERS.iter().for_each(|kind| shown(&places, "mite_messages_received_total", kind, all));
        let metrics = eventually(&format!("run {run}: {all} made"), || {
            let metrics = places.metrics()?;
            let of = |kind: &str| metrics.sum("mite_messages_made_total", &[&format!("kind=\"{kind}\"")]) as u64;
            (of("runner") + of("controller") == all).then_some(metrics)
        });
        for none in ["mite_messages_dropped_total", "mite_messages_missing_total"] {
            assert_eq!(metrics.sum(none, &[]), 0.0, "run {run}: {none}");
        }
    }
    const FOREIGN: u64 = 1_000;
    let mut sender = Sender::connect(&places.messages);
    let before = playground.requests();
    let meanwhile = || {
        eventually("the load", || (playground.requests() > before).then_some(()));
        sender.send(FOREIGN);
    };
    let (summary, ended) = test(&places, &playground.url, 2, 0, meanwhile);
    assert_eq!(sender.close().unsure, 0);
    let claims = (&summary["messages"]["received"], &summary["messages"]["by_consumer"]);
    assert_eq!(claims, (&Value::Null, &serde_json::json!({})), "{summary:#}");
    let says = format!("the duplicator was given {FOREIGN} messages that are not of this test's senders");
    assert!(ended.stdout.contains(&says), "{}", ended.stdout);
    all += count(&summary, "/messages/made") + FOREIGN;
    parts.into_iter().for_each(|part| drop(stop(part)));
    assert_eq!(files::messages(&places.collected()).len() as u64, all, "what the collector wrote");
    assert_eq!(files::messages(&places.received()).len() as u64, all, "and the receiver's");
}

/// Nobody is at one output: what it drops is lost, by the same number in the summary, in the metrics and in what is kept.
#[test]
fn what_a_duplicator_drops_is_in_the_summary() {
    let (places, playground) = (Places::new(), Playground::start());
    let duplicator = places.start_with("duplicator", &["--out-queue=1"]);
    let others = ["stats", "prometheus_exporter"].map(|part| places.start(part));
    // Each request has a message of more than 2 KB.
    let url = format!("{}/json?{}", playground.url, "x".repeat(2_000));
    let (summary, ended) = test(&places, &url, 3, 111, || ());
    let (made, lost) = (count(&summary, "/messages/made"), count(&summary, "/messages_lost"));
    assert!(lost > 0 && lost < made, "{lost} of {made}");
    let stats = &summary["messages"]["by_consumer"]["stats"];
    assert_eq!(stats, &serde_json::json!({ "given": made, "received": made, "lost": 0, "open": 0 }), "it kept up");
    assert!(ended.stdout.contains(&format!("{lost} messages were dropped by the duplicator")), "{}", ended.stdout);
    shown(&places, "mite_messages_dropped_total", "duplicator", lost);
    shown(&places, "mite_messages_received_total", "stats", made);
    // Who comes late gets what was kept.
    let collector = places.start("collector");
    shown(&places, "mite_messages_received_total", "collector", made - lost);
    stop(duplicator);
    stop(collector);
    others.into_iter().for_each(|part| drop(stop(part)));
    assert_eq!(files::messages(&places.collected()).len() as u64, made - lost, "made = collected + lost");
}

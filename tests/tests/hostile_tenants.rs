//! A tenant whose journeys do all the harm they can, beside one that is healthy, in one runner: the healthy one's load, figures and messages
//! are its own.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::fleet::{Fleet, Tenant, count};
use tests::hostile::{self, Hostile};
use tests::program::{Ended, patiently};
use tests::python;
use tests::servers::Playground;
use tests::trial::{Going, Trial};

const SECONDS: u32 = 5;
/// What `hostile:paced` asks for.
const A_SECOND: u64 = 20;

/// All at once, but for what takes a server's or the test's own time in gigabytes and millions.
fn harms() -> Vec<&'static Hostile> {
    let left_out = ["send_many", "download_much", "download_over"];
    hostile::all().filter(|harm| !left_out.contains(&harm.name)).collect()
}

/// The healthy tenant's test, by a process that has nothing to do with others: what this machine gives it now.
fn alone(playground: &Playground) -> Going {
    let trial = Trial::scenario("hostile:alone").config("url", format!("{}/json", playground.url));
    trial.config("seconds", SECONDS).option("--workers=1").start()
}

/// Nothing in it is about anybody else.
#[track_caller]
fn has_no_word_of_others(text: &str, what: &str) {
    for word in ["hostile_calls", "forged", "rogue", "python", "js:", "\x1b", "\u{202e}"] {
        assert!(!text.contains(word), "{what} of the healthy tenant has `{}`: {text}", word.escape_debug());
    }
}

/// Its load is what its pacing asks, as on this machine without the other, and each request has had its answer.
#[track_caller]
fn is_well(ended: &Ended, summary: &Value, playground: &Playground, alone: u64) {
    let requests = count(summary, "/requests");
    let most = u64::from(SECONDS) * A_SECOND + 2;
    assert!(requests <= most, "{requests} requests, at most {most}");
    assert!(requests * 3 >= alone * 2, "{requests} requests, {alone} without a hostile neighbour\n{ended:?}");
    assert_eq!(playground.requests(), requests, "the server has counted as many");
    assert_eq!((count(summary, "/errors"), count(summary, "/responses")), (0, requests), "{summary:#}");
    let runs = &summary["by_journey"]["hostile:paced"];
    assert_eq!((&runs["failed"], &runs["cancelled"]), (&json!(0), &json!(0)), "{summary:#}");
    assert_eq!(count(summary, "/messages_lost"), 0, "{summary:#}");
    for (text, what) in [(&ended.stdout, "stdout"), (&ended.stderr, "stderr"), (&summary.to_string(), "the summary")] {
        has_no_word_of_others(text, what);
    }
}

/// Every message of a run says whose it is, whatever journeys say: both tenants send to one socket here.
#[track_caller]
fn messages_are_apart(runs: &Value, healthy: &Value, rogue: &Value) {
    let of = |summary: &Value| runs[summary["run_id"].as_str().expect("an id")].clone();
    let own = of(healthy);
    assert_eq!(count(&own, "/count"), count(healthy, "/messages/made"), "all of its messages and no others: {own}");
    assert_eq!(own["test"], json!(["hostile:alone"]));
    assert_eq!(own["type"], json!(["controller_report", "http_metrics", "txn"]), "what mite makes");
    assert_eq!(own["journey"], json!([null, "hostile:paced"]), "{own}");
    let others = of(rogue);
    assert_eq!(others["test"], json!(["hostile_calls:beside"]));
    let ids: BTreeSet<_> = runs.as_object().expect("runs").keys().map(String::as_str).collect();
    let known = [healthy, rogue].map(|summary| summary["run_id"].as_str().expect("an id"));
    assert!(ids.iter().all(|id| known.contains(id) || *id == "unreadable"), "no run but these two: {ids:?}");
}

#[test]
fn a_healthy_tenant_notices_nothing() {
    let (fleet, own, others, machine) = (Fleet::new(), Playground::start(), Playground::start(), Playground::start());
    let healthy = Tenant::new("healthy", "");
    let limits = "journey_memory = \"64MiB\"\njourney_time = \"1500ms\"";
    let rogue = Tenant { messages: healthy.messages.clone(), ..Tenant::new("rogue", limits) };
    fleet.write(&[&healthy, &rogue], "");
    let sink = python::start(python::RUNS, &[&healthy.messages]);
    let runner = fleet.runner(&[]);
    let harms = harms();
    let names: Vec<_> = harms.iter().map(|harm| harm.name).collect();
    let (harm, url) = (format!("harms:{}", names.join(",")), format!("url:{}", others.url));
    let harming = fleet.controller(&rogue, "hostile_calls:beside", &[&harm, &url, "seconds:5", "runs:2"]);
    // Components of Python take a while to compile; then all of it begins at once.
    patiently("the harm begins", || (others.requests() > 20).then_some(()));
    let control = alone(&machine);
    let url = format!("url:{}/json", own.url);
    let testing = fleet.controller(&healthy, "hostile:alone", &[&format!("seconds:{SECONDS}"), &url]);

    let ended = testing.wait().expect(0);
    let control = control.wait().expect(0);
    let tested = fleet.summary(&healthy, &ended);
    is_well(&ended, &tested, &own, control.count("requests"));
    // The harm was there, and is over.
    let ended = harming.wait();
    let harmed = fleet.summary(&rogue, &ended);
    for spec in harms.iter().map(|harm| harm.spec()) {
        assert!(harmed["by_journey"][&spec]["started"].as_u64() >= Some(1), "{spec} has run: {ended:?}\n{harmed:#}");
    }
    let metrics = fleet.metrics();
    assert_eq!(metrics.sum("mite_tenant_requests_total", &["healthy"]), count(&tested, "/requests") as f64);
    runner.signal(Signal::TERM);
    runner.wait().expect(0);
    let log = std::fs::read_to_string(fleet.path("log")).expect("the log");
    assert!(!log.contains("panicked at engine") && !log.contains(['\x1b', '\u{202e}']), "{log}");
    messages_are_apart(&python::runs(sink), &tested, &harmed);
}

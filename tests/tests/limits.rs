//! Limits on what journeys say, hear and see of the time, in a fleet's file and as options.

use rustix::process::Signal;
use tests::files::{field, text};
use tests::fleet::{Fleet, Tenant, count};
use tests::program::eventually;
use tests::python;
use tests::servers::Playground;
use tests::trial::Trial;

/// What a tenant's journeys say and hear has limits; and a test keeps what it began with when the file is read again.
#[test]
fn what_is_said_has_limits() {
    let (fleet, playground) = (Fleet::new(), Playground::start());
    let limits = "response_size = 1000\nlabels = 3\nmessages_per_second = 20\nclock = \"100ms\"";
    let mut wordy = Tenant::new("wordy", limits);
    fleet.write(&[&wordy], "");
    let runner = fleet.runner(&[]);
    let sink = python::start(python::SINK, &[&wordy.messages]);
    let (url, large) = (format!("url:{}/json", playground.url), format!("large:{}/bytes/1001", playground.url));
    let config = ["journey:names", "volume:4", "seconds:300", &url, &large];
    let saying = fleet.controller(&wordy, "probe:plan", &config);
    eventually("some requests", || (playground.requests() > 10).then_some(()));
    // What is a rate holds at once, the rest from the next test on.
    wordy.limits = "targets = [\"private\"]\nlabels = 1\nmessages_per_second = 21";
    fleet.write(&[&wordy], "");
    runner.signal(Signal::HUP);
    eventually("it is taken", || fleet.said("read again, serving 1 tenants"));
    let before = playground.requests();
    let held = || fleet.metrics().sum("mite_tenant_held_back_total", &["wordy", "messages_per_second"]);
    eventually("it goes on with its targets", || (playground.requests() > before + 5 && held() > 5.0).then_some(()));
    saying.signal(Signal::TERM);
    let said = fleet.summary(&wordy, &saying.wait().expect(105));
    let names = |of: &str| said[of].as_object().expect("names").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("by_request"), ["other", "request 0", "request 1", "request 2"]);
    let inside = [0, 1, 2].map(|number| format!("__root__ :: transaction {number}"));
    assert_eq!(names("by_transaction"), ["__root__", &inside[0], &inside[1], &inside[2], "other"]);
    let held = |limit: &str| count(&said, &format!("/held_back/{limit}/times"));
    assert_eq!(count(&said, "/errors_by_class/protocol"), held("response_size"), "too large is an error, each time");
    assert_eq!(said["held_back"]["labels"]["allowed"], 3.0, "what it began with: {:#}", said["held_back"]);
    assert!(held("response_size") > 0 && held("messages_per_second") > 5, "{:#}", said["held_back"]);
    let others = ["by_request", "by_transaction"].map(|of| {
        let other = &said[of]["other"];
        other["requests"].as_u64().or(other["transactions"].as_u64()).expect("a count")
    });
    let metrics = fleet.metrics();
    assert_eq!(metrics.sum("mite_tenant_held_back_total", &["wordy", "\"labels\""]), held("labels") as f64);
    assert_eq!(metrics.sum("mite_tenant_limit", &["wordy", "\"labels\""]), 1.0);

    let refusing = fleet.controller(&wordy, "load:load", &["volume:1", "seconds:0.5", &url]);
    let asked = playground.requests();
    let refused = fleet.summary(&wordy, &refusing.wait().expect(99));
    assert!(count(&refused, "/errors_by_class/denied") > 0, "{refused:#}");
    assert_eq!(playground.requests(), asked, "the next test has the new targets");

    runner.signal(Signal::TERM);
    drop(runner.wait().expect(0));
    let counts = python::counts(sink);
    let types: Vec<_> = counts.as_object().expect("types").keys().filter(|name| name.starts_with("message ")).collect();
    assert_eq!(types, ["message 0", "message 1", "message 2"], "{counts}");
    let told = |name: &str| counts[name].as_u64().unwrap_or(0);
    assert_eq!(held("labels"), others[0] + others[1] + told("other"), "each that has no name of its own is counted");
    assert!(told("data_created") > 0, "what the recorder acts upon keeps its type: {counts}");
    let own = told("data_created") + told("message 0") + told("message 1") + told("message 2") + told("other");
    let most = 21.0 * said["duration_s"].as_f64().expect("seconds") * 1.05 + 3.0;
    assert!(own > 20 && (own as f64) < most, "{own} messages of their own, at most {most}");
}

/// The same as options, where there is no file; and clocks that go in steps, while requests are timed as exactly as ever.
#[test]
fn options_of_the_same_meaning() {
    const STEP: u64 = 100_000_000;
    let playground = Playground::start();
    let trial = Trial::new(&["journey", "run", "probe:names"]).config("url", format!("{}/delay/20", playground.url));
    let trial = trial.config("large", format!("{}/gzip/100000", playground.url)).config("count", 4);
    let tested = trial.option("--labels=2").option("--clock=100ms").option("--response-size=20KiB").run().expect(0);
    tested.conserved();
    let told = tested.messages.iter().find(|message| field(message, "spent").is_some()).expect("the last message");
    for clock in ["wall", "spent"] {
        let nanos: u64 = text(told, clock).parse().expect("a number");
        assert_eq!(nanos % STEP, 0, "{clock}");
    }
    assert_eq!(text(told, "large"), "Body", "small enough as it comes, and not once it is decompressed");
    let totals =
        tested.messages.iter().filter_map(|message| field(message, "total_time").and_then(rmpv::Value::as_f64));
    assert_eq!(totals.clone().count(), 5);
    let is_whole = |total: f64| ((total * 1e9).round() as u64).is_multiple_of(STEP);
    assert!(totals.clone().any(|total| !is_whole(total)), "{:?}", totals.collect::<Vec<_>>());
    let named = |name: &str| {
        tested.messages.iter().filter(|it| field(it, "name").and_then(rmpv::Value::as_str) == Some(name)).count()
    };
    assert_eq!((named("request 0"), named("request 1"), named("other")), (2, 1, 2), "in messages as in figures");
    assert_eq!(tested.ended.stderr.matches("there are more than 2 names of requests (labels)").count(), 1, "said once");
}

//! A journey that does harm becomes a message, and its neighbours go on.

use serde_json::json;
use tests::files::text;
use tests::program::patiently;
use tests::servers::Playground;
use tests::trial::{Tested, Trial};

/// `hostile:beside`: three healthy journeys, and two that do this.
fn beside(playground: &Playground, harm: &str) -> Trial {
    let trial = Trial::scenario("hostile:beside").config("harm", harm);
    let trial = trial.config("url", format!("{}/json", playground.url));
    trial.config("hanging", format!("{}/hang", playground.url)).option("--journey-memory=64").option("--workers=1")
}

fn journey<'a>(tested: &'a Tested, name: &str) -> &'a serde_json::Value {
    &tested.summary["by_journey"][format!("hostile:{name}")]
}

/// The healthy ones have not noticed anything, and went on until the end.
#[track_caller]
fn healthy(tested: &Tested, playground: &Playground, why: &str) {
    let runs = journey(tested, "healthy");
    let ended = runs["ended"].as_u64().expect("a count");
    assert!(ended > 50, "{why}: only {ended} healthy runs\n{}", tested.ended.stderr);
    assert_eq!((&runs["failed"], &runs["cancelled"]), (&json!(0), &json!(0)), "{why}");
    let gets = tested.of_journey("http_metrics", "hostile:healthy");
    assert_eq!(gets.len() as u64, ended, "{why}: a request a run");
    assert_eq!(tested.count("requests"), playground.requests(), "{why}: {:#}", tested.summary["errors_by_class"]);
    // The last of them came when the harm had been done for long.
    let (first, last) = (time(gets[0]), time(gets[gets.len() - 1]));
    assert!(last - first > 1.2, "{why}: they stopped after {} s", last - first);
    tested.conserved();
}

fn time(message: &rmpv::Value) -> f64 {
    tests::files::number(message, "time")
}

#[test]
fn harm_becomes_an_exception() {
    let playground = Playground::start();
    for (harm, ex_type, words, why) in [
        ("loops", "Trap", "computed for 1 s", "an endless loop is ended"),
        ("allocates", "OutOfMemory", "memory", "so is the wish for all memory"),
        ("recurses", "Trap", "Trap: ", "and that for all stack"),
        ("panics", "panic", "so it is", "a panic, in its words"),
        ("traps", "Trap", "unreachable", "a trap"),
        ("exits", "Trap", "exit", "leaving by the back door"),
        ("prints", "Trap", "computed for 1 s", "printing is not a call of mite"),
        ("forges", "Trap", "handle", "a handle that nobody gave"),
        ("nests", "Trap", "32 deep", "too many transactions inside each other"),
        ("crowds", "Trap", "1000 handles", "too many requests at once"),
    ] {
        let before = playground.requests();
        let tested = beside(&playground, harm).run().expect(99);
        let failures = tested.of_journey("exception", &format!("hostile:{harm}"));
        assert!(!failures.is_empty(), "{why}\n{}", tested.ended.stderr);
        for failure in &failures {
            assert_eq!(text(failure, "ex_type"), ex_type, "{why}: {failure}");
            assert!(text(failure, "message").contains(words), "{why}: {failure}");
            assert!(text(failure, "stacktrace").len() < 40_000, "{why}");
        }
        let runs = journey(&tested, harm);
        assert_eq!((&runs["failed"], &runs["started"]), (&json!(failures.len()), &runs["ended"]), "{why}");
        assert_eq!(tested.count("failures"), failures.len() as u64, "{why}: they are in the summary");
        let first = &tested.summary["failures_by_kind"][0];
        assert_eq!((&first["type"], &first["journey"]), (&json!(ex_type), &json!(format!("hostile:{harm}"))), "{why}");
        assert!(!tested.ended.stderr.contains("panicked at engine"), "{why}: {}", tested.ended.stderr);
        if harm == "crowds" {
            continue; // what it left behind is counted in a test of its own
        }
        let served = playground.requests() - before;
        assert_eq!(tested.count("requests"), served, "{why}");
        quiet(&tested, why);
    }
}

/// As [`healthy`], where the server has counted for other tests before.
#[track_caller]
fn quiet(tested: &Tested, why: &str) {
    let runs = journey(tested, "healthy");
    assert!(runs["ended"].as_u64() > Some(50), "{why}: {runs}\n{}", tested.ended.stderr);
    assert_eq!((&runs["failed"], &runs["cancelled"]), (&json!(0), &json!(0)), "{why}");
    let gets = tested.of_journey("http_metrics", "hostile:healthy");
    let (first, last) = (time(gets[0]), time(gets[gets.len() - 1]));
    assert!(last - first > 1.2, "{why}: they stopped after {} s", last - first);
    tested.conserved();
}

/// An instance that trapped is gone; the next run has a fresh one, and its memory is given back.
#[test]
fn memory_is_given_back() {
    let playground = Playground::start();
    let tested = beside(&playground, "allocates").option("--runner-max-journeys=5").run().expect(99);
    let failures = tested.of_journey("exception", "hostile:allocates").len();
    assert!(failures > 10, "64 MiB each time, {failures} times: two at once never need more than 128 MiB");
    healthy(&tested, &playground, "allocates");
}

#[test]
fn requests_left_pending_are_cancelled_and_counted() {
    let playground = Playground::start();
    let tested = beside(&playground, "leaves").run().expect(0);
    let runs = journey(&tested, "leaves")["ended"].as_u64().expect("a count");
    assert!(runs > 10, "{runs}");
    assert_eq!(tested.count("errors_by_class/cancelled"), 2 * runs);
    healthy(&tested, &playground, "two requests that nobody took, a run");
    let stats = playground.stats();
    assert_eq!(stats["open_requests"], json!(0), "nothing is still on its way");
}

#[test]
fn what_is_too_much_at_once_is_given_up() {
    let playground = Playground::start();
    let tested = beside(&playground, "crowds").run().expect(99);
    let cancelled = tested.count("errors_by_class/cancelled");
    let runs = journey(&tested, "crowds")["ended"].as_u64().expect("a count");
    // One that was given up before anything was done for it is none.
    assert!((900 * runs..=1_000 * runs).contains(&cancelled), "{cancelled} of {runs} runs");
    assert!(playground.requests() <= tested.count("requests"), "whatever reached the server is counted");
    assert_eq!(tested.of_type("http_error").len() as u64, cancelled);
    assert_eq!(journey(&tested, "healthy")["failed"], json!(0));
    tested.conserved();
}

#[test]
fn messages_over_the_limit_are_refused_and_counted() {
    let playground = Playground::start();
    let tested = beside(&playground, "floods").run().expect(0);
    let runs = journey(&tested, "floods")["ended"].as_u64().expect("a count");
    assert!(runs > 5, "{runs}");
    assert_eq!(tested.count("messages/refused"), 21 * runs, "20 too large and a type too long, a run");
    let dropped = tested.count("messages/dropped");
    assert_eq!(dropped, tested.count("messages_lost"), "{:#}", tested.summary["messages"]);
    assert_eq!((tested.of_type("huge").len(), tested.of_type("large").len() as u64), (0, 20 * runs - dropped));
    assert!(tested.summary["warnings"].to_string().contains("over a limit"), "{}", tested.summary["warnings"]);
    healthy(&tested, &playground, "floods");
}

/// Names without end have room for the first, and an `other` for the rest; the totals are right all the same.
#[test]
fn labels_without_end_are_bounded() {
    let playground = Playground::start();
    let address = format!("127.0.0.1:{}", tests::servers::free_port());
    // It lasts for as long as it takes this machine to make so many names.
    let trial = beside(&playground, "labels").config("seconds", 600);
    let going = trial.option(&format!("--web-address={address}")).start();
    let metrics = patiently("more names than there is room for", || {
        let metrics = tests::metrics::Metrics::scrape(&address)?;
        (metrics.sum("mite_stats_series_folded_total", &[]) > 0.0).then_some(metrics)
    });
    let (first, enough) = (playground.requests(), std::time::Instant::now() + std::time::Duration::from_millis(1_500));
    patiently("all of them go on", || {
        (playground.requests() > first + 500 && std::time::Instant::now() > enough).then_some(())
    });
    going.running.signal(rustix::process::Signal::INT);
    assert!(metrics.text().len() < 64 << 20, "{} bytes of metrics", metrics.text().len());
    let tested = going.wait().expect(105);
    let requests = tested.summary["by_request"].as_object().expect("names");
    assert!(requests.len() <= 202, "{} names", requests.len());
    let all: u64 = requests.values().filter_map(|request| request["requests"].as_u64()).sum();
    assert_eq!(all, tested.count("requests"), "the rest is under `other`: {:?}", requests.keys().next_back());
    assert!(!tested.ended.stdout.contains('\x1b'), "{}", tested.ended.stdout);
    let long = tested.of_journey("txn", "hostile:labels");
    assert!(long.iter().all(|txn| text(txn, "transaction").len() <= 256 + "__root__ :: ".len()), "names are cut");
    healthy(&tested, &playground, "labels");
}

#[test]
fn a_journey_that_sleeps_is_cut_off() {
    let playground = Playground::start();
    let tested = beside(&playground, "sleeps").option("--journey-timeout=0.3").run().expect(99);
    let failures = tested.of_journey("exception", "hostile:sleeps");
    assert!(failures.len() >= 6, "{}", failures.len());
    assert!(failures.iter().all(|failure| text(failure, "ex_type") == "JourneyTimeout"), "{failures:?}");
    let runs = journey(&tested, "sleeps");
    assert_eq!(runs["cancelled"], runs["started"], "{runs}");
    healthy(&tested, &playground, "sleeps");
}

/// Without a limit of its own it is the end of the test that cuts it off, after the grace.
#[test]
fn the_end_of_the_test_cuts_off_what_does_not_end() {
    let playground = Playground::start();
    let tested = beside(&playground, "sleeps").option("--grace=0.2").run().expect(0);
    assert_eq!(journey(&tested, "sleeps")["cancelled"], json!(2));
    healthy(&tested, &playground, "sleeps");
}

/// What a guest prints is a log line, without what would spoil a terminal, and not without end.
#[test]
fn output_of_guests_is_bounded() {
    let playground = Playground::start();
    let tested = beside(&playground, "prints").run().expect(99);
    let stderr = &tested.ended.stderr;
    assert!(stderr.contains("all work and no play") && stderr.contains("not even that"), "{stderr:.500}");
    assert!(!stderr.contains('\x1b'), "no escape sequences");
    assert!(stderr.len() < 5 << 20, "{} bytes", stderr.len());
    assert!(!tested.ended.stdout.contains("all work"), "{}", tested.ended.stdout);
    healthy(&tested, &playground, "prints");
}

/// Whatever this process' environment is, a message is about the journey and not about the engine.
#[test]
fn stacktraces_are_those_of_journeys() {
    let playground = Playground::start();
    let trial = beside(&playground, "traps").config("seconds", 0.5).environment("RUST_BACKTRACE", 1);
    let tested = trial.run().expect(99);
    for failure in tested.of_type("exception") {
        let trace = text(failure, "stacktrace");
        assert!(trace.contains("unreachable") && !trace.contains("wasmtime_internal"), "{trace}");
    }
}

/// As many failures as are allowed are no failure of the test.
#[test]
fn failures_within_the_threshold_pass() {
    let playground = Playground::start();
    let tested = beside(&playground, "panics").option("--max-errors-threshold=100000000").run().expect(0);
    assert!(tested.count("failures") > 0);
}

/// A reused instance keeps what a run left in it, a fresh one has nothing; cookies are always a run's own.
#[test]
fn what_is_left_of_the_run_before() {
    for (option, kept) in [("--connections=runner", true), ("--fresh-instances", false)] {
        let trial = Trial::plan("remembers").config("seconds", 0.5).config("volume", 1).option("--workers=1");
        let tested = trial.option(option).run().expect(0);
        let before: Vec<f64> =
            tested.of_type("remembers").iter().map(|message| tests::files::number(message, "before")).collect();
        assert!(before.len() > 3, "{before:?}");
        assert_eq!(before.iter().any(|before| *before > 0.5), kept, "{option}: {before:?}");
        assert!(tested.of_type("remembers").iter().all(|message| tests::files::number(message, "cookies") < 0.5));
    }
}

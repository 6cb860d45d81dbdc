//! How much runs, with which data, for how long, and how a test ends.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::json;
use tests::files::{field, json as as_json, number, text};
use tests::program::{component, eventually, root};
use tests::servers::Playground;
use tests::trial::{Tested, Trial};

/// What the runs were given, sorted.
fn items(tested: &Tested) -> Vec<String> {
    let mut items: Vec<_> = tested.of_type("item").iter().map(|message| as_json(message)["item"].to_string()).collect();
    items.sort();
    items
}

/// Each row exactly once, whatever the source; then the test is over.
#[test]
fn iterable_pools_give_each_item_once() {
    let msgpack = [&b"\x81\xa1a\x01"[..], b"\xa5hello", b"\x07"].concat();
    for (file, bytes, want, why) in [
        (
            "u.csv",
            "name,n\nada,1\n\"b, \"\"c\"\"\",\n".as_bytes(),
            &[r#"{"n":"","name":"b, \"c\""}"#, r#"{"n":"1","name":"ada"}"#][..],
            "CSV: maps of texts",
        ),
        (
            "u.jsonl",
            b"{\"k\": [1, 2]}\n\n\"x\"\n7",
            &[r#""x""#, r#"{"k":[1,2]}"#, "7"],
            "JSON lines, empty ones left out",
        ),
        ("u.msgpack", &msgpack, &[r#""hello""#, r#"{"a":1}"#, "7"], "msgpack objects"),
        ("none.jsonl", b"", &[], "nothing: over at once"),
    ] {
        let trial = Trial::plan("take").config("datapool", "rows").config("file", file);
        let tested = trial.files(&[(file, bytes)]).run().expect(0);
        let mut want: Vec<_> = want.iter().map(|item| (*item).to_owned()).collect();
        want.sort();
        assert_eq!(items(&tested), want, "{why}");
        tested.conserved();
    }
    let trial = Trial::plan("counted").config("datapool", "numbers").config("count", 5_000).config("volume", 8);
    let tested =
        trial.config("steps", json!([{ "url": "nonsense" }])).option("--runner-max-journeys=9").run().expect(0);
    assert_eq!((tested.runs("started"), tested.count("requests")), (5_000, 0), "no request was ever made");
    let mut ids: Vec<_> = tested.of_type("txn").iter().map(|txn| field(txn, "scenario_data_id").cloned()).collect();
    ids.sort_by_key(|id| id.as_ref().and_then(rmpv::Value::as_u64));
    ids.dedup();
    assert_eq!(ids.len(), 5_000, "each item once");
}

#[test]
fn arrays_are_spread_over_the_parameters() {
    let rows = b"[1, \"a\"]\n[2, \"b\"]\n".as_slice();
    let trial = Trial::plan("pair").config("datapool", "rows").config("file", "u.jsonl");
    let tested = trial.files(&[("u.jsonl", rows)]).run().expect(0);
    assert_eq!(items(&tested), [r#"[1,"a"]"#, r#"[2,"b"]"#]);
}

/// An item is with one run at a time and comes back; no more run than there are items.
#[test]
fn recyclable_pools_lend_each_item_to_one_run_at_a_time() {
    let trial = Trial::plan("take").config("datapool", "letters").config("pause", 0.05).config("volume", 8);
    let tested = trial.config("seconds", 1).run().expect(0);
    let mut busy: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for txn in tested.of_type("txn") {
        let id = field(txn, "scenario_data_id").and_then(rmpv::Value::as_u64).expect("an item");
        busy.entry(id).or_default().push((number(txn, "start_time"), number(txn, "end_time")));
    }
    assert_eq!(busy.len(), 5, "all items were used");
    for (id, mut times) in busy {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(times.len() > 3, "item {id} came back");
        assert!(times.is_sorted_by(|a, b| a.1 <= b.0), "item {id} was with two at once: {times:?}");
    }
    tested.conserved();
}

#[test]
fn exactly_one_run() {
    let pool = b"a,b\n1,2\n3,4\n".as_slice();
    for (words, why) in [
        (&["journey", "run", "probe:nap"][..], "without data"),
        (&["journey", "run", "probe:take", "probe:letters"], "with the first of a pool"),
        (&["journey", "run", "probe:take", "probe:numbers"], "of one that is used up"),
        (&["journey", "run", "probe:take", "probe:one"], "of one that has only this"),
        (&["journey", "run", "probe:take", "u.csv"], "of a file"),
    ] {
        let tested = Trial::new(words).files(&[("u.csv", pool)]).run().expect(0);
        assert_eq!((tested.runs("started"), tested.runs("ended")), (1, 1), "{why}");
        tested.conserved();
    }
    let tested = Trial::plan("take").config("datapool", "one").config("volume", 9).run().expect(0);
    assert_eq!(items(&tested), [r#""only""#], "a scenario with a single run is over after it");
}

/// New journeys at once come no faster than this, from the first moment; runs that follow in their places are none.
#[test]
fn the_spawn_rate_is_never_exceeded() {
    let trial = Trial::plan("nap").config("volume", 40).config("seconds", 1.5).config("pause", 0.05);
    let tested = trial.option("--spawn-rate=20").run().expect(0);
    let mut edges = Vec::new();
    for txn in tested.of_type("txn") {
        edges.extend([(number(txn, "start_time"), 1_i32), (number(txn, "end_time"), -1)]);
    }
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (first, mut running, mut most) = (edges[0].0, 0, 0);
    for (at, change) in edges {
        running += change;
        most = most.max(running);
        let allowed = 20.0 * (at - first) + 2.0;
        assert!(f64::from(running) <= allowed, "{running} at once after {:.3} s", at - first);
    }
    assert!((20..=32).contains(&most), "most at once: {most}");
    assert!(tested.runs("started") > 100, "places are used again at once");
}

#[test]
fn no_more_than_this_process_may_run() {
    let trial = Trial::plan("nap").config("volume", 40).config("seconds", 0.5).config("pause", 0.05);
    let tested = trial.option("--runner-max-journeys=4").run().expect(0);
    let reports = tested.of_type("controller_report");
    let actual = reports.iter().filter_map(|report| as_json(report)["actual"]["1"].as_u64());
    assert!(actual.max() <= Some(4), "{reports:?}");
    let first = tested.of_type("txn").iter().filter(|txn| number(txn, "context_id") <= 4.0).count();
    assert!(first <= 4 && tested.runs("started") > 8, "{first}");
}

/// The first signal lets runs come to their end.
#[test]
fn a_signal_drains() {
    for signal in [Signal::INT, Signal::TERM] {
        let playground = Playground::start();
        let steps = json!([{ "url": format!("{}/delay/300", playground.url) }]);
        let going = Trial::plan("mix").config("steps", steps).config("volume", 3).start();
        eventually("three requests are on their way", || (playground.requests() >= 3).then_some(()));
        going.running.signal(signal);
        let tested = going.wait().expect(105);
        assert_eq!((tested.count("requests"), tested.count("errors")), (playground.requests(), 0));
        assert_eq!((tested.runs("cancelled"), tested.runs("ended")), (0, tested.count("requests")));
        assert_eq!(tested.summary["ending"], "signal");
        assert!(tested.ended.stdout.contains("CUT SHORT"), "{}", tested.ended.stdout);
        tested.conserved();
    }
}

/// A journey that is tested until interrupted has then been tested as long as was asked for.
#[test]
fn until_interrupted() {
    let going = Trial::new(&["journey", "test", "probe:nap"]).option("--volume=3").start();
    eventually("it runs", || (!going.messages().is_empty()).then_some(()));
    going.running.signal(Signal::INT);
    going.wait().expect(0).conserved();
    let tested = Trial::new(&["journey", "test", "probe:nap", "--volume=3", "--duration=0.5"]).run().expect(0);
    assert!(tested.runs("started") >= 3, "{:#}", tested.summary["by_journey"]);
}

#[test]
fn volume_models_and_other_components() {
    let tested = Trial::scenario("probe:modelled").run().expect(0);
    assert!(tested.runs("started") > 2, "a model of the component, that ends by itself");
    let tested = Trial::scenario("probe:borrowed").run().expect(0);
    let journeys = tested.summary["by_journey"].as_object().expect("journeys");
    assert_eq!(journeys.keys().collect::<Vec<_>>(), ["load:empty", "probe:nap"], "journeys of two components");
    tested.conserved();
}

#[test]
fn thresholds() {
    let playground = Playground::start();
    for (path, option, code, why) in [
        ("/json", "--max-response-time-threshold=60000", 0, "far from it"),
        ("/delay/20", "--max-response-time-threshold=10", 99, "none is faster than 20 ms"),
        ("/delay/20", "--mean-response-time-threshold=10", 99, "nor is their mean"),
        ("/delay/20", "--benchmark-percentiles=50:10,99:60000", 99, "nor the median"),
        ("/delay/20", "--benchmark-percentiles=50:60000,99:0", 0, "0 is any"),
        ("/status/500", "--max-errors-threshold=0", 99, "the journey's own check"),
        ("/status/500", "--max-errors-threshold=100000000", 0, "which may fail so often"),
    ] {
        let trial = Trial::scenario("load:load").config("url", playground.url.clone() + path).config("seconds", 0.5);
        let tested = trial.config("volume", 2).option(option).run().expect(code);
        assert_eq!(tested.count("exit_code"), u64::try_from(code).expect("positive"), "{why}");
        let held = tested.summary["thresholds"].as_array().expect("a list").iter().all(|one| one["held"] == true);
        assert_eq!(held, code == 0, "{why}: {:#}", tested.summary["thresholds"]);
        assert_eq!(tested.ended.stdout.contains("FAILED"), code != 0, "{why}");
    }
}

#[test]
fn config() {
    let run = || Trial::new(&["journey", "run", "probe:config"]);
    for (trial, want, why) in [
        (run().environment("MITE_CONF_value", "from outside"), "from outside", "the environment"),
        (run().config("value", "a:b"), "a:b", "an option, with colons"),
        (run().config("value", "an option").environment("MITE_CONF_value", "x"), "an option", "options go first"),
        (run().config("value", "a").config("value", "b"), "b", "the last one counts"),
        (run().config("value", ""), "", "nothing is a value"),
        (
            Trial::scenario("probe:sets").config("value", "x"),
            "of the scenario",
            "the scenario function has the last word",
        ),
    ] {
        let tested = trial.run().expect(0);
        assert_eq!(text(tested.of_type("config")[0], "value"), want, "{why}");
    }
    let tested = run().run().expect(99);
    let error = text(tested.of_type("error")[0], "message").to_owned();
    assert!(error.contains("`value`") && error.contains("--add-to-config=value:VALUE"), "{error}");
}

/// The same test has the same name, whichever way it was found.
#[test]
fn names_and_where_they_are_looked_up() {
    let directory = tests::files::directory();
    let nested = directory.path().join("some/where");
    std::fs::create_dir_all(&nested).expect("a directory");
    std::fs::copy(component("probe.wasm"), nested.join("else.wasm")).expect("a copy");
    std::fs::copy(component("load.wasm"), directory.path().join("some.where.flat.wasm")).expect("a copy");
    let path = directory.path().display();
    for (spec, search, want) in [
        (component("probe.wasm").display().to_string() + ":nap", String::new(), "probe:nap"),
        ("target/journeys/probe.wasm:nap".to_owned(), String::new(), "probe:nap"),
        ("probe:nap".to_owned(), String::new(), "probe:nap"),
        ("probe:nap".to_owned(), format!("/nowhere:{}", root().join("target/journeys").display()), "probe:nap"),
        ("some.where.else:nap".to_owned(), path.to_string(), "some.where.else:nap"),
        ("some.where.flat:empty".to_owned(), format!("/nowhere:{path}"), "some.where.flat:empty"),
    ] {
        let tested = Trial::new(&["journey", "run", &spec]).environment("MITE_PATH", &search).run().expect(0);
        assert_eq!(tested.summary["test"], want, "{spec} in {search}");
        assert!(tested.messages.iter().all(|message| text(message, "test") == want), "{spec} in messages");
        assert!(tested.summary["by_journey"][want].is_object(), "{spec} in the summary");
    }
}

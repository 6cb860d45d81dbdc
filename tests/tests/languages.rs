//! Journeys in Python and JavaScript, by the guests of `make guests`: the host has to be what their toolchains can bind.

use serde_json::json;
use tests::files::{field, json as as_json, number, text};
use tests::program::{component, eventually};
use tests::servers::Playground;
use tests::trial::Trial;

const LANGUAGES: [&str; 2] = ["python", "js"];

fn trial(words: &[&str], language: &str, name: &str) -> Trial {
    let spec = format!("{}:{name}", component(&format!("{language}.wasm")).display());
    Trial::new(&[words[0], words[1], &spec])
}

/// The summary and the server agree, in any language.
#[test]
fn requests_are_counted() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let trial = trial(&["scenario", "test"], language, "getting").config("url", format!("{}/json", playground.url));
        let tested = trial.config("seconds", 1).config("volume", 3).run().expect(0);
        assert!(tested.runs("ended") > 3, "{language}");
        assert_eq!(tested.count("requests"), playground.requests(), "{language}");
        assert_eq!(tested.count("responses"), tested.runs("ended"), "{language}");
        tested.conserved();
    }
}

/// Ten at once: their times overlap, all of them.
#[test]
fn ten_requests_side_by_side() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let trial = trial(&["journey", "run"], language, "gather");
        let tested = trial.config("url", format!("{}/delay/200", playground.url)).run().expect(0);
        let requests = tested.of_type("http_metrics");
        assert_eq!((requests.len(), playground.requests()), (10, 10), "{language}");
        let ends: Vec<f64> = requests.iter().map(|request| number(request, "time")).collect();
        let starts: Vec<f64> =
            requests.iter().map(|request| number(request, "time") - number(request, "total_time")).collect();
        let (first_end, last_start) =
            (ends.iter().copied().fold(f64::MAX, f64::min), starts.iter().copied().fold(0.0, f64::max));
        assert!(last_start < first_end, "{language}: the last began after the first had ended: {starts:?} {ends:?}");
        assert!(requests.iter().all(|request| text(request, "transaction") == "__root__ :: gather"), "{language}");
        assert_eq!(number(tested.of_type("gathered")[0], "count"), 10.0, "{language}");
        assert_eq!(playground.stats()["connections"].as_u64(), Some(12), "{language}: one each, and two that asked");
    }
}

#[test]
fn what_fails_says_where() {
    for (language, ex_type, place) in [("python", "KeyError", "journeys.py:"), ("js", "TypeError", "journeys.js:")] {
        let tested = trial(&["journey", "run"], language, "fails").run().expect(99);
        let exceptions = tested.of_type("exception");
        assert_eq!(exceptions.len(), 1, "{language}: told once");
        assert_eq!(text(exceptions[0], "ex_type"), ex_type, "{language}");
        assert_eq!(text(exceptions[0], "transaction"), "__root__ :: outer :: inner", "{language}");
        assert!(text(exceptions[0], "location").contains(place), "{language}: {}", exceptions[0]);
        assert!(!text(exceptions[0], "stacktrace").is_empty(), "{language}");
        let failed = tested.of_type("txn").iter().filter(|txn| field(txn, "had_error") == Some(&true.into())).count();
        assert_eq!(failed, 3, "{language}: all of them");
    }
}

#[test]
fn items_of_a_datapool() {
    for language in LANGUAGES {
        let trial = trial(&["scenario", "test"], language, "using").config("users", 4).config("volume", 2);
        let tested = trial.config("seconds", 1).run().expect(0);
        let mut users: Vec<_> = tested.of_type("user").iter().map(|user| as_json(user)["name"].clone()).collect();
        assert_eq!(users.len() as u64, tested.runs("ended"), "{language}");
        users.sort_by_key(ToString::to_string);
        users.dedup();
        assert_eq!(json!(users), json!(["user-1", "user-2", "user-3", "user-4"]), "{language}");
        tested.conserved();
    }
}

/// What a journey gives up is cancelled at once, and counted.
#[test]
fn requests_that_are_given_up() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let trial = trial(&["journey", "run"], language, "timeout");
        let tested = trial.config("url", format!("{}/hang", playground.url)).run().expect(0);
        assert_eq!((tested.count("requests"), tested.count("errors_by_class/cancelled")), (1, 1), "{language}");
        assert_eq!(tested.of_type("timed_out").len(), 1, "{language}: the journey goes on");
        eventually("the server sees it leave", || (playground.stats()["open_requests"] == 0).then_some(()));
        tested.conserved();
    }
}

#[test]
fn everything_of_the_contract() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let trial = trial(&["journey", "run"], language, "tour");
        let tested = trial.config("url", format!("{}/echo", playground.url)).run().expect(0);
        let tour = as_json(tested.of_type("tour")[0]);
        assert_eq!(
            (&tour["cleared"], &tour["discarded"], &tour["ip"]),
            (&json!(0), &json!(0), &json!("127.0.0.1")),
            "{language}"
        );
        assert_eq!(
            (&tour["steps"], &tour["should_stop"], &tour["context_id"]),
            (&json!(true), &json!(false), &json!(1)),
            "{language}"
        );
        assert_eq!(tour["cookies"][0][0], json!("sent"), "{language}: {tour}");
        assert!(!tour["certificate"].as_str().expect("a text").contains("no error"), "{language}: {tour}");
        assert!(
            !tour["set"].as_str().expect("a text").contains("no error"),
            "{language}: journeys don't set the config"
        );
        assert_eq!(field(tested.of_type("http_metrics")[0], "tour"), Some(&true.into()), "{language}: annotated");
        tested.conserved();
    }
}

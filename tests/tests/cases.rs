//! The ten cases of `journeys/golden`: every language says the same.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Once;

use serde_json::{Map, Value, json};
use tests::files::{field, json as as_json, number};
use tests::program::root;
use tests::servers::Playground;
use tests::trial::{Tested, Trial};

/// Each language with what a place in its source looks like.
const LANGUAGES: [(&str, &str); 3] = [("rust", "src/lib.rs:"), ("python", "cases.py:"), ("js", "cases.js:")];
/// Differs from run to run.
const LEFT_OUT: [&str; 6] = ["time", "run_id", "runner_id", "test", "location", "stacktrace"];

/// Those whose cases are in this repository.
fn languages() -> impl Iterator<Item = (&'static str, &'static str)> {
    LANGUAGES.into_iter().filter(|(language, _)| root().join("journeys").join(language).is_dir())
}

fn component(language: &str) -> PathBuf {
    let path = root().join("target/journeys").join(language).join("cases.wasm");
    assert!(path.is_file(), "{} is missing: run `make build guests`", path.display());
    path
}

/// Compiles them all, once: tests at the same time would each do the same work of many seconds.
fn compiled() {
    static COMPILED: Once = Once::new();
    COMPILED.call_once(|| {
        for (language, _) in languages() {
            Trial::new(&["journey", "run", &format!("{}:hello", component(language).display())]).run().expect(0);
        }
    });
}

/// The cases by their golden files.
fn cases() -> Vec<(String, Value)> {
    let entries = std::fs::read_dir(root().join("journeys/golden")).expect("the golden files");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: &PathBuf| {
        let golden = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), golden)
    };
    paths.iter().map(read).collect()
}

fn run(language: &str, case: &str, playground: &Playground) -> Tested {
    let component = component(language);
    let spec = |name: &str| format!("{}:{name}", component.display());
    let trial = match case {
        "datapool_arguments" => Trial::new(&["journey", "run", &spec(case), &spec("users")]),
        _ => Trial::new(&["journey", "run", &spec(case)]),
    };
    trial.config("url", &playground.url).run()
}

/// What stays of a message.
fn plain(message: &rmpv::Value, playground: &str) -> Value {
    let mut plain = Map::new();
    for (key, value) in as_json(message).as_object().expect("a map") {
        if LEFT_OUT.contains(&key.as_str()) || key.ends_with("_time") {
            continue;
        }
        let text = value.as_str();
        let value = match (key.as_str(), text) {
            ("journey", Some(spec)) => json!(spec.rsplit(':').next()),
            ("effective_url", Some(url)) => json!(url.replace(playground, "http://playground")),
            ("message", Some(text)) => json!(without_module(text)),
            ("method", _) => {
                let method = field(message, "method").and_then(rmpv::Value::as_slice).expect("bytes");
                json!(String::from_utf8_lossy(method))
            }
            _ => value.clone(),
        };
        plain.insert(key.clone(), value);
    }
    Value::Object(plain)
}

/// `mite.exceptions.MiteError: text` is `MiteError: text`.
fn without_module(message: &str) -> &str {
    let (name, _) = message.split_once(": ").unwrap_or((message, ""));
    &message[name.rfind('.').map_or(0, |dot| dot + 1)..]
}

/// Numbers as they are compared.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_language_says_the_same() {
    compiled();
    let cases = cases();
    assert_eq!(cases.len(), 10, "a golden file for each case");
    for (language, place) in languages() {
        for (case, golden) in &cases {
            let playground = Playground::start();
            let exit = golden["exit"].as_i64().expect("a code");
            let tested = run(language, case, &playground).expect(i32::try_from(exit).expect("a small number"));
            let of_runs = tested.messages.iter().filter(|it| field(it, "journey").is_some());
            let said: Vec<Value> = of_runs.map(|it| floats(&plain(it, &playground.url))).collect();
            let (said, wanted) = (Value::Array(said), floats(&golden["messages"]));
            assert!(said == wanted, "{case} in {language} says\n{said:#}\ninstead of\n{wanted:#}");
            for message in &tested.messages {
                if let Some(location) = field(message, "location").and_then(rmpv::Value::as_str) {
                    assert!(location.contains(place), "{case} in {language}: {location:?} is not in the source");
                }
            }
            tested.conserved();
        }
    }
}

/// Ten requests overlap in every language: the last begins before the first has ended.
#[test]
fn parallel_requests_are_parallel() {
    compiled();
    for (language, _) in languages() {
        let playground = Playground::start();
        let tested = run(language, "parallel_requests", &playground).expect(0);
        let requests = tested.of_type("http_metrics");
        let starts = requests.iter().map(|it| number(it, "time") - number(it, "total_time")).fold(0.0, f64::max);
        let ends = requests.iter().map(|it| number(it, "time")).fold(f64::MAX, f64::min);
        assert!(starts < ends, "{language}: the last began at {starts}, the first had ended at {ends}");
    }
}

/// One scenario of journeys in all languages, one report.
#[test]
fn languages_side_by_side() {
    compiled();
    let playground = Playground::start();
    let names: Vec<&str> = languages().map(|(language, _)| language).collect();
    let path = root().join("target/journeys");
    let trial = Trial::scenario("rust.cases:mixed").environment("MITE_PATH", path.display());
    let tested = trial.config("url", &playground.url).config("languages", names.join(" ")).run().expect(0);
    let ran = tested.summary["by_journey"].as_object().expect("journeys");
    let ran: BTreeSet<String> = ran.keys().cloned().collect();
    let wanted: BTreeSet<String> = names.iter().map(|it| format!("{it}.cases:http_get")).collect();
    assert_eq!(ran, wanted);
    assert_eq!(tested.count("requests"), playground.requests());
    tested.conserved();
}

//! The Python SDK: its own tests, the local host, what `mite.build` says about bad sources, and a scenario in Python.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tests::files::json as as_json;
use tests::program::{Ended, Running, root};
use tests::servers::Playground;
use tests::trial::Trial;

/// The interpreter of the tests' environment, with the SDK.
fn python(directory: &Path) -> Command {
    let program = root().join("target/venv/bin/python");
    assert!(program.is_file(), "{} is missing: run `make parts`", program.display());
    let mut command = Command::new(program);
    command.current_dir(directory).env("PYTHONPATH", root().join("sdk/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn run(command: &mut Command) -> Ended {
    Running::start(command).wait()
}

/// asyncio, transactions, errors, HTTP, forms: in plain CPython, against a playground.
#[test]
fn its_own_tests() {
    let playground = Playground::start();
    let mut command = python(&root());
    command.args(["-W", "error", "-m", "unittest", "discover", "-s", "sdk/python/tests"]);
    let ended = run(command.env("MITE_PLAYGROUND", &playground.url)).expect(0);
    assert!(ended.stderr.contains("OK") && !ended.stderr.contains("skipped"), "{}", ended.stderr);
}

#[test]
fn a_journey_in_the_local_host() {
    let playground = Playground::start();
    let local = |words: &[&str]| {
        let mut command = python(&root());
        let url = format!("--add-to-config=url:{}", playground.url);
        run(command.args(["-m", "mite.local"]).args(words).arg(url))
    };
    let got = local(&["journeys/python/cases.py:http_get"]).expect(0).stdout;
    let lines: Vec<&str> = got.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["http_metrics", "got", "txn", "txn"], "{got}");
    assert_eq!(playground.requests(), 1, "a real one");
    let user = local(&["journeys/python/cases.py:datapool_arguments", "users"]).expect(0).stdout;
    assert!(user.starts_with("user name='user1'"), "{user}");
    let failed = local(&["journeys/python/cases.py:failing_check"]).expect(99);
    assert!(failed.stdout.contains("location='cases.py:"), "{}", failed.stdout);
    for (spec, said) in [
        ("journeys/python/cases.py:nobody", "there is no journey 'nobody'; cases.py has: hello, "),
        ("nowhere.py:visit", "there is no file 'nowhere.py'"),
    ] {
        let ended = local(&[spec]).expect(104);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

/// The directory of an author with these files.
fn author(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tests::files::directory();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn build(directory: &Path, path: &str) -> Ended {
    run(python(directory).args(["-m", "mite.build", path, "-o", "out.wasm"]))
}

/// What can be known from the sources is said at once, with file and line.
#[test]
fn bad_sources() {
    let table = [
        ("import json\n\nasync def visit(ctx)\n    pass\n", "bad.py:3:21: SyntaxError: expected ':'"),
        ("import json\nimport no_such_thing\n", "bad.py:2: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("import helper\n", "helper.py:1: ModuleNotFoundError: No module named 'no_such_thing'"),
    ];
    for (text, said) in table {
        let directory = author(&[("bad.py", text), ("helper.py", "from no_such_thing import x\n")]);
        let ended = build(directory.path(), "bad.py").expect(1);
        assert!(ended.stderr.starts_with(said), "{text}:\n{}", ended.stderr);
        assert!(!directory.path().join("out.wasm").exists(), "{text}");
    }
    let directory = author(&[("notes.txt", "")]);
    for (path, said) in
        [("gone.py", "gone.py: there is no such file"), ("notes.txt", "notes.txt: this is neither a .py file nor")]
    {
        let ended = build(directory.path(), path).expect(1);
        assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
    }
}

/// The table of the manual is what a component finds, and what the build has frozen isn't used.
#[test]
fn the_library() {
    let manual = std::fs::read_to_string(root().join("docs/python.md")).expect("the manual");
    let row = |name: &str| {
        let line = manual.lines().find_map(|line| line.strip_prefix(&format!("| {name} | "))?.strip_suffix(" |"));
        json!(line.expect("a row").split(' ').collect::<Vec<_>>())
    };
    let cases = root().join("target/journeys/python/cases.wasm");
    let spec = format!("{}:library", cases.display());
    let look = || as_json(Trial::new(&["journey", "run", &spec]).run().expect(0).of_type("library")[0]);
    let (first, second) = (look(), look());
    assert_eq!((&first["works"], &first["missing"]), (&row("works"), &row("is missing")));
    assert_eq!(first["frozen"], second["frozen"], "of the build");
    for fresh in ["drawn", "identity"] {
        assert_ne!(first[fresh], second[fresh], "{fresh} is frozen");
    }
    assert_eq!((&first["late"], &first["packed"], &first["digest"]), (&json!(true), &json!(true), &json!("e3b0c442")));
    for (what, error) in [("thread", "RuntimeError"), ("file", "FileNotFoundError"), ("zone", "ImportError")] {
        assert_eq!(first[what], json!(error), "{what}");
    }
}

/// A scenario function as in the Python framework: a datapool and a volume model of its own making, and `@setup`.
#[test]
fn a_scenario() {
    let cases = root().join("target/journeys/python/cases.wasm");
    let trial = Trial::scenario(&format!("{}:scenario", cases.display()));
    let tested = trial.run().expect(0);
    let users = tested.of_type("user");
    assert_eq!(users.len(), tested.of_journey("user", "cases:datapool_arguments").len());
    assert!(!users.is_empty() && users.iter().all(|it| tests::files::text(it, "name") == "ada"), "{users:?}");
    assert!(!tested.of_journey("thought", "cases:think_time").is_empty());
    tested.conserved();
}

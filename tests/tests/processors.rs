//! Processors in Rust, Python and JavaScript: the same messages give the same lines, files and figures.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tests::files;
use tests::program::{Running, command, patiently, root};
use tests::receiving::{Receiving, captured, contents, counted, counts, numbered, receiver};

/// A language, and where its three processors are: a component or its source, as the command line has it.
fn languages() -> [(&'static str, PathBuf); 3] {
    let source = |path: &str| root().join("journeys").join(path);
    [
        ("rust", root().join("target/journeys/processors.wasm")),
        ("python", source("python/processors.py")),
        ("js", source("js/processors.js")),
    ]
}

/// What the three processors of a language make of messages.
struct Made {
    lines: Vec<String>,
    files: Vec<u8>,
    transactions: u64,
}

fn made(language: &str, place: &Path, messages: &[Vec<u8>], malformed: u64) -> Made {
    let option = |name: &str| format!("--processor={}:{name}", place.display());
    let (stats, collector, print) = (option("StatsProcessor"), option("CollectorProcessor"), option("PrintProcessor"));
    let directory = files::directory();
    let second = Running::start(&mut receiver(directory.path(), "tcp://127.0.0.1:14310", &[&print]));
    let first = Receiving::granted("tcp://127.0.0.1:14310", &[&stats, &collector, &print]);
    // Python's takes a while to be compiled; figures that nobody is there for are dropped.
    patiently("the second is connected to the first", || is_connected(14_310).then_some(()));
    first.send(messages);
    let (ended, kept) = first.stop();
    let (ended, all) = (ended.expect(0), messages.len() as u64);
    let of = |option: &str| counts(&ended, option.trim_start_matches("--processor="));
    assert_eq!(of(&collector), (all, 0, 0), "{language}");
    assert_eq!(of(&print), (all - malformed, malformed, 0), "{language}: {}", ended.stderr);
    second.signal(Signal::TERM);
    let figures = second.wait().expect(0).stdout;
    Made {
        lines: ended.stdout.lines().filter(|line| line.starts_with(['{', '['])).map(str::to_owned).collect(),
        files: contents(&kept.path().join("collector_data/mine")),
        transactions: counted(&figures, "mite_transaction_total"),
    }
}

/// Whether there is a connection to a port of this machine.
fn is_connected(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table of connections");
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.any(|row| row.len() > 3 && row[1].ends_with(&format!(":{port:04X}")) && row[3] == "01")
}

#[test]
fn every_language_makes_the_same() {
    let bad: [&[u8]; 5] = [b"", b"\xc1", b"\x82\xa1a", b"\x80\x80", &[0x91; 200]];
    let floats =
        b"\x95\xcb\x40\0\0\0\0\0\0\0\xcb\x3e\xe4\xf8\xb5\x88\xe3\x68\xf1\xc0\xc3\x81\x92\xa1a\x01\xa2\x1b\xff".to_vec();
    let good: Vec<_> = captured(3).into_iter().chain(numbered(20)).chain([floats]).collect();
    let messages: Vec<_> = good.iter().cloned().chain(bad.iter().map(|bad| bad.to_vec())).collect();
    let [(_, rust), others @ ..] = languages();
    let wanted = made("rust", &rust, &messages, bad.len() as u64);
    assert_eq!((wanted.lines.len(), wanted.files.len()), (good.len(), messages.concat().len()));
    assert!(wanted.transactions > 0, "figures");
    for (language, place) in others {
        let made = made(language, &place, &messages, bad.len() as u64);
        for (line, want) in made.lines.iter().zip(&wanted.lines) {
            assert_eq!(line, want, "{language}");
        }
        assert_eq!(made.lines.len(), wanted.lines.len(), "{language}");
        assert_eq!(made.files, wanted.files, "{language}: to the byte");
        assert_eq!(made.transactions, wanted.transactions, "{language}: to the last");
    }
}

/// What is in a component is seen, and it is for one thing.
#[test]
fn what_a_source_has() {
    for (language, place) in languages() {
        let ended = Running::start(&mut reader(&["inspect", &place.display().to_string(), "--json"])).wait().expect(0);
        let found: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let mut names: Vec<_> =
            found["processors"].as_array().expect("names").iter().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, [r#""CollectorProcessor""#, r#""PrintProcessor""#, r#""StatsProcessor""#], "{language}");
        assert_eq!(found["language"], language);
        assert!(!ended.stdout.contains("mite:journey/http"), "{language}: nothing of journeys\n{}", ended.stdout);
    }
    let desk = files::directory();
    let class = "class Count:\n    def process_message(self, message):\n        pass\n\n";
    for (name, text, words) in [
        ("both.py", &*format!("{class}async def visit(ctx):\n    pass\n"), "processors (Count) and journeys (visit)"),
        ("top.py", &*format!("{class}raise ValueError(7)\n"), "top.py:5:<module>: ValueError: 7"),
        (
            "both.js",
            "import { journey } from '@mite/sdk';\nimport { print } from '@mite/sdk/processor';\n",
            "both.js:2:23: journeys (of `@mite/sdk`) and processors",
        ),
        ("none.js", "import { print } from '@mite/sdk/processor';\n", "the script exports no processor"),
    ] {
        let path = desk.path().join(name);
        std::fs::write(&path, text).expect("a file");
        let ended = Running::start(&mut reader(&["build", &path.display().to_string()])).wait();
        assert!(ended.code() != 0 && ended.stderr.contains(words), "{name}: {}", ended.stderr);
    }
}

fn reader(words: &[&str]) -> std::process::Command {
    let mut command = command(words);
    command.env("MITE_PYTHON", root().join("target/venv/bin/python")).env_remove("VIRTUAL_ENV");
    command
}

/// A message that it fails on costs that message, with the place in the source.
#[test]
fn what_fails_says_where() {
    let desk = files::directory();
    let path = desk.path().join("odd.js");
    let text = "import { print, processor } from '@mite/sdk/processor';\n\
                export const Odd = processor(class {\n  async processMessage({ number }) {\n    \
                if (number % 2) throw new Error(`odd: ${number}`);\n    while (number === 4);\n    print({ number });\n  }\n});\n";
    std::fs::write(&path, text).expect("a file");
    let option = format!("--processor={}:Odd", path.display());
    let receiving = Receiving::start(&[&option]);
    receiving.send(&numbered(8));
    let (ended, _directory) = receiving.stop();
    let ended = ended.expect(0);
    assert_eq!(counts(&ended, option.trim_start_matches("--processor=")), (3, 5, 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("odd.js:4:"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "{\"number\": 0}\n{\"number\": 2}\n{\"number\": 6}\n");
}

//! Python peers: libzmq through pyzmq, msgpack, and a script of the test's own.

use std::process::Command;

use crate::program::{Running, root};

/// Starts a script with the words as its arguments. `MITE_PYTHON` names an interpreter that has pyzmq and msgpack, else it is the
/// one that `make parts` makes.
pub fn start(script: &str, words: &[&str]) -> Running {
    let usual = || root().join("target/venv/bin/python").into();
    let python = std::env::var_os("MITE_PYTHON").unwrap_or_else(usual);
    assert!(std::path::Path::new(&python).exists(), "{} is missing: run `make parts`", python.display());
    Running::start(Command::new(python).args(["-u", "-c", script]).args(words).current_dir(root()))
}

/// A PULL socket, bound; with SIGTERM it takes what is there still and prints how many messages there were, by type, as JSON.
pub const SINK: &str = r#"
import collections, json, msgpack, signal, sys, time, zmq
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
pull = zmq.Context().socket(zmq.PULL)
pull.bind(sys.argv[1])
counts = collections.Counter()
while True:
    if pull.poll(200):
        message = msgpack.unpackb(pull.recv(), use_list=False, strict_map_key=False)
        counts[message["type"]] += 1
    elif over:
        break
print("counts " + json.dumps(counts))
"#;

/// Ends a [`SINK`]; answers its counts.
pub fn counts(sink: Running) -> serde_json::Value {
    sink.signal(rustix::process::Signal::TERM);
    let ended = sink.wait().expect(0);
    let json = ended.stdout.lines().find_map(|line| line.strip_prefix("counts ")).expect("counts");
    serde_json::from_str(json).expect("JSON")
}

/// What there is of each run of a test, by its id: see the file.
pub const RUNS: &str = include_str!("python/runs.py");

/// Ends such a peer; answers what there was of each run.
pub fn runs(sink: Running) -> serde_json::Value {
    sink.signal(rustix::process::Signal::TERM);
    let ended = sink.wait().expect(0);
    let json = ended.stdout.lines().find_map(|line| line.strip_prefix("runs ")).expect("runs");
    serde_json::from_str(json).expect("JSON")
}

/// A runner as the Python framework's: see the file.
pub const RUNNER: &str = include_str!("python/runner.py");
/// A controller as the Python framework's: see the file.
pub const CONTROLLER: &str = include_str!("python/controller.py");

/// Waits for the end of such a peer; answers what it tells.
pub fn told(peer: Running) -> serde_json::Value {
    let ended = peer.wait().expect(0);
    let json = ended.stdout.lines().find_map(|line| line.strip_prefix("told ")).expect("a line");
    serde_json::from_str(json).expect("JSON")
}

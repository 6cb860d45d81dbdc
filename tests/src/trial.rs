//! A test run by `mite` with everything kept that comes out of it: summary, files, output.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use rmpv::Value;
use tempfile::TempDir;

use crate::files::{self, field};
use crate::program::{Ended, Running, command};

/// A test before it is run.
#[derive(Debug)]
pub struct Trial {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: TempDir,
    /// The working directory is the trial's own.
    at_home: bool,
    /// Makes a command of it that has less of something.
    within: Option<fn(&Command) -> Command>,
}

/// A test that runs.
#[derive(Debug)]
pub struct Going {
    pub running: Running,
    directory: TempDir,
}

/// A test that has been run.
#[derive(Debug)]
pub struct Tested {
    pub ended: Ended,
    /// What `--summary-export` has written.
    pub summary: serde_json::Value,
    /// What the collector has written, file after file.
    pub messages: Vec<Value>,
    /// How many files of messages there are.
    pub files: usize,
}

impl Trial {
    pub fn new(words: &[&str]) -> Self {
        let arguments = words.iter().map(|word| (*word).to_owned()).collect();
        Self { arguments, environment: Vec::new(), directory: files::directory(), at_home: false, within: None }
    }

    pub fn scenario(spec: &str) -> Self {
        Self::new(&["scenario", "test", spec])
    }

    /// The scenario `probe:plan`, running this journey.
    pub fn plan(journey: &str) -> Self {
        Self::scenario("probe:plan").config("journey", journey)
    }

    /// One run of `probe:visit`: these requests, one after the other.
    pub fn visit(steps: &serde_json::Value) -> Self {
        Self::new(&["journey", "run", "probe:visit"]).config("steps", steps)
    }

    pub fn config(self, key: &str, value: impl Display) -> Self {
        self.option(&format!("--add-to-config={key}:{value}"))
    }

    pub fn option(mut self, option: &str) -> Self {
        self.arguments.push(option.to_owned());
        self
    }

    pub fn environment(mut self, name: &str, value: impl Display) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Runs it in its own directory with these files in it; components are still found.
    pub fn files(mut self, files: &[(&str, &[u8])]) -> Self {
        self.at_home = true;
        for (name, bytes) in files {
            std::fs::write(self.directory.path().join(name), bytes).expect("a file");
        }
        self.environment("MITE_PATH", crate::program::root().join("target/journeys").display())
    }

    /// With less of something, as in [`with_files`](crate::program::with_files), or [behind](crate::program::behind) another program.
    pub fn within(mut self, limits: fn(&Command) -> Command) -> Self {
        self.within = Some(limits);
        self
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn command(&self) -> Command {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut command = command(&arguments);
        command.arg(format!("--collector-dir={}", collected(&self.directory).display()));
        command.arg(format!("--summary-export={}", summary(&self.directory).display()));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if self.at_home {
            command.current_dir(self.directory.path());
        }
        if let Some(limits) = self.within {
            command = limits(&command);
        }
        command
    }

    pub fn start(self) -> Going {
        Going { running: Running::start(&mut self.command()), directory: self.directory }
    }

    pub fn run(self) -> Tested {
        self.start().wait()
    }
}

fn collected(directory: &TempDir) -> PathBuf {
    directory.path().join("messages")
}

fn summary(directory: &TempDir) -> PathBuf {
    directory.path().join("summary.json")
}

impl Going {
    /// The collector's directory.
    pub fn collected(&self) -> PathBuf {
        collected(&self.directory)
    }

    /// The messages that are in files by now, whole ones.
    pub fn messages(&self) -> Vec<Value> {
        let there = collected(&self.directory);
        if there.is_dir() { files::messages_so_far(&there) } else { Vec::new() }
    }

    pub fn wait(self) -> Tested {
        let Self { running, directory } = self;
        let ended = running.wait();
        let summary = std::fs::read(summary(&directory)).ok();
        let summary = summary.map_or(serde_json::Value::Null, |json| serde_json::from_slice(&json).expect("JSON"));
        let there = collected(&directory);
        let (messages, files) =
            if there.is_dir() { (files::messages(&there), files::names(&there).len()) } else { (Vec::new(), 0) };
        Tested { ended, summary, messages, files }
    }
}

impl Tested {
    /// Fails unless it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let (Ended { stdout, stderr, .. }, got) = (&self.ended, self.ended.code());
        assert_eq!(got, code, "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// A number of the summary, by its path: `errors_by_class/timeout`.
    #[track_caller]
    pub fn count(&self, path: &str) -> u64 {
        let value = self.summary.pointer(&format!("/{path}")).and_then(serde_json::Value::as_u64);
        value.unwrap_or_else(|| panic!("the summary has no count {path}: {:#}\n{:?}", self.summary, self.ended))
    }

    /// The messages of a type.
    pub fn of_type(&self, message_type: &str) -> Vec<&Value> {
        files::of_type(&self.messages, message_type)
    }

    /// The messages of a type of a journey.
    pub fn of_journey(&self, message_type: &str, journey: &str) -> Vec<&Value> {
        let mut found = self.of_type(message_type);
        found.retain(|message| field(message, "journey").and_then(Value::as_str) == Some(journey));
        found
    }

    /// What `probe:visit` saw, step by step.
    pub fn seen(&self) -> Vec<serde_json::Value> {
        self.of_type("seen").into_iter().map(files::json).collect()
    }

    /// Fails unless every message that was made is in the files, and the summary says so.
    #[track_caller]
    pub fn conserved(&self) {
        let files = self.messages.len() as u64;
        let figures = (self.count("messages/made"), self.count("messages/received"), self.count("messages_lost"));
        assert_eq!(figures, (files, files, 0), "made, received, lost; {files} in the files");
        let (metrics, errors) = (self.of_type("http_metrics").len() as u64, self.of_type("http_error").len() as u64);
        assert_eq!((metrics, errors), (self.count("responses"), self.count("errors")), "http_metrics, http_error");
        assert_eq!(self.count("requests"), metrics + errors, "a request is a response or an error");
        for journey in self.summary["by_journey"].as_object().expect("journeys").values() {
            let of = |key: &str| journey[key].as_u64().expect("a count");
            assert_eq!(of("started"), of("ended") + of("cancelled"), "runs begun and over: {journey}");
        }
        let runs: u64 = ["ended", "cancelled"].iter().map(|key| self.runs(key)).sum();
        let roots = self.of_type("txn").into_iter().filter(|txn| files::text(txn, "transaction") == "__root__");
        assert_eq!(roots.count() as u64, runs, "a root transaction a run");
    }

    /// Runs of all journeys that were `started`, `ended`, `failed` or `cancelled`.
    pub fn runs(&self, which: &str) -> u64 {
        let journeys = self.summary["by_journey"].as_object().expect("journeys");
        journeys.values().map(|journey| journey[which].as_u64().expect("a count")).sum()
    }
}

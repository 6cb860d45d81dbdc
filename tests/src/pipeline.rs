//! Components of the pipeline as processes, on ports of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::files;
use crate::metrics::Metrics;
use crate::program::{Ended, Running, command};
use crate::servers::free_port;

/// What parts there are, in the order data flows.
pub const PARTS: [&str; 5] = ["duplicator", "collector", "recorder", "stats", "prometheus_exporter"];

/// Where everything is: a duplicator with an output for collector and recorder and one for stats, and an exporter.
#[derive(Debug)]
pub struct Places {
    pub messages: String,
    pub shared: String,
    stats_in: String,
    pub stats_out: String,
    pub web: String,
    directory: tempfile::TempDir,
}

impl Places {
    #[expect(clippy::new_without_default, reason = "it takes ports")]
    pub fn new() -> Self {
        let endpoint = || format!("tcp://127.0.0.1:{}", free_port());
        Self {
            messages: endpoint(),
            shared: endpoint(),
            stats_in: endpoint(),
            stats_out: endpoint(),
            web: format!("127.0.0.1:{}", free_port()),
            directory: files::directory(),
        }
    }

    /// Where the collector writes.
    pub fn collected(&self) -> PathBuf {
        self.directory.path().join("collected")
    }

    /// Where the recorder writes.
    pub fn recorded(&self) -> PathBuf {
        self.directory.path().join("recorded")
    }

    /// Where a controller's summary may go.
    pub fn summary(&self) -> PathBuf {
        self.directory.path().join("summary.json")
    }

    /// Where a receiver's collector writes.
    pub fn received(&self) -> PathBuf {
        self.directory.path().join("received")
    }

    /// Starts a part of [`PARTS`] or a receiver, with more options.
    pub fn start_with(&self, part: &str, more: &[&str]) -> Running {
        Running::start(&mut self.command(part, more))
    }

    /// How a part is started.
    pub fn command(&self, part: &str, more: &[&str]) -> Command {
        let mut command = command(&[part]);
        match part {
            "duplicator" => command.arg("--message-socket").arg(&self.messages).args([&self.shared, &self.stats_in]),
            "collector" => {
                command.args(["--collector-roll=1000", "--collector-socket", &self.shared]);
                // Another one needs a directory of its own.
                let own = more.iter().any(|option| option.starts_with("--collector-dir"));
                if own { &mut command } else { command.arg("--collector-dir").arg(self.collected()) }
            }
            "recorder" => command.args(["--recorder-socket", &self.shared, "--recorder-dir"]).arg(self.recorded()),
            "receiver" => {
                command.args([&self.shared, "--processor=mite:collector", "--collector-dir"]).arg(self.received())
            }
            "stats" => command.args(["--stats-in-socket", &self.stats_in, "--stats-out-socket", &self.stats_out]),
            _ => command.args(["--stats-out-socket", &self.stats_out, "--web-address", &self.web]),
        };
        command.args(more);
        command
    }

    pub fn start(&self, part: &str) -> Running {
        self.start_with(part, &[])
    }

    /// What Prometheus would see now.
    pub fn metrics(&self) -> Option<Metrics> {
        Metrics::scrape(&self.web)
    }

    /// The numbers of the messages that the collector has written, in order of the files.
    pub fn numbers(&self) -> Vec<u64> {
        numbers(&self.collected())
    }

    /// The same of the receiver's collector.
    pub fn numbers_received(&self) -> Vec<u64> {
        numbers(&self.received())
    }

    /// The numbers of the data that the recorder has written.
    pub fn users(&self) -> Vec<u64> {
        let bytes = std::fs::read(self.recorded().join("users.msgpack")).unwrap_or_default();
        let id = |item| files::field(item, "id").and_then(rmpv::Value::as_u64).expect("an id");
        files::decode(&bytes).iter().map(id).collect()
    }
}

fn numbers(directory: &Path) -> Vec<u64> {
    let number = |message| files::field(message, "number").and_then(rmpv::Value::as_u64).expect("a number");
    files::messages(directory).iter().map(number).collect()
}

/// Tells it to drain, and waits until it has.
pub fn stop(running: Running) -> Ended {
    running.signal(Signal::TERM);
    running.wait().expect(0)
}

/// Ends it as the system does when memory is short.
pub fn kill(running: Running) {
    running.signal(Signal::KILL);
    drop(running);
}

//! A runner for many tenants, and their controllers.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::metrics::Metrics;
use crate::program::{Ended, Running, command, eventually, everywhere, mite, root};
use crate::servers::free_port;

/// A tenant: its sockets, and what the file says of it.
pub struct Tenant {
    pub name: &'static str,
    pub control: String,
    pub messages: String,
    pub limits: &'static str,
}

impl Tenant {
    pub fn new(name: &'static str, limits: &'static str) -> Self {
        let address = || format!("tcp://127.0.0.1:{}", free_port());
        Self { name, control: address(), messages: address(), limits }
    }

    pub fn section(&self) -> String {
        let Self { name, control, messages, limits } = self;
        format!(
            "[[tenant]]\nname = \"{name}\"\ncontroller_socket = \"{control}\"\nmessage_socket = \"{messages}\"\n{limits}\n"
        )
    }
}

/// A file of tenants, and the runner that serves them.
pub struct Fleet {
    directory: tempfile::TempDir,
    web: String,
}

impl Default for Fleet {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), web: format!("127.0.0.1:{}", free_port()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, tenants: &[&Tenant], more: &str) {
        let sections: String = tenants.iter().map(|tenant| tenant.section()).collect();
        let text = format!("[defaults]\ntargets = [\"loopback\"]\n{sections}{more}");
        std::fs::write(self.path("tenants.toml"), text).expect("a file");
    }

    pub fn words(&self) -> [String; 4] {
        let file = self.path("tenants.toml").display().to_string();
        [
            "runner".to_owned(),
            format!("--tenants={file}"),
            format!("--web-address={}", self.web),
            "--workers=2".to_owned(),
        ]
    }

    /// Starts it; `before` are words before the program's. Its log is a file, since it is read while the runner runs.
    pub fn runner(&self, before: &[&str]) -> Running {
        std::fs::write(self.path("log"), "").expect("a file");
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" 2>\"$0\""]).arg(self.path("log")).args(before).arg(mite()).args(self.words());
        shell.current_dir(root()).env("NO_COLOR", "1").env("MITE_CACHE_DIR", root().join("target/test-cache"));
        Running::start(&mut shell)
    }

    pub fn said(&self, words: &str) -> Option<()> {
        let log = std::fs::read_to_string(self.path("log")).expect("the log");
        log.contains(words).then_some(())
    }

    pub fn controller(&self, tenant: &Tenant, spec: &str, config: &[&str]) -> Running {
        Running::start(&mut self.controlling(tenant, spec, config))
    }

    /// The same, for those who have more to say.
    pub fn controlling(&self, tenant: &Tenant, spec: &str, config: &[&str]) -> Command {
        let mut command = command(&["controller", spec]);
        command.env("MITE_PATH", everywhere());
        command.arg(format!("--controller-socket={}", tenant.control));
        command.arg(format!("--message-socket={}", tenant.messages));
        command.args(config.iter().map(|one| format!("--add-to-config={one}")));
        command.arg(format!("--summary-export={}", self.path(tenant.name).display()));
        command
    }

    pub fn summary(&self, tenant: &Tenant, ended: &Ended) -> Value {
        let json =
            std::fs::read(self.path(tenant.name)).unwrap_or_else(|error| panic!("no summary: {error}\n{ended:?}"));
        serde_json::from_slice(&json).expect("JSON")
    }

    pub fn metrics(&self) -> Metrics {
        eventually("the metrics", || Metrics::scrape(&self.web))
    }
}

/// A number of a summary, by its path.
#[track_caller]
pub fn count(summary: &Value, path: &str) -> u64 {
    summary.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path}: {summary:#}"))
}

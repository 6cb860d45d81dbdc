//! What the sections share: the program, its journeys, servers, and cores to run them on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::child::{Lines, Running};
use crate::{Result, machine};

/// Runs before all others.
const REALTIME: [&str; 3] = ["chrt", "--rr", "1"];

pub struct Parts {
    pub root: PathBuf,
    pub directory: tempfile::TempDir,
    pub mite_version: String,
    /// Where servers run.
    pub server_core: usize,
    /// Where what is measured runs.
    pub core: usize,
    pub cores: Vec<usize>,
    realtime: bool,
    mite: PathBuf,
    journeys: PathBuf,
    beside: PathBuf,
}

impl Parts {
    /// Copies the program and its journeys: a build meanwhile changes nothing.
    pub fn prepare(realtime: bool) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("benches/ is in the workspace")?.to_owned();
        let beside = std::env::current_exe()?.parent().ok_or("a program is in a directory")?.to_owned();
        let directory = tempfile::tempdir()?;
        let copy = |from: PathBuf| -> Result<PathBuf> {
            let to = directory.path().join(from.file_name().ok_or("a file has a name")?);
            std::fs::copy(&from, &to).map_err(|error| format!("{}: {error}: run `make build`", from.display()))?;
            Ok(to)
        };
        let mite = std::env::var_os("MITE").map_or_else(|| root.join("target/release/mite"), PathBuf::from);
        let (mite, journeys) = (copy(mite)?, copy(root.join("target/journeys/load.wasm"))?);
        let cores = machine::cores()?;
        let [first, rest @ ..] = cores.as_slice() else { return Err("there are no cores".into()) };
        if rest.is_empty() {
            eprintln!("bench: a single core: servers and what is measured get in each other's way");
        }
        let (server_core, core) = (*first, *rest.first().unwrap_or(first));
        let version = Command::new(&mite).arg("--version").output()?;
        let mite_version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let parts = Self { root, directory, mite_version, server_core, core, cores, realtime, mite, journeys, beside };
        // Compiles, so that no run that is measured does.
        Running::start(parts.mite(&["-q", "journey", "run"]).arg(parts.spec("empty")), &parts.cores)?.finish()?;
        Ok(parts)
    }

    /// The program.
    pub fn mite(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.mite);
        self.environment(&mut command);
        command.args(arguments);
        command
    }

    /// The program, before all others on its cores where that was asked for. Only for what leaves a core free half of the time.
    pub fn punctual_mite(&self, arguments: &[&str]) -> Command {
        let mut command = if self.realtime { self.mite_under(&REALTIME) } else { self.mite(&[]) };
        command.args(arguments);
        command
    }

    /// The program under another, like valgrind.
    pub fn mite_under(&self, wrapper: &[&str]) -> Command {
        let mut command = Command::new(wrapper[0]);
        self.environment(&mut command);
        command.args(&wrapper[1..]).arg(&self.mite);
        command
    }

    fn environment(&self, command: &mut Command) {
        command.current_dir(self.directory.path()).env("NO_COLOR", "1").env("COLUMNS", "120");
        command.env("MITE_CACHE_DIR", self.root.join("target/bench-cache"));
    }

    /// Adds the arguments of a test to a command: scenario, journeys at once, seconds.
    pub fn scenario(&self, command: &mut Command, name: &str, volume: u64, seconds: f64) {
        self.test(command.args(["-q", "scenario", "test"]), name, volume, seconds);
    }

    /// The same test by a controller.
    pub fn controller(&self, name: &str, volume: u64, seconds: f64) -> Command {
        let mut command = self.mite(&["-q", "controller"]);
        self.test(&mut command, name, volume, seconds);
        command
    }

    fn test(&self, command: &mut Command, name: &str, volume: u64, seconds: f64) {
        command.arg(self.spec(name));
        command.arg(format!("--add-to-config=volume:{volume}")).arg(format!("--add-to-config=seconds:{seconds}"));
    }

    fn spec(&self, name: &str) -> String {
        format!("{}:{name}", self.journeys.display())
    }

    /// One of the programs of this package.
    pub fn own(&self, name: &str) -> Command {
        Command::new(self.beside.join(name))
    }

    /// The same, as [`Self::punctual_mite`].
    pub fn punctual(&self, name: &str) -> Command {
        if !self.realtime {
            return self.own(name);
        }
        let mut command = Command::new(REALTIME[0]);
        command.args(&REALTIME[1..]).arg(self.beside.join(name));
        command
    }

    /// A file for the summary of a test.
    pub fn summary_path(&self) -> PathBuf {
        self.directory.path().join("summary.json")
    }

    /// The summary of the last test, which is taken away.
    pub fn summary(&self) -> Result<Value> {
        let path = self.summary_path();
        let text = std::fs::read(&path)?;
        std::fs::remove_file(&path)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// The cheap server of this package.
pub struct Server {
    pub url: String,
    count: String,
    pub running: Running,
}

impl Server {
    pub fn start(parts: &Parts) -> Result<Self> {
        let (running, mut lines) = Running::talking(&mut parts.own("bench-server"), &[parts.server_core])?;
        let url = lines.after("listening on ")? + "/";
        let count = lines.after("count on ")?;
        Ok(Self { url, count, running })
    }

    /// Requests so far.
    pub fn count(&self) -> Result<u64> {
        let mut text = String::new();
        TcpStream::connect(&self.count)?.read_to_string(&mut text)?;
        Ok(text.parse()?)
    }
}

/// The practice server of the program.
pub struct Playground {
    pub url: String,
    _running: Running,
    _lines: Lines,
}

impl Playground {
    pub fn start(parts: &Parts) -> Result<Self> {
        let mut command = parts.punctual_mite(&["playground", "--address", "127.0.0.1:0"]);
        let (running, mut lines) = Running::talking(&mut command, &[parts.server_core])?;
        let url = lines.after("playground: listening on ")?;
        Ok(Self { url, _running: running, _lines: lines })
    }

    fn ask(&self, method: &str, path: &str) -> Result<String> {
        let address = self.url.strip_prefix("http://").ok_or("the playground speaks HTTP")?;
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the playground broke off")?;
        if !head.starts_with("HTTP/1.1 2") {
            return Err(format!("the playground answered {head}").into());
        }
        Ok(body.to_owned())
    }

    /// What it has served.
    pub fn stats(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.ask("GET", "/stats")?)?)
    }

    pub fn reset(&self) -> Result<()> {
        self.ask("POST", "/stats/reset").map(drop)
    }
}

/// A number in a summary or in statistics, by the names that lead to it.
pub fn at(value: &Value, path: &[&str]) -> Result<f64> {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    Ok(found.and_then(Value::as_f64).ok_or_else(|| format!("no number at {}: {value}", path.join(".")))?)
}

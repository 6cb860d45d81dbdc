//! `mite receiver` in a directory of its own, with messages sent to it.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::program::{Ended, Running, command, root};
use crate::sender::message;
use crate::servers::free_port;
use crate::{files, libzmq};

/// A receiver in a directory of its own.
#[derive(Debug)]
pub struct Receiving {
    running: Running,
    endpoint: String,
    pub directory: tempfile::TempDir,
}

/// As it is started, with its files in `directory`.
pub fn receiver(directory: &Path, socket: &str, options: &[&str]) -> Command {
    let mut command = command(&["receiver", socket]);
    command.args(options).current_dir(directory).env("MITE_PATH", root().join("target/journeys"));
    // Sources in Python are built by the Python of the tests.
    command.env("MITE_PYTHON", root().join("target/venv/bin/python")).env_remove("VIRTUAL_ENV");
    command
}

impl Receiving {
    /// Starts it.
    pub fn start(options: &[&str]) -> Self {
        Self::granted("", options)
    }

    /// With an endpoint granted in the environment.
    pub fn granted(granted: &str, options: &[&str]) -> Self {
        let endpoint = format!("tcp://127.0.0.1:{}", free_port());
        let directory = files::directory();
        let mut command = receiver(directory.path(), &endpoint, options);
        if !granted.is_empty() {
            command.env("MITE_GRANT_SOCKET", granted);
        }
        let running = Running::start(&mut command);
        Self { running, endpoint, directory }
    }

    /// Sends messages to it; they are on their way once this is done.
    pub fn send(&self, messages: &[Vec<u8>]) {
        libzmq::push(&self.endpoint, self.directory.path(), messages);
    }

    /// Lets it come to its end.
    pub fn stop(self) -> (Ended, tempfile::TempDir) {
        self.running.signal(Signal::TERM);
        (self.running.wait(), self.directory)
    }
}

/// Starts it, sends, stops it once all is with it.
pub fn received(options: &[&str], messages: &[Vec<u8>]) -> (Ended, tempfile::TempDir) {
    let receiving = Receiving::start(options);
    receiving.send(messages);
    let (ended, directory) = receiving.stop();
    (ended.expect(0), directory)
}

/// So many messages with numbers from 0.
pub fn numbered(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|number| message(&[("type", "n".into()), ("number", number.into())])).collect()
}

/// What the log says at the end of a processor: took, failed, dropped; and that this is all that was received.
#[track_caller]
pub fn counts(ended: &Ended, spec: &str) -> (u64, u64, u64) {
    let start = format!("{spec}: received ");
    let line = ended.stderr.lines().find_map(|line| line.split_once(&start)).map(|(_, rest)| rest);
    let line = line.unwrap_or_else(|| panic!("no word of {spec}:\n{}", ended.stderr));
    let numbers: Vec<u64> =
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    let [received, took, failed, dropped] = numbers[..] else { panic!("{line}") };
    assert_eq!(received, took + failed + dropped, "{line}");
    (took, failed, dropped)
}

/// All that is in files of messages.
pub fn contents(directory: &Path) -> Vec<u8> {
    files::names(directory).iter().flat_map(|path| std::fs::read(path).expect("a file of messages")).collect()
}

/// The captured messages of Python mite, again and again.
pub fn captured(times: usize) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join("tests/wire")).expect("captured messages");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let is_bus =
        |path: &&std::path::PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("bus."));
    let messages: Vec<_> = paths.iter().filter(is_bus).map(|path| std::fs::read(path).expect("a message")).collect();
    assert!(messages.len() > 10, "messages of all types");
    messages.iter().cycle().take(times * messages.len()).cloned().collect()
}

/// The sum of a counter in figures as PrintProcessor shows them.
pub fn counted(lines: &str, name: &str) -> u64 {
    let name = format!("\"name\": \"{name}\", \"metrics\": {{");
    let maps = lines.split(&name).skip(1).filter_map(|rest| rest.split_once('}')).map(|(map, _)| map);
    maps.flat_map(|map| map.split("]: ").skip(1))
        .map(|rest| rest.split([',', '}']).next().and_then(|number| number.parse::<u64>().ok()).expect("a count"))
        .sum()
}

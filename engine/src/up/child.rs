//! A part that runs: a process of this program, with its log in ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use tracing_subscriber::fmt::MakeWriter;

use super::parts::{Part, Stage};
use crate::console::screen::Screen;

/// Bytes of a line of a log that are shown as one; the rest follows as the next.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// The longest name of a part, so that what they say begins in one column.
const NAME_WIDTH: usize = "prometheus_exporter".len();

#[derive(Debug)]
pub struct Child {
    pub name: String,
    pub stage: Stage,
    process: std::process::Child,
    log: Option<JoinHandle<()>>,
    /// Set once it has ended.
    pub status: Option<ExitStatus>,
}

impl Child {
    /// Starts a part. It is in a process group of its own, so that Ctrl-C reaches it through us alone and in its turn, and
    /// ends with us, however we end.
    pub fn start(part: &Part, options: &[String], screen: &Screen) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&part.words).args(options).arg(format!("--parent={}", std::process::id()));
        command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut process = command.spawn()?;
        let stderr = process.stderr.take();
        let mut child = Self { name: part.name.clone(), stage: part.stage, process, log: None, status: None };
        if let Some(stderr) = stderr {
            let (name, screen) = (part.name.clone(), screen.clone());
            let log = std::thread::Builder::new().name(format!("log of {name}"));
            child.log = Some(log.spawn(move || pass_on(&name, stderr, &screen))?);
        }
        Ok(child)
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> std::io::Result<bool> {
        if self.status.is_none() {
            self.status = self.process.try_wait()?;
            if self.status.is_some() {
                self.finish_log();
            }
        }
        Ok(self.status.is_some())
    }

    /// Sends it a signal, if it hasn't ended.
    pub fn tell(&self, signal: Signal) {
        let running = self.status.is_none().then(|| Pid::from_raw(self.process.id().cast_signed())).flatten();
        if let Some(pid) = running {
            // It has not been waited for, so the number is its own; one that has just ended has nothing to be told.
            let _ = kill_process(pid, signal);
        }
    }

    /// All that it said is shown before it is spoken of.
    fn finish_log(&mut self) {
        if let Some(log) = self.log.take() {
            // It only panics if ours is wrong, and has said so then.
            drop(log.join());
        }
    }
}

impl Drop for Child {
    /// Nothing is left running, whatever ended us.
    fn drop(&mut self) {
        if self.status.is_none() {
            // It may have ended by itself.
            drop(self.process.kill());
            drop(self.process.wait());
        }
        self.finish_log();
    }
}

/// Lines of a part's standard error to ours, with its name before each.
fn pass_on(name: &str, stderr: ChildStderr, screen: &Screen) {
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = prefix(name);
        match (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        // Nobody reads it: the part must not stand still for that.
        drop(screen.make_writer().write_all(&line));
    }
}

fn prefix(name: &str) -> Vec<u8> {
    format!("{name:NAME_WIDTH$} | ").into_bytes()
}

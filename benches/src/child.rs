//! Programs that are measured, from outside.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::{Result, machine};

/// A child that is ended when dropped.
pub struct Running {
    name: String,
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Running {
    /// Starts it on some cores. What it writes to standard error, and to standard output unless that is read, is kept for
    /// when it fails.
    pub fn start(command: &mut Command, cores: &[usize]) -> Result<Self> {
        Self::spawn(command, cores, false)
    }

    /// The same, for one that says something on standard output first.
    pub fn talking(command: &mut Command, cores: &[usize]) -> Result<(Self, Lines)> {
        let mut running = Self::spawn(command, cores, true)?;
        let stdout = running.child.stdout.take().ok_or("its output is a pipe")?;
        Ok((running, Lines(BufReader::new(stdout))))
    }

    fn spawn(command: &mut Command, cores: &[usize], talks: bool) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = tempfile::NamedTempFile::new()?;
        let output = if talks { Stdio::piped() } else { log.reopen()?.into() };
        command.stdin(Stdio::null()).stdout(output).stderr(log.reopen()?);
        let child = machine::on_cores(cores, || command.spawn())?.map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { name, child, log })
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        Ok(std::fs::read_to_string(path).map_err(|error| self.problem(&error.to_string()))?)
    }

    /// CPU used so far by all threads that live.
    pub fn cpu(&self) -> Result<Duration> {
        let mut ns = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            ns += text.split(' ').next().ok_or("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(ns))
    }

    /// CPU used so far by all threads, those that are gone too, in steps of 10 ms.
    fn total_cpu(&self) -> Result<Duration> {
        let text = self.proc("stat")?;
        let (_, fields) = text.rsplit_once(") ").ok_or("an unknown form of stat")?;
        let ticks: std::result::Result<u64, _> = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum();
        machine::ticks_to_time(ticks?)
    }

    /// Bytes of memory that are in no file.
    pub fn anonymous(&self) -> Result<u64> {
        let text = self.proc("smaps_rollup")?;
        let line =
            text.lines().find_map(|line| line.strip_prefix("Anonymous:")).ok_or("no Anonymous in smaps_rollup")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Fails if it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.problem(&format!("ended too early: {status}")).into()),
        }
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(self.child.id().cast_signed()).ok_or("a child has a number")?)
    }

    /// Waits until it ends by itself, well, and answers the CPU it took.
    pub fn finish(mut self) -> Result<Duration> {
        // It has ended but is not yet reaped: its CPU can still be read.
        waitid(WaitId::Pid(self.pid()?), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        let cpu = self.total_cpu()?;
        let status = self.child.wait()?;
        if status.success() { Ok(cpu) } else { Err(self.problem(&status.to_string()).into()) }
    }

    /// Waits until it ends, however that may be.
    pub fn wait(mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// An error with what it said last.
    pub fn problem(&self, text: &str) -> String {
        let log = std::fs::read_to_string(self.log.path()).unwrap_or_default();
        format!("{}: {text}\n{log}", self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a child says.
pub struct Lines(BufReader<ChildStdout>);

impl Lines {
    /// The rest of the next line that begins so.
    pub fn after(&mut self, prefix: &str) -> Result<String> {
        let mut line = String::new();
        while self.0.read_line(&mut line)? > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(prefix) {
                return Ok(rest.to_owned());
            }
            line.clear();
        }
        Err(format!("it ended without a line `{prefix}...`").into())
    }
}

/// Asks again and again until the answer is yes.
pub fn until(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !ask()? {
        if start.elapsed() > limit {
            return Err(format!("{what}: not within {} s", limit.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

//! The other process from outside: it is started, fed, and ended when its time is over.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::bounds::Allowed;
use super::outcome::{End, reason};
use crate::component::cache::CODE_MAX;

/// What is kept of its standard error.
const SAID_BYTES_MAX: u64 = 8 * 1024;
/// How long after the last of its output it is looked for its end again.
const GLANCE: Duration = Duration::from_millis(1);

/// Held while one compiles: each uses all cores, and has memory for one.
static TURN: Mutex<()> = Mutex::new(());

/// Machine code, or in words why there is none. What waits for its turn spends none of its time.
pub fn compile(component: &[u8], allowed: &Allowed) -> Result<Vec<u8>, String> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(&mut itself(allowed), component, allowed, CODE_MAX)
}

/// This program, told to compile.
fn itself(allowed: &Allowed) -> Command {
    // Not by its name: another may stand there by now.
    let mut command = Command::new("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let mut command = Command::new(std::env::current_exe().unwrap_or_default());
    command.arg("compile").arg(format!("--parent={}", std::process::id()));
    command.arg(format!("--cpu-seconds={}", allowed.cpu_seconds)).arg(format!("--memory={}", allowed.memory));
    command
}

/// Runs a command with nothing but these bytes to read, and answers what it writes.
fn run(command: &mut Command, input: &[u8], allowed: &Allowed, most: u64) -> Result<Vec<u8>, String> {
    let until = Instant::now() + allowed.time;
    command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("the compiler can't be started: {error}"))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // It may end before it has read all: what it then says counts, not that a pipe is broken.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
        let said = scope.spawn(|| {
            let mut said = Vec::new();
            let mut stderr = stderr?;
            stderr.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut said).ok()?;
            std::io::copy(&mut stderr, &mut std::io::sink()).ok()?;
            Some(said)
        });
        let mut code = Vec::new();
        let read = stdout.map_or(Ok(None), |mut stdout| read(&mut stdout, &mut code, until, most));
        let end = read.and_then(|cut_off| end(&mut child, cut_off, until));
        if end.is_err() {
            // Whatever it is, it must not go on; what can't be ended has ended.
            drop(child.kill().and_then(|()| child.wait()));
        }
        let said = said.join().ok().flatten().unwrap_or_default();
        match end {
            Ok(end) => reason(end, &said, allowed).map_or(Ok(code), Err),
            Err(error) => Err(format!("the compiler can't be heard: {error}")),
        }
    })
}

/// All that it writes, until it has no more, its time is over, or that is too much.
fn read(
    stdout: &mut (impl Read + AsFd),
    code: &mut Vec<u8>,
    until: Instant,
    most: u64,
) -> std::io::Result<Option<End>> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Some(End::Late));
        }
        let timeout = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(stdout, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) => continue,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        match stdout.read(&mut piece)? {
            0 => return Ok(None),
            bytes => code.extend_from_slice(&piece[..bytes]),
        }
        if code.len() as u64 > most {
            return Ok(Some(End::TooMuch(most)));
        }
    }
}

/// Waits for its end, or sees to it. Once this has answered, the process is gone.
fn end(child: &mut Child, cut_off: Option<End>, until: Instant) -> std::io::Result<End> {
    while cut_off.is_none() && Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            return Ok(ended(status));
        }
        std::thread::sleep(GLANCE);
    }
    child.kill()?;
    child.wait()?;
    Ok(cut_off.unwrap_or(End::Late))
}

fn ended(status: ExitStatus) -> End {
    status.code().map_or_else(|| End::Signal(status.signal().unwrap_or_default()), End::Code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(milliseconds: u64) -> Allowed {
        Allowed { time: Duration::from_millis(milliseconds), cpu_seconds: 1_000, memory: 1 << 40 }
    }

    fn sh(script: &str, input: &[u8], milliseconds: u64) -> Result<Vec<u8>, String> {
        run(Command::new("/bin/sh").arg("-c").arg(script), input, &allowed(milliseconds), 1 << 20)
    }

    #[test]
    fn what_it_writes_is_taken_and_its_end_is_told() {
        const PATIENT: u64 = 60_000;
        let large = vec![7; 1 << 20];
        for (script, input, milliseconds, want, why) in [
            ("cat", &b"some"[..], PATIENT, Ok(&b"some"[..]), "what came goes"),
            ("cat", &large, PATIENT, Ok(&large), "more than a pipe holds"),
            ("echo yes", &large, PATIENT, Ok(b"yes\n"), "it reads nothing"),
            ("head -c 100000 /dev/zero >&2; echo no", b"", PATIENT, Ok(b"no\n"), "it says a lot, and compiles"),
            ("echo half; echo 'bad type' >&2; exit 104", b"", PATIENT, Err("bad type"), "half is nothing"),
            ("exit 3", b"", PATIENT, Err("ended with 3"), "it failed"),
            ("kill -SEGV $$", b"", PATIENT, Err("ended by signal 11"), "it crashed"),
            ("echo half; exec sleep 1000", b"", 200, Err("not been compiled after 0 s"), "its time is over"),
            (
                "exec >&- 2>&-; exec sleep 1000",
                b"",
                200,
                Err("not been compiled after 0 s"),
                "it is silent, and goes on",
            ),
            ("exec yes", b"", PATIENT, Err("more than 1 MiB"), "it never comes to an end"),
            ("echo \"$HOME$USER$CARGO\"; pwd", b"", PATIENT, Ok(b"\n/\n"), "it knows nothing of this process"),
        ] {
            let got = sh(script, input, milliseconds);
            match (&got, want) {
                (Ok(got), Ok(want)) => assert!(got == want, "{why}: {} bytes", got.len()),
                (Err(got), Err(want)) => assert!(got.contains(want), "{why}: {got}"),
                _ => panic!("{why}: {got:?}"),
            }
        }
        let missing = run(&mut Command::new("/nothing/here"), b"", &allowed(1_000), 1).unwrap_err();
        assert!(missing.starts_with("the compiler can't be started: "), "{missing}");
    }

    #[test]
    fn what_is_cut_off_is_gone() {
        let named = tempfile::NamedTempFile::new().unwrap();
        let script = format!("echo $$ > {}; exec sleep 1000", named.path().display());
        sh(&script, b"", 300).unwrap_err();
        let number: i32 = std::fs::read_to_string(named.path()).unwrap().trim().parse().unwrap();
        let process = rustix::process::Pid::from_raw(number).unwrap();
        assert_eq!(rustix::process::test_kill_process(process), Err(rustix::io::Errno::SRCH));
    }
}

//! Other programs: asked something, or run.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Error;

/// How long a question may take: an interpreter on a busy machine starts in a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a build may take. A first one compiles all dependencies.
const LIMIT: Duration = Duration::from_secs(3_600);
/// How much of what a program says is read: more than any of those here says.
const SAID_MAX: u64 = 64 << 20;
/// How often it is looked whether one has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What a program answered on standard output, if it ended well; none: it isn't there, failed or took too long.
pub fn ask(command: &mut Command) -> Option<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (status, said) = finish(command.spawn().ok()?, PATIENCE).ok()?;
    status.success().then(|| said.trim().to_owned())
}

/// Runs a program to its end. What it says on standard error is seen by whoever runs mite, as it comes; what it says on standard
/// output is the answer. Ctrl-C ends it too: it is of the same group.
pub fn run(command: &mut Command) -> Result<(ExitStatus, String), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let started = command.spawn().map_err(|source| Error::Start { program: program.clone(), source })?;
    finish(started, LIMIT).map_err(|source| Error::Start { program, source })
}

/// Waits for its end, and ends it if that is too late.
fn finish(mut child: Child, limit: Duration) -> std::io::Result<(ExitStatus, String)> {
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        // What can't be read is missing in the answer, where it is looked at.
        let _ = stdout.map(|stdout| stdout.take(SAID_MAX).read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    });
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            // A grandchild may hold the pipe: the answer of one that failed doesn't matter, and of the others none does so.
            return Ok((status, reader.join().unwrap_or_default()));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            let text = format!("it had not ended after {} s", limit.as_secs());
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text));
        }
        std::thread::sleep(LOOK);
    }
}

/// A command that runs in a directory.
pub fn command(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_an_answer_or_none() {
        assert_eq!(ask(Command::new("echo").arg("1.2")).as_deref(), Some("1.2"));
        assert_eq!(ask(&mut Command::new("false")), None, "it failed");
        assert_eq!(ask(&mut Command::new("mite-no-such-program")), None, "it isn't there");
    }

    #[test]
    fn one_that_never_ends_is_ended() {
        let child = Command::new("sleep").arg("1000").stdout(Stdio::piped()).spawn().unwrap();
        let error = finish(child, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[test]
    fn much_output_does_not_stop_it() {
        let (status, said) = run(Command::new("sh").args(["-c", "yes | head -c 1000000"])).unwrap();
        assert!(status.success());
        assert_eq!(said.len(), 1_000_000);
    }
}

//! `target/release/mite` as its users run it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

/// The program; without it nothing can be tested.
pub fn mite() -> PathBuf {
    let path = root().join("target/release/mite");
    assert!(path.is_file(), "{} is missing: run `make build`", path.display());
    path
}

/// A component built by `make build` (`load.wasm`) or `make guests` (`python.wasm`).
pub fn component(name: &str) -> PathBuf {
    let built = [root().join("target/journeys").join(name), root().join("target/guests").join(name)];
    let found = built.iter().find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run `make build guests`")).clone()
}

/// A `MITE_PATH` on which all of those are found.
pub fn everywhere() -> String {
    format!("{0}/target/journeys:{0}/target/guests", root().display())
}

/// A command of the program, with what tests want from it: no colour, no cache of the user's.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(mite());
    command.args(arguments).current_dir(root()).env("NO_COLOR", "1").env("COLUMNS", "120");
    command.env("MITE_CACHE_DIR", root().join("target/test-cache")).env_remove("RUST_BACKTRACE");
    command
}

/// The same command on what is as good as a full disk: no file gets larger than so many KiB, until [`Running::more_room`]. This needs no
/// rights to mount anything.
pub fn without_room(command: &Command, kib: u32) -> Command {
    // In blocks of 512 bytes, as POSIX has it. The signal that comes with the error is for those who don't look at errors.
    limited(command, &format!("trap '' XFSZ; ulimit -S -f {}", 2 * kib))
}

/// The same command with so many open files at most, sockets and all.
pub fn with_files(command: &Command, files: u32) -> Command {
    limited(command, &format!("ulimit -n {files}"))
}

/// A command after what a shell does first.
fn limited(command: &Command, first: &str) -> Command {
    behind(&["sh", "-c", &format!("{first}; exec \"$0\" \"$@\"")], command)
}

/// Another program that runs a command: it gets its words after its own.
pub fn behind(words: &[&str], command: &Command) -> Command {
    let mut front = Command::new(words[0]);
    front.args(&words[1..]).arg(command.get_program()).args(command.get_args());
    front.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    front.current_dir(command.get_current_dir().unwrap_or(&root()));
    front
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Ended {
    Running::start(&mut command(arguments)).wait()
}

/// How it ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Fails unless it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A child that is ended when dropped.
#[derive(Debug)]
pub struct Running {
    child: Mutex<Child>,
}

impl Running {
    /// Starts a command with its output piped.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts a command with its output where it says.
    pub fn start_with(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self { child: Mutex::new(child.expect("it starts")) }
    }

    /// Waits for a line on standard output that begins so, and answers the rest of it.
    pub fn line(&self, prefix: &str) -> String {
        let stdout = self.child.lock().expect("no panics").stdout.take().expect("piped");
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let line = lines.filter_map(|line| line.strip_prefix(prefix).map(str::to_owned)).next();
        line.unwrap_or_else(|| panic!("it ended without a line `{prefix}...`"))
    }

    /// Its standard error, to be read while it runs.
    pub(crate) fn stderr(&self) -> ChildStderr {
        self.child.lock().expect("no panics").stderr.take().expect("piped")
    }

    pub fn pid(&self) -> u32 {
        self.child.lock().expect("no panics").id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a child has a number");
        kill_process(pid, signal).expect("the child is there");
    }

    /// Files may be as large as they like from now on.
    pub fn more_room(&self) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a child has a number");
        let hard = getrlimit(Resource::Fsize).maximum;
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: hard, maximum: hard }).expect("the child is there");
    }

    /// Waits for its end; one that doesn't come is a failure.
    pub fn wait(self) -> Ended {
        let mut child = self.child.lock().expect("no panics");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                if let Some(mut pipe) = pipe {
                    pipe.read_to_end(&mut text).expect("a pipe can be read");
                }
                String::from_utf8_lossy(&text).into_owned()
            })
        };
        let stdout = read(stdout.map(|pipe| Box::new(pipe) as _));
        let stderr = read(stderr.map(|pipe| Box::new(pipe) as _));
        let status = eventually_within(LONGEST, "its end", || child.try_wait().expect("a child can be waited for"));
        let joined = |thread: std::thread::JoinHandle<String>| thread.join().expect("it only reads");
        Ended { status, stdout: joined(stdout), stderr: joined(stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// What no test of a few seconds takes, also where a component of Python has to be compiled first, and five others meanwhile.
const LONGEST: Duration = Duration::from_secs(300);

/// Asks again and again until the answer is there; fails after a time that only a broken program needs.
#[track_caller]
pub fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    eventually_within(Duration::from_secs(30), what, ask)
}

/// The same for what takes a machine that has much else to do a minute or more.
#[track_caller]
pub fn patiently<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    eventually_within(LONGEST, what, ask)
}

/// The same with a patience of one's own.
#[track_caller]
pub fn eventually_within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

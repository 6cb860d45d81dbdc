//! A peer that speaks ZeroMQ by libzmq: `peer.py` in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// No answer comes later than this, even on a busy machine.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Python {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Python {
    /// Starts one with a socket: its type and options of libzmq, as in `PULL RCVHWM=10`.
    pub async fn start(socket: &str) -> Self {
        const HOW: &str = "run `make parts`, or let MITE_PYTHON name a Python with pyzmq";
        let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python");
        let python = std::env::var("MITE_PYTHON").unwrap_or_else(|_| usual.to_owned());
        let mut child = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {python}: {error}; {HOW}"));
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut python = Self { child, stdin, lines };
        assert_eq!(python.ask(&format!("socket {socket}")).await, "ok");
        python
    }

    /// Starts one that is bound; answers where.
    pub async fn bound(socket: &str, endpoint: &str) -> (Self, String) {
        let mut python = Self::start(socket).await;
        let answer = python.ask(&format!("bind {endpoint}")).await;
        let endpoint = answer.strip_prefix("bound ").expect("bound").to_owned();
        (python, endpoint)
    }

    /// Starts one that is connected.
    pub async fn connected(socket: &str, endpoint: &str) -> Self {
        let mut python = Self::start(socket).await;
        assert_eq!(python.ask(&format!("connect {endpoint}")).await, "ok");
        python
    }

    /// Says what to do.
    pub async fn tell(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Its next answer; none: it is gone.
    pub async fn answer(&mut self) -> Option<String> {
        let line = tokio::time::timeout(LONG, self.lines.next_line()).await.expect("an answer in time");
        line.expect("text")
    }

    pub async fn ask(&mut self, line: &str) -> String {
        self.tell(line).await;
        self.answer().await.unwrap_or_else(|| panic!("the peer died of `{line}`"))
    }

    /// SIGKILL. What it said before can still be read.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

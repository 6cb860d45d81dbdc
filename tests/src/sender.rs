//! Who makes messages for a pipeline, in place of runners: our own PUSH, and libzmq's through pyzmq.

use std::process::Command;
use std::time::{Duration, Instant};

use mite_core::wire::batch::Batch;
use mite_core::wire::socket::{Counts, Full, Options, Push};
use rmpv::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::program::{Running, root};

/// A message, encoded.
pub fn message(fields: &[(&str, Value)]) -> Vec<u8> {
    let pairs = fields.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    encoded(&Value::Map(pairs))
}

pub fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a vector takes all bytes");
    bytes
}

/// The message of this number: one in four is an `http_metrics`, one in four a `data_created`, the others are `txn`.
pub fn numbered(number: u64) -> Vec<u8> {
    let common = [
        ("time", Value::from(1_795_333_872.5)),
        ("test", Value::from("load:load")),
        ("journey", Value::from("load:get")),
        ("transaction", Value::from("__root__ :: get")),
        ("number", Value::from(number)),
    ];
    let own = match number % 4 {
        0 => vec![
            ("type", Value::from("http_metrics")),
            ("total_time", Value::from(0.25)),
            ("response_code", Value::from(200)),
            ("method", Value::Binary(b"GET".to_vec())),
        ],
        1 => vec![
            ("type", Value::from("data_created")),
            ("name", Value::from("users")),
            ("data", Value::Map(vec![(Value::from("id"), Value::from(number))])),
        ],
        _ => vec![("type", Value::from("txn")), ("had_error", Value::from(false))],
    };
    message(&[own, common.to_vec()].concat())
}

/// A PUSH of ours that says it is a runner.
pub struct Sender {
    runtime: Handle,
    /// Dropped when the runtime should end.
    _end: oneshot::Sender<()>,
    push: Push,
    made: u64,
    dropped: u64,
    test: &'static str,
    /// When each [`Sender::send`] was done, and how many were made by then.
    times: Vec<(Instant, u64)>,
}

impl Sender {
    pub fn connect(endpoint: &str) -> Self {
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let runtime = own.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::spawn(move || own.block_on(ended));
        let push = {
            let _within = runtime.enter();
            let mut push = Push::new(Options { full: Full::DropNewest, ..Options::new("runner") });
            push.connect(endpoint).expect("an endpoint");
            push
        };
        Self { runtime, _end: end, push, made: 0, dropped: 0, test: "load:load", times: Vec::new() }
    }

    /// Sends so many numbered messages, in batches of 100, and accounts for them.
    pub fn send(&mut self, count: u64) {
        let mut batch = Batch::default();
        for number in self.made..self.made + count {
            batch.push(&numbered(number));
            if batch.is_full() || number + 1 == self.made + count {
                self.dropped += self.runtime.block_on(self.push.send(&batch));
                batch.clear();
            }
        }
        self.made += count;
        self.times.push((Instant::now(), self.made));
        self.account();
    }

    fn account(&self) {
        let body = message(&[
            ("sender", Value::from("tester")),
            ("kind", Value::from("runner")),
            ("test", Value::from(self.test)),
            ("run_id", Value::from("1")),
            ("made", Value::from(self.made)),
            ("dropped", Value::from(self.dropped)),
        ]);
        self.push.note(b"account/tester", &body).expect("a small note");
    }

    pub fn made(&self) -> u64 {
        self.made
    }

    /// When each part of the messages was made: the time, and how many there were by then.
    pub fn times(&self) -> Vec<(Instant, u64)> {
        self.times.clone()
    }

    /// Sends messages at a rate, for so long.
    pub fn send_for(&mut self, time: Duration, per_second: u64) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.send(per_second / 50);
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until all is sent and read.
    pub fn close(self) -> Counts {
        self.runtime.block_on(self.push.close(Duration::from_secs(20)))
    }
}

/// Sends numbered messages as Python does: a frame each, from libzmq.
pub fn python(endpoint: &str, count: u64) {
    const SCRIPT: &str = "
import sys, zmq
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(sys.argv[1])
data = open(sys.argv[2], 'rb').read()
at = 0
while at < len(data):
    size = int.from_bytes(data[at:at + 4], 'big')
    socket.send(data[at + 4:at + 4 + size])
    at += 4 + size
socket.close()
zmq.Context.instance().term()
";
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for number in 0..count {
        let message = numbered(number);
        let size = u32::try_from(message.len()).expect("small");
        std::io::Write::write_all(&mut file, &[&size.to_be_bytes(), &message[..]].concat()).expect("a file");
    }
    let usual = root().join("target/venv/bin/python");
    let program = std::env::var_os("MITE_PYTHON").unwrap_or_else(|| usual.into());
    let mut command = Command::new(program);
    command.args(["-c", SCRIPT, endpoint]).arg(file.path());
    Running::start(&mut command).wait().expect(0);
}

//! Peers that speak ZeroMQ by libzmq, as Python mite does: pyzmq in processes of their own.

use std::path::Path;
use std::process::Command;

use crate::program::{Running, root};

/// Binds, sends each line of a file (hexadecimal) as a message, and ends once all are on their way.
const PUSH: &str = "
import sys, zmq
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.linger = 30000
socket.bind(sys.argv[1])
for line in open(sys.argv[2]):
    socket.send(bytes.fromhex(line))
socket.close()
context.term()
";

/// Binds, receives, and writes each message as a line until a second has passed without one after the first.
const PULL: &str = "
import sys, zmq
socket = zmq.Context().socket(zmq.PULL)
socket.bind(sys.argv[1])
print('bound', flush=True)
socket.rcvtimeo = 60000
try:
    while True:
        print(socket.recv().hex())
        socket.rcvtimeo = 2000
except zmq.Again:
    pass
";

fn python(script: &str, arguments: &[&str]) -> Running {
    let usual = root().join("target/venv/bin/python");
    let python = std::env::var_os("MITE_PYTHON").unwrap_or_else(|| usual.into());
    Running::start(Command::new(python).args(["-c", script]).args(arguments))
}

/// Sends messages from a socket that is bound; done once they are on their way to whoever connects. `directory` is for a file.
pub fn push(endpoint: &str, directory: &Path, messages: &[Vec<u8>]) {
    let mut lines = String::new();
    for message in messages {
        lines.extend(message.iter().map(|byte| format!("{byte:02x}")));
        lines.push('\n');
    }
    let path = directory.join("to-send");
    std::fs::write(&path, lines).expect("a file");
    python(PUSH, &[endpoint, &path.to_string_lossy()]).wait().expect(0);
}

/// A socket that is bound and receives until nothing comes any more.
pub fn pull(endpoint: &str) -> Running {
    python(PULL, &[endpoint])
}

/// What such a one has received.
pub fn received(pull: Running) -> Vec<Vec<u8>> {
    let lines = pull.wait().expect(0).stdout;
    let digits = |line: &str, at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("hexadecimal");
    let messages = lines.lines().filter(|line| *line != "bound");
    messages.map(|line| (0..line.len()).step_by(2).map(|at| digits(line, at)).collect()).collect()
}

//! Processors that do what no processor should, for the tests of the host. Each prints what it took.

use mite_processor::prelude::*;

/// Fails on every third message.
#[derive(Default)]
struct Fails {
    seen: u64,
}

#[processor]
impl Fails {
    fn process_message(&mut self, message: &Message) -> Result {
        self.seen += 1;
        if self.seen.is_multiple_of(3) {
            return Err(Error::new(format!("number {} is one of three", self.seen)));
        }
        print(format!("fails took {message}"));
        Ok(())
    }
}

/// Whether this message's number is a multiple of three: these have lost their memory before the next.
fn is_third(message: &Message) -> bool {
    message.number("number").is_some_and(|number| number % 3.0 == 2.0)
}

/// Panics on every third message.
#[derive(Default)]
struct Panics;

#[processor]
impl Panics {
    fn process_message(&mut self, message: &Message) {
        assert!(!is_third(message), "so it is");
        print(format!("panics took {message}"));
    }
}

/// Computes without end on the message with number 5.
#[derive(Default)]
struct Loops;

#[processor]
impl Loops {
    fn process_message(&mut self, message: &Message) {
        while message.number("number") == Some(5.0) {
            std::hint::black_box(());
        }
        print(format!("loops took {message}"));
    }
}

/// Wants all memory on the message with number 5.
#[derive(Default)]
struct Allocates {
    kept: Vec<Vec<u8>>,
}

#[processor]
impl Allocates {
    fn process_message(&mut self, message: &Message) {
        while message.number("number") == Some(5.0) {
            self.kept.push(vec![1; 1 << 20]);
        }
        print(format!("allocates took {message}"));
    }
}

/// Takes half a second for each message.
#[derive(Default)]
struct Slow;

#[processor]
impl Slow {
    fn process_raw_message(&mut self, _message: &[u8]) {
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 500 {}
    }
}

/// Can't be made.
struct Refuses;

#[processor]
impl Refuses {
    fn new() -> Result<Self> {
        Err(Error::new("not today"))
    }

    fn process_raw_message(&mut self, _message: &[u8]) {}
}

/// Looks for what it wasn't given.
#[derive(Default)]
struct Curious;

#[processor]
impl Curious {
    fn process_message(&mut self, _message: &Message) {
        let file = std::fs::read("/etc/passwd").is_ok() || std::fs::write("/tmp/mite-was-here", b"").is_ok();
        let socket = std::net::TcpStream::connect("127.0.0.1:14310").is_ok();
        let environment = std::env::vars().count() + std::env::args().count();
        let sender = Sender::connect("tcp://127.0.0.1:1").is_ok();
        let collector = ["../up", "/tmp/x", ".", "a/b"].into_iter().any(|id| Collector::open(id).is_ok());
        print(format!("curious: {file} {socket} {environment} {sender} {collector}"));
    }
}

//! Sockets of ours against each other, and against peers that a test plays byte by byte.

mod flow;
mod misfits;
mod requests;
mod words;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::wire::zmtp::Limits;
use crate::wire::zmtp::command::{Command, Property};
use crate::wire::zmtp::decoder::{Decoder, Item};
use crate::wire::zmtp::greeting::Greeting;

const LONG: Duration = Duration::from_secs(20);

fn options() -> Options {
    Options::new("test")
}

/// A PUSH that is connected to a PULL, or will be at once.
async fn pair(options: Options) -> (Push, Pull, Endpoint) {
    let (mut push, mut pull) = (Push::new(options.clone()), Pull::new(options));
    let endpoint = pull.bind("tcp://127.0.0.1:0").await.unwrap();
    push.connect(&endpoint.to_string()).unwrap();
    (push, pull, endpoint)
}

/// Waits until something is so.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

/// One message of `records` records, numbered from `first`, eight bytes each.
fn numbered(first: u64, records: u64) -> Parcel {
    let numbers: Vec<_> = (first..first + records).map(u64::to_be_bytes).collect();
    Parcel::message(&numbers.iter().map(<[u8; 8]>::as_slice).collect::<Vec<_>>())
}

fn numbers(parcel: &Parcel) -> Vec<u64> {
    parcel.records().map(|record| u64::from_be_bytes(record.try_into().unwrap())).collect()
}

/// The next parcel, whatever notes come before it.
async fn parcel(pull: &mut Pull) -> Parcel {
    loop {
        if let Received::Parcel(parcel) = soon(pull.receive()).await.what {
            return parcel;
        }
    }
}

/// Receives until there are so many records; answers their numbers.
async fn receive(pull: &mut Pull, records: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while all.len() < records {
        all.extend(numbers(&parcel(pull).await));
    }
    all
}

/// A peer played byte by byte.
struct Raw {
    stream: TcpStream,
    decoder: Decoder,
}

impl Raw {
    /// Connects and greets as a peer with these properties.
    async fn connect(endpoint: &Endpoint, properties: &[(&str, &str)]) -> Self {
        let mut raw = Self::silent(endpoint).await;
        let greeting = Greeting { major: 3, minor: 1, mechanism: "NULL".to_owned(), as_server: false };
        let mut out = greeting.bytes().to_vec();
        let property = |(name, value): &(&str, &str)| -> Property { ((*name).to_owned(), value.as_bytes().to_vec()) };
        Command::Ready(properties.iter().map(property).collect()).put(&mut out);
        raw.say(&out).await;
        soon(raw.stream.read_exact(&mut [0; 64])).await.unwrap();
        raw
    }

    /// Connects and says nothing.
    async fn silent(endpoint: &Endpoint) -> Self {
        let Endpoint::Tcp { port, .. } = endpoint else { panic!("only tcp") };
        let stream = TcpStream::connect(("127.0.0.1", *port)).await.unwrap();
        Self { stream, decoder: Decoder::new(Limits::default()) }
    }

    async fn say(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// The next thing it is told; none: the connection was closed.
    async fn hear(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.decoder.decode().unwrap() {
                return Some(item);
            }
            if soon(self.stream.read_buf(self.decoder.buffer())).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Waits until the connection is closed.
    async fn closed(mut self) {
        while self.hear().await.is_some() {}
    }
}

const OURS: [(&str, &str); 3] = [("X-Mite", "1"), ("X-Mite-Kind", "runner"), ("X-Mite-Id", "0123456789abcdef")];

/// Properties of a peer that is one of ours.
fn ours<'a>(socket_type: &'a str, socket: &'a str) -> Vec<(&'a str, &'a str)> {
    [&OURS[..], &[("Socket-Type", socket_type), ("X-Mite-Socket", socket)]].concat()
}

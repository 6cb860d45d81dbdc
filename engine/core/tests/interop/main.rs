//! Our sockets against those of others: libzmq (through pyzmq) and the `zeromq` crate.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../peers/mod.rs"]
mod peers;
mod requests;

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use mite_core::wire::batch::Batch;
use mite_core::wire::socket::{Counts, Options, Parcel, Pull, Push, Received};
use peers::{LONG, Python};
use zeromq::prelude::*;

fn options() -> Options {
    Options::new("test")
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Numbered records of so many bytes, as one batch.
fn batch(first: u64, records: u64, bytes: usize) -> Batch {
    let mut batch = Batch::default();
    for number in first..first + records {
        batch.push(&[&number.to_be_bytes()[..], &vec![0; bytes - 8]].concat());
    }
    batch
}

fn number(record: &[u8]) -> u64 {
    u64::from_be_bytes(record[..8].try_into().unwrap())
}

async fn parcel(pull: &mut Pull) -> Parcel {
    match soon(pull.receive()).await.what {
        Received::Parcel(parcel) => parcel,
        note @ Received::Note { .. } => panic!("{note:?} from a stranger"),
    }
}

/// So many records, in the order they came, and how many messages they were.
async fn receive(pull: &mut Pull, records: usize) -> (Vec<u64>, usize) {
    let (mut numbers, mut messages) = (Vec::new(), 0);
    while numbers.len() < records {
        let parcel = parcel(pull).await;
        numbers.extend(parcel.records().map(number));
        messages += parcel.messages().count();
    }
    (numbers, messages)
}

/// What `recv` of the peer answers after numbers from 0.
fn received(records: u64) -> String {
    format!("received {records} True {records} {}", records * (records - 1) / 2)
}

/// All endpoints that are tried: one of each kind.
fn endpoints(directory: &tempfile::TempDir) -> [String; 3] {
    let path = directory.path().join("socket");
    ["tcp://127.0.0.1:*".to_owned(), "tcp://[::1]:*".to_owned(), format!("ipc://{}", path.display())]
}

/// An endpoint where nobody listens.
fn free_endpoint() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn push_to_libzmq() {
    let directory = tempfile::tempdir().unwrap();
    for endpoint in endpoints(&directory) {
        let (mut python, bound) = Python::bound("PULL IPV6=1", &endpoint).await;
        let mut push = Push::new(options());
        push.connect(&bound).unwrap();
        for first in 0..100 {
            push.send(&batch(first * 10, 10, 50)).await;
        }
        assert_eq!(python.ask("recv 1000").await, received(1_000), "{endpoint}");
        python.kill().await;
        drop(push);

        let mut push = Push::new(options());
        // libzmq leaves its file of ipc behind when it is killed.
        let bound = push.bind(&endpoint).await.unwrap();
        let mut python = Python::connected("PULL IPV6=1", &bound.to_string()).await;
        push.send(&batch(0, 1_000, 300)).await;
        assert_eq!(python.ask("recv 1000").await, received(1_000), "{endpoint}");
        let counts = push.close(LONG).await;
        assert_eq!(counts, Counts { made: 1_000, sent: 1_000, ..Counts::default() }, "it read to the end");
    }
}

#[tokio::test]
async fn a_batch_of_a_hundred_frames_is_a_hundred_records_to_python() {
    let (mut python, bound) = Python::bound("PULL", "tcp://127.0.0.1:*").await;
    let mut push = Push::new(options());
    push.connect(&bound).unwrap();
    push.note(b"totals", b"never seen").unwrap();
    for first in 0..10 {
        push.send(&batch(first * 100, 100, 300)).await;
    }
    assert_eq!(python.ask("recv 1000").await, received(1_000));
    push.send(&batch(0, 100, 300)).await;
    push.send(&batch(0, 1, 300)).await;
    assert_eq!(python.ask("messages 2").await, "frames 100 1");
}

#[tokio::test]
async fn pull_from_libzmq() {
    let directory = tempfile::tempdir().unwrap();
    for endpoint in endpoints(&directory) {
        for (messages, frames, bytes) in [(1_000, 1, 50), (10, 100, 300), (3, 1, 2_000_000)] {
            let records = messages * frames;
            let all: Vec<u64> = (0..records as u64).collect();
            let (mut python, bound) = Python::bound("PUSH IPV6=1", &endpoint).await;
            let mut pull = Pull::new(options());
            pull.note(b"totals", b"never seen").unwrap();
            pull.connect(&bound).unwrap();
            let send = format!("send {messages} {frames} {bytes} 0");
            python.tell(&send).await;
            assert_eq!(receive(&mut pull, records).await, (all.clone(), messages), "{endpoint}");
            python.kill().await;
            drop(pull);

            let mut pull = Pull::new(options());
            let bound = pull.bind(&endpoint).await.unwrap().to_string();
            let mut python = Python::connected("PUSH IPV6=1", &bound).await;
            python.tell(&send).await;
            assert_eq!(receive(&mut pull, records).await, (all, messages), "{endpoint}");
            assert_eq!(pull.missing(), 0);
            drop(pull);
            if let Some(path) = bound.strip_prefix("ipc://") {
                until("its file is gone", || !std::fs::exists(path).unwrap()).await;
            }
        }
    }
}

#[tokio::test]
async fn either_side_may_be_there_first() {
    let place = free_endpoint();
    let (mut push, mut pull) = (Push::new(options()), Pull::new(options()));
    push.connect(&place).unwrap();
    push.send(&batch(0, 100, 50)).await;
    let (mut python, _) = Python::bound("PULL", &place).await;
    assert_eq!(python.ask("recv 100").await, received(100));

    let place = free_endpoint();
    let mut python = Python::connected("PUSH", &place).await;
    python.tell("send 100 1 50 0").await;
    pull.bind(&place).await.unwrap();
    assert_eq!(receive(&mut pull, 100).await.0.len(), 100);
}

#[tokio::test]
async fn heartbeats_of_libzmq_are_answered() {
    let mut pull = Pull::new(options());
    let bound = pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let mut python = Python::connected("PUSH HEARTBEAT_IVL=300 HEARTBEAT_TIMEOUT=600", &bound).await;
    python.tell("send 1 1 50 0").await;
    assert_eq!(receive(&mut pull, 1).await.0, [0]);
    // Not a wait for something to be done: a time in which nothing may happen.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(python.answer().await.unwrap(), "sent 1");
    assert_eq!(python.ask("disconnects").await, "disconnects 0");
    python.tell("send 1 1 50 1").await;
    assert_eq!(receive(&mut pull, 1).await.0, [1]);
    assert_eq!(pull.peers().len(), 1);
}

/// The reader is killed and comes back while records are sent without a pause. What may be lost: what was on its way (`unsure`), and
/// what lay in the queue of the one that was killed (10 messages of 100) or was read and not reported yet (a message on either side of
/// that queue).
/// Its system still has most of what it sent, and would throw that away if anything were written to it.
#[tokio::test]
async fn a_libzmq_that_closes_while_nobody_reads_loses_nothing() {
    let (mut python, bound) = Python::bound("PUSH", "tcp://127.0.0.1:*").await;
    let interval = Duration::from_millis(20);
    let mut options = Options { receive_bytes: 1, ..options() };
    options.pace.interval = interval;
    let mut pull = Pull::new(options);
    pull.connect(&bound).unwrap();
    assert_eq!(python.ask("send 10 1 100000 0").await, "sent 10");
    assert_eq!(python.ask("close").await, "closed");
    // So many moments at which it could be asked whether it is still there.
    tokio::time::sleep(interval * 20).await;
    assert_eq!(receive(&mut pull, 10).await.0, Vec::from_iter(0..10));
}

#[tokio::test]
async fn a_reader_is_killed_under_load() {
    let (mut python, bound) = Python::bound("PULL RCVHWM=10", "tcp://127.0.0.1:*").await;
    python.tell("drain").await;
    let mut push = Push::new(Options { queue_records: 10_000, ..options() });
    push.connect(&bound).unwrap();
    let mut next = 0;
    let mut first = 0;
    while first < 20_000 {
        send_some(&push, &mut next).await;
        first = drained(&mut python, first).await;
    }
    python.kill().await;
    while let Some(line) = python.answer().await {
        // The last line may be cut short.
        first = first.max(line.split(' ').nth(1).and_then(|records| records.parse().ok()).unwrap_or(0));
    }
    until("the loss was noticed", || push.peers().is_empty()).await;
    let (mut again, _) = Python::bound("PULL RCVHWM=10", &bound).await;
    again.tell("drain").await;
    let (mut second, mut last) = (0, 0);
    let target = next + 20_000;
    while next < target {
        send_some(&push, &mut next).await;
    }
    let counts = push.counts();
    let mut line = String::new();
    while last + 1 < next {
        line = again.answer().await.unwrap();
        let mut words = line.split(' ').skip(1).map(|word| word.parse::<u64>().unwrap());
        (second, last) = (words.next().unwrap(), words.next().unwrap());
    }
    let lost = counts.made - first - second;
    println!("made {}, read {first} and {second} ({line}), lost {lost}, unsure {}", counts.made, counts.unsure);
    assert!(first + second <= counts.made, "nothing twice");
    assert!(lost <= counts.unsure + 1_200, "lost {lost}, unsure {}", counts.unsure);
}

async fn send_some(push: &Push, next: &mut u64) {
    for _ in 0..20 {
        soon(push.send(&batch(*next, 100, 50))).await;
        *next += 100;
    }
}

/// How much was drained by now, as far as it was said.
async fn drained(python: &mut Python, before: u64) -> u64 {
    let mut drained = before;
    while let Ok(line) = tokio::time::timeout(Duration::from_millis(1), python.answer()).await {
        drained = line.unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    }
    drained
}

#[tokio::test]
async fn a_writer_is_killed_under_load() {
    let mut pull = Pull::new(options());
    let bound = pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    for _ in 0..3 {
        let mut python = Python::connected("PUSH", &bound).await;
        python.tell("send 1000000 10 100 0").await;
        let (numbers, _) = receive(&mut pull, 10_000).await;
        python.kill().await;
        until("it is gone", || pull.try_receive().is_none() && pull.peers().is_empty()).await;
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "whole messages in order, up to the end");
    }
}

#[tokio::test]
async fn a_libzmq_that_never_reads_holds_up_nobody() {
    let mut push = Push::new(Options { queue_bytes: 100_000, ..options() });
    let bound = push.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let _stuck = Python::connected("PULL RCVHWM=10", &bound).await;
    until("it is there", || push.peers().len() == 1).await;
    let mut python = Python::connected("PULL", &bound).await;
    until("both are there", || push.peers().len() == 2).await;
    python.tell("drain").await;
    let (mut next, mut read) = (0, 0);
    while read < 100_000 {
        soon(push.send(&batch(next, 100, 500))).await;
        next += 100;
        read = if next % 10_000 == 0 { drained(&mut python, read).await } else { read };
    }
    assert!(push.peers().len() == 2, "a slow one isn't taken for a dead one");
}

#[tokio::test]
async fn push_and_pull_with_the_zeromq_crate() {
    let directory = tempfile::tempdir().unwrap();
    let ipc = format!("ipc://{}", directory.path().join("socket").display());
    for endpoint in ["tcp://127.0.0.1:0", "tcp://[::1]:0", &ipc] {
        let mut theirs = zeromq::PullSocket::new();
        let bound = theirs.bind(endpoint).await.unwrap().to_string();
        let mut push = Push::new(options());
        push.connect(&bound).unwrap();
        push.send(&batch(0, 100, 300)).await;
        let message = soon(theirs.recv()).await.unwrap();
        assert!(message.iter().map(|frame| number(frame)).eq(0..100), "{endpoint}");
        drop((theirs, push));

        let mut pull = Pull::new(options());
        let endpoint = if endpoint == ipc { format!("{ipc}.2") } else { endpoint.to_owned() };
        let bound = pull.bind(&endpoint).await.unwrap().to_string();
        let mut theirs = zeromq::PushSocket::new();
        theirs.connect(&bound).await.unwrap();
        for first in 0..10 {
            let frames = batch(first * 100, 100, 300).messages().map(Bytes::copy_from_slice).collect::<Vec<_>>();
            theirs.send(frames.try_into().unwrap()).await.unwrap();
        }
        let (numbers, messages) = receive(&mut pull, 1_000).await;
        assert!(numbers.into_iter().eq(0..1_000) && messages == 10, "{endpoint}");
    }
}

#[tokio::test]
async fn nothing_is_lost_between_many_of_each() {
    let mut pull = Pull::new(options());
    let bound = pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let mut writers = Vec::new();
    for first in [0, 5_000, 10_000] {
        let mut python = Python::connected("PUSH", &bound).await;
        python.tell(&format!("send 5000 1 100 {first}")).await;
        writers.push(python);
    }
    let mut push = Push::new(options());
    push.connect(&bound).unwrap();
    for first in 150..200 {
        push.send(&batch(first * 100, 100, 100)).await;
    }
    let (numbers, _) = receive(&mut pull, 20_000).await;
    assert_eq!(numbers.into_iter().collect::<HashSet<_>>().len(), 20_000);
}

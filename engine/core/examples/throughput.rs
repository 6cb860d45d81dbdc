//! CPU time a record, ours against the `zeromq` crate: `cargo run --release --example throughput [ROUNDS]`.
//!
//! Either side is a thread with a runtime of its own, over TCP of this machine. Libraries take turns; the median of all rounds is
//! printed, in µs of the thread's CPU time.

use std::time::{Duration, Instant};

use mite_core::wire::batch::Batch;
use mite_core::wire::socket::{Options, Parcel, Pull, Push, Received};
use rustix::time::{ClockId, clock_gettime};
use zeromq::prelude::*;

/// As the engine has it. With that of glibc, blocks of 64 KiB go back to the system and come from it again: 0.1 µs a record more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORD: [u8; 300] = [7; 300];
const RECORDS: usize = 600_000;
const LONG: Duration = Duration::from_secs(60);

/// Runs in a thread with its own runtime; answers the CPU time it took a record, in µs.
fn thread(work: impl AsyncFnOnce() + Send + 'static) -> std::thread::JoinHandle<f64> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work());
        drop(runtime);
        let used = clock_gettime(ClockId::ThreadCPUTime);
        (used.tv_sec as f64 * 1e6 + used.tv_nsec as f64 / 1e3) / RECORDS as f64
    })
}

fn options() -> Options {
    Options { queue_bytes: 1 << 20, ..Options::new("bench") }
}

fn free_endpoint() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("tcp://{}", listener.local_addr().expect("its address"))
}

/// The batch that is sent again and again.
fn batch(records: usize) -> Batch {
    let mut batch = Batch::default();
    (0..records).for_each(|_| batch.push(&RECORD));
    batch
}

async fn push_ours(push: Push, records: usize) {
    let batch = batch(records);
    for _ in 0..RECORDS / records {
        push.send(&batch).await;
    }
    assert_eq!(push.close(LONG).await.waiting, 0);
}

async fn pull_ours(endpoint: String, bind: bool) {
    let mut pull = Pull::new(options());
    match bind {
        true => drop(pull.bind(&endpoint).await.expect("bound")),
        false => pull.connect(&endpoint).expect("a good endpoint"),
    }
    let (mut bytes, mut records) = (0, 0);
    while records < RECORDS {
        if let Received::Parcel(parcel) = pull.receive().await.what {
            records += parcel.len();
            bytes += parcel.records().map(<[u8]>::len).sum::<usize>();
        }
    }
    assert_eq!(bytes, RECORDS * RECORD.len());
}

async fn push_zeromq(endpoint: String, records: usize) {
    let mut push = zeromq::PushSocket::new();
    while push.connect(&endpoint).await.is_err() {}
    let frames = vec![bytes::Bytes::from_static(&RECORD); records];
    for _ in 0..RECORDS / records {
        push.send(frames.clone().try_into().expect("frames")).await.expect("sent");
    }
    // It has no way to wait until all is written.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn pull_zeromq(endpoint: String) {
    let mut pull = zeromq::PullSocket::new();
    pull.bind(&endpoint).await.expect("bound");
    let (mut bytes, mut records) = (0, 0);
    while records < RECORDS {
        let message = pull.recv().await.expect("received");
        records += message.len();
        bytes += message.iter().map(|frame| frame.len()).sum::<usize>();
    }
    assert_eq!(bytes, RECORDS * RECORD.len());
}

/// CPU time of pusher and puller, and records a second.
fn pair(ours: bool, records: usize) -> [f64; 3] {
    let endpoint = free_endpoint();
    let start = Instant::now();
    let (pull_endpoint, push_endpoint) = (endpoint.clone(), endpoint);
    let pull = match ours {
        true => thread(async move || pull_ours(pull_endpoint, true).await),
        false => thread(async move || pull_zeromq(pull_endpoint).await),
    };
    let push = match ours {
        true => thread(async move || {
            let mut push = Push::new(options());
            push.connect(&push_endpoint).expect("a good endpoint");
            push_ours(push, records).await;
        }),
        false => thread(async move || push_zeromq(push_endpoint, records).await),
    };
    let pulled = pull.join().expect("pulled");
    let seconds = start.elapsed().as_secs_f64();
    [push.join().expect("pushed"), pulled, RECORDS as f64 / seconds]
}

/// CPU time of a duplicator of ours, from one to three.
fn duplicator(records: usize) -> f64 {
    let (input, outputs) = (free_endpoint(), [free_endpoint(), free_endpoint(), free_endpoint()]);
    let sinks: Vec<_> =
        outputs.clone().into_iter().map(|output| thread(async move || pull_ours(output, false).await)).collect();
    let source = input.clone();
    let source = thread(async move || {
        let mut push = Push::new(options());
        push.connect(&source).expect("a good endpoint");
        push_ours(push, records).await;
    });
    let duplicator = thread(async move || {
        let mut pull = Pull::new(options());
        let mut outs = Vec::new();
        for output in outputs {
            let mut out = Push::new(options());
            out.bind(&output).await.expect("bound");
            outs.push(out);
        }
        pull.bind(&input).await.expect("bound");
        while pull.received() < RECORDS as u64 || outs.iter().any(|out| out.counts().made < RECORDS as u64) {
            if let Received::Parcel(parcel) = pull.receive().await.what {
                for out in &outs {
                    let parcel: Parcel = parcel.clone();
                    out.send(parcel).await;
                }
            }
        }
        for out in outs {
            out.close(LONG).await;
        }
    });
    let used = duplicator.join().expect("duplicated");
    source.join().expect("pushed");
    sinks.into_iter().for_each(|sink| assert!(sink.join().is_ok()));
    used
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    println!("CPU µs a record of 300 bytes over TCP, median of {rounds} rounds of {RECORDS} records");
    for records in [1, 100] {
        let mut results = [vec![], vec![]];
        let mut copies = Vec::new();
        for _ in 0..rounds {
            results[0].push(pair(true, records));
            results[1].push(pair(false, records));
            copies.push(duplicator(records));
        }
        println!("{records} a message:");
        for (name, results) in ["ours  ", "zeromq"].into_iter().zip(results) {
            let column = |column: usize| median(results.iter().map(|result| result[column]).collect());
            println!("  {name} push {:.3}  pull {:.3}  ({:.0} records/s)", column(0), column(1), column(2));
        }
        println!("  ours   duplicator 1 to 3 {:.3}", median(copies));
    }
}

//! What a pipeline loses when a part of it is slow, absent or killed: as much as it says, and never more than was on its way.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use tests::files;
use tests::heard::Heard;
use tests::pipeline::{PARTS, Places, kill, stop};
use tests::program::{Running, eventually, without_room};
use tests::sender::Sender;
use tests::servers::free_port;
use tests::witness::Witness;

/// The numbers in `... N what` of a line of a log.
fn said(log: &str, before: &str, what: &str) -> u64 {
    let line = log.lines().find(|line| line.contains(before) && line.contains(what));
    let line = line.unwrap_or_else(|| panic!("no line with `{before}` and `{what}` in\n{log}"));
    let head = line.split(what).next().expect("it is there").trim_end();
    let number = head.rsplit(' ').next().expect("a word");
    number.parse().unwrap_or_else(|_| panic!("no number before `{what}` in {line}"))
}

#[test]
fn an_output_without_consumers_holds_its_bound_and_counts_the_rest() {
    const MADE: u64 = 20_000;
    let places = Places::new();
    let third = format!("tcp://127.0.0.1:{}", free_port());
    let duplicator = places.start_with("duplicator", &["--out-queue=1", &third]);
    let (mut sender, witness) = (Sender::connect(&places.messages), Witness::connect(&third));
    // What has come out of the last output was put to the others before; no more at a time than has room there.
    while sender.made() < MADE {
        sender.send(MADE / 5);
        eventually("it comes out", || (witness.seen().len() as u64 == sender.made()).then_some(()));
    }
    assert_eq!(sender.close().unsure, 0, "the duplicator takes all, whoever is behind it");
    let (collector, recorder) = (places.start("collector"), places.start("recorder"));
    eventually("what waited is collected", || {
        let there = places.collected();
        (there.is_dir() && !files::messages_so_far(&there).is_empty()).then_some(())
    });
    let log = stop(duplicator).stderr;
    stop(collector);
    stop(recorder);
    let collected = places.numbers();
    assert!(collected.len() > 1_000 && (collected.len() as u64) < MADE, "{} of {MADE}", collected.len());
    assert_eq!(collected, (0..collected.len() as u64).collect::<Vec<_>>(), "the oldest are kept, the newest dropped");
    // Two kinds came to this output, and each lacks the same; nobody came to the other one.
    let lost = MADE - collected.len() as u64;
    let dropped = |sent: u64| said(&log, &format!(": {sent} messages sent"), " dropped for want of room");
    assert_eq!(dropped(2 * (MADE - lost)), 2 * lost, "{log}");
    assert_eq!(dropped(0), MADE - said(&log, ": 0 messages sent", " never fetched"), "{log}");
    assert!(log.contains("messages dropped: the queue is full"), "{log}");
    assert_eq!(places.users().len(), collected.iter().filter(|number| *number % 4 == 1).count());
}

/// One that stands still for a while is as slow as can be.
#[test]
fn a_slow_consumer_lacks_what_the_counters_say() {
    // More than the duplicator's queue and the system's buffers hold.
    const MADE: u64 = 96_000;
    let places = Places::new();
    let third = format!("tcp://127.0.0.1:{}", free_port());
    let duplicator = places.start_with("duplicator", &["--out-queue=1", &third]);
    let (mut sender, witness) = (Sender::connect(&places.messages), Witness::connect(&third));
    let collector = places.start("collector");
    let collected = || {
        let there = places.collected();
        if there.is_dir() { files::messages_so_far(&there).len() as u64 } else { 0 }
    };
    sender.send(100);
    eventually("it collects", || (collected() == 100).then_some(()));
    collector.signal(Signal::STOP);
    while sender.made() < MADE {
        sender.send(MADE / 16);
        eventually("others get all", || (witness.seen().len() as u64 == sender.made()).then_some(()));
    }
    collector.signal(Signal::CONT);
    let made = sender.made();
    assert_eq!(sender.close().unsure, 0, "the duplicator takes all, however slow the collector is");
    let log = stop(duplicator).stderr;
    stop(collector);
    let came = places.numbers();
    assert!(came.len() > 1_000 && (came.len() as u64) < made, "{} of {made}", came.len());
    assert_eq!(
        said(&log, &format!(": {} messages sent", came.len()), " dropped for want of room"),
        made - came.len() as u64,
        "{log}"
    );
    assert_eq!(came, (0..came.len() as u64).collect::<Vec<_>>(), "what came before it was full");
}

#[test]
fn figures_never_fall_when_stats_is_killed() {
    let places = Places::new();
    let others = ["duplicator", "prometheus_exporter", "collector", "recorder"].map(|part| places.start(part));
    let stats = places.start("stats");
    let mut sender = Sender::connect(&places.messages);
    sender.send(4_000);
    let count = || places.metrics().map(|metrics| metrics.sum("mite_transaction_total", &[]));
    eventually("the first figures", || (count() == Some(2_000.0)).then_some(()));
    kill(stats);
    let again = places.start("stats");
    sender.send(4_000);
    let mut last = 2_000.0;
    eventually("the next figures", || {
        let now = count()?;
        assert!(now >= last, "it falls from {last} to {now}");
        last = now;
        (now == 4_000.0).then_some(())
    });
    assert_eq!(sender.close().unsure, 0);
    let [duplicator, exporter, collector, recorder] = others;
    for part in [duplicator, collector, recorder, again, exporter] {
        stop(part);
    }
}

#[test]
fn figures_wait_for_an_exporter_that_is_away() {
    const MADE: u64 = 4_000;
    let places = Places::new();
    let (duplicator, stats) = (places.start("duplicator"), places.start("stats"));
    let mut sender = Sender::connect(&places.messages);
    for _ in 0..8 {
        // Spread over more dumps than wait in its queue.
        sender.send(MADE / 8);
        std::thread::park_timeout(Duration::from_millis(300));
    }
    assert_eq!(sender.close().unsure, 0);
    let exporter = places.start("prometheus_exporter");
    eventually("all figures", || {
        let metrics = places.metrics()?;
        (metrics.sum("mite_transaction_total", &[]) == (MADE / 2) as f64).then_some(())
    });
    for part in [duplicator, stats, exporter] {
        stop(part);
    }
}

#[test]
fn a_part_that_is_told_to_stop_under_load_loses_nothing() {
    for part in ["duplicator", "collector", "recorder", "stats"] {
        let places = Places::new();
        let mut parts: Vec<(&str, Running)> = PARTS.iter().map(|part| (*part, places.start(part))).collect();
        let mut sender = Sender::connect(&places.messages);
        let sending = std::thread::spawn(move || {
            sender.send_for(Duration::from_secs(3), 5_000);
            sender
        });
        std::thread::park_timeout(Duration::from_secs(1));
        let place = parts.iter().position(|(name, _)| *name == part).expect("it runs");
        stop(parts.remove(place).1);
        parts.insert(place, (part, places.start(part)));
        let sender = sending.join().expect("it only sends");
        let made = sender.made();
        let counts = sender.close();
        assert_eq!((counts.sent, counts.unsure), (made, 0), "{part}");
        let half = ((0..made).filter(|number| number % 4 > 1).count()) as f64;
        eventually(&format!("{part}: figures of all"), || {
            (places.metrics()?.sum("mite_transaction_total", &[]) == half).then_some(())
        });
        // What came to the one before is told by its last receipt.
        for kind in ["collector", "recorder", "stats"] {
            eventually(&format!("{part}: receipts of {kind}"), || {
                let came = places.metrics()?.sum("mite_messages_received_total", &[&format!("kind=\"{kind}\"")]);
                (came == made as f64).then_some(())
            });
        }
        for name in PARTS {
            let place = parts.iter().position(|(other, _)| *other == name).expect("it runs");
            stop(parts.remove(place).1);
        }
        let mut numbers = places.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..made).collect::<Vec<_>>(), "{part}: collected, each once");
        assert_eq!(places.users().len(), (0..made).filter(|number| number % 4 == 1).count(), "{part}: recorded");
    }
}

/// What is waiting waits, what is too much is counted, and both go on when there is room.
#[test]
fn a_full_disk() {
    // More than the collector holds (16 MiB), and less than the recorder does.
    const MADE: u64 = 160_000;
    const AFTER: u64 = 1_000;
    let places = Places::new();
    let duplicator = places.start("duplicator");
    let parts = ["collector", "recorder"].map(|part| {
        let running = Running::start(&mut without_room(&places.command(part, &[]), 32));
        let heard = Heard::of(&running);
        (running, heard)
    });
    let mut sender = Sender::connect(&places.messages);
    sender.send(MADE);
    for (_, heard) in &parts {
        heard.any(&["make sure there is room"]);
    }
    let [(collector, of_collector), (recorder, of_recorder)] = parts;
    eventually("it has to lose some", || {
        let counted = |line: &str| line.contains(" messages are lost so far") && !line.contains(" 0 messages are lost");
        of_collector.text().lines().any(counted).then_some(())
    });
    let size = |path: PathBuf| std::fs::metadata(path).expect("a file").len();
    assert!(
        size(places.collected().join("current")) <= 32 << 10
            && size(places.recorded().join("users.msgpack")) <= 32 << 10
    );
    for (running, heard) in [(&collector, &of_collector), (&recorder, &of_recorder)] {
        running.more_room();
        heard.any(&["writing again"]);
    }
    sender.send(AFTER);
    assert_eq!(sender.close().dropped, 0);
    stop(duplicator);
    collector.signal(Signal::TERM);
    collector.wait().expect(1);
    stop(recorder);
    let numbers = places.numbers();
    assert!(numbers.is_sorted_by(|one, next| one < next), "each once, in order");
    let lost = MADE + AFTER - numbers.len() as u64;
    assert!(lost > 0 && numbers.ends_with(&(MADE..MADE + AFTER).collect::<Vec<_>>()), "{lost} lost");
    of_collector.any(&[&format!("mite: {lost} messages are lost: there was no room for them")]);
    let users: Vec<u64> = (0..MADE + AFTER).filter(|number| number % 4 == 1).collect();
    assert_eq!(places.users(), users, "the recorder held what it couldn't write");
}

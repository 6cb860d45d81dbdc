//! `mite receiver`: every message to every processor, whatever the others do.

use std::time::Duration;

use rmpv::Value;
use rustix::process::Signal;
use tests::program::{Running, eventually, root};
use tests::receiving::{Receiving, captured, contents, counted, counts, numbered, received, receiver};
use tests::sender::message;
use tests::servers::free_port;
use tests::{files, libzmq, sender};

/// The page of the manual, word for word: figures, files and lines, of a component found by its package's name.
#[test]
fn the_example_of_the_manual() {
    let directory = files::directory();
    let printing = ["--processor=my.custom.processors:PrintProcessor"];
    let second = Running::start(&mut receiver(directory.path(), "tcp://127.0.0.1:14310", &printing));
    let options =
        ["--processor=my.custom.processors:StatsProcessor", "--processor=my.custom.processors:CollectorProcessor"];
    let first = Receiving::granted("tcp://127.0.0.1:14310", &options);
    let messages = captured(20);
    first.send(&messages);
    let (first, kept) = first.stop();
    let first = first.expect(0);
    let all = messages.len() as u64;
    assert_eq!(counts(&first, "my.custom.processors:StatsProcessor"), (all, 0, 0));
    assert_eq!(counts(&first, "my.custom.processors:CollectorProcessor"), (all, 0, 0));
    assert_eq!(contents(&kept.path().join("collector_data/mine")), messages.concat(), "to the byte");
    second.signal(Signal::TERM);
    let printed = second.wait().expect(0).stdout;
    let wanted = |kind: &str| {
        let decoded: Vec<_> = messages.iter().flat_map(|message| files::decode(message)).collect();
        files::of_type(&decoded, kind).len() as u64
    };
    assert!(wanted("txn") > 0);
    assert_eq!(counted(&printed, "mite_transaction_total"), wanted("txn"), "to the last: {printed}");
    assert_eq!(counted(&printed, "mite_journey_error_total"), wanted("error") + wanted("exception"));
}

/// Each beside one that keeps everything.
#[test]
fn a_bad_processor_harms_itself_only() {
    const COLLECTOR: &str = "processors.wasm:CollectorProcessor";
    let messages = numbered(300);
    for (name, failed, words, why) in [
        ("Fails", 100, "failed on", "an error is no end"),
        ("Panics", 100, "so it is", "a panic costs one message, and the next has a new instance"),
        ("Loops", 1, "still computing after 1 s", "an endless loop is ended"),
        ("Allocates", 1, "wanted more memory than it may have (32 MiB: --processor-memory)", "memory is bounded"),
    ] {
        let spec = format!("hostile_processors.wasm:{name}");
        let found = format!("{}/{spec}", root().join("target/journeys").display());
        let healthy = format!("{}/{COLLECTOR}", root().join("target/journeys").display());
        let options = [&format!("--processor={found}"), &format!("--processor={healthy}"), "--processor-memory=32"];
        let receiving = Receiving::start(&options);
        receiving.send(&messages);
        // The one that loops does so for a second of computing, which is longer on a busy machine.
        std::thread::sleep(Duration::from_secs(if name == "Loops" { 4 } else { 0 }));
        let (ended, directory) = receiving.stop();
        let ended = ended.expect(0);
        assert_eq!(counts(&ended, &spec), (300 - failed, failed, 0), "{why}\n{}", ended.stderr);
        assert_eq!(counts(&ended, COLLECTOR), (300, 0, 0), "{why}");
        assert!(ended.stderr.contains(words), "{why}: {}", ended.stderr);
        assert_eq!(contents(&directory.path().join("collector_data/mine")), messages.concat(), "{why}");
        let took = format!("{} took ", name.to_lowercase());
        let printed = ended.stdout.lines().filter(|line| line.starts_with(&took)).count() as u64;
        assert_eq!(printed, 300 - failed, "{why}: each it took, once");
        let complaints =
            ended.stderr.lines().filter(|line| line.contains("failed on") && line.contains("WARN")).count();
        assert!((1..=4).contains(&complaints), "{why}: {complaints} lines, one a second at most\n{}", ended.stderr);
    }
}

/// It is waited for at the end, in bounds, and what it never saw is said.
#[test]
fn a_slow_processor_is_left_behind_at_the_end() {
    let slow = format!("--processor={}/hostile_processors.wasm:Slow", root().join("target/journeys").display());
    let messages = numbered(60);
    let begun = std::time::Instant::now();
    let (ended, directory) = received(&[&slow, "--processor=mite:collector"], &messages);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let (took, failed, dropped) = counts(&ended, "hostile_processors.wasm:Slow");
    assert!(took > 0 && failed <= 1 && dropped > 0, "half a second each: {took}, {failed}, {dropped}");
    assert_eq!(counts(&ended, "mite:collector"), (60, 0, 0));
    assert_eq!(contents(&directory.path().join("collector_data")), messages.concat());
}

/// The others are held up for a second, and then get all that comes.
#[test]
fn a_processor_that_is_too_slow_loses_what_there_is_no_room_for() {
    let slow = format!("--processor={}/hostile_processors.wasm:Slow", root().join("target/journeys").display());
    let large = Value::Binary(vec![7; 600_000]);
    let messages: Vec<_> =
        (0..40_u64).map(|number| message(&[("n", number.into()), ("large", large.clone())])).collect();
    let receiving = Receiving::start(&[&slow, "--processor=mite:collector"]);
    receiving.send(&messages);
    let kept = receiving.directory.path().join("collector_data");
    let (length, of_one) = (messages.concat().len(), messages[0].len());
    let collected = || contents(&kept).len();
    // In two steps, since the processors of other tests have the cores meanwhile.
    eventually("half is collected", || (collected() >= length / 2).then_some(()));
    eventually("all is collected", || (collected() > length - of_one).then_some(()));
    let (ended, directory) = receiving.stop();
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("messages were dropped: it is too slow"), "{}", ended.stderr);
    let (took, failed, dropped) = counts(&ended, "hostile_processors.wasm:Slow");
    assert!(took > 0 && failed <= 1 && dropped > 5, "24 MB where 16 MiB may wait: {took}, {failed}, {dropped}");
    assert_eq!(counts(&ended, "mite:collector"), (40, 0, 0));
    assert_eq!(contents(&directory.path().join("collector_data")), messages.concat());
}

#[test]
fn data_is_recorded() {
    let messages: Vec<_> = (0..100).map(sender::numbered).collect();
    let (ended, directory) = received(&["--processor=mite:recorder"], &messages);
    assert_eq!(counts(&ended, "mite:recorder"), (100, 0, 0));
    let users = std::fs::read(directory.path().join("recorder_data/users.msgpack")).expect("data");
    assert_eq!(files::decode(&users).len(), 25, "one in four");
}

#[test]
fn what_is_no_message_is_counted() {
    let bad: [&[u8]; 6] = [b"", b"\xc1", b"\x82\xa1a", b"\x80\x80", b"\xdf\xff\xff\xff\xff", &[0x91; 200]];
    let mut messages = numbered(10);
    bad.iter().enumerate().for_each(|(place, bad)| messages.insert(2 * place, bad.to_vec()));
    let printing = "--processor=my.custom.processors:PrintProcessor";
    let options = [printing, "--processor=mite:print", "--processor=mite:collector", "--processor=mite:stats"];
    let (ended, directory) = received(&options, &messages);
    assert_eq!(counts(&ended, "my.custom.processors:PrintProcessor"), (10, 6, 0), "{}", ended.stderr);
    assert_eq!(counts(&ended, "mite:print"), (10, 6, 0));
    assert_eq!(counts(&ended, "mite:collector"), (16, 0, 0), "it doesn't look inside");
    assert_eq!(counts(&ended, "mite:stats"), (16, 0, 0), "they are a figure of its own");
    assert_eq!(contents(&directory.path().join("collector_data")), messages.concat());
    for number in 0..10 {
        let line = format!("{{\"type\": \"n\", \"number\": {number}}}");
        assert_eq!(ended.stdout.lines().filter(|it| *it == line).count(), 2, "both print {line}\n{}", ended.stdout);
    }
}

#[test]
fn stats_go_out() {
    let endpoint = format!("tcp://127.0.0.1:{}", free_port());
    let exporter = libzmq::pull(&endpoint);
    let out = format!("--stats-out-socket={endpoint}");
    let (_, _) = received(&["--processor=mite:stats", &out], &captured(10));
    let mut transactions = 0;
    for dump in libzmq::received(exporter) {
        let stats = rmpv::decode::read_value(&mut dump.as_slice()).expect("a dump");
        for stat in stats.as_array().expect("stats") {
            if files::text(stat, "name") == "mite_transaction_total" {
                let series = files::field(stat, "metrics").and_then(Value::as_map).expect("series");
                transactions += series.iter().map(|(_, value)| value.as_u64().expect("a count")).sum::<u64>();
            }
        }
    }
    let all = captured(10);
    let decoded: Vec<_> = all.iter().flat_map(|message| files::decode(message)).collect();
    assert_eq!(transactions, files::of_type(&decoded, "txn").len() as u64);
}

/// No files, sockets, environment; and no ids or endpoints that nobody gave.
#[test]
fn a_processor_has_what_it_was_given_only() {
    let curious = format!("--processor={}/hostile_processors.wasm:Curious", root().join("target/journeys").display());
    let (ended, directory) = received(&[&curious, "--grant-socket=tcp://127.0.0.1:2"], &numbered(1));
    assert!(ended.stdout.contains("curious: false false 0 false false"), "{}\n{}", ended.stdout, ended.stderr);
    let left: Vec<_> = std::fs::read_dir(directory.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["to-send"], "nothing was made");
}

/// It ends with this code and one message, which names the thing and the way out.
#[track_caller]
fn refused(socket: &str, options: &[&str], code: i32, words: &[&str], why: &str) {
    let directory = files::directory();
    let ended = Running::start(&mut receiver(directory.path(), socket, options)).wait().expect(code);
    for word in words {
        assert!(ended.stderr.contains(word), "{why}: no `{word}` in\n{}", ended.stderr);
    }
    if code == 104 {
        let said = ended.stderr.lines().filter(|line| line.starts_with("mite: ")).count();
        assert_eq!(said, 1, "{why}: one message\n{}", ended.stderr);
    }
}

const SOMEWHERE: &str = "tcp://127.0.0.1:14303";
const STATS: &str = "my.custom.processors:StatsProcessor";

#[test]
fn processors_that_are_not_there() {
    refused(SOMEWHERE, &[], 2, &["--processor <SPEC>"], "nothing to do");
    for (spec, words, why) in [
        ("my.custom.processors:Nobody", ["no processor `Nobody`", "PrintProcessor, StatsProcessor"], "not in it"),
        ("load:load", ["has journeys, not processors", "mite scenario test"], "journeys"),
        ("mite:nothing", ["mite has no processor `nothing`", "mite:collector, mite:recorder"], "none of mite's"),
        ("print", ["`print` is not a spec", "needs a colon"], "no colon"),
        ("not.there:Any", ["not/there.wasm", "MITE_PATH"], "not found"),
        ("none.wasm:Any", ["there is no file", "none.wasm"], "no file"),
        ("hostile_processors:Refuses", ["hostile_processors", "not today"], "it can't be made"),
    ] {
        refused(SOMEWHERE, &["--processor", spec], 104, &words, why);
    }
    let (directory, twice) = ("--collector-dir=/dev/null/x", "my.custom.processors:CollectorProcessor");
    let words = ["mite:collector", "/dev/null/x"];
    refused(SOMEWHERE, &["--processor=mite:collector", directory], 104, &words, "no directory");
    let options = ["--processor", twice, "--processor", twice];
    refused(SOMEWHERE, &options, 104, &["another collector", "mine"], "twice the same id");
}

#[test]
fn endpoints_that_cannot_be() {
    let grant = "--grant-socket=tcp://127.0.0.1:14310";
    let ours = ["--processor", STATS];
    refused(SOMEWHERE, &ours, 104, &["no processor may use tcp://127.0.0.1:14310", grant], "not granted");
    let other = ["--processor", STATS, "--grant-socket=tcp://127.0.0.1:1431"];
    refused(SOMEWHERE, &other, 104, &[grant], "another was granted");
    for (socket, option, words, why) in [
        (SOMEWHERE, "--grant-socket=14310", ["--grant-socket", "`14310` is no endpoint"], "no endpoint to grant"),
        (SOMEWHERE, "--stats-out-socket=foo", ["--stats-out-socket", "`foo` is no endpoint"], "figures to nowhere"),
        ("foo", "--quiet", ["RECEIVE_SOCKET", "`foo` is no endpoint"], "no endpoint"),
        ("tcp://*:14303", "--quiet", ["RECEIVE_SOCKET", "can be bound"], "to bind only"),
    ] {
        refused(socket, &["--processor=mite:stats", option], 104, &words, why);
    }
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = format!("tcp://{}", held.local_addr().expect("it is bound"));
    refused(&taken, &["--processor=mite:print", "--bind"], 104, &["RECEIVE_SOCKET", "can't listen on"], "in use");
}

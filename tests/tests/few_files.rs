//! Few files may be open: what can't be is refused with a reason, nothing aborts or spins, and the rest goes on.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::files;
use tests::heard::Heard;
use tests::pipeline::{Places, stop};
use tests::program::{Running, command, component, eventually, with_files};
use tests::servers::{Playground, free_port};
use tests::trial::Trial;

const FILES: u32 = 64;

/// More journeys than there can be connections: those without one fail and say why, and every message of all of them is kept, in files
/// that are opened while nothing is left for connections.
#[test]
fn connections_leave_files_for_everything_else() {
    let playground = Playground::start();
    let url = format!("{}/delay/200", playground.url);
    // Twenty times a second: a refusal takes no time, and whatever is refused tells so.
    let trial = Trial::new(&["journey", "test", "hostile:paced", "--volume=100", "--duration=2"]).config("url", url);
    let trial = trial.option("--workers=2").option("--collector-roll=20").within(|command| with_files(command, FILES));
    let tested = trial.run().expect(99);
    let (refused, answered) = (tested.count("errors_by_class/connect"), tested.count("responses"));
    assert!(refused > 10 && answered > 10, "{refused} refused, {answered} answered");
    assert_eq!(tested.count("errors"), refused, "nothing else is wrong: {:#}", tested.summary);
    assert!(playground.requests() >= answered, "{answered} answered");
    assert!(tested.files > 3, "{} files", tested.files);
    tested.conserved();
    let reason = "too many open files: of the 64 that this process may have";
    assert!(tested.ended.stdout.contains(reason), "{}", tested.ended.stdout);
    assert!(
        tested.ended.stderr.contains("100 journeys at once may need as many connections, and 64 files may be open")
    );
}

#[test]
fn what_can_not_work_at_all_does_not_begin() {
    let load = format!("{}:load", component("load.wasm").display());
    let test = ["scenario", "test", &load, "--add-to-config=url:http://127.0.0.1:1", "--workers=4"];
    for (words, files, want) in [
        (&test[..], 48, "none is left for connections. Raise the limit (`ulimit -n`) or use fewer --workers"),
        (&["collector"], 20, "20 files may be open in this process and it needs 32 at the least"),
    ] {
        let ended = Running::start(&mut with_files(&command(words), files)).wait().expect(104);
        assert!(ended.stderr.contains(want) && !ended.stderr.contains("panicked"), "{words:?}: {}", ended.stderr);
    }
}

/// CPU that a process has used.
fn cpu(running: &Running) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.pid())).expect("it runs");
    let after_name = stat.rsplit(')').next().expect("a line").split_whitespace();
    let ticks: u64 = after_name.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    // A hundred a second, on every Linux there is.
    Duration::from_millis(10 * ticks)
}

/// More connections than can be accepted, from somebody who says nothing.
fn flood(address: &str) -> Vec<TcpStream> {
    (0..2 * FILES).map(|_| TcpStream::connect(address.trim_start_matches("tcp://")).expect("it listens")).collect()
}

/// Each that listens is full of strangers while a test is on: it says so and waits, who is there already is served, and when they have
/// gone others are let in.
#[test]
fn who_listens_waits_until_there_is_room() {
    let (places, playground) = (Places::new(), Playground::start());
    let control = format!("tcp://127.0.0.1:{}", free_port());
    let few = |command: &Command| Running::start(&mut with_files(command, FILES));
    let [duplicator, collector, stats, exporter] =
        ["duplicator", "collector", "stats", "prometheus_exporter"].map(|part| few(&places.command(part, &[])));
    let sockets = [format!("--controller-socket={control}"), format!("--message-socket={}", places.messages)];
    let mut test = command(&["controller", "load:load", "--add-to-config=volume:4", "--add-to-config=seconds:5"]);
    test.arg(format!("--add-to-config=url:{}/delay/20", playground.url)).args(&sockets);
    let controller = few(test.arg(format!("--summary-export={}", places.summary().display())));
    let runner = few(command(&["runner", "--workers=1"]).args(&sockets));
    eventually("the load", || (playground.requests() > 20).then_some(()));
    let listening = [(&duplicator, &places.messages), (&controller, &control), (&exporter, &places.web)];
    let heard = listening.map(|(running, _)| Heard::of(running));
    let (since, before) = (Instant::now(), listening.map(|(running, _)| cpu(running)));
    let strangers = listening.map(|(_, address)| flood(address));
    let said = heard.map(|heard| heard.any(&["raise the limit on open files of this process (`ulimit -n`)"]));
    assert!(said.iter().all(|when| *when >= since));
    std::thread::park_timeout(Duration::from_secs(1));
    for ((running, _), before) in listening.iter().zip(before) {
        let (used, elapsed) = (cpu(running) - before, since.elapsed());
        assert!(used < elapsed / 2, "it spins: {used:?} of CPU in {elapsed:?}");
    }
    drop(strangers);
    eventually("figures", || places.metrics().filter(|metrics| metrics.sum("mite_transaction_total", &[]) > 0.0));
    let late = few(command(&["runner", "--workers=1"]).args(&sockets));
    controller.wait().expect(0);
    [runner, late].into_iter().for_each(|runner| drop(runner.wait().expect(0)));
    [duplicator, collector, stats, exporter].into_iter().for_each(|part| drop(stop(part)));
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(places.summary()).expect("a summary")).expect("JSON");
    let messages = files::messages(&places.collected());
    let requests = files::of_type(&messages, "http_metrics").len() as u64;
    assert_eq!((summary["requests"].as_u64(), playground.requests()), (Some(requests), requests), "{summary:#}");
    assert_eq!((summary["messages_lost"].as_u64(), summary["runners"].as_u64()), (Some(0), Some(2)), "{summary:#}");
}

//! `mite up`: one command, all processes; every count agrees, and nothing is left running.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, test_kill_process};
use tests::files;
use tests::metrics::Metrics;
use tests::program::{Running, command, eventually, run};
use tests::servers::{Playground, free_port};
use tests::trial::{Going, Trial};

/// Processes besides `mite up`: those of the pipeline, and a runner.
const PARTS: [&str; 6] = ["duplicator", "stats", "prometheus_exporter", "collector", "recorder", "runner"];

/// One after the other: each is seven processes.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `mite up` with directories of its own, and the address of its metrics.
fn up(spec: &str, playground: &Playground) -> (Trial, String) {
    let web = format!("127.0.0.1:{}", free_port());
    let trial = Trial::new(&["up", spec]).option(&format!("--web-address={web}")).files(&[]);
    (trial.config("url", format!("{}/json", playground.url)), web)
}

/// The numbers of its children.
fn children(running: &Running) -> Vec<i32> {
    let pid = running.pid();
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

/// Waits until all have been started.
fn started(running: &Running, count: usize) -> Vec<i32> {
    eventually("all have been started", || Some(children(running)).filter(|children| children.len() == count))
}

fn is_there(pid: i32) -> bool {
    // One that has ended and that nobody has waited for is not there either.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    test_kill_process(Pid::from_raw(pid).expect("a number")).is_ok() && !stat.contains(") Z ")
}

/// Which of its children this is.
fn named(children: &[i32], name: &str) -> i32 {
    let is = |pid: &&i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(name.as_bytes())
    };
    *children.iter().find(is).unwrap_or_else(|| panic!("no {name}"))
}

/// Waits until so many requests have been made.
fn load(playground: &Playground, requests: u64) {
    eventually("the load", || (playground.requests() >= requests).then_some(()));
}

/// 300 requests, then nothing: server, summary, files and metrics say so, whoever many runners made them. One Ctrl-C ends all.
#[test]
fn every_count_agrees() {
    let _turn = turn();
    for runners in [1, 2] {
        let playground = Playground::start();
        let (trial, web) = up("probe:lasting", &playground);
        let steps = serde_json::json!([
            { "url": format!("{}/json", playground.url) },
            { "url": format!("{}/status/503", playground.url), "method": "POST" },
            { "url": format!("{}/hang", playground.url), "timeout": 0.02 },
        ]);
        let trial = trial.config("steps", steps).config("count", 300).option(&format!("--runners={runners}"));
        let going = trial.option("--workers=1").start();
        let metrics = eventually("300 requests in the metrics", || {
            let metrics = Metrics::scrape(&web)?;
            let all = metrics.sum("mite_http_response_total", &[]) + metrics.sum("mite_http_error_total", &[]);
            (all >= 300.0).then_some(metrics)
        });
        let processes = children(&going.running);
        assert_eq!(processes.len(), PARTS.len() + runners - 1);
        going.running.signal(Signal::INT);
        let tested = going.wait().expect(105);
        assert_eq!((playground.requests(), tested.count("requests")), (300, 300));
        assert_eq!((tested.count("runners"), tested.count("runners_lost")), (runners as u64, 0));
        for (name, labels, want) in [
            ("mite_http_response_total", &["response_code=\"200\"", "method=\"GET\""][..], 100.0),
            ("mite_http_response_total", &["response_code=\"503\"", "method=\"POST\""], 100.0),
            ("mite_http_error_total", &["error_class=\"timeout\""], 100.0),
            ("mite_transaction_total", &["test=\"probe:lasting\"", "journey=\"probe:counted\""], 300.0),
        ] {
            let got = metrics.sum(name, labels);
            assert!((got - want).abs() < 0.5, "{name} {labels:?}: {got}, not {want}\n{}", metrics.text());
        }
        conserved(&tested);
        assert!(!processes.into_iter().any(is_there), "none is left");
    }
}

/// What was made is in the files, to the message.
#[track_caller]
fn conserved(tested: &tests::trial::Tested) {
    let made = tested.count("messages/made");
    assert_eq!((tested.messages.len() as u64, tested.count("messages_lost")), (made, 0), "{:?}", tested.ended);
    let (metrics, errors) = (tested.of_type("http_metrics").len() as u64, tested.of_type("http_error").len() as u64);
    assert_eq!((metrics, errors), (tested.count("responses"), tested.count("errors")));
}

/// A test that comes to its end by itself, with its summary, and logs that say who speaks.
#[test]
fn it_ends_with_the_test() {
    let _turn = turn();
    let playground = Playground::start();
    let (trial, _) = up("load:load", &playground);
    let tested = trial.config("seconds", 2).config("volume", 8).run().expect(0);
    assert!(playground.requests() > 100, "{}", playground.requests());
    assert_eq!(tested.count("requests"), playground.requests());
    conserved(&tested);
    for part in PARTS {
        let lines =
            tested.ended.stderr.lines().filter(|line| line.starts_with(part) && line[part.len()..].contains("| "));
        assert!(lines.count() > 0, "{part} has no line:\n{}", tested.ended.stderr);
    }
    assert!(tested.ended.stdout.contains("load:load"), "the summary:\n{}", tested.ended.stdout);
}

/// Thresholds are the controller's, and so is the exit code.
#[test]
fn the_exit_code_is_the_tests() {
    let _turn = turn();
    let playground = Playground::start();
    let (trial, _) = up("load:load", &playground);
    let crossed = trial.config("seconds", 1).option("--max-response-time-threshold=0.001");
    conserved(&crossed.run().expect(99));
}

/// A second signal cuts runs off, and they are counted. Nobody is waited for who hangs: no third signal is needed.
#[test]
fn a_second_signal() {
    let _turn = turn();
    for stuck in ["", "duplicator", "runner"] {
        let playground = Playground::start();
        let (trial, _) = up("probe:plan", &playground);
        let steps = serde_json::json!([{ "url": format!("{}/hang", playground.url) }]);
        let going = trial.config("journey", "mix").config("steps", steps).config("volume", 3).start();
        load(&playground, 3);
        let processes = children(&going.running);
        if !stuck.is_empty() {
            let pid = Pid::from_raw(named(&processes, stuck)).expect("a number");
            rustix::process::kill_process(pid, Signal::STOP).expect("it is there");
        }
        // Of two of a kind that come at once it would hear one.
        going.running.signal(Signal::INT);
        going.running.signal(Signal::TERM);
        let tested = going.wait().expect(105);
        if stuck.is_empty() {
            assert_eq!((tested.count("requests"), tested.count("errors_by_class/cancelled")), (3, 3));
            conserved(&tested);
        } else {
            let said = format!("{stuck} was ended before it had drained");
            assert!(tested.ended.stderr.contains(&said), "{stuck}:\n{}", tested.ended.stderr);
        }
        assert!(!processes.into_iter().any(is_there), "{stuck}: none is left");
    }
}

fn endless(playground: &Playground) -> Going {
    let (trial, _) = up("load:load", playground);
    trial.config("seconds", 300).config("pause", 0.01).option("--workers=1").start()
}

/// Whichever part is lost: it is named, the summary is there, nothing is left.
#[test]
fn a_part_that_dies_ends_the_test() {
    let _turn = turn();
    for part in ["duplicator", "stats", "prometheus_exporter", "collector", "recorder", "runner"] {
        let playground = Playground::start();
        let going = endless(&playground);
        load(&playground, 20);
        let processes = children(&going.running);
        let pid = Pid::from_raw(named(&processes, part)).expect("a number");
        rustix::process::kill_process(pid, Signal::KILL).expect("it is there");
        let tested = going.wait().expect(1);
        let said = format!("{part} was ended by signal 9");
        assert!(tested.ended.stderr.contains(&said), "{part}:\n{}", tested.ended.stderr);
        // A runner's figures are those of its last report, which may be a second old.
        assert!(tested.count("requests") >= if part == "runner" { 0 } else { 20 }, "the summary has been written");
        assert!(!processes.into_iter().any(is_there), "{part}: none is left");
    }
}

/// Killed, it can tell nobody anything; still nothing outlives it.
#[test]
fn nothing_outlives_it() {
    let _turn = turn();
    let playground = Playground::start();
    let going = endless(&playground);
    let processes = started(&going.running, PARTS.len());
    load(&playground, 20);
    going.running.signal(Signal::KILL);
    eventually("all have ended", || (!processes.iter().any(|pid| is_there(*pid))).then_some(()));
}

/// The usual ports are used by another test: the next ones serve.
#[test]
fn a_port_that_is_taken() {
    let _turn = turn();
    let playground = Playground::start();
    let (trial, _) = up("load:load", &playground);
    // Somebody has it, be it we or a test beside this one.
    let taken = TcpListener::bind("127.0.0.1:14302");
    let tested = trial.config("seconds", 1).run().expect(0);
    drop(taken);
    let said = "usual ports are taken: the controller is at 14";
    assert!(tested.ended.stderr.contains(said), "{}", tested.ended.stderr);
    assert_eq!(tested.count("requests"), playground.requests());
    conserved(&tested);
}

/// What can't be used is said in time, with 104, and nothing is left.
#[test]
fn bad_input() {
    let _turn = turn();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("--web-address={}", taken.local_addr().expect("bound"));
    let directory = files::directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let no_directory = format!("--collector-dir={}", file.display());
    let own = |name: &str, at: &Path| format!("--{name}-dir={}", at.join(name).display());
    let (collector, recorder) = (own("collector", directory.path()), own("recorder", directory.path()));
    for (words, code, says) in [
        (&["up", "nothing:x", &collector, &recorder][..], 104, "mite: there is no component `nothing`"),
        (&["up", "load", &collector, &recorder], 104, "load"),
        (
            &["up", "load:load", "--add-to-config=url:http://127.0.0.1:9/", &collector, &recorder, &address],
            104,
            "mite: cannot listen on 127.0.0.1",
        ),
        (
            &["up", "load:load", "--add-to-config=url:http://127.0.0.1:9/", &no_directory, &recorder],
            104,
            "mite: cannot make the directory",
        ),
        (&["up", "load:load", "--runners=0"], 2, "--runners"),
        (&["up", "load:load", "--workers=0"], 2, "--workers"),
        (&["up"], 2, "<SPEC>"),
    ] {
        let begun = Instant::now();
        let ended = run(words).expect(code);
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
        let parts = ended.stderr.lines().filter(|line| line.contains(" | ")).count();
        assert_eq!(parts, 0, "{words:?}: no part has been started: {}", ended.stderr);
        assert!(begun.elapsed() < Duration::from_secs(30), "{words:?}: {:?}", begun.elapsed());
    }
    let mine = directory.path().display().to_string();
    let left = std::fs::read_dir("/proc").expect("processes").flatten().filter(|process| {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&mine)
    });
    assert_eq!(left.count(), 0, "nothing is left running");
}

/// The example of its help runs as it stands there.
#[test]
fn the_help_has_an_example() {
    let help = run(&["up", "--help"]).expect(0).stdout;
    let example = help.lines().find_map(|line| line.trim().strip_prefix("Example: mite ")).expect("an example");
    let (playground, directory) = (Playground::start(), files::directory());
    let example = example.replace("http://127.0.0.1:14380", &playground.url);
    let words: Vec<&str> = example.split(' ').collect();
    let mut command = command(&words);
    command.current_dir(directory.path()).env("MITE_PATH", tests::program::root().join("target/journeys"));
    Running::start(&mut command).wait().expect(0);
    assert!(directory.path().join("collector_data").is_dir() && playground.requests() > 0);
}

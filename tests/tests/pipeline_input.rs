//! What users give the components of the pipeline wrong beside single options (`options.rs`), and the tools around their files.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use tests::files;
use tests::pipeline::{Places, kill, stop};
use tests::program::{Running, command, eventually, mite, run};
use tests::sender::{Sender, encoded};

/// Fails unless each of these ends so and says these words.
#[track_caller]
fn refused(code: i32, cases: &[(&[&str], &[&str])]) {
    for (arguments, words) in cases {
        let ended = run(arguments);
        let stderr = &ended.stderr;
        assert_eq!(ended.code(), code, "{arguments:?}: {stderr}");
        assert!(code == 2 || stderr.contains("mite: "), "{arguments:?}: {stderr}");
        for word in *words {
            assert!(stderr.contains(word), "{arguments:?}: no `{word}` in {stderr}");
        }
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn wrong_usage() {
    refused(
        2,
        &[
            (&["duplicator"], &["OUT_SOCKET", "Usage"]),
            (&["cat"], &["MSGPACK_FILE", "Usage"]),
            (&["uncat", "file"], &["Usage"]),
        ],
    );
}

#[test]
fn what_is_taken_or_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let web = listener.local_addr().expect("it is bound").to_string();
    let taken = format!("tcp://{web}");
    let fine = "tcp://127.0.0.1:0";
    refused(
        104,
        &[
            (
                &["duplicator", "--message-socket", &taken, fine],
                &["--message-socket", &taken, "in use", "choose another"],
            ),
            (&["duplicator", "--message-socket", fine, &taken], &["OUT_SOCKET", &taken, "in use"]),
            (
                &["prometheus_exporter", "--web-address=127.0.0.1:0", "--stats-out-socket", &taken],
                &["--stats-out-socket", "in use"],
            ),
            (
                &["prometheus_exporter", "--stats-out-socket", fine, "--web-address", &web],
                &["--web-address", &web, "in use"],
            ),
            (&["cat", "no/such/file"], &["no/such/file", "No such file"]),
            (&["cat", "tests"], &["tests", "directory"]),
        ],
    );
}

#[test]
fn a_second_one_on_a_directory_is_refused() {
    for (part, option) in [("collector", "--collector-dir"), ("recorder", "--recorder-dir")] {
        let places = Places::new();
        let first = places.start(part);
        let directory = if part == "collector" { places.collected() } else { places.recorded() };
        eventually("the first has begun", || directory.join(".lock").exists().then_some(()));
        let second = run(&[part, option, &directory.display().to_string()]).expect(104);
        assert!(second.stderr.contains("another ") && second.stderr.contains(option), "{}", second.stderr);
        stop(first);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let places = Places::new();
    let part = places.start("duplicator");
    let mut sender = Sender::connect(&places.messages);
    sender.send(100);
    assert_eq!(sender.close().unsure, 0, "it is up");
    // Nobody fetches these, so it lingers.
    part.signal(rustix::process::Signal::TERM);
    std::thread::park_timeout(std::time::Duration::from_millis(600));
    part.signal(rustix::process::Signal::TERM);
    let ended = part.wait().expect(1);
    assert!(ended.stderr.contains("ended at once"), "{}", ended.stderr);
}

/// What a tool makes of this on its standard input.
fn piped(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(mite());
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    writing.join().expect("it only writes").expect("all is read");
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    output.stdout
}

#[test]
fn files_come_back_from_json_to_the_byte() {
    let places = Places::new();
    let parts = ["duplicator", "collector", "recorder"].map(|part| places.start(part));
    let mut sender = Sender::connect(&places.messages);
    sender.send(1_500);
    assert_eq!(sender.close().unsure, 0);
    parts.into_iter().for_each(|part| drop(stop(part)));
    let mut written = files::names(&places.collected());
    written.push(places.recorded().join("users.msgpack"));
    assert_eq!(written.len(), 3, "1000 messages, 500 messages, the data");
    for path in written {
        let bytes = std::fs::read(&path).expect("a file");
        let lines = run(&["cat", &path.display().to_string()]).expect(0).stdout;
        let values = files::decode(&bytes);
        assert_eq!(lines.lines().count(), values.len());
        lines.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect("JSON")));
        assert!(piped(&["uncat"], lines.as_bytes()) == bytes, "{}", path.display());
        let pretty = run(&["cat", "--prettify-timestamps", &path.display().to_string()]).expect(0).stdout;
        let times = pretty.matches(r#""time": "2026-11-22T07:51:12.500000Z""#).count();
        assert_eq!(times, if path.ends_with("users.msgpack") { 0 } else { values.len() });
    }
}

#[test]
fn a_torn_or_wrong_file_is_shown_as_far_as_it_is_good() {
    let directory = files::directory();
    let good = encoded(&rmpv::Value::from("good"));
    for (name, tail, words) in
        [("torn", &b"\x81\xa4ty"[..], "ends in the middle of a value"), ("wrong", b"\xc1", "0xc1")]
    {
        let path = directory.path().join(name);
        std::fs::write(&path, [&good[..], &good, tail].concat()).expect("a file");
        let ended = run(&["cat", &path.display().to_string()]).expect(104);
        assert_eq!(ended.stdout, "\"good\"\n\"good\"\n");
        assert!(ended.stderr.contains(words) && ended.stderr.contains("after 2 of them"), "{}", ended.stderr);
    }
}

#[test]
fn a_collector_that_was_killed_leaves_whole_messages() {
    let places = Places::new();
    let duplicator = places.start("duplicator");
    let collector = places.start("collector");
    let mut sender = Sender::connect(&places.messages);
    sender.send(500);
    eventually("they are written", || {
        let current = places.collected().join("current");
        (std::fs::metadata(current).ok()?.len() > 0).then_some(())
    });
    kill(collector);
    // As if it had been killed in the middle of a write.
    let current = places.collected().join("current");
    let mut file = std::fs::OpenOptions::new().append(true).open(&current).expect("a file");
    file.write_all(b"\x83\xa4type\xa3tx").expect("room");
    let again = places.start("collector");
    sender.send(500);
    assert_eq!(sender.close().unsure, 0);
    stop(duplicator);
    let log = stop(again).stderr;
    assert!(log.contains("half written: 9 bytes cut off"), "{log}");
    let numbers = places.numbers();
    assert!(numbers.len() >= 500 && numbers.is_sorted(), "{} whole messages, in order", numbers.len());
}

#[test]
fn filters_json_and_messages_that_are_none() {
    let places = Places::new();
    let duplicator = places.start("duplicator");
    let collector = places.start_with("collector", &["--collector-filter=type=txn", "--collector-use-json"]);
    let mut sender = Sender::connect(&places.messages);
    sender.send(400);
    assert_eq!(sender.close().unsure, 0);
    stop(duplicator);
    stop(collector);
    let text = std::fs::read_to_string(places.collected().join("current")).expect("a file");
    assert_eq!(text.lines().count(), 200);
    assert!(text.lines().all(|line| line.starts_with(r#"{"type": "txn", "had_error": false, "#)), "{text}");
}

#[test]
fn sigusr1_shows_the_next_messages() {
    let places = Places::new();
    let mut command = command(&["duplicator", "--message-socket", &places.messages, "tcp://127.0.0.1:0"]);
    let duplicator = Running::start(command.env("MITE_DEBUG_MESSAGES_TO_DUMP", "3"));
    let mut sender = Sender::connect(&places.messages);
    sender.send(1);
    eventually("it is up", || std::net::TcpStream::connect(places.messages.strip_prefix("tcp://")?).ok());
    std::thread::park_timeout(std::time::Duration::from_millis(500));
    duplicator.signal(rustix::process::Signal::USR1);
    std::thread::park_timeout(std::time::Duration::from_millis(300));
    sender.send(9);
    assert_eq!(sender.close().unsure, 0);
    duplicator.signal(rustix::process::Signal::TERM);
    let ended = duplicator.wait().expect(0);
    let shown: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(shown.len(), 3, "{}\n{}", ended.stdout, ended.stderr);
    assert!(shown[0].starts_with(r#"{"type": "data_created""#) && shown[2].contains(r#""number": 3}"#), "{shown:?}");
}

#[test]
fn recorded_data_is_a_datapool() {
    let places = Places::new();
    let parts = ["duplicator", "recorder"].map(|part| places.start(part));
    let mut sender = Sender::connect(&places.messages);
    sender.send(40);
    assert_eq!(sender.close().unsure, 0);
    parts.into_iter().for_each(|part| drop(stop(part)));
    assert_eq!(places.users().len(), 10);
    let pool = places.recorded().join("users.msgpack").display().to_string();
    let tested = tests::trial::Trial::new(&["journey", "run", "probe:take", &pool]).run().expect(0);
    let taken = tested.of_type("item").into_iter().map(files::json).collect::<Vec<_>>();
    assert_eq!(taken.len(), 1, "{:?}", tested.messages);
    assert!(taken[0].to_string().contains(r#"{"id":1}"#), "{taken:?}");
}

/// Whoever read what a part has to say may be gone: it goes on, and ends when it is told to.
#[test]
fn nobody_reads_what_it_says() {
    let places = Places::new();
    let socket = format!("--collector-socket={}", places.messages);
    let mut collector = command(&["collector", &socket]);
    collector.arg("--collector-dir").arg(places.collected()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = collector.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut said = std::io::BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).expect("a line");
    assert!(line.contains("--collector-socket"), "{line}");
    drop(said);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
    let ended = eventually("its end", || child.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(0), "drained");
}

//! The pipeline as processes: every message is where it should be, to the record.

use std::collections::{BTreeMap, BTreeSet};

use tests::golden::{Style, series};
use tests::metrics::Metrics;
use tests::pipeline::{PARTS, Places, stop};
use tests::program::{Running, eventually, root};
use tests::sender::{Sender, python};

/// How many of so many numbered messages have a remainder of their number by 4.
fn share(made: u64, remainders: &[u64]) -> u64 {
    remainders.iter().map(|remainder| (made + 3 - remainder) / 4).sum()
}

/// Waits until the exporter shows so much.
#[track_caller]
fn shown(places: &Places, name: &str, labels: &[&str], want: u64) -> Metrics {
    let mut last = None;
    let metrics = eventually(&format!("{name} is {want}"), || {
        let metrics = places.metrics()?;
        last = Some(metrics.sum(name, labels));
        (last == Some(want as f64)).then_some(metrics)
    });
    assert!(last.is_some());
    metrics
}

/// Fails unless `made` numbered messages are wherever they belong.
#[track_caller]
fn conserved(places: &Places, made: u64, why: &str) {
    let numbers: BTreeSet<u64> = places.numbers().into_iter().collect();
    assert_eq!(places.numbers().len() as u64, made, "{why}: collected");
    assert_eq!(numbers, (0..made).collect(), "{why}: each of them");
    let users: Vec<u64> = (0..made).filter(|number| number % 4 == 1).collect();
    let mut recorded = places.users();
    recorded.sort_unstable();
    assert_eq!(recorded, users, "{why}: recorded");
}

#[test]
fn every_message_is_everywhere_whoever_starts_first() {
    const MADE: u64 = 20_000;
    let backwards: Vec<&str> = PARTS.into_iter().rev().collect();
    for (order, sender_first, why) in [
        (PARTS.to_vec(), false, "as data flows"),
        (backwards, false, "backwards"),
        (PARTS.to_vec(), true, "sender first"),
    ] {
        let places = Places::new();
        let mut sender = sender_first.then(|| Sender::connect(&places.messages));
        sender.iter_mut().for_each(|sender| sender.send(MADE / 2));
        let mut parts: Vec<(&str, Running)> = order.iter().map(|part| (*part, places.start(part))).collect();
        let mut sender = sender.unwrap_or_else(|| Sender::connect(&places.messages));
        sender.send(MADE - sender.made());
        let counts = sender.close();
        assert_eq!((counts.made, counts.sent, counts.dropped, counts.unsure), (MADE, MADE, 0, 0), "{why}");
        shown(&places, "mite_transaction_total", &[r#"had_error="False""#], share(MADE, &[2, 3]));
        shown(&places, "mite_http_response_total", &[r#"method="GET""#, r#"response_code="200""#], share(MADE, &[0]));
        shown(&places, "mite_messages_made_total", &[r#"kind="runner""#, r#"test="load:load""#], MADE);
        shown(&places, "mite_messages_received_total", &[r#"kind="stats""#], MADE);
        let metrics = shown(&places, "mite_messages_made_total", &[r#"kind="duplicator""#], 2 * MADE);
        for none in ["mite_messages_dropped_total", "mite_messages_missing_total", "mite_messages_malformed_total"] {
            assert_eq!(metrics.sum(none, &[]), 0.0, "{why}: {none}");
        }
        // In the order data flows, so that each has all that the one before had.
        for part in PARTS {
            let place = parts.iter().position(|(name, _)| *name == part).expect("it runs");
            stop(parts.remove(place).1);
        }
        conserved(&places, MADE, why);
    }
}

#[test]
fn libzmq_sends_and_several_of_a_kind_share() {
    const MADE: u64 = 3_000;
    let places = Places::new();
    let duplicator = places.start("duplicator");
    let first: Vec<Running> =
        ["collector", "recorder", "stats", "stats", "prometheus_exporter"].map(|part| places.start(part)).into();
    let elsewhere = tests::files::directory();
    let second = places.start_with("collector", &[&format!("--collector-dir={}", elsewhere.path().display())]);
    python(&places.messages, MADE);
    shown(&places, "mite_messages_received_total", &[r#"kind="stats""#], MADE);
    let metrics = shown(&places, "mite_transaction_total", &[], share(MADE, &[2, 3]));
    assert_eq!(metrics.sum("mite_http_response_time_seconds_count", &[]), share(MADE, &[0]) as f64);
    stop(duplicator);
    first.into_iter().chain([second]).for_each(|part| drop(stop(part)));
    let (here, there) = (places.numbers().len(), tests::files::messages(elsewhere.path()).len());
    assert_eq!((here + there) as u64, MADE, "each message in one of the two collectors");
    assert!(here > 0 && there > 0, "both take some: {here} {there}");
    assert_eq!(places.users().len() as u64, share(MADE, &[1]), "and the recorder gets all of its own");
}

/// What Python's stats sent is shown as Python's exporter showed it, to the digit, but for what `docs/exporter.md` names.
#[test]
fn figures_of_python_are_shown_as_python_shows_them() {
    const PUSH: &str = "
import sys, zmq
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(sys.argv[1])
for path in sys.argv[2:]:
    socket.send(open(path, 'rb').read())
socket.close()
zmq.Context.instance().term()
";
    let golden = |name: &str| root().join("tests/wire").join(name);
    let paths = [1, 2, 3].map(|number| golden(&format!("stats.dump.{number}.bin")));
    let dumps = paths.each_ref().map(|path| std::fs::read(path).expect("a dump"));
    let text = std::fs::read_to_string(golden("metrics.txt")).expect("Python's text");
    // The dumps are some of those that this text was made of: its series are all there, its counts are higher.
    let pythons = series(&dumps, Style::Python);
    assert!(pythons.len() > 60, "{}", pythons.len());
    for line in pythons.keys() {
        assert!(text.contains(&format!("{line} ")), "{line}");
    }
    let places = Places::new();
    let exporter = places.start("prometheus_exporter");
    let [one, two, three] = paths.each_ref().map(|path| path.to_str().expect("a plain path"));
    tests::python::start(PUSH, &[&places.stats_out, one, two, three]).wait().expect(0);
    let metrics = shown(&places, "mite_exporter_dumps_total", &[], 3);
    let is_own =
        |line: &&str| line.starts_with(['#']) || line.starts_with("mite_exporter_") || line.starts_with("process_");
    let lines = metrics.text().lines().filter(|line| !is_own(line));
    let ours: BTreeMap<String, f64> = lines
        .map(|line| line.rsplit_once(' ').expect("a value"))
        .map(|(series, value)| (series.to_owned(), value.parse().expect("a number")))
        .collect();
    assert_eq!(ours, series(&dumps, Style::Ours));
    let types = |text: &str| -> BTreeSet<String> {
        text.lines().filter(|line| line.starts_with("# TYPE ")).map(str::to_owned).collect()
    };
    let shown = types(metrics.text());
    let wanted: BTreeSet<_> =
        types(&text).into_iter().filter(|line| pythons.keys().any(|it| it.starts_with(name(line)))).collect();
    assert!(wanted.len() > 3 && wanted.is_subset(&shown), "{wanted:?}\n{shown:?}");
    stop(exporter);
}

/// The name in a line of types.
fn name(line: &str) -> &str {
    line.split(' ').nth(2).expect("a name")
}

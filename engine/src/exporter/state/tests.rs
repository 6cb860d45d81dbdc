use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::web::text;
use crate::wire::dump::{encode, write_label};
use crate::wire::value::View;

use super::*;

fn golden(number: u32) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    std::fs::read(format!("{folder}/stats.dump.{number}.bin")).unwrap()
}

fn state() -> State {
    State::new(Limits::default(), |name| (name == "c_total").then_some("Back\\slash and\nnewline."))
}

fn labels(values: &[View<'_>]) -> LabelValues {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| write_label(&mut bytes, *value));
    LabelValues::new(&bytes, values.len())
}

fn stat(name: &str, labels: &[&str], values: Values) -> StatDump {
    StatDump { name: name.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect(), values }
}

fn counter_of(values: &[View<'_>], number: f64) -> StatDump {
    let names = &["test", "b", "c", "d"][..values.len()];
    stat("c_total", names, Values::Counter(vec![(labels(values), Number::Float(number))]))
}

fn gauge_of(number: f64) -> StatDump {
    stat("g", &["test"], Values::Gauge(vec![(labels(&[View::Str("T")]), Number::Float(number))]))
}

fn histogram_of(bins: &[f64], counts: &[u64], sum: f64, total: u64) -> StatDump {
    let seen = Observations { counts: counts.to_vec(), sum, total };
    let series = vec![(labels(&[View::Str("x")]), seen)];
    stat("h_seconds", &["transaction"], Values::Histogram { bins: bins.to_vec(), series })
}

/// Lines of text about metrics that are not the exporter's own.
fn lines(state: &State) -> String {
    let text = text(&state.families());
    assert!(text.ends_with('\n'));
    let others = text.lines().filter(|line| !line.contains("mite_exporter_"));
    others.map(|line| format!("{line}\n")).collect()
}

#[test]
fn dumps_add_up() {
    let mut state = state();
    for _ in 0..2 {
        state.merge(vec![
            counter_of(&[View::Str("T"), View::Bin(b"GET"), View::Bool(true), View::Nil], 2.0),
            gauge_of(7.5),
            histogram_of(&[0.0001, 0.5, 1.0, 16.0], &[0, 1, 2, 2], 20.5, 3),
        ]);
        // The same text is the same series, whatever it was on the wire; a value over all bins has none.
        state.merge(vec![
            counter_of(&[View::Str("T"), View::Str("GET"), View::Str("True"), View::Str("None")], 1.0),
            gauge_of(3.0),
            histogram_of(&[0.0001, 0.5, 1.0, 16.0], &[], 99.0, 1),
        ]);
    }
    let expected = "\
# HELP c_total Back\\\\slash and\\nnewline.
# TYPE c_total counter
c_total{test=\"T\",b=\"GET\",c=\"True\",d=\"None\"} 6
# HELP g Sent by a stats process.
# TYPE g gauge
g{test=\"T\"} 3
# HELP h_seconds Sent by a stats process.
# TYPE h_seconds histogram
h_seconds_bucket{transaction=\"x\",le=\"0.0001\"} 0
h_seconds_bucket{transaction=\"x\",le=\"0.5\"} 2
h_seconds_bucket{transaction=\"x\",le=\"1\"} 4
h_seconds_bucket{transaction=\"x\",le=\"16\"} 4
h_seconds_bucket{transaction=\"x\",le=\"+Inf\"} 8
h_seconds_sum{transaction=\"x\"} 239
h_seconds_count{transaction=\"x\"} 8
";
    assert_eq!(lines(&state), expected);
    assert_eq!(state.refused(), 0);
}

#[test]
fn what_does_not_fit_is_refused_and_counted() {
    let mut state = state();
    state.merge(vec![counter_of(&[View::Str("T")], 1.0), gauge_of(1.0), histogram_of(&[1.0, 2.0], &[1, 1], 1.0, 1)]);
    let before = lines(&state);
    let t = || labels(&[View::Str("T")]);
    let count = |name: &str| stat(name, &["test"], Values::Counter(vec![(t(), Number::Int(1))]));
    for (stat, reason) in [
        (stat("c_total", &["other"], Values::Counter(vec![(t(), Number::Int(1))])), Refusal::Changed),
        (stat("c_total", &["test"], Values::Gauge(vec![(t(), Number::Int(1))])), Refusal::Changed),
        (histogram_of(&[1.0, 3.0], &[1, 1], 1.0, 1), Refusal::Changed),
        (histogram_of(&[1.0, 2.0], &[1], 1.0, 1), Refusal::Value),
        (histogram_of(&[1.0, 2.0], &[1, 1], f64::NAN, 1), Refusal::Value),
        (counter_of(&[View::Str("T")], -1.0), Refusal::Value),
        (counter_of(&[View::Str("new")], f64::INFINITY), Refusal::Value),
        (count("h_seconds_count"), Refusal::Changed),
        (count(REFUSED), Refusal::Changed),
    ] {
        let refused = state.refused[reason as usize];
        state.merge(vec![stat.clone()]);
        assert_eq!(state.refused[reason as usize], refused + 1, "{stat:?}");
    }
    for bytes in [&b""[..], b"\xc1", b"\x80", b"\x91\x80"] {
        state.merge_bytes(bytes);
    }
    assert_eq!(state.refused[Refusal::Malformed as usize], 4);
    assert_eq!(lines(&state), before);
}

#[test]
fn limits_hold_and_what_is_there_goes_on() {
    let mut state = State::new(Limits { metrics: 2, series: 3, bytes: 10_000 }, |_| None);
    for number in 0..10 {
        state.merge(vec![counter_of(&[View::Int(number)], 1.0)]);
    }
    state.merge(vec![counter_of(&[View::Int(0)], 1.0), gauge_of(1.0), histogram_of(&[1.0], &[1], 1.0, 1)]);
    assert_eq!(state.refused[Refusal::Limit as usize], 8);
    assert!(lines(&state).contains("c_total{test=\"0\"} 2\n"));
    let mut state = State::new(Limits { metrics: 5, series: 30, bytes: 250 }, |_| None);
    state.merge(vec![histogram_of(&[1.0], &[1], 1.0, 1), gauge_of(1.0)]);
    state.merge(vec![histogram_of(&[1.0], &[1], 1.0, 1)]);
    assert_eq!(state.refused(), 1);
    assert!(lines(&state).contains("h_seconds_count{transaction=\"x\"} 2\n"));
}

#[test]
fn a_test_can_be_forgotten() {
    let mut state = state();
    let both = vec![
        counter_of(&[View::Str("T")], 1.0),
        counter_of(&[View::Str("U")], 1.0),
        gauge_of(1.0),
        histogram_of(&[1.0], &[1], 1.0, 1),
    ];
    state.merge(both.clone());
    let bytes = state.bytes;
    assert_eq!((state.forget("T"), state.forget("T")), (2, 0));
    assert!(state.bytes < bytes);
    let text = lines(&state);
    assert!(
        text.contains("test=\"U\"") && !text.contains("test=\"T\"") && !text.contains("TYPE g") && text.contains("h_")
    );
    state.merge(both);
    assert!(lines(&state).contains("c_total{test=\"T\"} 1\n") && state.refused() == 0);
    assert_eq!(state.bytes, bytes);
}

#[test]
fn pythons_dumps_are_shown() {
    let mut state = state();
    (1..=3).for_each(|number| state.merge_bytes(&golden(number)));
    assert_eq!(state.refused(), 0);
    let text = lines(&state);
    for line in [
        "mite_journey_error_total{test=\"wscen:scenario\",journey=\"wscen:exc_j\",transaction=\"__root__\",\
         location=\"wscen.py:34:exc_j\",ex_type=\"ValueError\",message=\"ValueError: boom é\"}",
        "transaction=\"__root__ :: outer :: in\\\"ner\\\\x\\nnl\"",
        "method=\"GET\",response_code=\"302\"",
        "had_error=\"False\"",
        "mite_http_response_time_seconds_bucket{transaction=\"__root__ :: redir\",le=\"0.0001\"} ",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// Needs `promtool`. Three names of Python's are not to its taste, and must stay.
#[test]
fn promtool_finds_nothing_to_complain_about() {
    let mut state = state();
    (1..=3).for_each(|number| state.merge_bytes(&golden(number)));
    state.merge_bytes(&encode(&[
        counter_of(&[View::Str("a\nb\\c\"d\r\u{202e}é"), View::Nil, View::Float(1e-7), View::BigInt(u64::MAX)], 1e300),
        histogram_of(&[0.0001, 1e21], &[1, 1], -1.5, 1),
        gauge_of(f64::NAN),
        stat("no_labels_total", &[], Values::Counter(vec![(labels(&[]), Number::Int(1))])),
        StatDump { name: "mite_runner_count".to_owned(), ..gauge_of(1.0) },
        StatDump { name: "mite_actual_count".to_owned(), ..gauge_of(1.0) },
        StatDump { name: "mite_required_count".to_owned(), ..gauge_of(1.0) },
    ]));
    assert_eq!(state.refused(), 0);
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = promtool.expect("promtool is missing: apt-get install prometheus");
    promtool.stdin.take().unwrap().write_all(text(&state.families()).as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let known = |line: &&str| {
        let names = ["mite_runner_count ", "mite_actual_count ", "mite_required_count "];
        names.iter().any(|name| line.starts_with(name)) && line.ends_with("should not have \"_count\" suffix")
    };
    let others: Vec<_> = complaints.lines().filter(|line| !known(line)).collect();
    assert_eq!(others, [""; 0]);
    // 0 is without complaints, 3 with, 1 is text that can't be read.
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn series_of_a_test_that_is_over_expire() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let mut state = state();
    state.merge(vec![counter_of(&[View::Str("T")], 1.0), gauge_of(2.0), histogram_of(&[1.0], &[1], 0.5, 1)]);
    let start = Instant::now();
    assert_eq!(state.expire(start + HOUR / 2, HOUR), 0, "not yet");
    // The test goes on with one of its series: all of them stay.
    state.tests.news(&["test".to_owned()], &["T".to_owned()], start + HOUR);
    assert_eq!(state.expire(start + HOUR * 3 / 2, HOUR), 1, "the histogram, which is of no test");
    assert_eq!(lines(&state).lines().filter(|line| !line.starts_with('#')).count(), 2);
    assert_eq!(state.expire(start + HOUR * 5 / 2, HOUR), 2, "the test is over");
    assert_eq!((lines(&state).as_str(), state.bytes), ("", 0));
    state.merge(vec![counter_of(&[View::Str("T")], 5.0)]);
    assert!(lines(&state).ends_with("c_total{test=\"T\"} 5\n"), "it begins anew: {}", lines(&state));
}

#[test]
fn accounts_are_counters_beside_the_figures() {
    use crate::wire::account::{Account, receipt_key};
    let mut state = state();
    let account = |sender: &str, kind: &str, test: &str, made, dropped| Account {
        sender: sender.to_owned(),
        kind: kind.to_owned(),
        test: test.to_owned(),
        run_id: String::new(),
        made,
        dropped,
    };
    for account in
        [account("a", "runner", "T", 10, 1), account("b", "runner", "T", 5, 0), account("a", "runner", "T", 12, 2)]
    {
        state.note(&account.key(), &account.encode());
    }
    state.note(&receipt_key("s"), &account("s", "stats", "", 15, 0).encode());
    state.note(b"account/x", b"\xc1");
    let text = text(&state.families());
    for line in [
        "mite_messages_made_total{kind=\"runner\",test=\"T\"} 17",
        "mite_messages_dropped_total{kind=\"runner\",test=\"T\"} 2",
        "mite_messages_received_total{kind=\"stats\"} 15",
        "mite_messages_missing_total{kind=\"stats\"} 0",
        "mite_exporter_refused_total{reason=\"malformed\"} 1",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    state.merge(vec![stat("mite_messages_made_total", &[], Values::Counter(vec![(labels(&[]), Number::Int(1))]))]);
    assert!(!lines(&state).contains("mite_messages_made_total 1"), "no stat may take such a name");
}

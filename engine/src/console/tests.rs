//! What is printed, as a whole: golden texts (`UPDATE=1 cargo test console` writes them anew; look at the difference), and
//! that nothing hostile gets through.

use std::time::Duration;

use super::live::Live;
use super::look::Look;
use super::{Phase, Progress, Report, ScenarioLine, Threshold, Verbosity, export, sample, summary};
use crate::wire::totals::{Failure, RunTotals, Totals, latency};

fn golden(name: &str, got: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/golden").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, got).expect("the golden text can be written");
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == want, "{name} is not what it was (UPDATE=1 accepts it):\n{got}");
}

fn printed(report: &Report, look: Look, verbosity: Verbosity) -> String {
    let mut out = Vec::new();
    summary::print(report, look, verbosity, &mut out).expect("memory can be written to");
    String::from_utf8(out).expect("text")
}

fn screen(width: usize, colour: bool) -> Look {
    Look { width, rows: 40, colour, terminal: true }
}

#[test]
fn summaries() {
    for (name, report) in [("good", sample::report()), ("bad", sample::bad_report()), ("small", sample::small_report())]
    {
        for width in [80, 120] {
            let text = printed(&report, Look::plain(width), Verbosity::Normal);
            golden(&format!("{name}-{width}.txt"), &text);
            for line in text.lines() {
                assert!(super::text::width(line) <= width, "over {width} columns: {line}");
            }
        }
    }
    let mut lossy = sample::report();
    (lossy.consumers[0].lost, lossy.consumers[0].open) = (30, 4);
    let text = printed(&lossy, Look::plain(120), Verbosity::Normal);
    assert!(text.contains("  consumers   collector 1,572,918   30 lost   4 not told of   stats 1,572,918\n"), "{text}");
    golden("bad-quiet.txt", &printed(&sample::bad_report(), Look::plain(80), Verbosity::Quiet));
    golden("good-quiet.txt", &printed(&sample::report(), Look::plain(80), Verbosity::Quiet));
    golden("good.json", &export::json(&sample::report()));
}

#[test]
fn many_names() {
    let mut report = sample::report();
    let one = report.totals.requests["checkout"].clone();
    report.totals.requests = (0..30).map(|i| (format!("name {i:02}"), one.clone())).collect();
    report.totals.requests.insert("other".into(), one);
    let text = printed(&report, Look::plain(120), Verbosity::Normal);
    assert!(text.contains("name 19") && !text.contains("name 20") && text.contains("and 11 more"));
    let all = printed(&report, Look::plain(120), Verbosity::Verbose);
    assert!(all.contains("name 29\u{20}") && all.contains("  other ") && !all.contains("more"));
    assert!(all.find("  other ") > all.find("name 29"), "what had no room comes last");
}

#[test]
fn exit_codes() {
    let good = sample::report();
    let crossed = vec![Threshold { text: "p95 < 1 ms".into(), actual: "2 ms".into(), held: false }];
    for (report, want, why) in [
        (good.clone(), 0, "done and held"),
        (Report { thresholds: crossed.clone(), ..good.clone() }, 99, "crossed"),
        (Report { thresholds: crossed, messages_lost: 1, ..good.clone() }, 111, "judged on less than the whole"),
        (Report { runners_lost: 1, ..good.clone() }, 111, "a runner lost"),
        (Report { starts_missed: 1, ..good }, 111, "a start missed"),
        (sample::bad_report(), 105, "a signal"),
    ] {
        assert_eq!(report.exit_code(), want, "{why}");
    }
}

/// The test of [`sample`] at some second.
fn at(seconds: u64) -> Progress {
    let mut progress = sample::progress();
    progress.elapsed = Duration::from_secs(seconds);
    for requests in progress.totals.requests.values_mut() {
        for count in requests.statuses.values_mut().chain(requests.errors.values_mut()) {
            *count = *count * seconds / 120;
        }
        let all = std::mem::replace(&mut requests.latency, latency());
        for bucket in all.iter_recorded() {
            let number = bucket.count_at_value() * seconds / 120;
            if number > 0 {
                requests.latency.record_n(bucket.value_iterated_to(), number).expect("it grows");
            }
        }
    }
    progress
}

#[test]
fn blocks() {
    let mut text = String::new();
    for width in [60, 80, 120] {
        let mut out = Vec::new();
        let mut live = Live::new(&mut out, screen(width, false), Verbosity::Normal);
        live.update(&Progress { phase: Phase::Waiting, runners: 0, ..at(0) }).expect("memory");
        let mut many = at(42);
        many.scenarios.extend((2..12).map(|id| ScenarioLine { id, journey: "shop:x".into(), required: 5, running: 4 }));
        live.update(&Progress { totals: Totals::default(), ..at(0) }).expect("memory");
        live.update(&at(37)).expect("memory");
        live.update(&at(42)).expect("memory");
        live.suspend(|| ()).expect("memory");
        live.update(&many).expect("memory");
        live.clear().expect("memory");
        text += &String::from_utf8(out).expect("text").replace('\x1b', "␛");
        text += "\n\n";
    }
    golden("live.txt", &text);
}

#[test]
fn lines_every_ten_seconds() {
    let mut out = Vec::new();
    let mut live = Live::new(&mut out, Look::plain(80), Verbosity::Normal);
    for seconds in [3, 8, 11, 14] {
        live.update(&Progress { phase: Phase::Waiting, ..at(seconds) }).expect("memory");
    }
    for seconds in (0..45).chain([60, 61, 70]) {
        live.update(&at(seconds)).expect("memory");
    }
    let text = String::from_utf8(out).expect("text");
    golden("lines.txt", &text);
    assert_eq!(text.lines().count(), 1 + 4 + 2, "waiting 0:11; 0:10 to 0:40; 1:00 and 1:10");
}

#[test]
fn quiet_is_quiet() {
    let mut out = Vec::new();
    let mut live = Live::new(&mut out, screen(80, true), Verbosity::Quiet);
    live.update(&at(42)).expect("memory");
    live.clear().expect("memory");
    assert!(out.is_empty());
}

/// Text that somebody wishes ill with; always another one.
fn hostile(seed: &mut u64) -> String {
    const PIECES: [&str; 12] = [
        "\x1b[35;7mX",
        "\x1b]0;title\x07",
        "\u{9b}2J",
        "\r",
        "\n\n",
        "\t",
        "\0",
        "\u{202e}",
        "日本語",
        "a b",
        " :: ",
        "GET http://shop.example/a/very/long/path/that/needs/to/be/cut?because=it&is=long",
    ];
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize
    };
    let length = 1 + next() % 6;
    (0..length).map(|_| PIECES[next() % PIECES.len()]).collect()
}

fn hostile_report(seed: &mut u64) -> Report {
    let mut report = sample::bad_report();
    let mut text = || hostile(seed);
    (report.test, report.run_id, report.ending) = (text(), text(), super::Ending::Signal(text()));
    report.thresholds = vec![Threshold { text: text(), actual: text(), held: false }];
    report.warnings = vec![text(), text()];
    let totals = &mut report.totals;
    totals.requests = totals.requests.values().map(|one| (text(), one.clone())).collect();
    totals.transactions = totals.transactions.values().map(|one| (text(), one.clone())).collect();
    totals.journeys = [(text(), RunTotals::default())].into();
    let failure = Failure { journey: text(), transaction: text(), ex_type: text(), message: text() };
    totals.failures = [(failure, 7)].into();
    report
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let mut seed = 42;
    for round in 0..60 {
        let width = 40 + round * 2;
        let report = hostile_report(&mut seed);
        let mut progress = Progress { test: hostile(&mut seed), totals: report.totals.clone(), ..sample::progress() };
        progress.scenarios.iter_mut().for_each(|line| line.journey = hostile(&mut seed));
        for colour in [false, true] {
            let look = Look { colour, ..screen(width, colour) };
            let mut out = Vec::new();
            Live::new(&mut out, look, Verbosity::Normal).update(&progress).expect("memory");
            let mut text = String::from_utf8(out).expect("text");
            for line in text.lines().filter(|_| !colour) {
                assert!(super::text::width(line) <= width, "the block would wrap at {width}: {line}");
            }
            for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
                text += &printed(&report, look, verbosity);
            }
            for style in ["\x1b[1m", "\x1b[2m", "\x1b[1;32m", "\x1b[1;31m", "\x1b[33m", "\x1b[0m"] {
                text = if colour { text.replace(style, "") } else { text };
            }
            let bad = text.chars().find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
            assert_eq!(bad, None, "{text}");
        }
    }
}

#[test]
fn export_replaces_whole_files_only() {
    let folder = std::env::temp_dir().join(format!("mite-export-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("summary.json");
    std::fs::write(&path, "old").expect("written");
    std::os::unix::fs::symlink(&path, folder.join("link.json")).expect("linked");
    export::write(&folder.join("link.json"), &sample::report()).expect("written");
    let text = std::fs::read_to_string(&path).expect("it is where the link points");
    assert_eq!(text, export::json(&sample::report()));
    assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), 2, "nothing temporary stays");
    for bad in [folder.join("missing/summary.json"), folder.clone()] {
        let error = export::write(&bad, &sample::report()).expect_err("it can't be written");
        assert!(error.to_string().contains(bad.to_str().expect("text")), "{error} names the file");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), 2, "nothing temporary stays");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn export_has_no_numbers_without_samples() {
    let mut report = sample::small_report();
    report.duration = Duration::ZERO;
    let value: serde_json::Value = serde_json::from_str(&export::json(&report)).expect("JSON");
    assert_eq!(value["latency_ms"]["p50"], 4.123, "within a thousandth of 4.12");
    assert!(value["latency_ms"]["p99"].is_null() && value["requests_per_s"].is_null());
    report.totals = Totals::default();
    let value: serde_json::Value = serde_json::from_str(&export::json(&report)).expect("JSON");
    assert!(value["latency_ms"]["max"].is_null() && value["generator"]["latencies_reliable"].is_null());
    assert_eq!((&value["requests"], &value["errors_by_class"]["timeout"]), (&0.into(), &0.into()));
}

/// The manual shows the very text that is printed, and names every key of the JSON.
#[test]
fn manual() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/summary.md");
    let page = std::fs::read_to_string(&path).expect("docs/summary.md");
    for width in [80, 120] {
        let text = printed(&sample::report(), Look::plain(width), Verbosity::Normal);
        assert!(page.contains(&text), "{} does not show the summary at {width} columns", path.display());
    }
    let block = include_str!("golden/live.txt").split("␛[6A␛[J").nth(1).expect("the block at 80 columns");
    assert!(page.contains(block.trim_end()), "{} does not show the live block", path.display());
    let value = serde_json::from_str(&export::json(&sample::report())).expect("JSON");
    let mut keys = Vec::new();
    collect_keys(&value, &mut keys);
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "{} does not say what `{key}` is", path.display());
    }
}

fn collect_keys(value: &serde_json::Value, keys: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, inner) in map {
                // Keys that are names of the test's own.
                if !key.contains([' ', ':'])
                    && !["checkout", "__root__"].contains(&key.as_str())
                    && key.parse::<u16>().is_err()
                {
                    keys.push(key.clone());
                }
                collect_keys(inner, keys);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

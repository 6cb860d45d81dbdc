//! Every figure agrees with the server's own count, to the one.

use serde_json::json;
use tests::files::{directory, field, number, text};
use tests::metrics::{Metrics, Prometheus};
use tests::pipeline::{Places, stop};
use tests::program::{Running, command, eventually};
use tests::servers::{Nginx, Playground, free_port};
use tests::trial::{Tested, Trial};

#[test]
fn everything_agrees_with_nginx() {
    let nginx = Nginx::start("location / { return 200 'hello'; }");
    let trial = Trial::scenario("load:load").config("url", format!("{}/", nginx.url)).config("seconds", 2);
    let tested = trial.config("volume", 5).option("--collector-roll=1000").run().expect(0);
    let served = nginx.stop().len() as u64;
    assert!(served > 100, "{served}");
    assert_eq!((tested.count("requests"), tested.count("responses")), (served, served));
    assert_eq!(tested.count("statuses/200"), served);
    assert_eq!(tested.count("received_bytes"), served * 5, "`hello` each");
    tested.conserved();
    let full = tested.messages.len() / 1_000;
    assert_eq!(tested.files, full + 1, "files of 1,000 messages each and one of the rest: {}", tested.messages.len());
}

/// What went wrong for the client was there for the server all the same.
#[test]
fn every_kind_of_answer_is_counted() {
    let playground = Playground::start();
    const LONG: f64 = 20.0;
    for (paths, timeout, errors, why) in [
        (&["/json", "/status/500", "/status/404"][..], LONG, &[][..], "answers of any status"),
        (&["/bytes/0", "/bytes/100000", "/chunked/5000", "/gzip/5000"], LONG, &[], "bodies of any kind"),
        (&["/delay/5", "/delay/400"], 0.2, &["timeout"], "some too late"),
        (&["/stall", "/hang"], 0.1, &["timeout"], "half an answer, and none"),
        (&["POST /close", "/json"], LONG, &["protocol"], "a closed connection, old or new"),
    ] {
        let url = |path: &str| match path.split_once(' ') {
            Some((method, path)) => {
                json!({ "method": method, "url": playground.url.clone() + path, "timeout": timeout })
            }
            None => json!({ "url": playground.url.clone() + path, "timeout": timeout }),
        };
        let steps: serde_json::Value = paths.iter().map(|path| url(path)).collect();
        let before = playground.requests();
        let tested = Trial::plan("mix").config("steps", steps).config("seconds", 1).config("volume", 6).run().expect(0);
        let served = playground.requests() - before;
        assert!(served >= 6, "{why}: {served}");
        assert_eq!(tested.count("requests"), served, "{why}: {:#}", tested.summary);
        let failed: u64 = errors.iter().map(|class| tested.count(&format!("errors_by_class/{class}"))).sum();
        assert_eq!(tested.count("errors"), failed, "{why}: {:#}", tested.summary["errors_by_class"]);
        assert_eq!(failed > 0, !errors.is_empty(), "{why}");
        assert_eq!(statuses(&tested), tested.count("responses"), "{why}");
        tested.conserved();
    }
}

fn statuses(tested: &Tested) -> u64 {
    tested.summary["statuses"].as_object().expect("statuses").values().filter_map(serde_json::Value::as_u64).sum()
}

/// A request that may be made twice (GET) is one for the summary only if the server saw one.
#[test]
fn requests_on_connections_that_are_closed_are_counted_as_often_as_they_were_made() {
    let playground = Playground::start();
    let steps = json!([{ "url": format!("{}/close", playground.url) }, { "url": format!("{}/json", playground.url) }]);
    let tested = Trial::plan("mix").config("steps", steps).config("seconds", 1).config("volume", 2).run().expect(0);
    assert_eq!(tested.count("requests"), playground.requests(), "{:#}", tested.summary["errors_by_class"]);
    tested.conserved();
}

/// Rates are divided by this: it can't be shorter than the time from the first message to the last.
#[test]
fn the_duration_is_that_of_the_load() {
    let playground = Playground::start();
    let url = format!("{}/json", playground.url);
    for seconds in [0.6, 1.4] {
        let trial = Trial::scenario("load:load").config("url", &url).config("seconds", seconds).config("volume", 2);
        let tested = trial.run().expect(0);
        let times: Vec<f64> = tested.of_type("http_metrics").iter().map(|message| number(message, "time")).collect();
        let span = times[times.len() - 1] - times[0];
        let told = tested.summary["duration_s"].as_f64().expect("a number");
        assert!(span > seconds * 0.8 && told >= span && told < span + 0.5, "{told} s, but messages of {span} s");
        let rate = tested.summary["requests_per_s"].as_f64().expect("a rate");
        assert!((rate * told / times.len() as f64 - 1.0).abs() < 0.01, "{rate}/s in {told} s");
    }
}

#[test]
fn redirects_are_counted_one_by_one() {
    let playground = Playground::start();
    let steps = json!([{ "url": format!("{}/redirect/3", playground.url) }]);
    let tested = Trial::plan("mix").config("steps", steps).config("seconds", 0.5).run().expect(0);
    assert_eq!(tested.count("requests"), playground.requests());
    assert_eq!(tested.count("statuses/302"), 3 * tested.count("statuses/200"));
    tested.conserved();
}

#[test]
fn errors_that_reach_no_server_are_counted_too() {
    let steps = json!([
        { "url": format!("http://127.0.0.1:{}/", free_port()) },
        { "url": "http://nonexistent.invalid/", "timeout": 20.0 },
    ]);
    let trial = Trial::plan("counted").config("datapool", "numbers").config("count", 6).config("steps", steps);
    let tested = trial.run().expect(0);
    assert_eq!((tested.count("requests"), tested.count("responses")), (6, 0));
    assert_eq!((tested.count("errors_by_class/connect"), tested.count("errors_by_class/dns")), (3, 3));
    tested.conserved();
}

/// A second signal cuts off what runs; the server had those requests, and so has the summary.
#[test]
fn what_is_cut_off_is_counted_as_cancelled() {
    use rustix::process::Signal;
    let playground = Playground::start();
    let steps = json!([{ "url": format!("{}/hang", playground.url) }]);
    let going = Trial::plan("mix").config("steps", steps).config("volume", 7).start();
    eventually("all requests are with the server", || (playground.requests() == 7).then_some(()));
    going.running.signal(Signal::INT);
    going.running.signal(Signal::TERM);
    let tested = going.wait().expect(105);
    assert_eq!(playground.requests(), 7);
    assert_eq!((tested.count("requests"), tested.count("errors_by_class/cancelled")), (7, 7));
    assert_eq!(tested.runs("cancelled"), 7);
    tested.conserved();
}

/// A scenario that makes so many requests and then goes on, so that the web server stays.
fn lasting(playground: &Playground, address: &str) -> Trial {
    let steps = json!([
        { "url": format!("{}/json", playground.url) },
        { "url": format!("{}/status/503", playground.url), "method": "POST" },
        { "url": format!("{}/hang", playground.url), "timeout": 0.02 },
    ]);
    let trial = Trial::scenario("probe:lasting").config("steps", steps).config("count", 300);
    trial.option(&format!("--web-address={address}"))
}

#[test]
fn metrics_agree_with_server_summary_and_files() {
    let playground = Playground::start();
    let address = format!("127.0.0.1:{}", free_port());
    let going = lasting(&playground, &address).start();
    let metrics = eventually("300 requests in the metrics", || {
        let metrics = Metrics::scrape(&address)?;
        let all = metrics.sum("mite_http_response_total", &[]) + metrics.sum("mite_http_error_total", &[]);
        (all >= 300.0).then_some(metrics)
    });
    going.running.signal(rustix::process::Signal::INT);
    let tested = going.wait().expect(105);
    assert_eq!((playground.requests(), tested.count("requests")), (300, 300));
    for (name, labels, want) in [
        ("mite_http_response_total", &["response_code=\"200\"", "method=\"GET\""][..], 100.0),
        ("mite_http_response_total", &["response_code=\"503\"", "method=\"POST\""], 100.0),
        ("mite_http_error_total", &["error_class=\"timeout\"", "journey=\"probe:counted\""], 100.0),
        ("mite_http_response_time_seconds_count", &[], 200.0),
        ("mite_transaction_total", &["journey=\"probe:counted\"", "test=\"probe:lasting\""], 300.0),
        ("mite_journey_error_total", &[], 0.0),
        ("mite_runner_count", &[], 1.0),
    ] {
        let got = metrics.sum(name, labels);
        assert!((got - want).abs() < 0.5, "{name} {labels:?}: {got}, not {want}\n{}", metrics.text());
    }
    tested.conserved();
    let run_ids: std::collections::BTreeSet<_> =
        tested.messages.iter().map(|message| text(message, "run_id").to_owned()).collect();
    assert_eq!(run_ids.into_iter().collect::<Vec<_>>(), [tested.summary["run_id"].as_str().expect("an id")]);
    assert!(tested.messages.iter().all(|message| field(message, "test").is_some()), "every message names its test");
}

#[test]
fn a_real_prometheus_scrapes_it() {
    let playground = Playground::start();
    let address = format!("127.0.0.1:{}", free_port());
    let prometheus = Prometheus::scraping(&address);
    let going = lasting(&playground, &address).start();
    eventually("Prometheus has 200 responses and 100 errors", || {
        let (responses, errors) = ("sum(mite_http_response_total)", "sum(mite_http_error_total)");
        let (responses, errors) = (prometheus.value(responses)?, prometheus.value(errors)?);
        (prometheus.value("up")? > 0.5 && responses > 199.5 && errors > 99.5).then_some(())
    });
    assert_eq!(prometheus.value("sum(mite_http_response_total)"), Some(200.0));
    assert_eq!(prometheus.value("mite_http_response_time_seconds_bucket{le=\"+Inf\"}"), Some(200.0));
    going.running.signal(rustix::process::Signal::INT);
    going.wait().expect(105).conserved();
    assert_eq!(playground.requests(), 300);
}

/// All messages in a directory.
fn messages_in(directory: std::path::PathBuf) -> Vec<rmpv::Value> {
    tests::files::messages(&directory)
}

/// Several of each component, as processes: each message goes to one of each kind, and what Prometheus has in the end is what the
/// server counted.
#[test]
fn a_real_prometheus_scrapes_components() {
    let (nginx, places, other) = (Nginx::start("location / { return 200 'hello'; }"), Places::new(), directory());
    let prometheus = Prometheus::scraping(&places.web);
    let mut parts = vec![places.start("duplicator"), places.start("collector")];
    parts.push(places.start_with("collector", &[&format!("--collector-dir={}", other.path().display())]));
    parts.extend(["recorder", "stats", "stats", "receiver", "prometheus_exporter"].map(|part| places.start(part)));
    let control = format!("--controller-socket=tcp://127.0.0.1:{}", free_port());
    let sockets = [control, format!("--message-socket={}", places.messages)];
    let start = |words: &[&str]| Running::start(command(words).args(&sockets));
    let url = format!("--add-to-config=url:{}/", nginx.url);
    let summary = places.summary();
    let export = format!("--summary-export={}", summary.display());
    let runners = ["runner", "runner"].map(|runner| start(&[runner, "--workers=1"]));
    let seconds = ["--add-to-config=seconds:3", "--expect-runners=2"];
    start(&["controller", "load:load", &url, &export, seconds[0], seconds[1]]).wait().expect(0);
    for runner in runners {
        runner.wait().expect(0);
    }
    let served = nginx.stop().len() as u64;
    assert!(served > 100, "{served}");
    eventually("Prometheus has them all", || {
        (prometheus.value("sum(mite_http_response_total)")? >= served as f64).then_some(())
    });
    for query in ["sum(mite_http_response_total)", "sum(mite_http_response_time_seconds_count)"] {
        assert_eq!(prometheus.value(query), Some(served as f64), "{query}");
    }
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&summary).expect("a summary")).expect("it is JSON");
    let made = summary["messages"]["made"].as_u64().expect("a count");
    assert_eq!((summary["requests"].as_u64(), summary["runners"].as_u64()), (Some(served), Some(2)));
    parts.into_iter().for_each(|part| drop(stop(part)));
    let [one, two, received] = [places.collected(), other.path().into(), places.received()].map(messages_in);
    assert!(!one.is_empty() && !two.is_empty(), "both collectors have some");
    assert_eq!(
        [one.len() + two.len(), received.len()],
        [made as usize; 2],
        "each message in one, and in the receiver's"
    );
}

/// What Prometheus' own checker has to say: nothing but the names that are Python's.
#[test]
fn promtool_accepts_the_metrics() {
    use std::io::Write;
    let playground = Playground::start();
    let address = format!("127.0.0.1:{}", free_port());
    let going = lasting(&playground, &address).start();
    let metrics = eventually("some metrics", || {
        Metrics::scrape(&address).filter(|metrics| metrics.sum("mite_http_response_total", &[]) > 0.0)
    });
    going.running.signal(rustix::process::Signal::INT);
    going.wait().expect(105);
    let mut promtool = std::process::Command::new("/usr/bin/promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("promtool is missing: apt-get install --no-install-recommends prometheus");
    promtool.stdin.take().expect("piped").write_all(metrics.text().as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let complaints: Vec<_> = said.lines().filter(|line| !line.contains("_count")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}\n{}", metrics.text());
}

//! Any two components that talk to each other, whichever of them is there first: all gets through, and both end when they should.

use std::path::PathBuf;

use tests::files;
use tests::heard::Heard;
use tests::metrics::Metrics;
use tests::pipeline::stop;
use tests::program::{Running, command, eventually, root};
use tests::sender::Sender;
use tests::servers::{Playground, free_port};

/// A line of components, each connected to the next.
struct Line {
    control: String,
    messages: String,
    out: String,
    figures: String,
    web: String,
    directory: tempfile::TempDir,
}

impl Line {
    fn new() -> Self {
        let endpoint = || format!("tcp://127.0.0.1:{}", free_port());
        let (control, messages, out, figures) = (endpoint(), endpoint(), endpoint(), endpoint());
        Self {
            control,
            messages,
            out,
            figures,
            web: format!("127.0.0.1:{}", free_port()),
            directory: files::directory(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts a component, and waits until it says that it is there.
    fn start(&self, name: &str, url: &str) -> Running {
        let socket = |option: &str, endpoint: &str| format!("--{option}={endpoint}");
        let (control, messages) =
            (socket("controller-socket", &self.control), socket("message-socket", &self.messages));
        let options = match name {
            "controller" => {
                let summary = format!("--summary-export={}", self.path("summary.json").display());
                let url = format!("--add-to-config=url:{url}");
                vec!["load:load".to_owned(), control, messages, summary, url, "--add-to-config=seconds:0.5".to_owned()]
            }
            "runner" => vec![control, messages, "--workers=1".to_owned()],
            "duplicator" => vec![messages, self.out.clone()],
            "collector" => vec![socket("collector-socket", &self.out)],
            "recorder" => vec![socket("recorder-socket", &self.out)],
            "stats" => vec![socket("stats-in-socket", &self.out), socket("stats-out-socket", &self.figures)],
            "prometheus_exporter" => {
                vec![socket("stats-out-socket", &self.figures), format!("--web-address={}", self.web)]
            }
            "receiver" => {
                let sends = "--processor=my.custom.processors:StatsProcessor".to_owned();
                let keeps = "--processor=my.custom.processors:CollectorProcessor".to_owned();
                vec![self.out.clone(), sends, keeps, "--grant-socket=tcp://127.0.0.1:14310".to_owned()]
            }
            "second receiver" => {
                vec!["tcp://127.0.0.1:14310".to_owned(), "--processor=my.custom.processors:PrintProcessor".to_owned()]
            }
            other => panic!("no component {other}"),
        };
        let word = name.rsplit(' ').next().expect("a word");
        let mut command = command(&[word]);
        command.args(options).current_dir(self.directory.path()).env("MITE_PATH", root().join("target/journeys"));
        let running = Running::start(&mut command);
        Heard::of(&running).up();
        running
    }

    /// Starts these one after the other, with the two of the pair last and as they stand there.
    fn start_all(&self, before: &[&'static str], pair: [&'static str; 2], url: &str) -> Vec<(&'static str, Running)> {
        before.iter().copied().chain(pair).map(|name| (name, self.start(name, url))).collect()
    }
}

/// Ends these in the order data flows, so that each has all that the one before had. Answers what the last of them printed.
fn stop_all(mut parts: Vec<(&'static str, Running)>) -> String {
    const FLOW: [&str; 7] =
        ["duplicator", "collector", "recorder", "receiver", "second receiver", "stats", "prometheus_exporter"];
    parts.sort_by_key(|(part, _)| FLOW.iter().position(|name| name == part));
    parts.into_iter().map(|(_, running)| stop(running).stdout).last().unwrap_or_default()
}

const MADE: u64 = 400;

/// Each message of a sender is where it should be.
fn data(before: &[&'static str], pair: [&'static str; 2]) {
    let line = Line::new();
    let parts = line.start_all(before, pair, "");
    let mut sender = Sender::connect(&line.messages);
    sender.send(MADE);
    assert_eq!(sender.close().unsure, 0, "{pair:?}");
    let has = |name: &str| parts.iter().any(|(part, _)| *part == name);
    if has("stats") {
        let shown = eventually(&format!("{pair:?}: figures"), || {
            let shown = Metrics::scrape(&line.web)?.sum("mite_transaction_total", &[]);
            (shown >= (MADE / 2) as f64).then_some(shown)
        });
        assert_eq!(shown, (MADE / 2) as f64, "{pair:?}: more figures than messages");
    }
    let collected = [("collector", "collector_data"), ("receiver", "collector_data/mine")];
    let collected: Vec<_> = collected.into_iter().filter(|(part, _)| has(part)).collect();
    let (records, prints) = (has("recorder"), has("second receiver"));
    let printed = stop_all(parts);
    for (part, directory) in collected {
        assert_eq!(files::messages(&line.path(directory)).len() as u64, MADE, "{pair:?}: {part}");
    }
    if records {
        let bytes = std::fs::read(line.path("recorder_data/users.msgpack")).expect("what was recorded");
        assert_eq!(files::decode(&bytes).len() as u64, MADE / 4, "{pair:?}");
    }
    assert!(!prints || printed.contains("mite_transaction_total"), "{pair:?}: {printed}");
}

/// A test is run, and its messages are collected.
fn control(before: &[&'static str], pair: [&'static str; 2]) {
    let (line, playground) = (Line::new(), Playground::start());
    let mut parts = line.start_all(before, pair, &playground.url);
    for name in ["controller", "runner"] {
        let place = parts.iter().position(|(part, _)| *part == name).expect("it runs");
        parts.remove(place).1.wait().expect(0);
    }
    stop_all(parts);
    let messages = files::messages(&line.path("collector_data"));
    let of = |kind: &str| files::of_type(&messages, kind).len() as u64;
    let requests = playground.requests();
    assert!(requests > 0 && of("http_metrics") == requests, "{pair:?}: {requests}, {} messages", of("http_metrics"));
    assert!(of("controller_report") > 0, "{pair:?}: the controller's messages");
}

type Prove = fn(&[&'static str], [&'static str; 2]);

/// What is there before, and who then comes first and second, and the other way round.
const PAIRS: [(Prove, &[&str], [&str; 2]); 9] = [
    (control, &["duplicator", "collector"], ["runner", "controller"]),
    (control, &["controller", "collector"], ["runner", "duplicator"]),
    (control, &["runner", "collector"], ["controller", "duplicator"]),
    (data, &[], ["duplicator", "collector"]),
    (data, &[], ["duplicator", "recorder"]),
    (data, &["prometheus_exporter"], ["duplicator", "stats"]),
    (data, &["duplicator"], ["stats", "prometheus_exporter"]),
    // These two bind a port of the manual, so they come one after the other.
    (data, &["second receiver"], ["duplicator", "receiver"]),
    (data, &["duplicator"], ["receiver", "second receiver"]),
];

#[test]
fn every_pair_in_both_orders() {
    let both = |(prove, before, [one, other]): (Prove, &[&'static str], [&'static str; 2])| {
        prove(before, [one, other]);
        prove(before, [other, one]);
    };
    std::thread::scope(|scope| {
        let (free, bound) = PAIRS.split_at(7);
        free.iter().for_each(|pair| drop(scope.spawn(move || both(*pair))));
        scope.spawn(move || bound.iter().for_each(|pair| both(*pair)));
    });
}

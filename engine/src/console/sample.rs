//! A test as it could have been, for the golden texts and the manual.

use std::time::Duration;

use super::{Consumer, Ending, Phase, Progress, Report, ScenarioLine, Threshold};
use crate::wire::totals::{ErrorClass, Failure, Latency, MessageTotals, RunTotals, Totals, WorkerHealth};

/// A long tail: every 10,000th sample is 400 times the usual one.
fn record(latency: &mut Latency, samples: u64, usual_us: u64) {
    for (share, factor) in [(5_000, 10), (4_000, 16), (500, 22), (400, 35), (90, 80), (9, 180), (1, 400)] {
        latency.record_n(usual_us * factor / 10, (samples * share / 10_000).max(1)).expect("it grows");
    }
}

fn add_requests(totals: &mut Totals, name: &str, usual_us: u64, statuses: &[(u16, u64)], errors: &[(ErrorClass, u64)]) {
    let requests = totals.requests.entry(name.to_owned()).or_default();
    requests.statuses = statuses.iter().copied().collect();
    requests.errors = errors.iter().copied().collect();
    requests.received_bytes = requests.responses() * 2_145;
    requests.sent_bytes = requests.responses() * 61;
    let responses = requests.responses();
    record(&mut requests.latency, responses, usual_us);
}

fn add_failure(totals: &mut Totals, count: u64, transaction: &str, ex_type: &str, message: &str) {
    let [journey, transaction, ex_type, message] = ["shop:buy", transaction, ex_type, message].map(str::to_owned);
    totals.failures.insert(Failure { journey, transaction, ex_type, message }, count);
}

fn worker(share: f64, lag_us: u64) -> WorkerHealth {
    let mut worker = WorkerHealth { cpu_seconds: share * 120.0, wall_seconds: 120.0, ..WorkerHealth::default() };
    worker.guest_seconds = worker.cpu_seconds * 0.28;
    record(&mut worker.lag, 12_000, lag_us);
    record(&mut worker.timer_lag, 12_000, lag_us * 2);
    worker
}

pub fn totals() -> Totals {
    use ErrorClass::{Connect, Timeout};
    let mut totals = Totals::default();
    add_requests(&mut totals, "GET http://shop.example/", 4_120, &[(200, 301_204)], &[]);
    add_requests(
        &mut totals,
        "GET http://shop.example/catalogue/outdoor/tents-and-shelters/4-person/items",
        12_400,
        &[(200, 241_800), (404, 12)],
        &[(Timeout, 3)],
    );
    add_requests(&mut totals, "checkout", 48_100, &[(201, 27_316), (503, 401)], &[(Timeout, 9), (Connect, 31)]);
    add_requests(&mut totals, "POST http://shop.example/login", 830, &[(200, 614)], &[]);
    for (name, samples, usual, failed) in [
        ("__root__", 60_240, 96_000, 441),
        ("__root__ :: browse", 301_204, 18_900, 0),
        ("__root__ :: buy", 27_717, 55_000, 441),
        ("__root__ :: buy :: pay", 27_717, 49_000, 441),
    ] {
        let transaction = totals.transactions.entry(name.to_owned()).or_default();
        record(&mut transaction.latency, samples, usual);
        transaction.failed = failed;
    }
    let browse = RunTotals { started: 52_020, ended: 51_920, failed: 0, cancelled: 100 };
    let buy = RunTotals { started: 8_240, ended: 8_220, failed: 441, cancelled: 20 };
    totals.journeys = [("shop:browse", browse), ("shop:buy", buy)].map(|(spec, runs)| (spec.to_owned(), runs)).into();
    add_failure(&mut totals, 401, "__root__ :: buy :: pay", "MiteError", "expected 201, got 503 Service Unavailable");
    add_failure(
        &mut totals,
        31,
        "__root__ :: buy :: pay",
        "HttpError",
        "connect: shop.example:80 (10.0.4.17:80) refused the connection",
    );
    add_failure(&mut totals, 9, "__root__ :: buy :: pay", "HttpError", "timeout after 10 s");
    totals.messages = MessageTotals { made: 1_572_918, dropped: 0, refused: 0 };
    totals.workers = vec![worker(0.34, 8), worker(0.33, 9), worker(0.36, 8), worker(0.35, 8)];
    totals
}

pub fn report() -> Report {
    let threshold = |text: &str, actual: &str, held| Threshold { text: text.into(), actual: actual.into(), held };
    Report {
        test: "checkout".into(),
        run_id: "7f3a91c2".into(),
        started_at_unix: 1_767_323_045.0,
        duration: Duration::from_secs(120),
        planned: Some(Duration::from_secs(120)),
        ending: Ending::Done,
        totals: totals(),
        thresholds: vec![
            threshold("p95 response time <= 100 ms", "48.1 ms", true),
            threshold("p99 response time <= 500 ms", "168 ms", true),
            threshold("failures <= 500", "441", true),
        ],
        runners: 2,
        runners_lost: 0,
        starts_missed: 0,
        messages_made: 1_572_918,
        messages_received: Some(1_572_918),
        messages_lost: 0,
        consumers: ["collector", "stats"].map(consumer).into(),
        warnings: Vec::new(),
    }
}

/// All came.
fn consumer(kind: &str) -> Consumer {
    Consumer { kind: kind.into(), given: 1_572_918, received: 1_572_918, lost: 0, open: 0 }
}

/// Everything that can go wrong at once.
pub fn bad_report() -> Report {
    let mut report = report();
    report.ending = Ending::Signal("SIGINT".into());
    report.duration = Duration::from_secs(42);
    report.thresholds[0] =
        Threshold { text: "p95 response time <= 20 ms".into(), actual: "48.1 ms".into(), held: false };
    (report.runners_lost, report.starts_missed, report.messages_lost) = (1, 1_204, 12);
    report.messages_received = None;
    report.consumers = Vec::new();
    (report.totals.messages.dropped, report.totals.messages.refused) = (12, 4);
    report.totals.workers = (0..12).map(|i| worker(0.4 + 0.05 * f64::from(i), 300)).collect();
    report.warnings = vec![
        "no consumer told what it received (Python components don't): losses behind the duplicator would not be seen"
            .into(),
    ];
    report
}

/// One request.
pub fn small_report() -> Report {
    let mut totals = Totals { messages: MessageTotals { made: 2, ..MessageTotals::default() }, ..Totals::default() };
    add_requests(&mut totals, "GET http://shop.example/", 4_120, &[(200, 1)], &[]);
    let requests = totals.requests.values_mut();
    requests.for_each(|requests| {
        requests.latency.reset();
        requests.latency.record(4_120).expect("it grows");
    });
    Report {
        totals,
        thresholds: Vec::new(),
        duration: Duration::from_millis(8),
        planned: None,
        messages_made: 2,
        messages_received: Some(2),
        consumers: Vec::new(),
        ..report()
    }
}

pub fn progress() -> Progress {
    let line = |id, journey: &str, running, required| ScenarioLine { id, journey: journey.into(), required, running };
    Progress {
        test: "checkout".into(),
        phase: Phase::Running,
        elapsed: Duration::from_secs(42),
        planned: Some(Duration::from_secs(120)),
        runners: 2,
        scenarios: vec![line(0, "shop:browse", 1_000, 1_000), line(1, "shop:buy", 18, 20)],
        totals: totals(),
    }
}

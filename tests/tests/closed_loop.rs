//! A load is kept up however far the runner is: orders are standing ones, so no run waits for an answer of the controller.

use std::time::Duration;

use tests::delay::delayed;
use tests::files;
use tests::pipeline::{Places, stop};
use tests::program::{Running, command};
use tests::servers::free_port;

/// 20 journeys of a tenth of a second each, with 2 ms from a question of the runner to its answer: 200 runs a second begin, and
/// there are as many at once as there should be.
#[test]
fn a_long_line_does_not_let_the_load_sag() {
    const JOURNEYS: f64 = 20.0;
    let places = Places::new();
    let parts = ["duplicator", "collector"].map(|part| places.start(part));
    let near = free_port();
    let far = delayed(near, Duration::from_millis(1));
    let start = |part: &[&str], control: u16| {
        let mut command = command(part);
        command.arg(format!("--controller-socket=tcp://127.0.0.1:{control}"));
        Running::start(command.arg(format!("--message-socket={}", places.messages)))
    };
    let config = ["volume:20", "seconds:6", "pause:0.1"].map(|pair| format!("--add-to-config={pair}"));
    let controller = start(&["controller", "load:pause", &config[0], &config[1], &config[2]], near);
    let runner = start(&["runner"], far);
    controller.wait().expect(0);
    runner.wait().expect(0);
    parts.into_iter().for_each(|part| drop(stop(part)));
    let messages = files::messages(&places.collected());
    let journeys = |report: &rmpv::Value, field: &str| -> f64 {
        let by_scenario = files::field(report, field).and_then(rmpv::Value::as_map).expect("a map");
        by_scenario.iter().filter_map(|(_, journeys)| journeys.as_f64()).sum()
    };
    let reports = files::of_type(&messages, "controller_report");
    // From when the load has come to its height until it ends.
    let full: Vec<f64> = reports
        .iter()
        .filter(|report| (journeys(report, "required") - JOURNEYS).abs() < 0.5)
        .map(|report| journeys(report, "actual"))
        .skip(1)
        .collect();
    assert!(full.len() >= 3, "{} reports, {full:?}", reports.len());
    let mean = full.iter().sum::<f64>() / full.len() as f64;
    assert!(mean >= 0.99 * JOURNEYS, "{mean} journeys at once on average: {full:?}");
}

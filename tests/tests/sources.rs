//! Sources wherever components are named: tests elsewhere, and the items of scenarios.

use std::path::Path;
use std::process::Command;

use tests::program::{Running, command};
use tests::python;
use tests::servers::{Playground, free_port};
use tests::trial::Trial;

const PEAK: &[u8] = br#"import { constant, journey, scenario } from "@mite/sdk";
export const look = journey((ctx) => ctx.http.get(ctx.config.get("url")));
export const peak = scenario(() => [
  { journey: look, volume: constant(1, 1) },
  { journey: "second.js:look", volume: constant(1, 2) },
  { journey: "./second.js:look", volume: constant(1, 1) },
]);
export const missing = scenario(() => [{ journey: "third.js:look", volume: constant(1, 1) }]);
export const broken = scenario(() => [{ journey: "broken.js:look", volume: constant(1, 1) }]);
"#;
const SECOND: &[u8] = br#"import { journey } from "@mite/sdk";
export const look = journey((ctx) => ctx.http.get(ctx.config.get("url")));
"#;
const FILES: [(&str, &[u8]); 3] = [("peak.js", PEAK), ("second.js", SECOND), ("broken.js", b"export const look = ;")];

#[test]
fn items_are_built_as_the_spec_is() {
    for words in [&["scenario", "test"][..], &["up"]] {
        let playground = Playground::start();
        let trial = Trial::new(&[words, &["peak.js:peak"]].concat()).config("url", format!("{}/json", playground.url));
        let trial =
            if words == ["up"] { trial.option(&format!("--web-address=127.0.0.1:{}", free_port())) } else { trial };
        let tested = trial.files(&FILES).run().expect(0);
        let journeys = tested.summary["by_journey"].as_object().expect("journeys");
        assert_eq!(journeys.keys().collect::<Vec<_>>(), ["peak:look", "second:look"], "{words:?}");
        assert_eq!(tested.count("requests"), playground.requests(), "{words:?}");
        assert!(tested.count("requests") > 3, "{words:?}");
    }
    for (name, words) in [("missing", "there is no third.js"), ("broken", "broken.js:1:21: SyntaxError")] {
        let ended = Trial::scenario(&format!("peak.js:{name}")).files(&FILES).run().expect(104).ended;
        assert!(ended.stderr.contains(words), "{name}: {}", ended.stderr);
    }
}

fn here(words: &[&str], directory: &Path, sockets: &[String; 2]) -> Command {
    let mut command = command(words);
    command.args(sockets).current_dir(directory);
    command
}

/// Runners fetch what was built.
#[test]
fn a_controller_of_sources() {
    let (playground, directory) = (Playground::start(), tempfile::tempdir().expect("a directory"));
    for (name, bytes) in FILES {
        std::fs::write(directory.path().join(name), bytes).expect("a file");
    }
    let address = || format!("tcp://127.0.0.1:{}", free_port());
    let messages = address();
    let sockets = [format!("--controller-socket={}", address()), format!("--message-socket={messages}")];
    let sink = python::start(python::SINK, &[&messages]);
    let url = format!("--add-to-config=url:{}/json", playground.url);
    let controller = Running::start(here(&["controller", "peak.js:peak"], directory.path(), &sockets).arg(url));
    let elsewhere = tempfile::tempdir().expect("a directory");
    Running::start(&mut here(&["runner"], elsewhere.path(), &sockets)).wait().expect(0);
    controller.wait().expect(0);
    let requests = python::counts(sink)["http_metrics"].as_u64().expect("a count");
    assert_eq!(requests, playground.requests());
    assert!(requests > 3);
}

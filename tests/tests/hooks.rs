//! What stands around the runs of a test, in every language: `setup`, `on_start`, `on_stop`.

use serde_json::json;
use tests::files::{json as as_json, number, text};
use tests::program::root;
use tests::servers::Playground;
use tests::trial::{Tested, Trial};

const LANGUAGES: [&str; 3] = ["rust", "python", "js"];
const PLACES: usize = 3;

fn around(words: &[&str], language: &str, url: &str) -> Trial {
    let component = root().join("target/journeys").join(language).join("cases.wasm");
    let trial = Trial::new(&[words[0], words[1], &format!("{}:around", component.display())]);
    trial.config("url", url)
}

fn sum(messages: &[&rmpv::Value], field: &str) -> u64 {
    messages.iter().map(|message| number(message, field) as u64).sum()
}

/// What the server saw is what the figures say, and what stands around them: a setup's request, and in each place a log-in that is
/// redirected and a last look at the basket.
fn counted(tested: &Tested, places: usize, playground: &Playground, why: &str) {
    let runs = tested.runs("ended");
    assert!(runs as usize > PLACES, "{why}: {runs}");
    let (said, left) = (tested.of_type("around"), tested.of_type("left"));
    assert_eq!((said.len() as u64, left.len()), (runs, places), "{why}");
    assert_eq!(tested.count("requests"), runs, "{why}");
    assert_eq!(playground.requests(), runs + 1 + 3 * places as u64, "{why}: what the server counted");
    for message in &said {
        let said = as_json(message);
        let (setup, status) = (&said["setup"], &said["status"]);
        assert_eq!((&setup["status"], status), (&json!(200), &json!(200)), "{why}: the cookie of on_start: {said}");
        assert_eq!(said["entered"], json!(1), "{why}: once in an instance");
    }
    assert!(left.iter().all(|it| number(it, "status") == 200.0), "{why}: {left:?}");
    assert_eq!(sum(&left, "runs"), runs, "{why}: the instance of the runs");
    let transactions = tested.summary["by_transaction"].as_object().expect("transactions");
    assert_eq!(transactions.keys().collect::<Vec<_>>(), ["__root__"], "{why}");
    let named = tested.summary["by_request"].as_object().expect("requests");
    assert!(named.keys().all(|name| name.ends_with("/shop/basket")), "{why}: {named:?}");
    tested.conserved();
}

#[test]
fn what_stands_around_is_in_no_figure() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let trial = around(&["journey", "test"], language, &playground.url).config("around", "yes");
        let tested = trial.option("--volume=3").option("--duration=1").run().expect(0);
        counted(&tested, PLACES, &playground, language);
    }
    let playground = Playground::start();
    let trial =
        around(&["journey", "test"], "rust", &playground.url).config("around", "yes").option("--fresh-instances");
    let tested = trial.option("--volume=1").option("--duration=0.5").run().expect(0);
    counted(&tested, tested.runs("ended") as usize, &playground, "an instance a run");
}

#[test]
fn a_place_that_can_not_be_entered() {
    for language in LANGUAGES {
        let playground = Playground::start();
        let tested = around(&["journey", "run"], language, &playground.url).config("around", "broken").run().expect(99);
        let errors = tested.of_type("error");
        assert_eq!(errors.len(), 1, "{language}: {:?}", tested.messages);
        assert!(text(errors[0], "message").contains("closed today"), "{language}: {:?}", errors[0]);
        assert!(text(errors[0], "location").contains(if language == "rust" { "lib.rs" } else { "cases." }));
        assert_eq!((tested.runs("started"), tested.runs("failed")), (1, 1), "{language}: a run that never began");
        assert_eq!((tested.count("requests"), tested.of_type("txn").len()), (0, 0), "{language}");
    }
}

/// A setup that fails is the scenario's own code that failed.
#[test]
fn a_setup_that_fails() {
    for language in LANGUAGES {
        let trial = around(&["journey", "run"], language, "http://127.0.0.1:1").config("around", "yes");
        let ended = trial.run().expect(107).ended;
        assert!(ended.stderr.contains("`setup` of cases failed"), "{language}: {}", ended.stderr);
    }
}

/// What journeys may not reach a setup may not reach either, wherever it runs.
#[test]
fn a_setup_goes_no_further_than_journeys() {
    let playground = Playground::start();
    for language in LANGUAGES {
        let denied = around(&["journey", "run"], language, &playground.url).config("around", "yes");
        let ended = denied.option("--deny=loopback").run().expect(107).ended;
        assert!(ended.stderr.contains("the rule `loopback` closes it"), "{language}: {}", ended.stderr);
    }
    let metadata = around(&["journey", "run"], "rust", "http://169.254.169.254").config("around", "yes");
    let ended = metadata.run().expect(107).ended;
    assert!(ended.stderr.contains("metadata address"), "{}", ended.stderr);
    assert_eq!(playground.requests(), 0, "nothing was sent");
}

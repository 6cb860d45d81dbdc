//! There is no room to write: what is lost is said and counted, the rest goes on, and the exit code tells. The parts of the pipeline as
//! processes are in `pipeline_loss.rs`.

use std::fs::File;
use std::process::Stdio;

use tests::files;
use tests::program::{Running, command, component, without_room};
use tests::servers::Playground;
use tests::trial::Trial;

/// A test whose messages and compiled code find no room.
#[test]
fn a_test_goes_on_without_its_files() {
    let (playground, cache) = (Playground::start(), files::directory());
    let trial = Trial::scenario("load:load").config("url", format!("{}/delay/5", playground.url)).config("seconds", 3);
    let trial = trial.environment("MITE_CACHE_DIR", cache.path().display());
    let tested = trial.within(|command| without_room(command, 32)).run().expect(111);
    let said = &tested.ended.stderr;
    assert!(said.contains("compiled code can't be kept for the next time: File too large"), "{said}");
    assert!(said.contains("messages are not kept any more: cannot write to"), "{said}");
    let (made, lost) = (tested.count("messages/made"), tested.count("messages_lost"));
    let kept = tested.messages.len() as u64;
    assert!(
        lost > 0 && made == tested.count("messages/received") + lost,
        "{made} made, {lost} lost: {:#}",
        tested.summary
    );
    assert!(kept <= made - lost, "{kept} are in files");
    assert_eq!(tested.count("responses"), playground.requests(), "the load was put all the same");
    assert!(tested.ended.stdout.contains("messages were not kept"), "{}", tested.ended.stdout);
    let left: Vec<_> = std::fs::read_dir(cache.path()).expect("a directory").flatten().collect();
    assert!(left.iter().all(|file| file.metadata().expect("a file").len() < 100), "{left:?}");
}

#[test]
fn what_can_not_be_told_is_told_elsewhere() {
    let (playground, directory) = (Playground::start(), files::directory());
    let summary = directory.path().join("summary.json");
    let test = |export: &str| {
        let load = format!("{}:load", component("load.wasm").display());
        let mut command = command(&["scenario", "test", &load, "--add-to-config=seconds:1"]);
        command
            .arg(format!("--add-to-config=url:{}/delay/5", playground.url))
            .arg(format!("--summary-export={export}"));
        command
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("it is always there"));
    let mut silent = test(&summary.display().to_string());
    let ended = Running::start_with(silent.stdout(full()).stderr(Stdio::piped())).wait().expect(1);
    assert!(ended.stderr.contains("mite: can't write to standard output: No space left"), "{}", ended.stderr);
    let exported: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&summary).expect("a summary")).expect("it is whole");
    assert!(exported["responses"].as_u64().is_some_and(|responses| responses > 10), "{exported:#}");
    let ended = Running::start(&mut test("/dev/full")).wait().expect(104);
    assert!(ended.stderr.contains("mite: cannot write the summary to /dev/full: No space left"), "{}", ended.stderr);
    assert!(ended.stdout.contains("PASSED"), "{}", ended.stdout);
    // Where even errors can't be written the exit code is all there is.
    Running::start_with(test("/nowhere/summary.json").stderr(full())).wait().expect(104);
}

//! Every figure agrees with the server's own count, to the one.

use tests::files::{messages, of_type};
use tests::program::run;
use tests::servers::{Nginx, Playground};

#[test]
fn summary_and_files_agree_with_nginx() {
    let nginx = Nginx::start("location / { return 200 'hello'; }");
    let directory = tempfile::tempdir().expect("a directory");
    let (files, summary) = (directory.path().join("messages"), directory.path().join("summary.json"));
    let url = format!("--add-to-config=url:{}/", nginx.url);
    run(&[
        "scenario",
        "test",
        "load:load",
        &url,
        "--add-to-config=seconds:2",
        "--add-to-config=volume:5",
        &format!("--collector-dir={}", files.display()),
        "--collector-roll=5000",
        &format!("--summary-export={}", summary.display()),
    ])
    .expect(0);
    let summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(summary).expect("a summary")).expect("JSON");
    let served = nginx.stop().len() as u64;
    let messages = messages(&files);
    assert!(served > 100, "{served}");
    assert_eq!(summary["requests"].as_u64(), Some(served));
    assert_eq!(of_type(&messages, "http_metrics").len() as u64, served);
    assert_eq!(summary["messages_lost"].as_u64(), Some(0));
}

#[test]
fn summary_agrees_with_the_playground() {
    let playground = Playground::start();
    let ended = run(&[
        "scenario",
        "test",
        "load:load",
        &format!("--add-to-config=url:{}/", playground.url),
        "--add-to-config=seconds:1",
        "-q",
    ])
    .expect(0);
    assert!(playground.requests() > 0, "{ended:?}");
}

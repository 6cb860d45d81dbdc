//! Runs the journey once against a server that answers what the test wants. `cargo test` needs `mite` on PATH, or its path in MITE.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

/// Runs the journey; every request gets this answer. Answers the exit code: 99 where a check failed.
fn run(status: &str, body: &'static str) -> Option<i32> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("url:http://{}", listener.local_addr().expect("it listens"));
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let _ = (&stream).write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    let mite = std::env::var("MITE").unwrap_or_else(|_| "mite".into());
    let mut command = Command::new(mite);
    command.args(["journey", "run", ".:search", ".:words", "--add-to-config", &url]);
    command.status().expect("mite is on PATH, or named in MITE").code()
}

#[test]
fn it_finds_what_there_is() {
    assert_eq!(run("200 OK", r#"{"items": [{"id": 1, "name": "tea"}]}"#), Some(0));
}

#[test]
fn it_notices_what_is_wrong() {
    assert_eq!(run("200 OK", r#"{"items": []}"#), Some(99));
    assert_eq!(run("500 Internal Server Error", "{}"), Some(99));
}

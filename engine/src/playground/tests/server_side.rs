//! Starting, refusing to start, and stopping.

use clap::Parser as _;
use tokio_util::sync::CancellationToken;

use super::client::Server;
use crate::playground::{Args, Error, run};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn args(line: &[&str]) -> Result<Args, clap::Error> {
    Cli::try_parse_from(["playground"].iter().chain(line)).map(|cli| cli.args)
}

#[test]
fn the_command_line_has_its_defaults_and_limits() {
    let defaults = args(&[]).expect("nothing is required");
    assert_eq!((defaults.address.as_str(), defaults.workers.get()), ("127.0.0.1:14380", 1));
    assert!(args(&["--workers", "256"]).is_ok());
    for wrong in ["0", "257", "-1", "two"] {
        assert!(args(&["--workers", wrong]).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = Server::start(1).await;
    let address = server.address.to_string();
    // Several workers share their port among themselves, not with anybody else.
    for workers in ["1", "2"] {
        let args = args(&["--address", &address, "--workers", workers]).expect("both are allowed");
        let error = run(args, CancellationToken::new()).await.expect_err("it is in use");
        assert!(matches!(error, Error::InUse { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&address) && text.contains("--address"), "{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_address_is_named() {
    for wrong in ["", "here", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"] {
        let args = args(&["--address", wrong]).expect("any text is an address so far");
        let error = run(args, CancellationToken::new()).await.expect_err("no address");
        assert!(matches!(error, Error::Address { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("`{wrong}`")), "{error}");
    }
}

#[tokio::test]
async fn run_ends_well_when_told() {
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let args = args(&["--address", "127.0.0.1:0", "--workers", "2"]).expect("arguments");
    run(args, shutdown).await.expect("told before it began is told too");
}

#[tokio::test]
async fn a_request_in_flight_ends_before_the_end() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    client.send("POST", "/echo", "content-length: 2\r\n", "a").await;
    server.until("/open_requests", 1).await;
    server.shutdown.cancel();
    tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"b").await.expect("it still reads");
    let answer = client.answer(false).await.expect("it still answers");
    assert_eq!((answer.status, &answer.json()["body"]), (200, &serde_json::json!("ab")));
    assert!(!client.more().await, "then the connection ends");
    server.stop().await;
}

#[tokio::test]
async fn nobody_can_hold_up_the_end() {
    let server = Server::start(2).await;
    let mut hanging = server.client().await;
    hanging.send("GET", "/hang", "", "").await;
    let mut idle = server.client().await;
    idle.get("/").await;
    server.until("/open_requests", 1).await;
    let address = server.address;
    server.stop().await;
    assert!(!hanging.more().await && !idle.more().await, "both were cut");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

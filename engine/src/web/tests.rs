use std::io::Read;
use std::net::SocketAddr;

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Status line and headers in lower case, and the body.
async fn ask(address: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request}host: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end + 4..].to_vec())
}

#[tokio::test]
async fn it_answers() {
    let listener = bind("localhost:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let source = || vec![own("x_total", "A figure.", prometheus::proto::MetricType::COUNTER, &[(Some("y"), 7)])];
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(listener, Arc::new(source), shutdown.clone()));
    let expected = text(&source());
    assert!(expected.contains("x_total{reason=\"y\"} 7\n"), "{expected}");

    let (head, body) = ask(address, "GET /metrics HTTP/1.1\r\n").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let text = String::from_utf8(body).unwrap();
    assert!(text.starts_with(&expected) && text.contains("\nprocess_resident_memory_bytes "), "{text}");
    let (head, body) = ask(address, "GET /metrics HTTP/1.1\r\nAccept-Encoding: deflate, gzip;q=0.5\r\n").await;
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut text = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    assert!(text.starts_with(&expected), "{text}");
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n", "200"),
        ("GET /readyz HTTP/1.1\r\n", "200"),
        ("HEAD /metrics HTTP/1.1\r\n", "200"),
        ("POST /metrics HTTP/1.1\r\n", "405"),
        ("GET /metrics/ HTTP/1.1\r\n", "404"),
        ("GET / HTTP/1.1\r\n", "404"),
    ] {
        let (head, _) = ask(address, request).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{request}: {head}");
    }
    let error = bind(&address.to_string()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {address}: ")) && error.contains("--web-address"), "{error}");

    // Somebody who never asks does not hold it up for longer than its grace.
    let _silent = TcpStream::connect(address).await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(GRACE * 2, server).await.unwrap().unwrap().unwrap();
}

#[test]
fn gzip_is_for_those_who_accept_it() {
    for (header, expected) in [
        (None, false),
        (Some(""), false),
        (Some("gzip"), true),
        (Some("GZIP ; q=1"), true),
        (Some("deflate, gzip;q=0"), false),
        (Some("*"), true),
        (Some("gzip;q=0, *"), false),
        (Some("*, gzip;q=0"), false),
        (Some("identity"), false),
    ] {
        let mut headers = HeaderMap::new();
        header.iter().for_each(|value| drop(headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value))));
        assert_eq!(accepts_gzip(&headers), expected, "{header:?}");
    }
}

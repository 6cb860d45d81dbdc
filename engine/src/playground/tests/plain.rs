//! What each plain route answers.

use std::io::Read as _;

use serde_json::json;

use super::client::Server;
use crate::playground::echo::base64;

#[tokio::test]
async fn each_route_answers_its_status() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for (method, target, want, why) in [
        ("GET", "/", 200, "the list"),
        ("HEAD", "/", 200, "every GET has a HEAD"),
        ("POST", "/", 405, "the list cannot be changed"),
        ("GET", "/nothing/here", 404, "no such path"),
        ("GET", "/delay/0", 200, "no delay is a delay"),
        ("GET", "/delay/600001", 400, "beyond ten minutes"),
        ("GET", "/delay/soon", 400, "no number"),
        ("GET", "/status/200", 200, "as asked"),
        ("GET", "/status/204", 204, "without a body"),
        ("GET", "/status/304", 304, "without a body"),
        ("PUT", "/status/418", 418, "any method"),
        ("GET", "/status/599", 599, "the last one"),
        ("GET", "/status/600", 400, "none of HTTP's"),
        ("GET", "/status/100", 400, "no final answer"),
        ("GET", "/status/99", 400, "no status at all"),
        ("GET", "/bytes/1073741825", 400, "beyond a gibibyte"),
        ("HEAD", "/bytes/1073741824", 200, "a gibibyte, promised only"),
        ("GET", "/chunked/1073741825", 400, "beyond a gibibyte"),
        ("GET", "/gzip/1073741825", 400, "beyond a gibibyte"),
        ("GET", "/redirect/1001", 400, "beyond the longest chain"),
        ("GET", "/redirect/0", 200, "arrived"),
        ("GET", "/redirect-to?url=/x&status=200", 400, "no redirect's status"),
        ("GET", "/redirect-to?url=%0d%0aevil:1", 400, "a header would break"),
        ("GET", "/redirect-to", 400, "where to?"),
        ("GET", "/fail/101", 400, "more than all"),
        ("GET", "/fail/100", 500, "all"),
        ("GET", "/fail/0", 200, "none"),
        ("GET", "/json", 200, "small JSON"),
        ("GET", "/cookies/set", 400, "no cookie named"),
        ("GET", "/cookies/set?a=b;c", 400, "not a cookie's value"),
        ("GET", "/stats/reset", 405, "reading must change nothing"),
    ] {
        let answer = client.ask(method, target, "", "").await;
        assert_eq!(answer.status, want, "{method} {target}: {why}; got {}", answer.text());
    }
    server.stop().await;
}

#[tokio::test]
async fn the_first_page_lists_the_routes() {
    let server = Server::start(1).await;
    let page = server.client().await.get("/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.len() < 2048, "{} bytes are not small", page.body.len());
    for route in ["/delay/{ms}", "/shop/basket", "/api/items/{id}", "/stats"] {
        assert!(page.text().contains(route), "{route} is missing");
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_the_length_and_form_asked_for() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for bytes in [0, 1, 63, 65_536, 65_537, 200_000, 1_000_000] {
        let sized = client.get(&format!("/bytes/{bytes}")).await;
        assert_eq!(sized.body.len(), bytes);
        assert_eq!(sized.header("content-length"), Some(bytes.to_string().as_str()));

        let chunked = client.get(&format!("/chunked/{bytes}")).await;
        assert_eq!(chunked.header("transfer-encoding"), Some("chunked"), "{bytes} bytes");
        assert!(chunked.body == sized.body, "{bytes} bytes: the same in chunks");

        let packed = client.get(&format!("/gzip/{bytes}")).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == sized.body, "{bytes} bytes: the same packed");
        assert!(bytes < 200 || packed.body.len() < bytes / 4, "text packs well");
    }
    server.stop().await;
}

#[tokio::test]
async fn redirects_lead_on() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for (target, status, location) in [
        ("/redirect/2", 302, "/redirect/1"),
        ("/redirect/1", 302, "/redirect/0"),
        ("/redirect-to?url=http://elsewhere/x", 302, "http://elsewhere/x"),
        ("/redirect-to?url=/json&status=307", 307, "/json"),
    ] {
        let answer = client.get(target).await;
        assert_eq!((answer.status, answer.header("location")), (status, Some(location)), "{target}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stalled_answer_begins_and_does_not_end() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    client.send("GET", "/stall", "", "").await;
    let (status, headers) = client.head().await.expect("a head");
    assert_eq!(status, 200);
    assert!(headers.contains(&("content-length".to_owned(), "10".to_owned())), "{headers:?}");
    assert_eq!(client.take(3).await.expect("three bytes"), b"abc");
    server.until("/open_requests", 1).await;
    drop(client);
    server.until("/open_requests", 0).await;
    server.stop().await;
}

#[tokio::test]
async fn hanging_never_answers_and_ends_with_the_client() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    client.send("GET", "/hang", "", "").await;
    let stats = server.until("/open_requests", 1).await;
    let route = &stats["routes"]["/hang"];
    assert_eq!((&route["requests"], &route["responses"]), (&json!(1), &json!(0)));
    drop(client);
    server.until("/open_requests", 0).await;
    server.stop().await;
}

#[tokio::test]
async fn closing_closes_without_a_byte() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    client.send("GET", "/close", "", "").await;
    let ended = client.answer(false).await.expect_err("no answer");
    assert_eq!(ended, "the connection ended after \"\"");
    server.stop().await;
}

#[tokio::test]
async fn failures_are_an_exact_share() {
    let server = Server::start(2).await;
    for percent in [1, 10, 33, 50, 99] {
        let mut failed = 0;
        // Two connections, perhaps at two workers: the share is of both together.
        let mut clients = [server.client().await, server.client().await];
        for request in 0..100 {
            let answer = clients[request % 2].get(&format!("/fail/{percent}")).await;
            failed += u32::from(answer.status == 500);
        }
        assert_eq!(failed, percent);
    }
    server.stop().await;
}

#[tokio::test]
async fn echo_tells_what_came() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let answer = client.ask("PATCH", "/echo?a=1&b=%20x&a=2", "x-one: 1\r\nx-two: a\r\nx-two: b\r\n", "grüße").await;
    let echo = answer.json();
    assert_eq!(echo["method"], "PATCH");
    assert_eq!(echo["path"], "/echo");
    assert_eq!(echo["query"], json!({ "a": ["1", "2"], "b": " x" }));
    assert_eq!(echo["headers"]["x-one"], "1");
    assert_eq!(echo["headers"]["x-two"], json!(["a", "b"]));
    assert_eq!((&echo["body"], &echo["body_bytes"]), (&json!("grüße"), &json!(7)));
    server.stop().await;
}

#[tokio::test]
async fn echo_has_a_limit() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let most = 16 << 20;
    let answer = client.ask("POST", "/echo", "", &"x".repeat(most)).await;
    assert_eq!((answer.status, &answer.json()["body_bytes"]), (200, &json!(most)), "the limit itself fits");
    client.send("POST", "/echo", &format!("content-length: {}\r\n", most + 1), "").await;
    let answer = client.answer(false).await.expect("an answer before the body");
    assert_eq!(answer.status, 413, "{}", answer.text());
    server.stop().await;
}

#[tokio::test]
async fn cookies_are_set_and_shown() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let set = client.get("/cookies/set?a=1&b=two").await;
    assert_eq!((set.status, set.header("location")), (302, Some("/cookies")));
    let cookies: Vec<&str> =
        set.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=two; Path=/"]);
    let shown = client.ask("GET", "/cookies", "cookie: a=1; b=two; broken\r\n", "").await;
    assert_eq!(shown.json(), json!({ "cookies": { "a": "1", "b": "two" } }));
    server.stop().await;
}

#[tokio::test]
async fn basic_auth_compares() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for (credentials, want, why) in [
        ("", 401, "none"),
        ("authorization: Basic YWRhOnNlY3JldA==\r\n", 200, "ada:secret"),
        ("authorization: basic YWRhOnNlY3JldA==\r\n", 200, "a scheme has no case"),
        ("authorization: Bearer YWRhOnNlY3JldA==\r\n", 401, "another scheme"),
        ("authorization: Basic YWRhOndyb25n\r\n", 401, "ada:wrong"),
    ] {
        let answer = client.ask("GET", "/basic-auth/ada/secret", credentials, "").await;
        assert_eq!(answer.status, want, "{why}");
        assert_eq!(answer.header("www-authenticate").is_some(), want == 401, "{why}");
    }
    server.stop().await;
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (plain, want) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64(plain.as_bytes()), want, "{plain:?}");
    }
}

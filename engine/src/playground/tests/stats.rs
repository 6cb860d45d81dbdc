//! Whether `/stats` tells the truth.

use serde_json::json;

use super::client::Server;

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for target in ["/bytes/10", "/bytes/90", "/status/404", "/status/503", "/status/503", "/a", "/b/c"] {
        client.get(target).await;
    }
    client.ask("POST", "/bytes/10", "", "").await;
    let stats = client.get("/stats").await.json();
    assert_eq!((&stats["requests"], &stats["responses"]), (&json!(8), &json!(8)), "{stats}");
    let routes = &stats["routes"];
    assert_eq!(routes.as_object().expect("routes").len(), 3, "only what was asked for: {routes}");
    for (label, requests, statuses) in [
        ("/bytes/{n}", 3, json!({ "200": 2, "405": 1 })),
        ("/status/{code}", 3, json!({ "404": 1, "503": 2 })),
        ("other", 2, json!({ "404": 2 })),
    ] {
        assert_eq!(routes[label]["requests"], requests, "{label}");
        assert_eq!(routes[label]["statuses"], statuses, "{label}");
    }
    assert_eq!((&stats["connections"], &stats["open_requests"]), (&json!(1), &json!(0)));
    server.stop().await;
}

#[tokio::test]
async fn body_bytes_are_counted_exactly() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for target in ["/bytes/1000", "/bytes/100000", "/chunked/100000"] {
        client.get(target).await;
    }
    client.ask("HEAD", "/bytes/100000", "", "").await;
    server.until("/bytes_sent", 201_000).await;
    server.until("/open_requests", 0).await;
    server.stop().await;
}

#[tokio::test]
async fn service_times_are_at_least_the_delay() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        assert_eq!(client.get("/delay/20").await.json(), json!({ "delay_ms": 20 }));
    }
    let stats = client.get("/stats").await.json();
    for which in ["p50", "p95", "p99", "max"] {
        // Three digits of precision: a value may be shown up to a thousandth lower.
        let ms = stats["routes"]["/delay/{ms}"]["service_ms"][which].as_f64().expect("a number");
        assert!(ms >= 19.9, "{which} is {ms}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reset_forgets_what_was_and_keeps_what_is() {
    let server = Server::start(2).await;
    let mut client = server.client().await;
    client.get("/json").await;
    client.get("/fail/50").await;
    let mut waiting = server.client().await;
    waiting.send("GET", "/hang", "", "").await;
    server.until("/open_requests", 1).await;
    assert_eq!(client.ask("POST", "/stats/reset", "", "").await.status, 204);
    let stats = client.get("/stats").await.json();
    for (number, want) in [("requests", 0), ("responses", 0), ("bytes_sent", 0), ("open_requests", 1)] {
        assert_eq!(stats[number], want, "{number}");
    }
    assert_eq!(stats["routes"], json!({}));
    let statuses = [client.get("/fail/50").await.status, client.get("/fail/50").await.status];
    assert_eq!(statuses, [200, 500], "failures begin anew too");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_from_before_the_reset_does_not_count_after_it() {
    let server = Server::start(1).await;
    let mut early = server.client().await;
    // Its body is what the handler waits for: we decide when it ends.
    early.send("POST", "/echo", "content-length: 2\r\n", "a").await;
    server.until("/open_requests", 1).await;
    let mut client = server.client().await;
    client.ask("POST", "/stats/reset", "", "").await;
    tokio::io::AsyncWriteExt::write_all(&mut early.stream, b"b").await.expect("it reads");
    assert_eq!(early.answer(false).await.expect("an answer").json()["body"], "ab");
    let stats = client.get("/stats").await.json();
    assert_eq!((&stats["requests"], &stats["responses"]), (&json!(0), &json!(0)), "{stats}");
    server.stop().await;
}

#[tokio::test]
async fn workers_are_added_up() {
    let server = Server::start(3).await;
    for _ in 0..20 {
        let mut client = server.client().await;
        client.get("/json").await;
        client.get("/json").await;
    }
    let stats = server.client().await.get("/stats").await.json();
    assert_eq!(stats["requests"], 40);
    // The one that asks is accepted too.
    assert_eq!(stats["connections"], 21);
    server.stop().await;
}

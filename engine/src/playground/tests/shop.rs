//! The two that remember: the items and the shop.

use serde_json::{Map, json};

use super::client::{Answer, Client, Server};
use crate::playground::items::{ITEMS_MAX, Items};
use crate::playground::products;
use crate::playground::shop::{SESSIONS_MAX, Sessions};

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn an_item_lives_and_dies() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let made = client.ask("POST", "/api/items", "", r#"{"name":"a","id":77}"#).await;
    assert_eq!((made.status, made.header("location")), (201, Some("/api/items/1")));
    assert_eq!(made.json(), json!({ "id": 1, "name": "a" }), "the id is ours");
    for (method, body, want, after) in [
        ("GET", "", 200, json!({ "id": 1, "name": "a" })),
        ("PUT", r#"{"name":"b","size":3}"#, 200, json!({ "id": 1, "name": "b", "size": 3 })),
        ("PATCH", r#"{"size":null,"color":"red"}"#, 200, json!({ "id": 1, "name": "b", "color": "red" })),
        ("GET", "", 200, json!({ "id": 1, "name": "b", "color": "red" })),
    ] {
        let answer = client.ask(method, "/api/items/1", "", body).await;
        assert_eq!((answer.status, answer.json()), (want, after), "{method} {body}");
    }
    let list = client.get("/api/items").await.json();
    assert_eq!(list, json!({ "items": [{ "id": 1, "name": "b", "color": "red" }], "total": 1 }));
    assert_eq!(client.ask("DELETE", "/api/items/1", "", "").await.status, 204);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        assert_eq!(client.ask(method, "/api/items/1", "", "{}").await.status, 404, "{method} what is gone");
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_items_are_refused() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let large = json!({ "text": "x".repeat(16 * 1024) }).to_string();
    for (body, want, why) in
        [("{", 400, "no JSON"), ("", 400, "nothing"), ("[1]", 422, "no object"), (large.as_str(), 413, "beyond 16 KiB")]
    {
        let answer = client.ask("POST", "/api/items", "", body).await;
        assert_eq!(answer.status, want, "{why}");
        assert!(answer.json()["error"].is_string(), "{why}: {}", answer.text());
    }
    assert_eq!(client.get("/api/items?limit=1001").await.status, 400, "beyond the longest list");
    server.stop().await;
}

#[test]
fn items_are_bounded() {
    let items = Items::new();
    for id in 1..=ITEMS_MAX as u64 {
        assert_eq!(items.create(Map::new()), Some(id));
    }
    assert_eq!(items.create(Map::new()), None);
}

async fn login(client: &mut Client, user: &str, password: &str) -> Answer {
    client.ask("POST", "/shop/login", FORM, &format!("user={user}&password={password}")).await
}

/// The header line that sends the session back.
async fn session(client: &mut Client, user: &str) -> String {
    let answer = login(client, user, "secret").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/shop")));
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with("session=") && cookie.contains("; Path=/; HttpOnly"), "{cookie}");
    format!("cookie: {}\r\n", cookie.split(';').next().expect("a first part"))
}

#[tokio::test]
async fn only_its_users_may_log_in() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    for (user, password, want) in [
        ("user1", "secret", 303),
        ("user50", "secret", 303),
        ("user0", "secret", 401),
        ("user51", "secret", 401),
        ("user01", "secret", 401),
        ("user1", "Secret", 401),
        ("", "", 401),
    ] {
        assert_eq!(login(&mut client, user, password).await.status, want, "{user} {password}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_shop_from_login_to_logout() {
    // Two workers: whoever serves a connection knows the session.
    let server = Server::start(2).await;
    let cookie = session(&mut server.client().await, "user7").await;
    let mut client = server.client().await;

    let page = client.ask("GET", "/shop", &cookie, "").await;
    assert!(page.status == 200 && page.text().contains("Hello user7"), "{}", page.text());
    let found = client.ask("GET", "/shop/search?q=COFFEE", &cookie, "").await.json();
    assert_eq!(
        found,
        json!({ "items": [
            { "id": 14, "name": "Coffee beans", "price": "12.49" },
            { "id": 15, "name": "Coffee filter", "price": "1.89" },
        ] })
    );
    assert_eq!(client.ask("POST", "/shop/order", &cookie, "").await.status, 409, "nothing to order yet");

    for (wish, want, why) in [
        (r#"{"id":14,"count":2}"#, 200, "two bags"),
        (r#"{"id":15,"count":1}"#, 200, "and filters"),
        (r#"{"id":14,"count":1}"#, 200, "a third bag"),
        (r#"{"id":41,"count":1}"#, 404, "not sold here"),
        (r#"{"id":-1,"count":1}"#, 404, "not sold here either"),
        (r#"{"id":1,"count":0}"#, 422, "none is no wish"),
        (r#"{"id":1,"count":101}"#, 422, "too many"),
        (r#"{"id":1}"#, 422, "how many?"),
        ("coffee", 400, "no JSON"),
    ] {
        assert_eq!(client.ask("POST", "/shop/basket", &cookie, wish).await.status, want, "{why}");
    }
    let basket = client.ask("GET", "/shop/basket", &cookie, "").await.json();
    assert_eq!(
        basket,
        json!({
            "lines": [
                { "id": 14, "name": "Coffee beans", "price": "12.49", "count": 3, "sum": "37.47" },
                { "id": 15, "name": "Coffee filter", "price": "1.89", "count": 1, "sum": "1.89" },
            ],
            "total": "39.36",
        })
    );
    let order = client.ask("POST", "/shop/order", &cookie, "").await;
    assert_eq!((order.status, order.json()), (201, json!({ "order": 1, "total": "39.36" })));
    assert_eq!(client.ask("POST", "/shop/order", &cookie, "").await.status, 409, "it was ordered once");
    assert_eq!(client.ask("GET", "/shop/logout", &cookie, "").await.status, 200);
    assert_eq!(client.ask("GET", "/shop/basket", &cookie, "").await.status, 401, "the session is over");
    server.stop().await;
}

#[tokio::test]
async fn strangers_see_nothing() {
    let server = Server::start(1).await;
    let mut client = server.client().await;
    let ours = session(&mut client, "user1").await;
    let forged = format!("{}0\r\n", ours.trim_end());
    for cookie in ["", "cookie: session=\r\n", "cookie: session=1-0000000000000000\r\n", forged.as_str()] {
        for (method, target) in [
            ("GET", "/shop"),
            ("GET", "/shop/search?q=tea"),
            ("GET", "/shop/basket"),
            ("POST", "/shop/basket"),
            ("POST", "/shop/order"),
            ("GET", "/shop/logout"),
        ] {
            let answer = client.ask(method, target, cookie, "").await;
            assert_eq!(answer.status, 401, "{method} {target} {cookie}");
            assert!(answer.json()["error"].is_string(), "{}", answer.text());
        }
    }
    server.stop().await;
}

#[test]
fn the_oldest_session_goes() {
    let mut sessions = Sessions::new();
    let first = sessions.open(1);
    let second = sessions.open(2);
    for _ in 2..SESSIONS_MAX {
        sessions.open(3);
    }
    assert!(sessions.find(&first).is_some(), "there is room for all so far");
    let last = sessions.open(4);
    assert!(sessions.find(&first).is_none(), "the oldest went");
    assert!(sessions.find(&second).is_some() && sessions.find(&last).is_some());
}

#[test]
fn products_are_found_by_their_ids() {
    assert_eq!(products::all().count(), 40);
    for product in products::all() {
        assert_eq!(products::find(product.id).map(|found| found.name), Some(product.name));
    }
    assert!(products::find(0).is_none() && products::find(41).is_none());
    assert_eq!(products::search("").len(), 40, "an empty text is in every name");
    assert!(products::search("teapot").is_empty());
}

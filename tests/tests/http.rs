//! What HTTP asks of a client, through a guest: what is sent, and what comes of what is answered.

use std::io::Write;

use serde_json::{Value, json};
use tests::early::Early;
use tests::program::eventually;
use tests::raw::{Raw, Request, answer};
use tests::servers::Playground;
use tests::trial::Trial;

/// One run of these requests; what was seen of each answer.
fn visit(steps: &Value) -> Vec<Value> {
    let tested = Trial::visit(steps).run().expect(0);
    tested.conserved();
    let seen = tested.seen();
    assert_eq!(seen.len(), steps.as_array().expect("a list").len(), "{:?}", tested.ended.stderr);
    seen
}

/// A text that packs well, and what packs it.
fn packed(encoding: &str) -> Vec<u8> {
    let text = "all work and no play ".repeat(100).into_bytes();
    match encoding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&text).and_then(|()| encoder.finish()).expect("packed")
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&text).and_then(|()| encoder.finish()).expect("packed")
        }
        "br" => {
            let mut packed = Vec::new();
            brotli::BrotliCompress(&mut text.as_slice(), &mut packed, &Default::default()).expect("packed");
            packed
        }
        "zstd" => zstd::stream::encode_all(text.as_slice(), 3).expect("packed"),
        _ => text,
    }
}

/// 100 MiB of zeros in some kilobytes.
fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        encoder.write_all(&zeros).expect("packed");
    }
    encoder.finish().expect("packed")
}

fn bodies() -> Raw {
    Raw::start(|request: &Request| match request.path() {
        "/304" => b"HTTP/1.1 304 Not Modified\r\netag: x\r\ncontent-length: 55\r\n\r\n".to_vec(),
        "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        "/nul" => answer("200 OK", b"a\0b\0\0c"),
        "/chunked" => {
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nt: v\r\n\r\n"
                .to_vec()
        }
        "/empty" => answer("200 OK", b""),
        "/until-closed" => b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end".to_vec(),
        "/continue" => [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), answer("200 OK", b"then this")].concat(),
        "/hints" => {
            [b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(), answer("200 OK", b"then that")].concat()
        }
        "/head" => b"HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n".to_vec(),
        "/latin" => answer("200 OK\r\ncontent-type: text/plain; charset=iso-8859-1", b"caf\xe9"),
        "/twice" => answer("200 OK\r\nX-A: 1\r\nx-a: 2", b""),
        "/broken" => answer("200 OK\r\ncontent-encoding: gzip", b"\x1f\x8bnot packed at all"),
        "/bomb" => answer("200 OK\r\ncontent-encoding: gzip", &bomb()),
        "/unknown" => answer("200 OK\r\ncontent-encoding: rot13", b"nyy jbex"),
        path => {
            let encoding = path.trim_start_matches('/');
            answer(&format!("200 OK\r\ncontent-encoding: {encoding}"), &packed(encoding))
        }
    })
}

#[test]
fn bodies_of_every_kind() {
    let raw = bodies();
    let all_work = packed("").len();
    for (method, path, want, why) in [
        ("GET", "/304", json!({ "status": 304, "bytes": 0, "size": 0 }), "no body, whatever its length says"),
        ("GET", "/204", json!({ "status": 204, "bytes": 0 }), "no body and no length"),
        ("GET", "/nul", json!({ "bytes": 6, "sum": 97 + 98 + 99, "text": "a\0b\0\0c" }), "NUL bytes are bytes"),
        ("GET", "/chunked", json!({ "text": "abcdefg", "size": 7 }), "chunks, without their framing"),
        ("GET", "/empty", json!({ "status": 200, "bytes": 0 }), "nothing"),
        ("GET", "/until-closed", json!({ "text": "to the end" }), "no length: to the end of the connection"),
        ("GET", "/continue", json!({ "status": 200, "text": "then this" }), "100 is not the answer"),
        ("GET", "/hints", json!({ "status": 200, "text": "then that" }), "nor is 103"),
        ("HEAD", "/head", json!({ "status": 200, "bytes": 0 }), "an answer to HEAD has no body"),
        ("GET", "/latin", json!({ "text": "café", "bytes": 4 }), "the charset counts"),
        ("GET", "/gzip", json!({ "bytes": all_work, "size": packed("gzip").len() }), "gzip"),
        ("GET", "/deflate", json!({ "bytes": all_work, "size": packed("deflate").len() }), "deflate"),
        ("GET", "/br", json!({ "bytes": all_work, "size": packed("br").len() }), "br"),
        ("GET", "/zstd", json!({ "bytes": all_work, "size": packed("zstd").len() }), "zstd"),
        ("GET", "/unknown", json!({ "status": 200, "size": 8 }), "an encoding nobody knows"),
    ] {
        let seen = visit(&json!([{ "method": method, "url": raw.url(path) }, { "url": raw.url("/empty") }]));
        for (key, value) in want.as_object().expect("an object") {
            assert_eq!(&seen[0][key], value, "{path}, {why}: {key} of {}", seen[0]);
        }
        assert_eq!(seen[1]["status"], 200, "{path}: and the next request is all right");
    }
    let seen =
        visit(&json!([{ "url": raw.url("/broken") }, { "url": raw.url("/bomb") }, { "url": raw.url("/twice") }]));
    assert!(seen[0]["broken"].is_string() && seen[0]["status"] == 200, "what can't be unpacked: {}", seen[0]);
    assert!(
        seen[1]["broken"].to_string().contains("more than 67108864 bytes"),
        "what is far larger unpacked: {}",
        seen[1]
    );
    assert_eq!(seen[2]["headers"].as_array().expect("headers").iter().filter(|header| header[0] == "x-a").count(), 2);
}

#[test]
fn a_body_that_is_only_counted() {
    let playground = Playground::start();
    let steps = json!([{ "url": format!("{}/bytes/100000000", playground.url), "discard": true },
                       { "url": format!("{}/bytes/100000000", playground.url) }]);
    let tested = Trial::visit(&steps).run().expect(0);
    let seen = tested.seen();
    assert_eq!((&seen[0]["size"], &seen[0]["bytes"]), (&json!(100_000_000), &json!(0)));
    assert_eq!(seen[1]["error"], "Protocol", "over the limit of what is kept: {}", seen[1]);
    assert!(seen[1]["text"].to_string().contains("discard"), "says the way out: {}", seen[1]);
}

#[test]
fn what_is_sent() {
    let raw = Raw::start(|_| answer("200 OK", b""));
    let long = "v".repeat(2_000);
    visit(&json!([
        { "url": raw.url("/a?b=c%20d#fragment") },
        { "url": raw.url("/é ü"), "method": "POST" },
        { "url": raw.url("/"), "method": "PUT", "body": "abc", "headers": [["X-One", &long], ["user-agent", "me"], ["accept-encoding", "br"]] },
        { "url": raw.url("/"), "method": "DELETE" },
        { "url": raw.url("/"), "method": "PROPFIND", "headers": [["host", "other.example"], ["cookie", "a=b"]] },
    ]));
    let asked = raw.asked();
    assert_eq!(asked[0].line, "GET /a?b=c%20d HTTP/1.1", "no fragment");
    assert_eq!(asked[0].header("host"), Some(format!("127.0.0.1:{}", raw.port).as_str()));
    assert!(asked[0].header("user-agent").is_some_and(|agent| agent.starts_with("mite/")));
    assert_eq!(asked[0].header("accept-encoding"), Some("gzip, deflate, br, zstd"));
    assert_eq!(asked[0].header("content-length"), None, "GET has no body and no length");
    assert_eq!(
        (asked[1].line.as_str(), asked[1].header("content-length")),
        ("POST /%C3%A9%20%C3%BC HTTP/1.1", Some("0"))
    );
    assert_eq!((asked[2].header("x-one"), asked[2].header("user-agent")), (Some(long.as_str()), Some("me")));
    assert_eq!((asked[2].header("accept-encoding"), asked[2].body.as_slice()), (Some("br"), &b"abc"[..]));
    assert_eq!((asked[3].method(), asked[3].header("content-length")), ("DELETE", None));
    assert_eq!(
        (asked[4].method(), asked[4].header("host"), asked[4].header("cookie")),
        ("PROPFIND", Some("other.example"), Some("a=b"))
    );
    assert!(asked.iter().all(|request| request.connection == 0), "all on one connection");
}

/// What would smuggle something into a request is refused, and nothing is sent.
#[test]
fn requests_that_can_not_be_made() {
    let raw = Raw::start(|_| answer("200 OK", b""));
    let url = raw.url("/");
    let many: Vec<_> = (0..101).map(|n| json!([format!("x-{n}"), "y"])).collect();
    for (step, why) in [
        (json!({ "url": url, "headers": [["x", "a\r\nb: c"]] }), "a header's value with a line in it"),
        (json!({ "url": url, "headers": [["x\r\ny", "a"]] }), "a header's name with one"),
        (json!({ "url": url, "headers": [["x: y", "a"]] }), "a name that is none"),
        (json!({ "url": url, "headers": [["x", "a\0b"]] }), "a NUL"),
        (json!({ "url": url, "method": "GET / HTTP/1.1\r\nx: y\r\n\r\nGET" }), "a method with a request in it"),
        (json!({ "url": url, "method": "" }), "no method"),
        (json!({ "url": url, "method": "CONNECT" }), "a method for proxies"),
        (json!({ "url": url, "headers": [["content-length", "5"]] }), "a length of its own"),
        (json!({ "url": url, "headers": [["transfer-encoding", "chunked"]] }), "a framing of its own"),
        (json!({ "url": url, "headers": [["Connection", "close"]] }), "a header of the connection"),
        (json!({ "url": url, "headers": many }), "too many headers"),
        (json!({ "url": "/relative" }), "a URL without host"),
        (json!({ "url": "ftp://127.0.0.1/" }), "another protocol"),
        (json!({ "url": "file:///etc/passwd" }), "a file"),
        (json!({ "url": "http://" }), "nothing"),
        (json!({ "url": format!("http://127.0.0.1:{}99/", raw.port) }), "no port"),
    ] {
        let tested = Trial::visit(&json!([step])).run().expect(0);
        assert_eq!(tested.seen()[0]["error"], "Invalid", "{why}: {:?}", tested.seen());
        assert_eq!(tested.count("requests"), 0, "{why}: it is no request");
    }
    assert!(raw.asked().is_empty(), "nothing was sent: {:?}", raw.asked());
    let seen = visit(&json!([{ "url": raw.url("/a\r\nb"), "method": "GET" }]));
    assert_eq!(
        (&seen[0]["status"], raw.asked()[0].path()),
        (&json!(200), "/ab"),
        "line ends in URLs are left out, as everywhere"
    );
}

#[test]
fn cookies() {
    let playground = Playground::start();
    let at = |path: &str| playground.url.clone() + path;
    let seen = visit(&json!([
        { "url": at("/cookies/set?a=1&b=two") },
        { "url": at("/cookies"), "set_cookie": ["127.0.0.1", "c", "3"] },
        { "url": at("/cookies").replace("127.0.0.1", "localhost") },
    ]));
    let told = |seen: &Value| {
        serde_json::from_str::<Value>(seen["text"].as_str().expect("a text")).expect("JSON")["cookies"].clone()
    };
    assert_eq!(told(&seen[0]), json!({ "a": "1", "b": "two" }), "set on the way, sent after the redirect");
    assert_eq!(told(&seen[1]), json!({ "a": "1", "b": "two", "c": "3" }), "and the journey's own");
    assert_eq!(told(&seen[2]), json!({}), "another host doesn't get them");

    let raw = Raw::start(|request| match request.path() {
        "/set" => answer(
            "200 OK\r\nset-cookie: p=1; Path=/deep\r\nset-cookie: e=1; Domain=example.com\r\nset-cookie: g=1; Max-Age=0\r\nset-cookie: ok=1; HttpOnly",
            b"",
        ),
        _ => answer("200 OK", b""),
    });
    visit(&json!([{ "url": raw.url("/set") }, { "url": raw.url("/") }, { "url": raw.url("/deep/er") }]));
    let sent: Vec<_> = raw.asked().iter().map(|request| request.header("cookie").map(str::to_owned)).collect();
    assert_eq!(sent[..2], [None, Some("ok=1".to_owned())], "no one else's, no expired, no deeper one");
    let mut deep: Vec<_> = sent[2].as_deref().expect("some").split("; ").collect();
    deep.sort_unstable();
    assert_eq!(deep, ["ok=1", "p=1"]);
}

/// Method, body and credentials, hop by hop.
#[test]
fn redirects() {
    let other = Raw::start(|_| answer("200 OK", b"there"));
    let there = other.url("/there");
    let raw = Raw::start(move |request| match request.path().split_once('/').map(|(_, path)| path) {
        Some("landed") => answer("200 OK", b"here"),
        Some("away") => answer(&format!("307 Temporary Redirect\r\nlocation: {there}"), b""),
        Some(code) => answer(&format!("{code} Somewhere\r\nlocation: landed"), b""),
        None => Vec::new(),
    });
    for (status, method, want, body) in [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (302, "HEAD", "HEAD", ""),
        (307, "POST", "POST", "abc"),
        (308, "PUT", "PUT", "abc"),
        (301, "GET", "GET", ""),
    ] {
        let before = raw.asked().len();
        let url = raw.url(&format!("/{status}"));
        let headers = json!([["authorization", "Basic eDp5"], ["x-own", "1"]]);
        let body_sent = if method == "POST" || method == "PUT" { json!("abc") } else { Value::Null };
        let seen = visit(&json!([{ "url": url, "method": method, "body": body_sent, "headers": headers }]));
        let landed = &raw.asked()[before + 1];
        assert_eq!((landed.method(), landed.path()), (want, "/landed"), "{method} after {status}");
        assert_eq!(String::from_utf8_lossy(&landed.body), body, "{method} after {status}");
        assert_eq!(landed.header("authorization"), Some("Basic eDp5"), "the same host keeps credentials");
        assert_eq!((&seen[0]["url"], &seen[0]["history"][0][1]), (&json!(raw.url("/landed")), &json!(url)));
    }
    let headers = json!([["authorization", "Basic eDp5"], ["cookie", "own=1"], ["x-own", "1"]]);
    visit(&json!([{ "url": raw.url("/away"), "headers": headers, "redirects": 1 }]));
    let landed = &other.asked()[0];
    assert_eq!(
        (landed.header("authorization"), landed.header("cookie")),
        (None, None),
        "another host gets no credentials"
    );
    assert_eq!(
        (landed.header("x-own"), landed.header("host")),
        (Some("1"), Some(format!("127.0.0.1:{}", other.port).as_str()))
    );
    let seen = visit(&json!([{ "url": raw.url("/302"), "redirects": 0 }]));
    assert_eq!((&seen[0]["status"], seen[0]["history"].as_array().map(Vec::len)), (&json!(302), Some(0)));
}

/// As many connections as the option asks for, by the server's own count.
#[test]
fn connections_are_used_again_as_asked() {
    for (option, why) in [
        ("runner", "all journeys of a worker share them"),
        ("journey", "one a run, which uses it for all its requests"),
        ("never", "one a request"),
    ] {
        let playground = Playground::start();
        let step = json!({ "url": format!("{}/json", playground.url) });
        let trial = Trial::plan("visit").config("steps", json!([step, step, step])).config("volume", 1);
        let trial = trial.config("seconds", 0.3).option("--workers=1").option(&format!("--connections={option}"));
        let tested = trial.run().expect(0);
        let (runs, requests) = (tested.runs("ended"), tested.count("requests"));
        assert!(runs > 2 && requests == 3 * runs, "{why}: {runs} {requests}");
        let asking = 1;
        let made = playground.stats()["connections"].as_u64().expect("a count") - asking;
        let want = match option {
            "runner" => 1,
            "journey" => runs,
            _ => requests,
        };
        assert_eq!(made, want, "{why}");
        eventually("none stays open", || (playground.stats()["open_connections"].as_u64()? <= 2).then_some(()));
    }
}

/// A server that closes idle connections costs nothing but a new one.
#[test]
fn connections_closed_by_the_server_are_made_again() {
    let raw = Raw::start(|request| {
        answer(if request.path() == "/last" { "200 OK\r\nconnection: close" } else { "200 OK" }, b"x")
    });
    let seen = visit(
        &json!([{ "url": raw.url("/last") }, { "url": raw.url("/") }, { "url": raw.url("/last"), "method": "POST" }, { "url": raw.url("/"), "method": "POST" }]),
    );
    assert!(seen.iter().all(|seen| seen["status"] == 200), "{seen:?}");
    let connections: Vec<_> = raw.asked().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 1, 2]);
}

/// What is answered before it is sent is sent to its end where others may use the connection, and given up where it would end with
/// the run.
#[test]
fn an_early_answer() {
    for (option, whole) in [("runner", true), ("journey", false), ("never", false)] {
        let early = Early::start();
        let url = format!("http://127.0.0.1:{}/", early.port);
        let large = json!({ "url": url, "method": "POST", "body": "0123456789", "repeat": 1_000_000 });
        let steps = json!([large, { "url": url }]);
        let tested = Trial::visit(&steps).option(&format!("--connections={option}")).run().expect(0);
        tested.conserved();
        assert_eq!(tested.seen().iter().filter(|seen| seen["status"] == 200).count(), 2, "{option}");
        assert_eq!(early.rest_came(), Some(whole), "{option}");
    }
}

//! What a journey may reach and send: forbidden addresses in every spelling, secrets, and servers that mean harm.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;
use tests::forbidden::{others, spellings};
use tests::raw::{Raw, answer};
use tests::trial::{Tested, Trial};

/// Counts who connects.
struct Canary {
    port: u16,
    seen: Arc<AtomicUsize>,
}

impl Canary {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut stream) = stream {
                    drop(stream.read(&mut [0; 1_000]));
                    drop(stream.write_all(&answer("200 OK\r\nconnection: close", b"")));
                }
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

fn kinds(tested: &Tested) -> Vec<String> {
    tested.seen().iter().map(|seen| seen["error"].as_str().unwrap_or("none").to_owned()).collect()
}

/// Not one packet goes to what is forbidden, however it is written and whoever leads there.
#[test]
fn forbidden_addresses_in_every_spelling() {
    let canary = Canary::start();
    let addresses = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "0.0.0.0"];
    let mut hosts: Vec<String> = others().map(str::to_owned).to_vec();
    hosts.extend(addresses.iter().flat_map(|address| spellings(address.parse().expect("an address"))));
    assert!(hosts.len() >= 150, "{}", hosts.len());
    let urls: Vec<String> = hosts.iter().map(|host| format!("http://{host}:{}/", canary.port)).collect();
    let locations = urls.clone();
    let leading = Raw::start(move |request| {
        let at: usize = request.path()[1..].parse().expect("a number");
        let header: String = format!("302 Found\r\nlocation: {}", locations[at]);
        answer(&header, b"")
    });
    let step = |url: &str| json!({ "url": url, "timeout": 5.0 });
    let direct: Vec<_> = urls.iter().map(|url| step(url)).collect();
    let led: Vec<_> = (0..urls.len()).map(|at| step(&leading.url(&format!("/{at}")))).collect();
    for (steps, why) in [(direct, "by URL"), (led, "by a redirect")] {
        let trial = Trial::visit(&json!(steps)).option("--allow=*");
        let tested = trial.option(&format!("--allow=127.0.0.1:{}", leading.port)).run().expect(0);
        let kinds = kinds(&tested);
        let wrong: Vec<_> = urls
            .iter()
            .zip(&kinds)
            .filter(|(_, kind)| !matches!(kind.as_str(), "Denied" | "Invalid" | "Protocol"))
            .collect();
        assert!(wrong.is_empty(), "{why}: {wrong:?}");
        let denied = kinds.iter().filter(|kind| *kind == "Denied").count() as u64;
        assert!(denied >= 150, "{why}: {denied} denied, {kinds:?}");
        assert_eq!(tested.count("errors_by_class/denied"), denied, "{why}: each is counted");
        tested.conserved();
        let told = tested.ended.stderr.matches(&format!("{denied} requests were denied")).count()
            + tested.ended.stdout.matches(&format!("{denied} requests were denied")).count();
        assert_eq!(told, 1, "{why}: {} {}", tested.ended.stdout, tested.ended.stderr);
        assert_eq!(canary.seen(), 0, "{why}");
    }
    // The canary lives.
    let some = ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"];
    let steps: Vec<_> = some.map(|host| step(&format!("http://{host}:{}/", canary.port))).to_vec();
    let tested = Trial::visit(&json!(steps)).run().expect(0);
    assert!(tested.seen().iter().all(|seen| seen["status"] == 200), "{:?}", tested.seen());
    assert_eq!(canary.seen(), some.len());
}

/// Which rules say what, with the reason and the way out.
#[test]
fn rules() {
    let raw = Raw::start(|_| answer("200 OK", b""));
    let (port, url) = (raw.port, raw.url("/"));
    let by_name = format!("http://localhost:{port}/");
    for (options, url, denied, why) in [
        (vec![], url.as_str(), None, "the local user reaches this machine"),
        (
            vec![],
            "http://169.254.169.254:9/",
            Some("it is a metadata address, which no journey reaches unless a rule names it"),
            "but",
        ),
        (
            vec!["--deny=loopback".to_owned()],
            &url,
            Some("the rule `loopback` closes it; see --allow and --deny in docs/policy.md"),
            "closed",
        ),
        (vec!["--deny=loopback".to_owned()], &by_name, Some("it has the loopback address"), "whatever its name"),
        (vec![format!("--allow=loopback:{port}")], &by_name, None, "what is named"),
        (vec!["--allow=loopback:1".to_owned()], &url, Some("no rule allows it"), "and nothing else"),
        (vec!["--allow=loopback".to_owned(), format!("--deny=*:{port}")], &url, Some("closes it"), "closed wins"),
        (
            vec!["--allow=loopback".to_owned(), "--deny=other.example".to_owned()],
            &url,
            Some("Host header: http://other.example"),
            "a Host header names what is reached",
        ),
    ] {
        let headers = if why.starts_with("a Host") { json!([["host", "other.example"]]) } else { json!([]) };
        let mut trial = Trial::visit(&json!([{ "url": url, "headers": headers }]));
        for option in &options {
            trial = trial.option(option);
        }
        let seen = trial.run().expect(0).seen();
        match denied {
            None => assert_eq!(seen[0]["status"], 200, "{why}: {seen:?}"),
            Some(text) => {
                assert_eq!(seen[0]["error"], "Denied", "{why}: {seen:?}");
                assert!(seen[0]["text"].to_string().contains(text), "{why}: {seen:?}");
            }
        }
    }
    let wrong = Trial::visit(&json!([])).option("--allow=10.1.0.0/8").run().expect(2);
    assert!(wrong.ended.stderr.contains("10.1.0.0 is not where a block of /8 begins"), "{}", wrong.ended.stderr);
}

const CANARY: &str = "canary+7d0f\"55e1/9c42";

/// The canary as it is and as it could have been written.
fn shapes() -> Vec<String> {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        CANARY.to_owned(),
        CANARY.replace('"', "\\\""),
        BASE64_STANDARD.encode(CANARY),
        hex,
        "canary%2B7d0f%2255e1%2F9c42".to_owned(),
    ]
}

/// It is sent where it may be, and is nowhere else.
#[test]
fn secrets() {
    let other = Raw::start(|_| answer("200 OK", b""));
    let there = other.url("/there");
    let raw = Raw::start(move |request| match request.path() {
        "/away" => answer(&format!("307 Temporary Redirect\r\nlocation: {there}"), b""),
        "/echo" => answer("200 OK", request.header("authorization").unwrap_or_default().as_bytes()),
        "/encoded" => answer("200 OK", BASE64_STANDARD.encode(CANARY).as_bytes()),
        _ => answer("200 OK", b""),
    });
    let bearer = json!([["authorization", "Bearer SECRET"], ["x-own", "SECRET"]]);
    let json_body = json!([["content-type", "application/json"]]);
    let form = json!([["content-type", "application/x-www-form-urlencoded"]]);
    let steps = json!([
        { "url": raw.url("/"), "headers": bearer, "secret": "token" },
        { "url": raw.url("/"), "method": "POST", "headers": json_body, "body": "{\"a\":\"SECRET\"}", "secret": "token" },
        { "url": raw.url("/"), "method": "POST", "headers": form, "body": "a=SECRET&b=1", "secret": "token" },
        { "url": raw.url("/away"), "method": "POST", "headers": bearer, "body": "SECRET", "secret": "token" },
        { "url": raw.url("/echo"), "headers": bearer, "secret": "token" },
        { "url": raw.url("/encoded") },
        { "url": "http://169.254.169.254:9/", "headers": bearer, "secret": "token" },
    ]);
    let trial = Trial::visit(&steps).files(&[("token", format!("{CANARY}\n").as_bytes())]);
    let tested = trial.option("--secret=token=token").run().expect(0);
    tested.conserved();
    let asked = raw.asked();
    assert_eq!(asked[0].header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
    assert_eq!(asked[0].header("x-own"), Some(CANARY));
    assert_eq!(String::from_utf8_lossy(&asked[1].body), r#"{"a":"canary+7d0f\"55e1/9c42"}"#);
    assert_eq!(String::from_utf8_lossy(&asked[2].body), "a=canary%2B7d0f%2255e1%2F9c42&b=1");
    assert_eq!(String::from_utf8_lossy(&asked[3].body), CANARY, "the first place gets it");
    let run_id = tested.summary["run_id"].as_str().expect("an id");
    assert!(asked[0].header("user-agent").is_some_and(|agent| agent.contains(&format!("(run {run_id})"))));
    let landed = &other.asked()[0];
    assert_eq!((landed.header("authorization"), landed.header("x-own")), (None, None), "another origin gets none");
    assert!(landed.body.starts_with(b"MITE-SECRET-"), "nor in a body: {:?}", landed.body);
    assert_eq!(tested.seen()[4]["text"], format!("Bearer {}", "*".repeat(CANARY.len())), "what came back is covered");
    let told = format!("{:?} {} {} {}", tested.messages, tested.summary, tested.ended.stdout, tested.ended.stderr);
    for shape in shapes() {
        assert!(!told.contains(&shape), "{shape} in {told}");
    }
    for (option, secret, code, why) in [
        ("--secret=token=nowhere", "token", 104, "secret `token`: nowhere: "),
        ("--secret=token", "token", 2, "it is not of the form NAME=FILE"),
        ("--secret=token=token", "other", 99, "there is no secret `other` here"),
    ] {
        let steps = json!([{ "url": raw.url("/"), "headers": [["x", "SECRET"]], "secret": secret }]);
        let trial = Trial::visit(&steps).files(&[("token", CANARY.as_bytes())]).option(option);
        let ended = trial.run().expect(code).ended;
        let told = ended.stdout + &ended.stderr;
        assert!(told.contains(why) && !told.contains("7d0f"), "{why}: {told}");
    }
}

/// What servers do to harm a client ends at a limit, as a classified error.
#[test]
fn servers_that_mean_harm() {
    let raw = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = raw.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in raw.incoming().flatten() {
            std::thread::spawn(move || harm(stream));
        }
    });
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let rows = [
        ("/drip", 0.5, "Timeout", "response"),
        ("/silence", 0.5, "Timeout", "request"),
        ("/endless-headers", 30.0, "Protocol", "the head of the response has more than 65536 bytes"),
        ("/many-headers", 30.0, "Protocol", "more than 100 headers"),
        ("/endless-header", 30.0, "Protocol", "the head of the response has more than 65536 bytes"),
        ("/endless-interim", 30.0, "Protocol", "the head of the response has more than 65536 bytes"),
        ("/endless-chunks", 60.0, "Protocol", "the body has more than 67108864 bytes"),
        ("/endless-extension", 30.0, "Protocol", "extensions and trailers of the body have more than 16384 bytes"),
        ("/huge-length", 30.0, "Protocol", "the body has more than 67108864 bytes"),
        ("/two-lengths", 30.0, "Protocol", "length"),
    ];
    let steps: Vec<_> =
        rows.iter().map(|(path, timeout, ..)| json!({ "url": url(path), "timeout": timeout })).collect();
    let tested = Trial::visit(&json!(steps)).run().expect(0);
    tested.conserved();
    let seen = tested.seen();
    for ((path, _, kind, text), seen) in rows.iter().zip(&seen) {
        assert_eq!(seen["error"], *kind, "{path}: {seen}");
        assert!(seen["text"].to_string().contains(text), "{path}: {seen}");
    }
}

/// Answers without end, until the client has had enough.
fn harm(mut stream: std::net::TcpStream) {
    let mut request = [0; 4_000];
    let read = stream.read(&mut request).unwrap_or(0);
    let path = String::from_utf8_lossy(&request[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (first, again): (&str, String) = match path.as_str() {
        "/drip" => ("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", "x".to_owned()),
        "/silence" => ("", String::new()),
        "/endless-headers" => ("HTTP/1.1 200 OK\r\n", format!("x: {}\r\n", "y".repeat(8_000))),
        "/many-headers" => ("HTTP/1.1 200 OK\r\n", format!("{}\r\n", "x: y\r\n".repeat(200))),
        "/endless-header" => ("HTTP/1.1 200 OK\r\nx: ", "y".repeat(1_000)),
        "/endless-interim" => ("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_owned()),
        "/endless-chunks" => (chunked, format!("10000\r\n{}\r\n", "z".repeat(65_536))),
        "/endless-extension" => (chunked, format!("1;{}\r\nx\r\n", "e".repeat(1_000))),
        "/huge-length" => ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "x".repeat(1_000)),
        _ => ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "x".to_owned()),
    };
    if stream.write_all(first.as_bytes()).is_err() {
        return;
    }
    let is_slow = matches!(path.as_str(), "/drip" | "/silence");
    loop {
        if is_slow {
            // A drip: nobody waits for this.
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        if again.is_empty() && matches!(stream.peek(&mut [0]), Ok(0) | Err(_))
            || stream.write_all(again.as_bytes()).is_err()
        {
            return;
        }
    }
}

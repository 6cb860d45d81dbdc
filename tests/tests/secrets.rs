//! A secret is nowhere but where it was sent: every component of the pipeline is started, whatever can go wrong with a request does, and a
//! server says all it knows, however it likes to write that. Nothing that comes out of any of them has it, in any encoding, nor half of it
//! where a text was cut.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use rustix::process::Signal;
use tests::fleet::{Fleet, Tenant, count};
use tests::pipeline::{PARTS, Places};
use tests::program::{Running, eventually};
use tests::raw::{Raw, Request, answer};

const CANARY: &str = "canary+7d0f\"55e1/9c42<é>0b83&a6f7";
/// So much of it is as good as all.
const TELLING: usize = 12;

/// The secret as programs write it, and what of it is its own in each.
fn written() -> Vec<(String, String)> {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = "canary%2B7d0f%2255e1%2F9c42%3C%C3%A9%3E0b83%26a6f7";
    let python = CANARY.replace('"', "\\\"").replace('é', "\\u00e9");
    let html = CANARY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut written = vec![
        CANARY.to_owned(),
        CANARY.replace('"', "\\\""),
        python.replace('/', "\\/"),
        python,
        html,
        hex.to_uppercase(),
        hex,
        percent.to_lowercase(),
        percent.to_owned(),
    ];
    written.extend(["", "a", "ab"].map(|before| BASE64_STANDARD.encode(format!("{before}:{CANARY}:"))));
    written.extend(["", "a", "ab"].map(|before| BASE64_URL_SAFE_NO_PAD.encode(format!("{before}:{CANARY}:"))));
    let own = |text: &String| {
        // In Base64 the two or three characters at each end have something of their neighbours.
        let shared = if text.contains("anary") || text.starts_with("63") { 0 } else { 4 };
        text[shared..].to_owned()
    };
    written.iter().map(|text| (text.clone(), own(text))).collect()
}

/// What must be found nowhere: the beginning of each, which is what is left of one that was cut.
fn needles() -> Vec<Vec<u8>> {
    written().into_iter().map(|(_, own)| own.into_bytes()[..TELLING].to_vec()).collect()
}

/// All that the server knows, a line for each way to write it, over and over, so that whatever cuts it cuts one in the middle.
fn all_it_knows() -> String {
    written().iter().map(|(text, _)| format!("{text} ").repeat(3_000 / text.len()) + "\n").collect()
}

fn tell(request: &Request) -> Vec<u8> {
    let sent = request.header("authorization").unwrap_or_default();
    match request.path() {
        "/echo" => answer(&format!("200 OK\r\nx-echo: {sent}\r\nx-own: {CANARY}"), all_it_knows().as_bytes()),
        "/redirect" => {
            let location = "/landed/canary%2B7d0f%2255e1%2F9c42%3C%C3%A9%3E0b83%26a6f7";
            answer(&format!("302 Found\r\nlocation: {location}"), b"")
        }
        "/broken" => format!("HTTP/1.1 200 OK\r\ncontent-length: {CANARY}\r\n\r\n").into_bytes(),
        _ => answer("200 OK", b""),
    }
}

/// Where it was found, and what is around it.
#[track_caller]
fn nothing_of_it(place: &str, bytes: &[u8]) {
    for needle in needles() {
        if let Some(at) = bytes.windows(needle.len()).position(|window| window == needle) {
            let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
            panic!("{place}: {} in: {}", String::from_utf8_lossy(&needle), String::from_utf8_lossy(around));
        }
    }
}

fn files(directory: &Path, seen: &mut u32) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, seen);
        } else if path.file_name().is_some_and(|name| name != "token") {
            *seen += 1;
            nothing_of_it(&path.display().to_string(), &std::fs::read(&path).expect("a file"));
        }
    }
}

fn process(running: &Running) {
    for what in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{what}", running.pid());
        nothing_of_it(&path, &std::fs::read(&path).expect("it runs"));
    }
}

#[test]
fn nowhere_but_where_it_was_sent() {
    for needle in needles() {
        let all = all_it_knows();
        assert!(all.as_bytes().windows(TELLING).any(|window| window == needle), "what is looked for is what is told");
    }
    let (fleet, places, server) = (Fleet::new(), Places::new(), Raw::start(tell));
    let mut team = Tenant::new("team", "secrets = { token = \"token\" }\nlabels = 100");
    team.messages.clone_from(&places.messages);
    std::fs::write(fleet.path("token"), CANARY).expect("a file");
    fleet.write(&[&team], "");
    let mut parts: Vec<_> = PARTS.iter().map(|part| places.start(part)).collect();
    parts.push(places.start("receiver"));
    let runner = fleet.runner(&[]);
    let url = format!("url:{}", server.url(""));
    let controller = fleet.controller(&team, "probe:plan", &["journey:spills", "volume:1", "seconds:0.5", &url]);
    eventually("a test that runs", || (!server.asked().is_empty()).then_some(()));
    parts.iter().chain([&runner, &controller]).for_each(process);

    let ended = controller.wait().expect(99);
    let summary = fleet.summary(&team, &ended);
    let figures = eventually("figures", || places.metrics().filter(|it| it.sum("mite_journey_error_total", &[]) > 3.0));
    nothing_of_it("the exporter's metrics", figures.text().as_bytes());
    nothing_of_it("the runner's metrics", fleet.metrics().text().as_bytes());
    nothing_of_it("the controller", format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    runner.signal(Signal::TERM);
    drop(runner.wait().expect(0));
    for (part, running) in PARTS.iter().chain(&["receiver"]).zip(parts) {
        running.signal(Signal::TERM);
        let ended = running.wait().expect(0);
        nothing_of_it(part, format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    let mut seen = 0;
    files(&fleet.path(""), &mut seen);
    files(places.summary().parent().expect("a directory"), &mut seen);
    let recorded = places.recorded().join("spilled.msgpack");
    assert!(recorded.is_file() && places.received().is_dir() && places.collected().is_dir(), "all have written");

    // It was sent, as it should be, and all of this was told.
    let asked = server.asked();
    let sent = asked.iter().find(|request| request.path() == "/echo").expect("it was asked");
    let pair = BASE64_STANDARD.encode(format!("ada:{CANARY}"));
    assert_eq!(sent.header("authorization"), Some(format!("Basic {pair}").as_str()));
    assert_eq!(String::from_utf8_lossy(&sent.body), format!("{{\"token\":\"{}\"}}", CANARY.replace('"', "\\\"")));
    assert!(asked.iter().any(|request| request.path().starts_with("/landed/")), "it was led there");
    assert!(seen >= 5, "{seen} files: the log, the summary, and what three components have written");
    for class in ["denied", "protocol"] {
        assert!(count(&summary, &format!("/errors_by_class/{class}")) > 0, "{summary:#}");
    }
    fleet.said("*********").expect("what a journey prints is in the log, with asterisks");
}

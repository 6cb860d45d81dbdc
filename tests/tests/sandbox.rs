//! What leads out of the sandbox, and what a guest hands to the host that is more than it may have.

use std::io::ErrorKind;
use std::net::TcpListener;

use tests::files::text;
use tests::servers::Playground;
use tests::trial::Trial;

#[test]
fn no_door_opens() {
    let canary = TcpListener::bind("127.0.0.1:0").expect("a port");
    canary.set_nonblocking(true).expect("a socket can");
    let address = canary.local_addr().expect("it is bound");
    let trial = Trial::new(&["journey", "run", "hostile:reaches"]).config("address", address);
    let tested = trial.files(&[("here.txt", b"seen")]).environment("MITE_CANARY", "seen").run().expect(0);
    let doors = tested.of_type("door");
    assert_eq!(doors.len(), 14, "{}", tested.ended.stderr);
    for door in doors {
        let opened = tests::files::field(door, "opened").expect("a field");
        assert!(opened.is_nil() && !text(door, "error").is_empty(), "{door}");
    }
    let given = tested.of_type("given");
    for what in ["variables", "arguments", "input"] {
        assert!(tests::files::number(given[0], what) < 0.5, "{what}: {}", given[0]);
    }
    assert_eq!(canary.accept().map(drop).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "nobody came");
}

/// The host takes what is too much for an error, and none of it changes what it knows of itself.
#[test]
fn the_host_takes_no_more_than_it_may() {
    let playground = Playground::start();
    let trial = Trial::new(&["journey", "run", "hostile:shouts"]).config("url", format!("{}/json", playground.url));
    let tested = trial.option("--journey-memory=128").run();
    let shouts: Vec<(&str, &str)> =
        tested.of_type("shout").into_iter().map(|it| (text(it, "shout"), text(it, "answer"))).collect();
    assert_eq!(shouts.len(), 21, "{shouts:?}\n{}", tested.ended.stderr);
    for (shout, refused) in [
        ("url", "the limit is 65536"),
        ("header", "at most 65536 bytes"),
        ("header name", "at most 65536 bytes"),
        ("headers", "at most 100 headers"),
        ("method", "at most 64 bytes"),
        ("cookie", "at most 4096 bytes"),
        ("cookie name", "at most 4096 bytes"),
        ("cookie domain", "at most 4096 bytes"),
        ("identity", "at most 262144 bytes"),
        ("config set", "only functions of a s"),
    ] {
        let (_, answer) = shouts.iter().find(|(it, _)| *it == shout).unwrap_or_else(|| panic!("{shouts:?}"));
        assert!(answer.contains(refused) && *answer != "taken", "{shout}: {answer}");
    }
    let longest = tested.messages.iter().map(|message| message.to_string().len()).max();
    assert!(longest < Some(64 * 1024), "{longest:?} characters in a message");
    assert_eq!(tested.count("messages/refused"), 2, "a type and a message too large: {:#}", tested.summary);
    tested.conserved();
}

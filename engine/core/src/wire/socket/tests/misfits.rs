//! Peers that are no good, too many peers, and the end of a socket.

use super::*;

async fn bound(options: Options) -> (Pull, Endpoint) {
    let mut pull = Pull::new(options);
    let endpoint = pull.bind("tcp://127.0.0.1:0").await.unwrap();
    (pull, endpoint)
}

/// A good peer is served.
async fn served(pull: &mut Pull, endpoint: &Endpoint) {
    let mut push = Push::new(options());
    push.connect(&endpoint.to_string()).unwrap();
    push.send(numbered(42, 1)).await;
    assert_eq!(receive(pull, 1).await, [42]);
}

#[tokio::test]
async fn nonsense_closes_its_own_connection_and_no_other() {
    let (mut pull, endpoint) = bound(options()).await;
    let mut good = Raw::connect(&endpoint, &[("Socket-Type", "PUSH")]).await;
    let greeting = Greeting { major: 3, minor: 1, mechanism: "NULL".to_owned(), as_server: false }.bytes();
    let mut huge = greeting.to_vec();
    huge.extend_from_slice(b"\x02\0\0\x40\0\0\0\0\0");
    let curve = Greeting { major: 3, minor: 1, mechanism: "CURVE".to_owned(), as_server: false }.bytes();
    for (bytes, why) in [
        (&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], "HTTP"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "TLS"),
        (&[0xa5; 1_000], "noise"),
        (&huge, "73 bytes that announce 2^46"),
        (&curve, "another mechanism"),
        (&[&greeting[..], b"\x04\x06\x05READY\xff"].concat(), "malformed READY"),
    ] {
        let mut bad = Raw::silent(&endpoint).await;
        bad.say(bytes).await;
        let mut rest = Vec::new();
        // Closed, be it with a reset.
        let _ = soon(bad.stream.read_to_end(&mut rest)).await;
        assert!(pull.try_receive().is_none(), "{why}");
    }
    for bytes in [&b"\x02\0\0\x40\0\0\0\0\0"[..], b"\x05\0", b"\x04\x05\x04PING", b"\x80"] {
        let mut bad = Raw::connect(&endpoint, &[("Socket-Type", "PUSH")]).await;
        bad.say(bytes).await;
        bad.closed().await;
    }
    good.say(numbered(1, 1).bytes()).await;
    assert_eq!(receive(&mut pull, 1).await, [1], "the good one is still there");
    assert_eq!(pull.peers().len(), 1);
}

#[tokio::test]
async fn another_type_of_socket_is_told_why() {
    let (_pull, endpoint) = bound(options()).await;
    let mut wrong = Raw::connect(&endpoint, &[("Socket-Type", "SUB")]).await;
    assert!(matches!(wrong.hear().await, Some(Item::Command(Command::Ready(_)))));
    let Some(Item::Command(Command::Error(reason))) = wrong.hear().await else { panic!("no reason") };
    assert!(reason.contains("SUB") && reason.contains("PULL"), "{reason}");
    assert!(wrong.hear().await.is_none());
}

#[tokio::test]
async fn a_pull_that_sends_is_disconnected() {
    let mut push = Push::new(options());
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap();
    let mut wrong = Raw::connect(&endpoint, &[("Socket-Type", "PULL")]).await;
    wrong.say(numbered(0, 1).bytes()).await;
    wrong.closed().await;
}

#[tokio::test]
async fn a_slow_greeting_is_cut_off() {
    let (_pull, endpoint) = bound(Options { handshake: Duration::from_millis(20), ..options() }).await;
    let mut slow = Raw::silent(&endpoint).await;
    slow.say(b"\xff\0\0\0").await;
    let mut rest = Vec::new();
    let _ = soon(slow.stream.read_to_end(&mut rest)).await;
    assert_eq!(rest.len(), 64, "our greeting, then the end");
}

#[tokio::test]
async fn a_flood_of_silent_ones_keeps_nobody_out() {
    let (mut pull, endpoint) = bound(Options { handshakes_max: 4, ..options() }).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(Raw::silent(&endpoint).await);
    }
    served(&mut pull, &endpoint).await;
    let first = silent.remove(0);
    let mut rest = Vec::new();
    let mut stream = first.stream;
    let _ = soon(stream.read_to_end(&mut rest)).await;
    until("the good one is gone by itself", || pull.peers().is_empty()).await;
}

#[tokio::test]
async fn connections_are_bounded() {
    let (mut pull, endpoint) = bound(Options { connections_max: 3, ..options() }).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(Raw::connect(&endpoint, &[("Socket-Type", "PUSH")]).await);
    }
    until("three are there", || pull.peers().len() == 3).await;
    let mut fourth = Raw::silent(&endpoint).await;
    let mut rest = Vec::new();
    let _ = soon(fourth.stream.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "closed at once");
    drop(peers.pop());
    until("one is gone", || pull.peers().len() == 2).await;
    served(&mut pull, &endpoint).await;
}

#[tokio::test]
async fn a_dropped_socket_leaves_no_task_behind() {
    let directory = tempfile::tempdir().unwrap();
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    {
        let ipc = format!("ipc://{}", directory.path().join("socket").display());
        let (mut pull, endpoint) = bound(options()).await;
        pull.bind(&ipc).await.unwrap();
        let (mut push, mut req, mut rep) = (Push::new(options()), Req::new(options()), Rep::new(options()));
        push.connect(&endpoint.to_string()).unwrap();
        push.connect(&ipc).unwrap();
        push.connect("tcp://127.0.0.1:1").unwrap();
        req.connect(&rep.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
        push.send(numbered(0, 1)).await;
        receive(&mut pull, 1).await;
        let unanswered = req.request(b"never answered", Duration::from_millis(20)).await;
        assert_eq!(unanswered.unwrap_err(), RequestError::Timeout);
        let _silent = Raw::silent(&endpoint).await;
        assert!(alive() > before + 5);
    }
    until("no task", || alive() == before).await;
    assert!(!directory.path().join("socket").exists(), "the file is gone too");
}

#[tokio::test]
async fn the_state_goes_with_the_socket() {
    let mut rep = Rep::new(options());
    let endpoint = rep.bind("tcp://127.0.0.1:0").await.unwrap();
    let mut req = Raw::connect(&endpoint, &[("Socket-Type", "DEALER")]).await;
    req.say(Parcel::message(&[b"", b"one"]).bytes()).await;
    req.say(Parcel::message(&[b"", b"two"]).bytes()).await;
    let responder = loop {
        if let Event::Request(request) = soon(rep.next()).await {
            break request.responder;
        }
    };
    // The second request is still in the inbox.
    drop(rep);
    req.closed().await;
    assert!(!responder.answer(b"nobody hears it"));
}

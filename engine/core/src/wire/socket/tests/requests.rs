//! REQ and REP.

use std::sync::Arc;

use super::*;

async fn asking(options: Options) -> (Req, Rep, Endpoint) {
    let (mut req, mut rep) = (Req::new(options.clone()), Rep::new(options));
    let endpoint = rep.bind("tcp://127.0.0.1:0").await.unwrap();
    req.connect(&endpoint.to_string()).unwrap();
    (req, rep, endpoint)
}

/// The next request, whatever happens before it.
async fn request(rep: &mut Rep) -> Request {
    loop {
        if let Event::Request(request) = soon(rep.next()).await {
            return request;
        }
    }
}

/// Answers everything with itself.
async fn echo(mut rep: Rep) {
    loop {
        if let Event::Request(request) = rep.next().await {
            request.responder.answer(&request.body);
        }
    }
}

#[tokio::test]
async fn requests_are_answered() {
    let (mut req, rep, _) = asking(options()).await;
    let echo = tokio::spawn(echo(rep));
    for body in [&b""[..], b"x", &[7; 300], &vec![9; 1 << 20]] {
        let reply = req.request(body, LONG).await.unwrap();
        assert_eq!(reply.body, body);
        assert_eq!(reply.peer.name.as_ref().map(|name| name.kind.as_str()), Some("test"));
    }
    echo.abort();
}

#[tokio::test]
async fn a_late_reply_is_never_taken_for_another() {
    let (mut req, mut rep, _) = asking(options()).await;
    for round in 0..5_u8 {
        let first = [round];
        let (asked, late) = tokio::join!(req.request(&first, Duration::from_millis(30)), request(&mut rep));
        assert_eq!(asked.unwrap_err(), RequestError::Timeout);
        let next = [round, round];
        let (reply, ()) = tokio::join!(req.request(&next, LONG), async {
            let request = request(&mut rep).await;
            late.responder.answer(b"late");
            request.responder.answer(&request.body);
        });
        assert_eq!(reply.unwrap().body, &next[..]);
    }
}

#[tokio::test]
async fn what_is_given_up_is_as_a_timeout() {
    let (mut req, mut rep, _) = asking(options()).await;
    let late = tokio::select! {
        _ = req.request(b"one", LONG) => panic!("nobody answers"),
        late = request(&mut rep) => late,
    };
    let (reply, _) = tokio::join!(req.request(b"two", LONG), async {
        late.responder.answer(b"late");
        request(&mut rep).await.responder.answer(b"right")
    });
    assert_eq!(reply.unwrap().body, &b"right"[..]);
}

#[tokio::test]
async fn nobody_there_and_somebody_lost() {
    let mut req = Req::new(options());
    assert_eq!(req.request(b"x", Duration::from_millis(10)).await.unwrap_err(), RequestError::Timeout);
    let endpoint = req.bind("tcp://127.0.0.1:0").await.unwrap();
    let mut rep = Raw::connect(&endpoint, &[("Socket-Type", "REP")]).await;
    assert!(matches!(rep.hear().await, Some(Item::Command(Command::Ready(_)))));
    let (result, ()) = tokio::join!(req.request(b"x", LONG), async {
        assert_eq!(rep.hear().await, Some(Item::Parcel(Parcel::message(&[b"", b"x"]))));
        drop(rep);
    });
    assert_eq!(result.unwrap_err(), RequestError::Lost);
    let mut rep = Rep::new(options());
    rep.connect(&endpoint.to_string()).unwrap();
    let echo = tokio::spawn(echo(rep));
    assert_eq!(req.request(b"again", LONG).await.unwrap().body, &b"again"[..]);
    echo.abort();
}

#[tokio::test]
async fn many_peers_are_answered_in_any_order() {
    let mut rep = Rep::new(options());
    let endpoint = rep.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let tasks: Vec<_> = (0..20_u8)
        .map(|number| {
            let mut req = Req::new(options());
            req.connect(&endpoint).unwrap();
            tokio::spawn(async move { req.request(&[number], LONG).await.unwrap().body == [number, number][..] })
        })
        .collect();
    let mut open = Vec::new();
    while open.len() < 20 {
        open.push(request(&mut rep).await);
    }
    for request in open.into_iter().rev() {
        let body = request.body.repeat(2);
        assert!(request.responder.answer(&body));
    }
    for asked in tasks {
        assert!(soon(asked).await.unwrap());
    }
}

#[tokio::test]
async fn a_dealer_gets_its_envelope_back() {
    let mut rep = Rep::new(options());
    let endpoint = rep.bind("tcp://127.0.0.1:0").await.unwrap();
    let mut dealer = Raw::connect(&endpoint, &[("Socket-Type", "DEALER"), ("Identity", "me")]).await;
    let long = [3; 300];
    let envelopes: [&[&[u8]]; 3] = [&[b""], &[b"a", b"bc", b""], &[&long, b""]];
    for (number, envelope) in (0..).zip(envelopes) {
        let body = [number];
        let frames = [envelope, &[&body[..]]].concat();
        dealer.say(Parcel::message(&frames).bytes()).await;
    }
    let mut open = Vec::new();
    while open.len() < 3 {
        open.push(request(&mut rep).await);
    }
    assert_eq!((open[0].peer.identity.as_slice(), open[0].peer.name.as_ref()), (&b"me"[..], None));
    assert!(matches!(dealer.hear().await, Some(Item::Command(Command::Ready(_)))));
    for request in open.into_iter().rev() {
        let envelope = envelopes[usize::from(request.body[0])];
        request.responder.answer(b"reply");
        let want = [envelope, &[b"reply"]].concat();
        assert_eq!(dealer.hear().await, Some(Item::Parcel(Parcel::message(&want))));
    }
}

#[tokio::test]
async fn open_requests_of_a_peer_are_bounded() {
    let mut rep = Rep::new(Options { requests_max: 3, ..options() });
    let endpoint = rep.bind("tcp://127.0.0.1:0").await.unwrap();
    let mut dealer = Raw::connect(&endpoint, &[("Socket-Type", "DEALER")]).await;
    // Each larger than what is read in one go.
    let body = vec![1; 200_000];
    let asking = tokio::spawn(async move {
        for _ in 0..100 {
            dealer.say(Parcel::message(&[b"", &body]).bytes()).await;
        }
        dealer
    });
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(request(&mut rep).await.responder);
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), rep.next()).await.is_err(), "not read further");
    let mut answered = 0;
    while answered < 100 {
        match open.pop() {
            // Dropped or answered: either makes room.
            Some(responder) if answered % 2 == 0 => drop(responder),
            Some(responder) => assert!(responder.answer(b"")),
            None => {
                open.push(request(&mut rep).await.responder);
                continue;
            }
        }
        answered += 1;
    }
    drop(soon(asking).await.unwrap());
}

#[tokio::test]
async fn who_comes_and_goes_is_told() {
    let (mut req, mut rep, _) = asking(options()).await;
    let Event::Connected(peer) = soon(rep.next()).await else { panic!("not connected first") };
    let asking = tokio::spawn(async move { req.request(b"x", Duration::from_millis(20)).await.map(drop) });
    let Event::Request(request) = soon(rep.next()).await else { panic!("no request") };
    assert!(Arc::ptr_eq(&peer, &request.peer));
    assert_eq!(asking.await.unwrap(), Err(RequestError::Timeout));
    let gone = loop {
        // The REQ connects anew before it is dropped, or not.
        if let Event::Disconnected(gone) = soon(rep.next()).await {
            break gone;
        }
    };
    assert_eq!(
        (gone.connection, rep.peers().iter().any(|there| there.connection == peer.connection)),
        (peer.connection, false)
    );
    assert!(!request.responder.answer(b"too late"));
}

#[tokio::test]
async fn a_request_without_form_is_disconnected() {
    let (_req, mut rep, endpoint) = asking(options()).await;
    for frames in [&[&b"x"[..]][..], &[b""], &[b"", b"x", b"y"]] {
        let mut dealer = Raw::connect(&endpoint, &[("Socket-Type", "DEALER")]).await;
        dealer.say(Parcel::message(frames).bytes()).await;
        dealer.closed().await;
    }
    while let Ok(event) = tokio::time::timeout(Duration::from_millis(20), rep.next()).await {
        assert!(!matches!(event, Event::Request(_)));
    }
}

//! REQ and REP against those of others.

use mite_core::wire::socket::{Event, Rep, Req, RequestError};

use super::*;

/// Answers everything with itself.
async fn echo(mut rep: Rep) {
    loop {
        if let Event::Request(request) = rep.next().await {
            assert_eq!(request.peer.name, None, "none of ours");
            request.responder.answer(&request.body);
        }
    }
}

#[tokio::test]
async fn requests_to_libzmq() {
    let directory = tempfile::tempdir().unwrap();
    for socket in ["REP", "ROUTER"] {
        for endpoint in endpoints(&directory) {
            let (mut python, bound) = Python::bound(&format!("{socket} IPV6=1"), &endpoint).await;
            python.tell("echo 100").await;
            let mut req = Req::new(options());
            req.connect(&bound).unwrap();
            for number in 0..100_u64 {
                let body = number.to_be_bytes().repeat(1 + number as usize);
                assert_eq!(req.request(&body, LONG).await.unwrap().body, body, "{socket} {endpoint}");
            }
            assert_eq!(python.answer().await.unwrap(), "echoed 100");
        }
    }
}

#[tokio::test]
async fn a_reply_that_never_comes_does_no_harm() {
    for socket in ["REP", "ROUTER"] {
        let (mut python, bound) = Python::bound(socket, "tcp://127.0.0.1:*").await;
        let mut req = Req::new(options());
        req.connect(&bound).unwrap();
        for _ in 0..3 {
            let reply = req.request(b"slow", Duration::from_millis(30)).await;
            assert_eq!(reply.unwrap_err(), RequestError::Timeout);
        }
        // It answers all, old ones first; the old answers have nowhere to go.
        python.tell("echo 100").await;
        assert_eq!(req.request(b"quick", LONG).await.unwrap().body, &b"quick"[..], "{socket}");
        python.kill().await;
        let _ = req.request(b"nobody", Duration::from_millis(30)).await.unwrap_err();
        let (mut again, _) = Python::bound(socket, &bound).await;
        again.tell("echo 1").await;
        assert_eq!(req.request(b"again", LONG).await.unwrap().body, &b"again"[..], "{socket}");
    }
}

#[tokio::test]
async fn requests_of_libzmq() {
    let directory = tempfile::tempdir().unwrap();
    for endpoint in endpoints(&directory) {
        let mut rep = Rep::new(options());
        let bound = rep.bind(&endpoint).await.unwrap().to_string();
        let echo = tokio::spawn(echo(rep));
        let mut req = Python::connected("REQ IPV6=1", &bound).await;
        let mut dealer = Python::connected("DEALER IPV6=1", &bound).await;
        req.tell("ask 100").await;
        assert_eq!(dealer.ask("dealer 100").await, "dealt 100", "{endpoint}");
        assert_eq!(req.answer().await.unwrap(), "asked 100", "{endpoint}");
        echo.abort();
    }
}

#[tokio::test]
async fn requests_with_the_zeromq_crate() {
    let mut theirs = zeromq::RepSocket::new();
    let bound = theirs.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let mut req = Req::new(options());
    req.connect(&bound).unwrap();
    for number in 0..20_u8 {
        let (reply, ()) = tokio::join!(req.request(&[7], LONG), async {
            theirs.recv().await.unwrap();
            theirs.send(vec![number].into()).await.unwrap();
        });
        assert_eq!(reply.unwrap().body, vec![number]);
    }
    let mut rep = Rep::new(options());
    let bound = rep.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let echo = tokio::spawn(echo(rep));
    let mut theirs = zeromq::ReqSocket::new();
    theirs.connect(&bound).await.unwrap();
    let mut dealer = zeromq::DealerSocket::new();
    dealer.connect(&bound).await.unwrap();
    for number in 0..20_u8 {
        theirs.send(vec![number].into()).await.unwrap();
        let frames = vec![Bytes::new(), Bytes::from(vec![number, 1])];
        dealer.send(frames.try_into().unwrap()).await.unwrap();
        assert_eq!(soon(theirs.recv()).await.unwrap().into_vec(), [vec![number]]);
        assert_eq!(soon(dealer.recv()).await.unwrap().into_vec(), [vec![], vec![number, 1]]);
    }
    echo.abort();
}

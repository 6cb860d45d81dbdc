//! PUSH to PULL.

use std::collections::HashSet;

use super::*;
use crate::wire::batch::Batch;

#[tokio::test]
async fn every_endpoint_either_side_first() {
    let directory = tempfile::tempdir().unwrap();
    let ipc = format!("ipc://{}", directory.path().join("socket").display());
    for bind in ["tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://localhost:0", "tcp://*:0", &ipc] {
        for push_binds in [true, false] {
            let (mut push, mut pull) = (Push::new(options()), Pull::new(options()));
            // Its file is gone only once the task that listened is.
            let bind = if bind == ipc { format!("{ipc}.{push_binds}") } else { bind.to_owned() };
            let bound = match push_binds {
                true => push.bind(&bind).await.unwrap(),
                false => pull.bind(&bind).await.unwrap(),
            };
            let endpoint = bound.to_string().replace('*', "127.0.0.1");
            match push_binds {
                true => pull.connect(&endpoint).unwrap(),
                false => push.connect(&endpoint).unwrap(),
            }
            push.send(numbered(0, 3)).await;
            assert_eq!(receive(&mut pull, 3).await, [0, 1, 2], "{bind} {push_binds}");
        }
        // The other order: who connects is there before who binds.
        let (mut early, mut late) = (Push::new(options()), Pull::new(options()));
        let place = if bind == ipc { ipc.clone() } else { free_endpoint() };
        early.connect(&place).unwrap();
        early.send(numbered(5, 2)).await;
        late.bind(&place).await.unwrap();
        assert_eq!(receive(&mut late, 2).await, [5, 6], "{bind}");
    }
}

/// An endpoint where nobody listens.
fn free_endpoint() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_wrong_endpoint_is_named() {
    let mut push = Push::new(options());
    let taken = push.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    for (bind, endpoint, part) in [
        (true, "127.0.0.1:5", "it doesn't begin with"),
        (false, "tcp://*:5", "can be bound, not connected to"),
        (false, "tcp://x", "it has no port"),
        (true, &taken, "can't listen on"),
        (true, "ipc:///no/such/directory/socket", "can't listen on"),
    ] {
        let result = if bind { push.bind(endpoint).await.map(drop) } else { push.connect(endpoint) };
        let error = result.unwrap_err().to_string();
        assert!(error.contains(endpoint) && error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn several_endpoints_on_either_side() {
    let (mut push, mut one, mut two) = (Push::new(options()), Pull::new(options()), Pull::new(options()));
    push.connect(&one.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
    push.connect(&one.bind("tcp://[::1]:0").await.unwrap().to_string()).unwrap();
    two.connect(&push.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
    until("three connections", || push.peers().len() == 3).await;
    for place in 0..9 {
        push.send(numbered(place, 1)).await;
    }
    assert_eq!(receive(&mut one, 6).await.len() + receive(&mut two, 3).await.len(), 9, "each in turn");
    assert_eq!(one.peers().len(), 2);
    let name = two.peers()[0].name.clone().expect("one of ours");
    assert_eq!((name.kind.as_str(), name.id.len()), ("test", 16));
}

#[tokio::test]
async fn a_batch_arrives_as_it_was_and_goes_on_as_it_came() {
    let (push, mut duplicator, _) = pair(options()).await;
    let mut batch = Batch::default();
    (0..100_u64).for_each(|number| batch.push(&number.to_be_bytes().repeat(1 + number as usize)));
    push.send(&batch).await;
    let mut sinks = Vec::new();
    let mut outs = Vec::new();
    for _ in 0..3 {
        let (out, sink, _) = pair(options()).await;
        outs.push(out);
        sinks.push(sink);
    }
    let came = parcel(&mut duplicator).await;
    for out in &outs {
        out.send(came.clone()).await;
    }
    for sink in &mut sinks {
        let parcel = parcel(sink).await;
        assert_eq!(parcel.bytes(), Parcel::from(&batch).bytes());
        assert_eq!((parcel.len(), parcel.messages().count()), (100, 1));
        assert!(parcel.records().eq(batch.messages()));
    }
}

#[tokio::test]
async fn what_finds_no_room_is_dropped_and_counted_exactly() {
    let push = Push::new(Options { full: Full::DropNewest, queue_records: 100, ..options() });
    let mut dropped = 0;
    for place in 0..50 {
        dropped += push.send(numbered(place, 7)).await;
    }
    assert_eq!(dropped, 36 * 7);
    assert_eq!(push.counts(), Counts { made: 350, sent: 0, waiting: 98, dropped: 252, unsure: 0 });
    let left = push.close(Duration::ZERO).await;
    assert_eq!((left.waiting, left.sent), (98, 0), "what was not sent");
}

#[tokio::test]
async fn a_full_one_waits_for_room() {
    let (mut push, mut pull) = (Push::new(Options { queue_records: 10, ..options() }), Pull::new(options()));
    push.send(numbered(0, 10)).await;
    let waits = tokio::time::timeout(Duration::from_millis(20), push.send(numbered(99, 1))).await;
    assert!(waits.is_err(), "no peer, no room");
    assert_eq!(push.counts(), Counts { made: 10, waiting: 10, ..Counts::default() }, "given up is not made");
    assert_eq!(push.try_send(numbered(99, 1)).map_err(|back| back.len()), Err(1));
    push.connect(&pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
    assert_eq!(soon(push.send(numbered(10, 5))).await, 0);
    assert_eq!(receive(&mut pull, 15).await, (0..15).collect::<Vec<_>>());
    until("all is sent", || push.counts().sent == 15).await;
}

#[tokio::test]
async fn close_waits_until_all_is_read() {
    let (push, mut pull, _) = pair(Options { receive_bytes: 1_000, ..options() }).await;
    for place in 0..2_000 {
        push.send(numbered(place * 100, 100)).await;
    }
    let reading = tokio::spawn(async move { receive(&mut pull, 200_000).await });
    let counts = push.close(LONG).await;
    assert_eq!(counts, Counts { made: 200_000, sent: 200_000, ..Counts::default() });
    assert_eq!(reading.await.unwrap(), (0..200_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn close_says_what_it_could_not_send() {
    let (push, pull, _) = pair(Options { receive_bytes: 1_000, ..options() }).await;
    until("connected", || !push.peers().is_empty()).await;
    // More than buffers of the system hold.
    let large = Parcel::message(&[&vec![0; 1 << 20]]);
    for _ in 0..24 {
        push.send(large.clone()).await;
    }
    let counts = push.close(Duration::from_millis(50)).await;
    assert_eq!(counts.made, counts.sent + counts.waiting);
    assert!(counts.waiting > 0 && counts.unsure > 0 && counts.unsure <= counts.sent, "{counts:?}");
    assert!(pull.received() <= counts.sent);
}

#[tokio::test]
async fn a_peer_that_never_reads_holds_up_nobody() {
    let mut push = Push::new(Options { queue_bytes: 1 << 20, ..options() });
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap();
    let stuck = Raw::connect(&endpoint, &[("Socket-Type", "PULL")]).await;
    let mut pull = Pull::new(options());
    pull.connect(&endpoint.to_string()).unwrap();
    until("both are there", || push.peers().len() == 2).await;
    let record = vec![0; 100_000];
    let reading = tokio::spawn(async move {
        while pull.received() < 400 {
            parcel(&mut pull).await;
        }
    });
    let mut made = 0;
    while !reading.is_finished() {
        soon(push.send(Parcel::message(&[&record]))).await;
        made += 1;
    }
    assert_eq!(push.counts().made, made);
    drop(stuck);
}

#[tokio::test]
async fn what_a_lost_peer_had_not_got_goes_to_the_next() {
    let mut push = Push::new(options());
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap();
    let stuck = Raw::connect(&endpoint, &ours("PULL", "1")).await;
    until("it is there", || !push.peers().is_empty()).await;
    for place in 0..200 {
        let bytes = [&u64::to_be_bytes(place)[..], &[0; 100_000]].concat();
        push.send(Parcel::message(&[&bytes])).await;
    }
    until("the system takes no more", || push.counts().sent > 0).await;
    drop(stuck);
    until("it is gone", || push.peers().is_empty()).await;
    let counts = push.counts();
    assert_eq!((counts.made, counts.sent + counts.waiting, counts.unsure), (200, 200, counts.sent));
    let mut pull = Pull::new(options());
    pull.connect(&endpoint.to_string()).unwrap();
    let mut seen = Vec::new();
    while seen.len() < counts.waiting as usize {
        let parcel = parcel(&mut pull).await;
        seen.extend(parcel.records().map(|record| u64::from_be_bytes(record[..8].try_into().unwrap())));
    }
    assert_eq!(seen, (counts.sent..200).collect::<Vec<_>>(), "in order, each once");
    until("all is sent", || push.counts().waiting == 0).await;
}

#[tokio::test]
async fn what_is_not_received_holds_back_its_sender_alone() {
    let mut pull = Pull::new(Options { receive_bytes: 10_000, ..options() });
    let endpoint = pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let (mut chatty, mut quiet) = (Push::new(options()), Push::new(options()));
    chatty.connect(&endpoint).unwrap();
    let large = Parcel::message(&[&[0; 8][..], &vec![0; 50_000]]);
    for _ in 0..400 {
        chatty.send(large.clone()).await;
    }
    // 20 MB are more than buffers of the system and of the PULL take.
    until("it is held back", || chatty.counts().sent > 0 && pull.received() > 0).await;
    quiet.connect(&endpoint).unwrap();
    quiet.send(numbered(7, 1)).await;
    until("the quiet one has sent", || quiet.counts().sent == 1).await;
    until("and is heard", || pull.peers().len() == 2 && pull.received() % 2 == 1).await;
    assert!(chatty.counts().waiting > 0, "held back");
    let mut turns = 0;
    while parcel(&mut pull).await != numbered(7, 1) {
        turns += 1;
    }
    assert!(turns <= 2, "{turns} turns of the chatty one before it");
    while pull.received() < 801 || chatty.counts().waiting > 0 {
        parcel(&mut pull).await;
    }
    assert_eq!(pull.missing(), 0);
}

#[tokio::test]
async fn receiving_can_be_given_up_at_any_time() {
    let (push, mut pull, _) = pair(options()).await;
    let sending = tokio::spawn(async move {
        for place in 0..2_000 {
            push.send(numbered(place, 1)).await;
            if place % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
        push.close(LONG).await
    });
    let mut seen = HashSet::new();
    while seen.len() < 2_000 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            incoming = pull.receive() => {
                if let Received::Parcel(parcel) = incoming.what {
                    seen.extend(numbers(&parcel));
                }
            }
        }
    }
    assert_eq!(soon(sending).await.unwrap().sent, 2_000);
}

#[tokio::test]
async fn it_comes_back_again_and_again() {
    let place = free_endpoint();
    let mut push = Push::new(options());
    push.connect(&place).unwrap();
    for round in 0..5 {
        let mut pull = Pull::new(options());
        // The one before is gone once its task is.
        while pull.bind(&place).await.is_err() {
            tokio::task::yield_now().await;
        }
        push.send(numbered(round, 1)).await;
        assert_eq!(receive(&mut pull, 1).await, [round]);
        drop(pull);
        until("it noticed", || push.peers().is_empty()).await;
    }
}

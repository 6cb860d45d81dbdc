//! What our own peers tell each other beside records.

use tokio::net::TcpListener;

use super::*;
use crate::wire::zmtp::mite::Word;

#[tokio::test]
async fn a_reader_counts_what_never_came() {
    let mut pull = Pull::new(options());
    let endpoint = pull.bind("tcp://127.0.0.1:0").await.unwrap();
    let word = |position| {
        let mut out = Vec::new();
        Command::Mite(Word::At(position)).put(&mut out);
        out
    };
    let mut writer = Raw::connect(&endpoint, &ours("PUSH", "1")).await;
    writer.say(&[&word(0)[..], numbered(0, 10).bytes(), &word(10)].concat()).await;
    receive(&mut pull, 10).await;
    drop(writer);
    let mut again = Raw::connect(&endpoint, &ours("PUSH", "1")).await;
    again.say(&[&word(25)[..], numbered(25, 5).bytes()].concat()).await;
    receive(&mut pull, 5).await;
    assert_eq!((pull.received(), pull.missing()), (15, 15), "10 to 24 went down with the connection");
    let mut other = Raw::connect(&endpoint, &ours("PUSH", "2")).await;
    other.say(&[&word(0)[..], numbered(0, 5).bytes()].concat()).await;
    receive(&mut pull, 5).await;
    assert_eq!(pull.missing(), 15, "another socket of the same process is another link");
}

#[tokio::test]
async fn each_reader_has_a_link_of_its_own() {
    let mut push = Push::new(options());
    let (mut gone, mut pull) = (Pull::new(options()), Pull::new(Options { receive_bytes: 1_000, ..options() }));
    gone.connect(&push.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
    push.send(numbered(0, 10)).await;
    assert_eq!(receive(&mut gone, 10).await.len(), 10);
    drop(gone);
    until("it is gone", || push.peers().is_empty()).await;
    assert!(push.counts().unsure <= 10, "at most what was written since the last PONG");
    pull.connect(&push.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
    push.send(numbered(10, 5)).await;
    assert_eq!(receive(&mut pull, 5).await, (10..15).collect::<Vec<_>>());
    assert_eq!(pull.missing(), 0, "a link of its own: what another reader lost isn't its loss");
}

#[tokio::test]
async fn notes_reach_ours_and_nobody_else() {
    let mut push = Push::new(options());
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap();
    push.note(b"a", b"old").unwrap();
    push.note(b"a", b"new").unwrap();
    let mut pull = Pull::new(options());
    pull.connect(&endpoint.to_string()).unwrap();
    let note = |key: &[u8], body: &[u8]| Received::Note { key: key.to_vec(), body: body.to_vec() };
    assert_eq!(soon(pull.receive()).await.what, note(b"a", b"new"), "only the newest");
    push.note(b"b", b"").unwrap();
    assert_eq!(soon(pull.receive()).await.what, note(b"b", b""));

    let mut stranger = Raw::connect(&endpoint, &[("Socket-Type", "PULL")]).await;
    until("both are there", || push.peers().len() == 2).await;
    push.note(b"c", b"body").unwrap();
    push.send(numbered(0, 1)).await;
    push.send(numbered(1, 1)).await;
    assert_eq!(soon(pull.receive()).await.what, note(b"c", b"body"));
    assert_eq!(receive(&mut pull, 1).await.len(), 1, "one for each");
    assert_eq!((pull.received(), push.counts().made), (1, 2), "a note is no record");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| !matches!(last, Item::Parcel(_))) {
        heard.extend(stranger.hear().await);
    }
    let plain = |item: &Item| !matches!(item, Item::Command(Command::Mite(_)));
    assert!(heard.iter().all(plain), "{heard:?}");
    for (key, body) in [(vec![0; 256], vec![]), (vec![], vec![0; 64 << 10])] {
        assert_eq!(push.note(&key, &body), Err(NoteTooLarge));
    }
    (4..=4_096_u32).for_each(|key| push.note(&key.to_be_bytes(), b"").unwrap());
    assert_eq!(push.note(b"one more", b""), Err(NoteTooLarge));
    assert_eq!(push.note(b"a", b"again"), Ok(()));
}

#[tokio::test]
async fn a_reader_tells_ours_and_nobody_else() {
    let mut pull = Pull::new(options());
    let endpoint = pull.bind("tcp://127.0.0.1:0").await.unwrap();
    pull.note(b"a", b"old").unwrap();
    pull.note(b"a", b"new").unwrap();
    let mut push = Push::new(options());
    push.connect(&endpoint.to_string()).unwrap();
    let next = async || {
        let told = soon(push.told()).await;
        (told.peer.name.as_ref().map(|name| name.kind.clone()), told.key, told.body)
    };
    let told = |key: &[u8], body: &[u8]| (Some("test".to_owned()), key.to_vec(), body.to_vec());
    assert_eq!(next().await, told(b"a", b"new"), "only the newest");
    pull.note_for(&["runner"], b"b", b"not for it").unwrap();
    pull.note_for(&["test"], b"c", b"").unwrap();
    assert_eq!(next().await, told(b"c", b""));
    assert!(push.try_told().is_none());

    let mut stranger = Raw::connect(&endpoint, &[("Socket-Type", "PUSH")]).await;
    let mut runner = Raw::connect(&endpoint, &ours("PUSH", "9")).await;
    until("all are there", || pull.peers().len() == 3).await;
    pull.note(b"d", b"body").unwrap();
    let mut heard = Vec::new();
    while heard.len() < 3 {
        if let Some(Item::Command(Command::Mite(Word::Note { key, .. }))) = runner.hear().await {
            heard.push(key);
        }
    }
    assert_eq!(heard, [b"a", b"b", b"d"], "what is for all, and for its kind");
    // A stranger hears commands of ZMTP and nothing of ours, and what it tells so is nobody's business.
    let mut out = Vec::new();
    Command::Mite(Word::Note { key: b"x".to_vec(), body: vec![] }).put(&mut out);
    Command::Ping { ttl_ds: 0, context: b"now".to_vec() }.put(&mut out);
    stranger.say(&out).await;
    let mut heard = Vec::new();
    while !matches!(heard.last(), Some(Item::Command(Command::Pong { .. }))) {
        heard.extend(stranger.hear().await);
    }
    let plain = |item: &Item| !matches!(item, Item::Command(Command::Mite(_)));
    assert!(heard.iter().all(plain), "{heard:?}");
    assert_eq!((pull.received(), pull.try_receive().is_none()), (0, true), "a note is no record");
    assert_eq!(pull.note(&[0; 256], b""), Err(NoteTooLarge));
}

#[tokio::test]
async fn a_reader_that_leaves_has_the_last_word() {
    let (push, mut pull, _) = pair(options()).await;
    push.send(numbered(0, 1_000)).await;
    assert_eq!(receive(&mut pull, 1_000).await.len(), 1_000);
    pull.enough();
    until("the writer has sent its last", || pull.is_left()).await;
    assert_eq!(push.peers().len(), 1, "it still listens");
    pull.note(b"totals", b"1000").unwrap();
    assert!(pull.goodbye(LONG).await, "it was told");
    drop(pull);
    assert_eq!(soon(push.told()).await.body, b"1000");
    until("it is gone", || push.peers().is_empty()).await;
    assert_eq!((push.counts().sent, push.counts().unsure), (1_000, 0));
    let alone = Pull::new(options());
    alone.note(b"totals", b"0").unwrap();
    assert!(alone.goodbye(Duration::ZERO).await, "nobody is waited for where nobody is");
}

#[tokio::test]
async fn the_last_note_arrives_before_the_end() {
    let (push, mut pull, _) = pair(options()).await;
    push.send(numbered(0, 1_000)).await;
    push.note(b"totals", b"1000").unwrap();
    assert_eq!(push.close(LONG).await.unsure, 0);
    let (mut noted, mut records) = (false, 0);
    while let Some(incoming) = pull.try_receive() {
        match incoming.what {
            Received::Note { body, .. } => noted = body == b"1000",
            Received::Parcel(parcel) => records += parcel.len(),
        }
    }
    assert_eq!((noted, records), (true, 1_000));
}

/// Passes bytes on from one side to the other; cuts the first connections after so many, then lets all through.
async fn unsteady(listener: TcpListener, to: String, cuts: &[u64]) {
    for bytes in cuts.iter().copied().chain(std::iter::repeat(u64::MAX)) {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(to.strip_prefix("tcp://").unwrap()).await.unwrap();
        let (mut near_reads, mut near_writes) = near.split();
        let (mut far_reads, mut far_writes) = far.split();
        let there = async {
            // All after this is thrown away.
            let copied = tokio::io::copy(&mut (&mut near_reads).take(bytes), &mut far_writes).await;
            if copied.is_ok_and(|copied| copied < bytes) {
                far_writes.shutdown().await.unwrap();
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = there => {}
            _ = tokio::io::copy(&mut far_reads, &mut near_writes) => {}
        }
    }
}

#[tokio::test]
async fn made_is_received_and_missing() {
    let mut pull = Pull::new(options());
    let to = pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut push = Push::new(Options { queue_records: 1_000, ..options() });
    push.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let proxy = tokio::spawn(async move { unsteady(listener, to, &[5_000, 300, 1, 200_000, 100_000]).await });
    let sending = tokio::spawn(async move {
        for place in 0..8_000 {
            push.send(numbered(place * 10, 10)).await;
        }
        push.close(LONG).await
    });
    let mut last = None;
    let mut seen = 0;
    let counts = loop {
        tokio::select! {
            incoming = pull.receive() => if let Received::Parcel(parcel) = incoming.what {
                for number in numbers(&parcel) {
                    assert!(last.is_none_or(|last| last < number), "in order, none twice");
                    last = Some(number);
                    seen += 1;
                }
            },
            () = tokio::time::sleep(LONG) => panic!("it is stuck"),
            () = async { while !sending.is_finished() { tokio::task::yield_now().await } } => {
                while let Some(incoming) = pull.try_receive() {
                    if let Received::Parcel(parcel) = incoming.what {
                        seen += parcel.len() as u64;
                    }
                }
                break sending.await.unwrap();
            }
        }
    };
    assert_eq!((counts.made, counts.sent, counts.waiting), (80_000, 80_000, 0));
    assert_eq!((pull.received(), pull.received() + pull.missing()), (seen, 80_000), "to the record");
    assert!(pull.missing() > 0 && pull.missing() <= counts.unsure, "{} {counts:?}", pull.missing());
    proxy.abort();
}

#[tokio::test]
async fn each_kind_of_peer_gets_all() {
    let options = Options { groups: Groups::ByKind, full: Full::DropNewest, ..options() };
    let mut push = Push::new(options);
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap();
    push.send(numbered(0, 2)).await;
    let mut pulls: Vec<Pull> = ["collector", "collector", "recorder"].map(|kind| Pull::new(Options::new(kind))).into();
    pulls.iter_mut().for_each(|pull| pull.connect(&endpoint.to_string()).unwrap());
    let mut stranger = Raw::connect(&endpoint, &[("Socket-Type", "PULL")]).await;
    until("all are there", || push.peers().len() == 4).await;
    for place in 1..5 {
        push.send(numbered(place * 2, 2)).await;
    }
    let mut recorded = receive(&mut pulls[2], 10).await;
    recorded.sort_unstable();
    assert_eq!(recorded, (0..10).collect::<Vec<_>>(), "what waited too");
    until("all is sent", || push.counts().waiting == 0).await;
    let mut collected = Vec::new();
    let [one, other, _] = &mut pulls[..] else { panic!("three") };
    while collected.len() < 10 {
        let incoming =
            async { tokio::select!(incoming = one.receive() => incoming, incoming = other.receive() => incoming) };
        if let Received::Parcel(parcel) = soon(incoming).await.what {
            collected.extend(numbers(&parcel));
        }
    }
    collected.sort_unstable();
    assert_eq!(collected, (0..10).collect::<Vec<_>>(), "the two have all between them");
    let mut heard = Vec::new();
    while heard.len() < 10 {
        if let Some(Item::Parcel(parcel)) = stranger.hear().await {
            heard.extend(numbers(&parcel));
        }
    }
    assert_eq!(heard, (0..10).collect::<Vec<_>>(), "one that isn't ours is a kind too");
    let groups: Vec<_> = push.groups().into_iter().map(|group| (group.kind, group.peers, group.counts.made)).collect();
    let of = |kind: Option<&str>, peers| (kind.map(str::to_owned), peers, 10);
    for want in [of(Some("collector"), 2), of(Some("recorder"), 1), of(None, 1)] {
        assert!(groups.contains(&want), "{want:?} in {groups:?}");
    }
    assert_eq!((groups.len(), push.counts().made), (3, 30));
}

#[tokio::test]
async fn a_reader_that_leaves_loses_nothing() {
    let mut push = Push::new(Options { queue_records: 100, ..options() });
    let endpoint = push.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let (mut leaves, mut stays) = (Pull::new(options()), Pull::new(options()));
    leaves.connect(&endpoint).unwrap();
    stays.connect(&endpoint).unwrap();
    until("both are there", || push.peers().len() == 2).await;
    let sending = tokio::spawn(async move {
        for place in 0..20_000 {
            push.send(numbered(place, 1)).await;
        }
        push.close(LONG).await
    });
    let mut got = receive(&mut leaves, 100).await;
    leaves.enough();
    let (over, is_over) = tokio::sync::oneshot::channel();
    let reading = tokio::spawn(async move { until_over(&mut stays, is_over).await });
    // What comes is taken; whether that was all is looked at now and then.
    until_left(&mut leaves, &mut got).await;
    assert!(leaves.peers().is_empty());
    drop(leaves);
    assert_eq!(soon(sending).await.unwrap().unsure, 0);
    over.send(()).unwrap();
    let left = got.len();
    got.extend(soon(reading).await.unwrap());
    got.sort_unstable();
    assert_eq!(got, (0..20_000).collect::<Vec<_>>(), "each once; {left} by the one that left");
}

/// What comes until it has left.
async fn until_left(pull: &mut Pull, got: &mut Vec<u64>) {
    while !pull.is_left() {
        if let Ok(incoming) = tokio::time::timeout(Duration::from_millis(2), pull.receive()).await
            && let Received::Parcel(parcel) = incoming.what
        {
            got.extend(numbers(&parcel));
        }
    }
}

/// What comes until all is said to have come, and what is there then.
async fn until_over(pull: &mut Pull, over: tokio::sync::oneshot::Receiver<()>) -> Vec<u64> {
    let mut all = Vec::new();
    let mut take = |incoming: Incoming| {
        if let Received::Parcel(parcel) = incoming.what {
            all.extend(numbers(&parcel));
        }
    };
    let mut over = std::pin::pin!(over);
    loop {
        tokio::select! {
            incoming = pull.receive() => take(incoming),
            _ = &mut over => break,
        }
    }
    while let Some(incoming) = pull.try_receive() {
        take(incoming);
    }
    all
}

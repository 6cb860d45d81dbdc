use std::time::Duration;

use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::wire::zmtp::Limits;

const PACE: Pace =
    Pace { interval: Duration::from_secs(1), silence: Duration::from_secs(5), stall: Duration::from_secs(60) };

/// Traffic that a test can look into: sends what it has, and notes what it hears.
struct Plain {
    wake: Arc<Notify>,
    gather: Gather,
    parcels: Vec<Parcel>,
    /// Sends the first parcel again and again.
    endless: bool,
    room: bool,
    finish: bool,
    taken: usize,
    heard: Vec<Word>,
    answered: Vec<u64>,
}

impl Plain {
    fn new() -> Self {
        let (wake, gather, parcels, heard, answered) = Default::default();
        Self { wake, gather, parcels, endless: false, room: true, finish: false, taken: 0, heard, answered }
    }
}

impl Traffic for Plain {
    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }
    fn course(&self) -> Course {
        if self.finish { Course::Finish } else { Course::On }
    }
    fn has_room(&self) -> bool {
        self.room
    }
    fn take(&mut self, parcel: Parcel) -> Result<(), Violation> {
        self.taken += parcel.len();
        Ok(())
    }
    fn hear(&mut self, word: Word) {
        self.heard.push(word);
    }
    fn gather(&mut self) -> &mut Gather {
        &mut self.gather
    }
    fn fill(&mut self) {
        if let Some(parcel) = self.parcels.first().filter(|_| self.endless).cloned() {
            self.gather.push(parcel);
        } else {
            self.parcels.drain(..).for_each(|parcel| self.gather.push(parcel));
        }
    }
    fn written(&mut self) {
        self.gather.clear();
    }
    fn answered(&mut self, number: u64) {
        self.answered.push(number);
    }
}

fn peer(minor: u8) -> Peer {
    Peer { minor, socket_type: "PULL".to_owned(), identity: vec![], name: None, address: String::new(), connection: 1 }
}

fn connection(bytes: usize, minor: u8) -> (Connection<DuplexStream>, Far) {
    let (near, far) = duplex(bytes);
    let near = Connection::new(near, Decoder::new(Limits::default()), &peer(minor), PACE);
    (near, Far { stream: far, decoder: Decoder::new(Limits::default()) })
}

/// The other end.
struct Far {
    stream: DuplexStream,
    decoder: Decoder,
}

impl Far {
    /// The next thing it is told; none: the connection is closed.
    async fn hear(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.decoder.decode().unwrap() {
                return Some(item);
            }
            if self.stream.read_buf(self.decoder.buffer()).await.unwrap() == 0 {
                return None;
            }
        }
    }

    async fn say(&mut self, command: Command) {
        let mut out = Vec::new();
        command.put(&mut out);
        self.stream.write_all(&out).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_dead_after_five_seconds() {
    let (mut near, mut far) = connection(1 << 16, 1);
    let start = Instant::now();
    let end = near.run(&mut Plain::new()).await;
    assert!(matches!(end, End::Silent), "{end}");
    assert_eq!(start.elapsed().as_secs(), 5);
    drop(near);
    let mut asked = 0;
    while let Some(item) = far.hear().await {
        assert!(matches!(item, Item::Command(Command::Ping { .. })));
        asked += 1;
    }
    assert_eq!(asked, 4, "once a second");
}

#[tokio::test(start_paused = true)]
async fn who_answers_lives_and_one_of_3_0_is_never_asked() {
    for (minor, asked) in [(1, 3_600), (0, 0)] {
        let (mut near, mut far) = connection(1 << 16, minor);
        let far = tokio::spawn(async move {
            let mut pings = 0;
            while let Some(item) = far.hear().await {
                let Item::Command(Command::Ping { context, ttl_ds: 0 }) = item else { panic!("{item:?}") };
                pings += 1;
                far.say(Command::Pong { context }).await;
            }
            pings
        });
        let mut traffic = Plain::new();
        let hour = tokio::time::timeout(Duration::from_millis(3_600_500), near.run(&mut traffic)).await;
        assert!(hour.is_err(), "3.{minor}");
        drop(near);
        assert_eq!(far.await.unwrap(), asked, "3.{minor}");
        assert_eq!(traffic.answered, (1..=asked).collect::<Vec<u64>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_with_its_context() {
    let (mut near, mut far) = connection(1 << 16, 0);
    let near = tokio::spawn(async move { near.run(&mut Plain::new()).await });
    for context in [&b""[..], b"abc", b"0123456789abcdef"] {
        far.say(Command::Ping { ttl_ds: 3, context: context.to_vec() }).await;
        assert_eq!(far.hear().await, Some(Item::Command(Command::Pong { context: context.to_vec() })));
    }
    drop(far);
    assert!(matches!(near.await.unwrap(), End::Closed));
}

#[tokio::test(start_paused = true)]
async fn who_has_endlessly_much_to_write_reads_all_the_same() {
    let (mut near, mut far) = connection(1 << 10, 1);
    let mut traffic = Plain::new();
    traffic.endless = true;
    traffic.parcels.push(Parcel::message(&[&[0; 100]]));
    let (mut reads, mut writes) = tokio::io::split(&mut far.stream);
    let words = async {
        for at in 0..100 {
            let mut out = Vec::new();
            Command::Mite(Word::At(at)).put(&mut out);
            writes.write_all(&out).await.unwrap();
        }
        writes.shutdown().await.unwrap();
    };
    let reading = async { while tokio::io::copy(&mut reads, &mut tokio::io::sink()).await.unwrap() > 0 {} };
    let end = tokio::select! {
        end = near.run(&mut traffic) => end,
        _ = async { tokio::join!(words, reading) } => unreachable!("it is never done writing"),
    };
    assert!(matches!(end, End::Closed), "{end}");
    assert_eq!(traffic.heard.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn it_is_done_when_the_peer_has_read_everything() {
    let (mut near, mut far) = connection(16, 1);
    let mut traffic = Plain::new();
    (traffic.finish, traffic.parcels) = (true, vec![Parcel::message(&[&[7; 1_000]]); 3]);
    let near = tokio::spawn(async move { (near.run(&mut traffic).await, near) });
    let mut records = 0;
    while let Some(Item::Parcel(parcel)) = far.hear().await {
        records += parcel.len();
    }
    assert!(!near.is_finished(), "not before the peer closes its side");
    drop(far);
    assert!(matches!(near.await.unwrap().0, End::Finished));
    assert_eq!(records, 3);
}

#[tokio::test(start_paused = true)]
async fn without_room_nothing_is_read_and_nobody_dies_of_it() {
    let (mut near, mut far) = connection(1 << 10, 1);
    let mut traffic = Plain::new();
    traffic.room = false;
    let writer = tokio::spawn(async move {
        let result = far.stream.write_all(&[0; 4_000]).await;
        (result.is_ok(), far)
    });
    let minute = tokio::time::timeout(Duration::from_secs(60), near.run(&mut traffic)).await;
    assert!(minute.is_err() && !writer.is_finished(), "the peer waits");
    traffic.room = true;
    let second = tokio::time::timeout(Duration::from_secs(1), near.run(&mut traffic)).await;
    assert!(second.is_err() && writer.await.unwrap().0, "it goes on");
    assert_eq!(traffic.taken, 2_000);
}

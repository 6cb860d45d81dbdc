//! What stands at the end of the message pipeline.

pub mod append;
pub mod receipts;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;

use self::receipts::Receipts;
use crate::wire::batch::Batch;
use crate::wire::socket::{Incoming, Peer, Pull, Received};

/// How often sinks are told that time has passed.
pub const TICK: Duration = Duration::from_millis(250);
/// Once told to stop, when nothing came for so long nothing is on its way.
const QUIET: Duration = Duration::from_millis(100);
/// Once told to stop, how long what is on its way is taken at most.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Takes messages: writes them, folds them, passes them on. One loop drives it: [`take`](Sink::take) for every batch,
/// [`tick`](Sink::tick) on a timer (every 250 ms) and once more at the end, then [`close`](Sink::close). So the last interval
/// is never lost.
pub trait Sink {
    /// What a sink can die of: its disk is full, its file is gone. Never a message's content.
    type Error: std::error::Error;

    fn take(&mut self, batch: &Batch) -> Result<(), Self::Error>;

    /// What is told beside messages. Most sinks don't mind.
    fn note(&mut self, _note: Note<'_>) {}

    fn tick(&mut self) -> Result<(), Self::Error>;

    fn close(&mut self) -> Result<(), Self::Error>;
}

/// Bookkeeping that comes with messages and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note<'a> {
    /// A peer of ours tells something under a key, such as an account (see [`wire::account`](crate::wire::account)). The newest of
    /// a key replaces those before.
    Told { peer: &'a Peer, key: &'a [u8], body: &'a [u8] },
    /// So many messages were written to this process's links in all and never came. Told when it has changed; may fall again, since
    /// what an old connection still has is missing until it is read.
    Missing(u64),
}

/// What came through a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Driven {
    /// Messages that the sink has taken.
    pub messages: u64,
    /// Messages that were written to a link and never came.
    pub missing: u64,
}

/// Drives a sink with what a socket receives, until told to stop: then it takes what is on its way as [`last`] has it, for 5 s at most,
/// ticks and closes. An error of the sink ends it. With each tick and at the end those who send are told how much came to this `kind` of
/// consumer.
pub async fn drive<S: Sink>(
    kind: &'static str,
    pull: &mut Pull,
    sink: &mut S,
    shutdown: &CancellationToken,
) -> Result<Driven, S::Error> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let receipts = Receipts::new(kind);
    let mut feed = Feed { sink, batch: Batch::with_capacity(), driven: Driven::default(), receipts };
    loop {
        tokio::select! {
            incoming = pull.receive() => feed.take(&incoming.peer, &incoming.what)?,
            _ = ticks.tick() => feed.tick(pull)?,
            () = shutdown.cancelled() => break,
        }
    }
    pull.enough();
    let end = Instant::now() + DRAIN_MAX;
    while let Some(incoming) = last(pull, end).await {
        feed.take(&incoming.peer, &incoming.what)?;
    }
    feed.tick(pull)?;
    feed.sink.close()?;
    let Feed { driven, receipts, .. } = feed;
    receipts.last(pull, driven.messages, driven.missing).await;
    Ok(driven)
}

/// What comes after [`Pull::enough`], until `end`: until peers of ours have sent the last of it and are gone, and nothing came of others
/// for 100 ms. None: that was all.
pub async fn last(pull: &mut Pull, end: Instant) -> Option<Incoming> {
    loop {
        let now = Instant::now();
        match timeout_at(end.min(now + QUIET), pull.receive()).await {
            Ok(incoming) => return Some(incoming),
            Err(_) if pull.is_left() || now + QUIET >= end => return None,
            Err(_) => {}
        }
    }
}

struct Feed<'a, S> {
    sink: &'a mut S,
    /// Lent to the sink, again and again.
    batch: Batch,
    driven: Driven,
    receipts: Receipts,
}

impl<S: Sink> Feed<'_, S> {
    fn take(&mut self, peer: &Peer, what: &Received) -> Result<(), S::Error> {
        match what {
            Received::Note { key, body } => self.sink.note(Note::Told { peer, key, body }),
            Received::Parcel(parcel) => {
                for record in parcel.records() {
                    self.batch.push(record);
                    if self.batch.is_full() {
                        self.flush()?;
                    }
                }
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), S::Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let taken = self.sink.take(&self.batch);
        if taken.is_ok() {
            self.driven.messages += self.batch.len() as u64;
        }
        self.batch.clear();
        taken
    }

    fn tick(&mut self, pull: &Pull) -> Result<(), S::Error> {
        let missing = pull.missing();
        if missing != self.driven.missing {
            self.driven.missing = missing;
            self.sink.note(Note::Missing(missing));
        }
        self.receipts.tell(pull, self.driven.messages, missing);
        self.sink.tick()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::wire::account::{Account, receipt_key};
    use crate::wire::socket::{Options, Parcel, Push};

    #[derive(Default)]
    struct Log {
        messages: Vec<Vec<u8>>,
        batches_max: usize,
        notes: Vec<Vec<u8>>,
        ticks: u64,
        /// Messages there were at the last tick, and at the end.
        at_tick: usize,
        at_close: Option<usize>,
    }

    impl Sink for Log {
        type Error = Infallible;

        fn take(&mut self, batch: &Batch) -> Result<(), Infallible> {
            self.batches_max = self.batches_max.max(batch.len());
            self.messages.extend(batch.messages().map(<[u8]>::to_vec));
            Ok(())
        }

        fn note(&mut self, note: Note<'_>) {
            if let Note::Told { key, .. } = note {
                self.notes.push(key.to_vec());
            }
        }

        fn tick(&mut self) -> Result<(), Infallible> {
            (self.ticks, self.at_tick) = (self.ticks + 1, self.messages.len());
            Ok(())
        }

        fn close(&mut self) -> Result<(), Infallible> {
            self.at_close = Some(self.messages.len());
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_on_its_way_is_taken_before_the_end() {
        let (mut push, mut pull) = (Push::new(Options::new("test")), Pull::new(Options::new("test")));
        push.connect(&pull.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap();
        let record = |number: u32| number.to_be_bytes().to_vec();
        for first in (0..1_000).step_by(250) {
            let records: Vec<_> = (first..first + 250).map(record).collect();
            push.send(Parcel::message(&records.iter().map(Vec::as_slice).collect::<Vec<_>>())).await;
        }
        push.note(b"account/x", b"").unwrap();
        let shutdown = CancellationToken::new();
        let mut log = Log::default();
        let told = async {
            // Told to stop when all is written, and not all is taken.
            while push.counts().waiting > 0 {
                tokio::task::yield_now().await;
            }
            shutdown.cancel();
        };
        let (driven, ()) = tokio::join!(drive("test", &mut pull, &mut log, &shutdown), told);
        assert_eq!(driven, Ok(Driven { messages: 1_000, missing: 0 }));
        assert_eq!(log.messages, (0..1_000).map(record).collect::<Vec<_>>());
        assert!(log.batches_max <= crate::wire::batch::BATCH_MESSAGES_MAX, "{}", log.batches_max);
        assert_eq!((log.at_tick, log.at_close), (1_000, Some(1_000)), "ticked once more, and closed");
        assert_eq!(log.notes, [b"account/x".to_vec()]);
        drop(pull);
        let told = push.told().await;
        let receipt = Account::decode(&told.body).unwrap();
        assert_eq!((receipt.kind.as_str(), receipt.made, receipt.dropped), ("test", 1_000, 0), "the sender knows");
        assert_eq!(told.key, receipt_key(&receipt.sender));
    }
}

//! A processor's thread: takes batches until there are no more, and ticks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::guest::{Guest, Prepared};
use super::host::Settings;
use super::lane::{Counts, Item, Lane, lane};
use super::wanted::Own;
use super::{Args, Error, own};
use crate::sink::TICK;
use crate::wire::batch::Batch;

/// How long a thread that was told to give up may take to do so.
const GIVE_UP: Duration = Duration::from_secs(6);

/// A processor on its thread.
pub struct Running {
    pub spec: String,
    pub counts: Arc<Counts>,
    /// Dropped when there are no more messages.
    lane: Option<Lane>,
    done: oneshot::Receiver<Result<(), Error>>,
    give_up: CancellationToken,
}

/// What a thread opens.
pub enum Source {
    Own(Own, Box<Args>),
    Guest { name: String, prepared: Prepared, settings: Box<Settings> },
}

impl Running {
    /// Starts a processor; it is open once this is done. `give_up` ends it, whatever it does.
    pub async fn start(spec: &str, source: Source, give_up: CancellationToken) -> Result<Self, Error> {
        let counts = Arc::new(Counts::default());
        let (lane, items) = lane(spec, counts.clone());
        let (opened, open) = oneshot::channel();
        let (ended, done) = oneshot::channel();
        let work = Work { spec: spec.to_owned(), counts: counts.clone(), items, give_up: give_up.clone() };
        let thread = std::thread::Builder::new().name("processor".to_owned());
        let spawned = thread.spawn(move || {
            // Whoever started it has given up if nobody listens.
            drop(ended.send(run(work, source, opened)));
        });
        spawned.map_err(Error::System)?;
        match open.await {
            Ok(()) => Ok(Self { spec: spec.to_owned(), counts, lane: Some(lane), done, give_up }),
            Err(_) => Err(match done.await {
                Ok(Err(error)) => error,
                Ok(Ok(())) | Err(_) => Error::Panicked { spec: spec.to_owned() },
            }),
        }
    }

    pub async fn give(&mut self, batch: &Arc<Batch>) {
        if let Some(lane) = &mut self.lane {
            lane.give(batch).await;
        }
    }

    /// Whether it takes nothing any more.
    pub fn is_over(&self) -> bool {
        self.lane.as_ref().is_none_or(Lane::is_over)
    }

    /// There are no more messages.
    pub fn finish(&mut self) {
        self.lane = None;
    }

    /// Waits for its end: until `deadline` for it to come by itself, and then for it to give up.
    pub async fn wait(&mut self, deadline: tokio::time::Instant) -> Result<(), Error> {
        let done = match tokio::time::timeout_at(deadline, &mut self.done).await {
            Ok(done) => done,
            Err(_) => {
                self.give_up.cancel();
                let late =
                    || Error::GivenUp { spec: self.spec.clone(), reason: "it doesn't come to its end".to_owned() };
                tokio::time::timeout(GIVE_UP, &mut self.done).await.map_err(|_| late())?
            }
        };
        done.unwrap_or_else(|_| Err(Error::Panicked { spec: self.spec.clone() }))
    }
}

/// What a thread works with.
struct Work {
    spec: String,
    counts: Arc<Counts>,
    items: mpsc::Receiver<Item>,
    give_up: CancellationToken,
}

enum Processor {
    Own(own::Processor),
    Guest(Box<Guest>),
}

fn run(work: Work, source: Source, opened: oneshot::Sender<()>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::System)?;
    runtime.block_on(async {
        let processor = match source {
            Source::Own(own, args) => Processor::Own(own::Processor::open(own, &args)?),
            Source::Guest { name, prepared, settings } => {
                let guest = Guest::open(&work.spec, &name, prepared, *settings, work.counts.clone()).await?;
                Processor::Guest(Box::new(guest))
            }
        };
        // Whoever started it has given up if nobody listens: then there is nothing to take either.
        let _ = opened.send(());
        work.drive(processor).await
    })
}

impl Work {
    async fn drive(mut self, mut processor: Processor) -> Result<(), Error> {
        let spec = self.spec.clone();
        let given_up = |reason| Error::GivenUp { spec: spec.clone(), reason };
        let worked = self.take_all(&mut processor).await;
        // What still waits won't be taken any more.
        self.items.close();
        while let Ok(item) = self.items.try_recv() {
            self.counts.dropped(item.batch.len() as u64);
        }
        worked.map_err(&given_up)?;
        processor.tick().await.map_err(&given_up)?;
        processor.close(&spec).await.map_err(&given_up)
    }

    /// Until there are no more, or until it has to give up. The error is final.
    async fn take_all(&mut self, processor: &mut Processor) -> Result<(), String> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                item = self.items.recv() => match item {
                    Some(item) => processor.take(&item.batch, &self.counts).await?,
                    None => return Ok(()),
                },
                _ = ticks.tick() => processor.tick().await?,
                () = self.give_up.cancelled() => return Ok(()),
            }
        }
    }
}

impl Processor {
    async fn take(&mut self, batch: &Batch, counts: &Counts) -> Result<(), String> {
        match self {
            Self::Own(own) => own.take(batch, counts),
            Self::Guest(guest) => {
                guest.take(batch).await;
                Ok(())
            }
        }
    }

    async fn tick(&mut self) -> Result<(), String> {
        match self {
            Self::Own(own) => own.tick(),
            Self::Guest(guest) => {
                guest.tick().await;
                Ok(())
            }
        }
    }

    async fn close(self, spec: &str) -> Result<(), String> {
        match self {
            Self::Own(own) => own.close(spec).await,
            Self::Guest(guest) => {
                guest.close().await;
                Ok(())
            }
        }
    }
}

//! The way of messages out of this process: a thread that takes the workers' batches from their queue and pushes them on.
//!
//! Whatever happens to the pipeline, journeys never wait for it: what finds no room is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::wire::account::Account;
use crate::wire::queue::{Receiver, Sender, queue};
use crate::wire::socket::{Error, Full, Options, Parcel, Push, process_id};

/// How often it is said how many messages were made.
const NOTE: Duration = Duration::from_secs(1);
/// How long what is on its way may take to arrive at the end.
const LINGER: Duration = Duration::from_secs(5);

/// How long it may take in all until everything is handed on: a worker that doesn't end must not keep the program.
const CLOSE: Duration = Duration::from_secs(20);

/// See the module.
pub struct Outgoing {
    sender: Sender,
    /// Messages taken from the workers that were not sent on.
    dropped: Arc<AtomicU64>,
    passing: Passing,
}

/// What passes them on.
enum Passing {
    /// A thread of its own.
    Thread(JoinHandle<()>),
    /// A task of the thread that does this for all tenants.
    Task(tokio::task::JoinHandle<()>),
}

/// What can keep it from starting.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Socket(#[from] Error),
    #[error(transparent)]
    Thread(#[from] std::io::Error),
}

impl Outgoing {
    /// Looks at the addresses and starts the thread, or a task of `shared`. `part` tells the senders of one process apart.
    pub fn open(
        addresses: &[String],
        test: &str,
        run_id: &str,
        part: u32,
        shared: Option<&Handle>,
    ) -> Result<Self, OpenError> {
        let account = Account {
            sender: format!("{}.{part}", process_id()),
            kind: "runner".to_owned(),
            test: test.to_owned(),
            run_id: run_id.to_owned(),
            ..Account::default()
        };
        let (sender, receiver) = queue();
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = dropped.clone();
        let passing = match shared {
            Some(shared) => {
                let push = connect(addresses, shared)?;
                Passing::Task(shared.spawn(pass_on(receiver, push, account, counted)))
            }
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let push = connect(addresses, runtime.handle())?;
                let thread = std::thread::Builder::new().name("messages".to_owned());
                Passing::Thread(thread.spawn(move || runtime.block_on(pass_on(receiver, push, account, counted)))?)
            }
        };
        Ok(Self { sender, dropped, passing })
    }

    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// What was dropped on this side of the queue.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Lets what is on its way go, for as long as it takes; then [`dropped`](Self::dropped) is final. Every other sender has to be
    /// gone.
    pub fn close(self) -> Closing {
        let Self { dropped, passing, .. } = self;
        Closing { dropped, passing }
    }
}

fn connect(addresses: &[String], runtime: &Handle) -> Result<Push, Error> {
    let _in_runtime = runtime.enter();
    let mut push = Push::new(Options { full: Full::DropNewest, ..Options::new("runner") });
    addresses.iter().try_for_each(|address| push.connect(address))?;
    Ok(push)
}

/// The thread by which the messages of all tenants leave. It ends when this is dropped.
pub struct Exit {
    handle: Handle,
    _open: oneshot::Sender<()>,
}

impl Exit {
    pub fn open() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("messages".to_owned());
        // Nothing is sent: it waits for the other end to be gone.
        thread.spawn(move || drop(runtime.block_on(closed)))?;
        Ok(Self { handle, _open: open })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// The messages that are still on their way.
pub struct Closing {
    dropped: Arc<AtomicU64>,
    passing: Passing,
}

impl Closing {
    /// Waits for the end. Answers how many messages were not sent on.
    pub async fn done(self) -> u64 {
        let joined = async {
            // Panics are said on standard error by themselves.
            match self.passing {
                Passing::Thread(thread) => drop(tokio::task::spawn_blocking(move || thread.join()).await),
                Passing::Task(task) => drop(task.await),
            }
        };
        if tokio::time::timeout(CLOSE, joined).await.is_err() {
            tracing::error!("a worker has not let go of its messages for {} s: they are lost", CLOSE.as_secs());
        }
        self.dropped.load(Ordering::Relaxed)
    }
}

async fn pass_on(mut receiver: Receiver, push: Push, mut account: Account, dropped: Arc<AtomicU64>) {
    let mut notes = tokio::time::interval(NOTE);
    notes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut taken = 0;
    loop {
        tokio::select! {
            batch = receiver.receive() => {
                let Some(batch) = batch else { break };
                taken += batch.len() as u64;
                let lost = push.send(Parcel::from(&batch)).await;
                dropped.fetch_add(lost, Ordering::Relaxed);
            }
            _ = notes.tick() => note(&push, &mut account, taken, &receiver, &dropped),
        }
    }
    note(&push, &mut account, taken, &receiver, &dropped);
    let counts = push.close(LINGER).await;
    if counts.waiting > 0 {
        tracing::warn!("{} messages found nobody who takes them within {} s", counts.waiting, LINGER.as_secs());
    }
    dropped.fetch_add(counts.waiting, Ordering::Relaxed);
}

fn note(push: &Push, account: &mut Account, taken: u64, receiver: &Receiver, dropped: &AtomicU64) {
    account.made = taken + receiver.dropped();
    account.dropped = receiver.dropped() + dropped.load(Ordering::Relaxed);
    if let Err(error) = push.note(&account.key(), &account.encode()) {
        tracing::warn!("{error}");
    }
}

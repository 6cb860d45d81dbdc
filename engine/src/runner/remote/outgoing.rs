//! The way of messages out of this process: a thread that takes the workers' batches from their queue and pushes them on.
//!
//! Whatever happens to the pipeline, journeys never wait for it: what finds no room is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::wire::account::Account;
use crate::wire::queue::{QUEUE_BYTES_MAX, Receiver, Sender, queue};
use crate::wire::socket::{Error, Full, Options, Parcel, Push, process_id};

/// How often it is said how many messages were made.
const NOTE: Duration = Duration::from_secs(1);
/// How long what is on its way may take to arrive at the end.
const LINGER: Duration = Duration::from_secs(5);

/// How long it may take in all until everything is handed on: a worker that doesn't end must not keep the program.
const CLOSE: Duration = Duration::from_secs(20);

/// Bytes of messages that may wait in a process with many tenants, in the queues from their workers and in their sockets: a pipeline
/// that doesn't take them must not cost the runner its memory, however many there are. A tenant has an equal part of it.
const QUEUES_BYTES: usize = 768 << 20;
const SOCKETS_BYTES: usize = 256 << 20;
/// And never less than this.
const QUEUE_BYTES_LEAST: usize = 1 << 20;
const SOCKET_BYTES_LEAST: usize = 256 << 10;

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
    /// Looks at the addresses and starts the thread, or a task of that of all tenants. `part` tells the senders of one process apart.
    pub fn open(
        addresses: &[String],
        test: &str,
        run_id: &str,
        part: u32,
        shared: Option<&Way>,
    ) -> Result<Self, OpenError> {
        let account = Account {
            sender: format!("{}.{part}", process_id()),
            kind: "runner".to_owned(),
            test: test.to_owned(),
            run_id: run_id.to_owned(),
            ..Account::default()
        };
        let tenants = shared.map_or(1, |way| way.tenants.load(Ordering::Relaxed));
        let (sender, receiver) = queue(part_of(QUEUES_BYTES, tenants, QUEUE_BYTES_LEAST, QUEUE_BYTES_MAX));
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = dropped.clone();
        let passing = match shared {
            Some(Way { handle, .. }) => {
                let push = connect(addresses, handle, tenants)?;
                Passing::Task(handle.spawn(pass_on(receiver, push, account, counted)))
            }
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let push = connect(addresses, runtime.handle(), tenants)?;
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

fn connect(addresses: &[String], runtime: &Handle, tenants: usize) -> Result<Push, Error> {
    let _in_runtime = runtime.enter();
    let options = Options { full: Full::DropNewest, ..Options::new("runner") };
    let queue_bytes = part_of(SOCKETS_BYTES, tenants, SOCKET_BYTES_LEAST, options.queue_bytes);
    let mut push = Push::new(Options { queue_bytes, ..options });
    addresses.iter().try_for_each(|address| push.connect(address))?;
    Ok(push)
}

/// A tenant's part, no less than the least, and no more than it would have alone.
fn part_of(all: usize, tenants: usize, least: usize, most: usize) -> usize {
    (all / tenants.max(1)).clamp(least, most)
}

/// The thread by which the messages of all tenants leave. It ends when this is dropped.
pub struct Exit {
    way: Way,
    _open: oneshot::Sender<()>,
}

/// The way to that thread.
#[derive(Clone)]
pub struct Way {
    handle: Handle,
    /// How many there are.
    tenants: Arc<AtomicUsize>,
}

impl Exit {
    pub fn open() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("messages".to_owned());
        // Nothing is sent: it waits for the other end to be gone.
        thread.spawn(move || drop(runtime.block_on(closed)))?;
        Ok(Self { way: Way { handle, tenants: Arc::default() }, _open: open })
    }

    pub fn way(&self) -> &Way {
        &self.way
    }

    /// From now on so many have a part of the room: what begins has the part of that time.
    pub fn set_tenants(&self, tenants: usize) {
        self.way.tenants.store(tenants, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_have_parts_of_the_room() {
        let part = |tenants| part_of(QUEUES_BYTES, tenants, QUEUE_BYTES_LEAST, QUEUE_BYTES_MAX) >> 10;
        for (tenants, kib, why) in [
            (0, 128 << 10, "nobody yet"),
            (1, 128 << 10, "one has what a runner alone has"),
            (6, 128 << 10, "as long as there is room for it"),
            (12, 64 << 10, "less for more"),
            (1_000, 1 << 10, "and never too little to go on"),
        ] {
            assert_eq!(part(tenants), kib, "{why}");
        }
    }
}

//! One connection at work: reads, writes, heartbeats. What its messages mean is the affair of its [`Traffic`].

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::gather::Gather;
use crate::wire::zmtp::Violation;
use crate::wire::zmtp::command::Command;
use crate::wire::zmtp::decoder::{Decoder, Item};
use crate::wire::zmtp::heartbeat::{Beat, Heartbeat, Pace};
use crate::wire::zmtp::mite::Word;
use crate::wire::zmtp::parcel::Parcel;
use crate::wire::zmtp::peer::Peer;

/// PONGs that wait for a peer that doesn't read; later ones replace nothing and are left out, as the peer isn't listening.
const PONGS_BYTES_MAX: usize = 4 << 10;

/// Beside the PINGs of time, there is one after so many bytes of messages, so that what a peer has read is known better than to
/// a second.
const PING_BYTES: usize = 1 << 20;

/// How a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    On,
    /// It ends once the peer has read all that was written.
    Finish,
    /// It ends at once.
    Abort,
}

/// What a socket does with one of its connections.
pub trait Traffic: Send {
    /// Notified when anything of what follows may have changed.
    fn wake(&self) -> Arc<Notify>;

    fn course(&self) -> Course;

    /// Whether there is room for what the peer says.
    fn has_room(&self) -> bool;

    /// Messages came.
    fn take(&mut self, parcel: Parcel) -> Result<(), Violation>;

    /// One of ours says this.
    fn hear(&mut self, _word: Word) {}

    /// What is being written; kept here so that its fate is known however the connection ends.
    fn gather(&mut self) -> &mut Gather;

    /// Adds what there is to the gather, which has nothing but commands in it; doesn't close it.
    fn fill(&mut self);

    /// All of the gather was written, or nothing will be written any more: clears it.
    fn written(&mut self);

    /// A PING goes out behind all that was gathered so far.
    fn asked(&mut self, _number: u64) {}

    /// It was answered: the peer has read what was written before.
    fn answered(&mut self, _number: u64) {}
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum End {
    #[error("we closed it")]
    Ours,
    /// All that was written has been read.
    #[error("we are done")]
    Finished,
    #[error("it closed the connection")]
    Closed,
    #[error("it was silent for too long")]
    Silent,
    /// One that we went to.
    #[error("it was silent for too long")]
    NoAnswer,
    #[error("{0}")]
    Violation(#[from] Violation),
    #[error("{0}{way_out}", way_out = way_out(.0))]
    Io(#[from] io::Error),
}

/// What can be done about an error of the system, as the end of a sentence; nothing where nothing is known.
pub fn way_out(error: &io::Error) -> &'static str {
    /// "Too many open files", in this process and in the system: the same numbers wherever there is a Unix.
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    match error.raw_os_error() {
        Some(EMFILE) => ": raise the limit on open files of this process (`ulimit -n`)",
        Some(ENFILE) => ": raise the limit on open files of this machine (fs.file-max)",
        _ => "",
    }
}

/// A connection whose peer is known.
pub struct Connection<S> {
    stream: S,
    decoder: Decoder,
    heart: Heartbeat,
    start: Instant,
    /// Whether the peer knows PING.
    knows_ping: bool,
    /// PINGs so far, and bytes of messages since the last of them.
    pings: u64,
    unasked: usize,
    /// Commands to be written before the next messages.
    commands: Vec<u8>,
    /// Whose turn it is: either may always have something to do.
    reads_first: bool,
}

enum Moved {
    Wrote(usize),
    Read(usize),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S, decoder: Decoder, peer: &Peer, pace: Pace) -> Self {
        let heart = Heartbeat::new(pace, peer.knows_ping(), peer.name.is_some());
        Self {
            stream,
            decoder,
            heart,
            start: Instant::now(),
            knows_ping: peer.knows_ping(),
            pings: 0,
            unasked: 0,
            commands: Vec::new(),
            reads_first: false,
        }
    }

    /// Works until the connection ends.
    pub async fn run(&mut self, traffic: &mut impl Traffic) -> End {
        match self.work(traffic).await {
            Ok(()) => match self.finish(traffic).await {
                Ok(()) => End::Finished,
                Err(end) => end,
            },
            Err(end) => end,
        }
    }

    /// The peer has said its last and still listens: tells it what there is.
    pub async fn last_words(&mut self, traffic: &mut impl Traffic) -> io::Result<()> {
        loop {
            self.fill(traffic);
            if traffic.gather().is_empty() {
                return Ok(());
            }
            match poll_fn(|context| self.poll_write(context, traffic.gather())).await? {
                Moved::Wrote(bytes) if traffic.gather().advance(bytes) => traffic.written(),
                _ => {}
            }
        }
    }

    async fn work(&mut self, traffic: &mut impl Traffic) -> Result<(), End> {
        // What came right behind the handshake.
        self.decode(traffic)?;
        let wake = traffic.wake();
        let mut timer = pin!(sleep_until(self.start + self.heart.next()));
        loop {
            self.fill(traffic);
            match traffic.course() {
                Course::Finish if traffic.gather().is_empty() => return Ok(()),
                Course::Abort => return Err(End::Ours),
                _ => {}
            }
            let reads = traffic.has_room();
            self.heart.reads(reads, self.start.elapsed());
            tokio::select! {
                biased;
                () = &mut timer => {
                    self.beat(traffic)?;
                    timer.as_mut().reset(self.start + self.heart.next());
                }
                () = wake.notified() => {}
                moved = poll_fn(|context| self.poll_move(context, traffic.gather(), reads)) => match moved? {
                    Moved::Wrote(bytes) => if traffic.gather().advance(bytes) {
                        traffic.written();
                    },
                    Moved::Read(0) => return Err(End::Closed),
                    Moved::Read(_) => {
                        self.heart.heard(self.start.elapsed());
                        self.decode(traffic)?;
                    }
                }
            }
        }
    }

    /// Takes in what is to be written next, if all before it was.
    fn fill(&mut self, traffic: &mut impl Traffic) {
        if traffic.gather().is_empty() {
            traffic.gather().head().append(&mut self.commands);
            traffic.fill();
            traffic.gather().close();
            let bytes = traffic.gather().parcel_bytes();
            self.unasked += bytes;
            if bytes > 0 {
                self.heart.wrote();
            }
            if self.knows_ping && self.unasked >= PING_BYTES {
                self.ask(traffic);
            }
        }
    }

    /// Writes or reads, in turns where both can be done.
    fn poll_move(&mut self, context: &mut Context<'_>, gather: &Gather, reads: bool) -> Poll<io::Result<Moved>> {
        self.reads_first = !self.reads_first;
        if self.reads_first
            && let Poll::Ready(read) = self.poll_read(context, reads)
        {
            return Poll::Ready(read);
        }
        if let Poll::Ready(wrote) = self.poll_write(context, gather) {
            return Poll::Ready(wrote);
        }
        if self.reads_first { Poll::Pending } else { self.poll_read(context, reads) }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, reads: bool) -> Poll<io::Result<Moved>> {
        if !reads {
            return Poll::Pending;
        }
        let read = ready!(pin!(self.stream.read_buf(self.decoder.buffer())).poll(context));
        Poll::Ready(read.map(Moved::Read))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, gather: &Gather) -> Poll<io::Result<Moved>> {
        if gather.is_empty() {
            return Poll::Pending;
        }
        let stream = Pin::new(&mut self.stream);
        Poll::Ready(match ready!(gather.with_slices(|slices| stream.poll_write_vectored(context, slices))) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            wrote => wrote.map(Moved::Wrote),
        })
    }

    fn decode(&mut self, traffic: &mut impl Traffic) -> Result<(), Violation> {
        while let Some(item) = self.decoder.decode()? {
            match item {
                Item::Parcel(parcel) => traffic.take(parcel)?,
                Item::Command(Command::Ping { context, .. }) => {
                    if self.commands.len() < PONGS_BYTES_MAX {
                        Command::Pong { context }.put(&mut self.commands);
                    }
                }
                Item::Command(Command::Pong { context }) => {
                    if let Ok(number) = context.try_into() {
                        traffic.answered(u64::from_be_bytes(number));
                    }
                }
                Item::Command(Command::Error(reason)) => return Err(Violation::Refused { reason }),
                Item::Command(Command::Mite(word)) => traffic.hear(word),
                Item::Command(command @ (Command::Ready(_) | Command::Other(_))) => {
                    tracing::trace!(?command, "ignored");
                }
            }
        }
        Ok(())
    }

    fn beat(&mut self, traffic: &mut impl Traffic) -> Result<(), End> {
        match self.heart.beat(self.start.elapsed()) {
            Beat::Rest => {}
            Beat::Dead => return Err(End::Silent),
            // The one before isn't written yet: another says nothing more.
            Beat::Ping if !self.commands.is_empty() => {}
            Beat::Ping => self.ask(traffic),
        }
        Ok(())
    }

    /// Asks the peer for a sign of life, behind all that was gathered so far.
    fn ask(&mut self, traffic: &mut impl Traffic) {
        (self.pings, self.unasked) = (self.pings + 1, 0);
        // No time to live: libzmq counts it even while it doesn't read for want of room, and would leave us for it.
        Command::Ping { ttl_ds: 0, context: self.pings.to_be_bytes().to_vec() }.put(&mut self.commands);
        traffic.asked(self.pings);
    }

    /// Waits until the peer has read everything and closes its side too: closing with something unread on our side would make the system
    /// throw away what is still on its way. What it has to say until then is heard.
    async fn finish(&mut self, traffic: &mut impl Traffic) -> Result<(), End> {
        self.stream.shutdown().await?;
        while self.stream.read_buf(self.decoder.buffer()).await? > 0 {
            self.decode(traffic)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

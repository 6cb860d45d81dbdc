//! A socket that knows when the first byte was written and when bytes came: times of requests are taken here, at the system call, or where
//! the system says so, when it received them, and not when a busy worker gets round to them.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::arrival::Arrivals;
use crate::runner::clock::{Clock, Nanos};

/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Where all sockets of a thread are read into: a connection that waits needs no room. Whoever reads takes what came out of
    /// it at once.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// What a socket has seen of the exchange going on.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stamps {
    /// When the first byte of the request was about to be written, if any was.
    pub first_write: Option<Nanos>,
    /// When the first bytes of the response came.
    pub first_read: Option<Nanos>,
    /// When the newest of the bytes read came.
    pub last_read: Option<Nanos>,
}

/// A TCP connection, with TLS or without.
pub struct Socket {
    stream: Stream,
    pub stamps: Stamps,
    clock: Clock,
}

pub enum Stream {
    Plain(Arrivals),
    Tls(Box<TlsStream<Arrivals>>),
}

impl Stream {
    /// How long ago the bytes came that were read last.
    fn age(&self) -> Nanos {
        match self {
            Self::Plain(stream) => stream.age(),
            Self::Tls(stream) => stream.get_ref().0.age(),
        }
    }
}

impl Stamps {
    /// Bytes were read at `now` that had come so long before. Nothing comes before what it answers, nor before what came earlier: the wall
    /// clock, by which their age is known, may have been set.
    fn read(&mut self, now: Nanos, age: Nanos) {
        let came = now.saturating_sub(age).max(self.first_write.unwrap_or(0)).max(self.last_read.unwrap_or(0));
        self.first_read.get_or_insert(came);
        self.last_read = Some(came);
    }
}

impl Socket {
    pub fn new(stream: Stream, clock: Clock) -> Self {
        Self { stream, stamps: Stamps::default(), clock }
    }

    /// Reads what is there and shows it to `see`; no bytes: the other side has closed.
    pub fn poll_read_some<R>(
        &mut self,
        context: &mut Context<'_>,
        see: impl FnOnce(&[u8]) -> R,
    ) -> Poll<io::Result<R>> {
        READ.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(match &mut self.stream {
                Stream::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
                Stream::Tls(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            })?;
            if !buffer.filled().is_empty() {
                self.stamps.read(self.clock.now(), self.stream.age());
            }
            Poll::Ready(Ok(see(buffer.filled())))
        })
    }

    /// Writes as much as the socket takes.
    pub fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stamps.first_write.is_none() {
            self.stamps.first_write = Some(self.clock.now());
        }
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    /// Writes what TLS has kept back.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_bytes_came() {
        for (first_write, last_read, now, age, came, why) in [
            (None, None, 50, 0, 50, "of no age"),
            (Some(10), None, 50, 15, 35, "before they were read"),
            (Some(10), None, 50, 45, 10, "never before the request"),
            (Some(10), Some(40), 50, 15, 40, "never before others"),
            (None, None, 50, 60, 0, "never before the clock began"),
        ] {
            let mut stamps = Stamps { first_write, first_read: last_read, last_read };
            stamps.read(now, age);
            assert_eq!(stamps.last_read, Some(came), "{why}");
            assert_eq!(stamps.first_read, last_read.or(Some(came)), "{why}");
        }
    }
}

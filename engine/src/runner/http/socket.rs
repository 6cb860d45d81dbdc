//! A socket that knows when it was read and written: times of requests are taken here, at the system call, and not when a
//! busy worker gets round to them.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

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
    /// When the first byte of the response was read.
    pub first_read: Option<Nanos>,
    /// When bytes were read last.
    pub last_read: Option<Nanos>,
}

/// A TCP connection, with TLS or without.
pub struct Socket {
    stream: Stream,
    pub stamps: Stamps,
    clock: Clock,
}

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
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
                let now = self.clock.now();
                self.stamps.first_read.get_or_insert(now);
                self.stamps.last_read = Some(now);
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

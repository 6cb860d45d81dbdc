//! A socket that knows when it was read and written: times of requests are taken here, at the system call, and not when a
//! busy worker gets round to them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::runner::clock::{Clock, Nanos};

/// What a socket has seen of the exchange going on. Only its worker touches it; atomics make it sendable and cost nothing.
#[derive(Default, Debug)]
pub struct Stamps {
    first_write: AtomicU64,
    first_read: AtomicU64,
    last_read: AtomicU64,
}

impl Stamps {
    /// A new exchange begins.
    pub fn reset(&self) {
        self.first_write.store(0, Relaxed);
        self.first_read.store(0, Relaxed);
        self.last_read.store(0, Relaxed);
    }

    /// When the first byte of the request was about to be written, if any was.
    pub fn first_write(&self) -> Option<Nanos> {
        some(&self.first_write)
    }

    /// When the first byte of the response was read.
    pub fn first_read(&self) -> Option<Nanos> {
        some(&self.first_read)
    }

    /// When bytes were read last.
    pub fn last_read(&self) -> Option<Nanos> {
        some(&self.last_read)
    }
}

fn some(stamp: &AtomicU64) -> Option<Nanos> {
    Some(stamp.load(Relaxed)).filter(|at| *at != 0)
}

/// A TCP connection, with TLS or without.
pub struct Socket {
    stream: Stream,
    stamps: Arc<Stamps>,
    clock: Clock,
}

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub fn new(stream: Stream, stamps: Arc<Stamps>, clock: Clock) -> Self {
        Self { stream, stamps, clock }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, into),
        };
        if into.filled().len() > before {
            let now = self.clock.now();
            if self.stamps.first_read.load(Relaxed) == 0 {
                self.stamps.first_read.store(now, Relaxed);
            }
            self.stamps.last_read.store(now, Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.begin_write();
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.stream, Stream::Plain(_))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.begin_write();
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }
}

impl Socket {
    fn begin_write(&self) {
        if self.stamps.first_write.load(Relaxed) == 0 {
            self.stamps.first_write.store(self.clock.now(), Relaxed);
        }
    }
}

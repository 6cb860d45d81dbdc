//! One HTTP/1.1 connection and the exchanges on it, one after the other.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;

use super::exchange::Step;
use super::response::{Malformed, Reader, Response};
use super::socket::{Socket, Stamps};
use crate::policy::Denied;
use crate::runner::descriptors::Claim;
use crate::runner::quota::Slot;

/// Reads in a row before others get their turn: each takes up to 64 KiB.
const READS_MAX: u32 = 16;

/// An open connection.
pub struct Connection {
    socket: Socket,
    /// What of a request isn't written yet.
    unsent: Option<Outgoing>,
    /// The address at the other end, without port.
    pub primary_ip: Arc<str>,
    /// Its place among the tenant's, where these are counted.
    pub slot: Option<Slot>,
    /// Its place among the open files of this process.
    pub claim: Option<Claim<'static>>,
}

/// A request as it goes over the wire.
#[derive(Debug)]
pub struct Outgoing {
    head: Vec<u8>,
    body: Bytes,
    /// Bytes of both that are written.
    at: usize,
}

impl Outgoing {
    pub fn new(head: Vec<u8>, body: Bytes) -> Self {
        Self { head, body, at: 0 }
    }

    #[cfg(test)]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What is written next; empty: all is.
    fn rest(&self) -> &[u8] {
        match self.at.checked_sub(self.head.len()) {
            None => &self.head[self.at..],
            Some(at) => &self.body[at..],
        }
    }
}

/// Why there was no whole response.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("the connection broke: {0}")]
    Socket(#[from] io::Error),
    #[error("{0}")]
    Denied(#[from] Denied),
}

impl Connection {
    pub fn new(socket: Socket, primary_ip: Arc<str>) -> Self {
        Self { socket, unsent: None, primary_ip, slot: None, claim: None }
    }

    /// What the socket has seen of the exchange going on, or of the last.
    pub fn stamps(&self) -> &Stamps {
        &self.socket.stamps
    }

    /// Whether an idle connection can still be used: the server has neither closed it nor said anything unasked.
    pub fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        // Without a system call, unless something has come.
        self.socket.poll_read_some(&mut context, |_| ()).is_pending()
    }

    /// Whether the response came before all of the request was sent.
    pub fn is_sending(&self) -> bool {
        self.unsent.is_some()
    }

    /// Sends the rest of such a request.
    pub async fn send_rest(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_send(context)).await
    }

    /// One exchange. The connection can be used again if the response is persistent. `step` tells how far it has come.
    pub fn exchange<'a>(&'a mut self, request: Outgoing, reader: Reader, step: &'a mut Step) -> Exchange<'a> {
        *step = Step::Request;
        self.socket.stamps = Stamps::default();
        self.unsent = Some(request);
        Exchange { connection: self, reader, step }
    }

    /// Answers whether nothing has come after the response.
    fn poll_exchange(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut Reader,
        step: &mut Step,
    ) -> Poll<Result<bool, Broken>> {
        let mut failed = None;
        if self.unsent.is_some()
            && let Poll::Ready(Err(error)) = self.poll_send(context)
        {
            // A server may answer before it closes: what it said counts.
            self.unsent = None;
            failed = Some(error);
        }
        for _ in 0..READS_MAX {
            let mut clean = true;
            let read = self.socket.poll_read_some(context, |bytes| {
                clean = reader.take(bytes)? == bytes.len();
                Ok::<_, Malformed>(bytes.len())
            });
            let read = match (read, failed.take()) {
                (Poll::Ready(Err(_)) | Poll::Pending, Some(error)) => return Poll::Ready(Err(error.into())),
                (read, _) => ready!(read)??,
            };
            if read == 0 {
                reader.end()?;
                return Poll::Ready(Ok(false));
            }
            if reader.has_head() {
                *step = Step::Response;
            }
            if reader.is_done() {
                return Poll::Ready(Ok(clean));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(outgoing) = &mut self.unsent else { return Poll::Ready(Ok(())) };
        while !outgoing.rest().is_empty() {
            let written = ready!(self.socket.poll_write(context, outgoing.rest()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.at += written;
        }
        ready!(self.socket.poll_flush(context))?;
        self.unsent = None;
        Poll::Ready(Ok(()))
    }
}

/// An exchange going on. A type of its own, since an async function would keep request and reader twice: it is on the path of every
/// request.
pub struct Exchange<'a> {
    connection: &'a mut Connection,
    reader: Reader,
    step: &'a mut Step,
}

impl Future for Exchange<'_> {
    type Output = Result<Response, Broken>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connection, reader, step } = self.get_mut();
        let clean = ready!(connection.poll_exchange(context, reader, step))?;
        let mut response = reader.finish();
        // What a server doesn't want to hear is not told any further.
        response.persistent &= clean && !(connection.is_sending() && response.status >= 400);
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests;

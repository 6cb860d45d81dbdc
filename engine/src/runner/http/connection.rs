//! One HTTP/1.1 connection: hyper's, with our socket under it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use super::socket::{Socket, Stamps};

/// Bytes of a response's head; more is a protocol error.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The body of a request: all of it or nothing.
pub struct RequestBody(Option<Bytes>);

impl RequestBody {
    pub fn new(body: Bytes) -> Self {
        Self(Some(body).filter(|body| !body.is_empty()))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |body| body.len() as u64))
    }
}

/// An open connection.
pub struct Connection {
    sender: SendRequest<RequestBody>,
    pub stamps: Arc<Stamps>,
    /// The address at the other end, without port.
    pub primary_ip: Arc<str>,
}

impl Connection {
    /// Speaks HTTP on a socket. The connection itself runs as a task of its own, until it is closed by either side.
    pub async fn open(socket: Socket, stamps: Arc<Stamps>, primary_ip: Arc<str>) -> hyper::Result<Self> {
        let mut builder = Builder::new();
        // A response has at most 100 headers, hyper's own bound; more is a protocol error.
        builder.max_buf_size(HEAD_BYTES_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
        // How it ends is seen by the request that is on it; without one it doesn't matter.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, stamps, primary_ip })
    }

    /// Whether it can take a request: it is open, and the one before has left it whole.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Whether the exchange before is over: its response may have come while its request was still being sent.
    pub fn is_free(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and waits for the response's head.
    pub async fn send(&mut self, request: http::Request<RequestBody>) -> hyper::Result<http::Response<Incoming>> {
        self.stamps.reset();
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }
}

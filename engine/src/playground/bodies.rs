//! Bodies that are made while they are sent, so that a gibibyte costs no more memory than a kilobyte.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};

/// A piece of a streamed body; what is not longer is sent whole.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Readable lines of 64 bytes: `0123...xyz\n` over and over, so that byte `i` of any body is known.
static PATTERN: [u8; CHUNK_BYTES] = pattern();

const fn pattern() -> [u8; CHUNK_BYTES] {
    let line = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWX.\n";
    assert!(line.len() == 64, "a chunk must be a whole number of lines");
    let mut pattern = [0; CHUNK_BYTES];
    let mut at = 0;
    while at < CHUNK_BYTES {
        pattern[at] = line[at % line.len()];
        at += 1;
    }
    pattern
}

/// The first `bytes` of the pattern, at most a chunk; nothing is copied.
fn piece(bytes: u64) -> Bytes {
    let bytes = usize::try_from(bytes).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
    Bytes::from_static(&PATTERN[..bytes])
}

/// A body of a known length.
pub(super) fn sized(bytes: u64) -> Body {
    if bytes <= CHUNK_BYTES as u64 { Body::from(piece(bytes)) } else { Body::new(Pattern { left: bytes, sized: true }) }
}

/// A body whose length is not announced: it goes out in chunks.
pub(super) fn chunked(bytes: u64) -> Body {
    Body::new(Pattern { left: bytes, sized: false })
}

struct Pattern {
    left: u64,
    sized: bool,
}

impl HttpBody for Pattern {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = piece(self.left);
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized { SizeHint::with_exact(self.left) } else { SizeHint::default() }
    }
}

/// The pattern, packed: whole if it is short, else chunk by chunk, so that no other connection waits for long.
pub(super) fn gzip(bytes: u64) -> io::Result<Body> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    if bytes > CHUNK_BYTES as u64 {
        return Ok(Body::new(Packed { packer: Some(packer), left: bytes }));
    }
    packer.write_all(&piece(bytes))?;
    Ok(Body::from(packer.finish()?))
}

struct Packed {
    /// `None` once the last bytes are out.
    packer: Option<GzEncoder<Vec<u8>>>,
    left: u64,
}

impl Packed {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut packer) = self.packer.take() else { return Ok(None) };
        if self.left == 0 {
            return packer.finish().map(Some);
        }
        let piece = piece(self.left);
        self.left -= piece.len() as u64;
        packer.write_all(&piece)?;
        // Otherwise the packer keeps what it has, and a chunk in may be nothing out.
        packer.flush()?;
        let out = std::mem::take(packer.get_mut());
        self.packer = Some(packer);
        Ok(Some(out))
    }
}

impl HttpBody for Packed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().transpose().map(|out| out.map(|bytes| Frame::data(bytes.into()))))
    }
}

/// Sends `first` and then nothing; after `patience` the connection is cut.
pub(super) fn stalled(first: &'static [u8], patience: Duration) -> Body {
    Body::new(Stalled { first: Some(Bytes::from_static(first)), end: Box::pin(tokio::time::sleep(patience)) })
}

struct Stalled {
    first: Option<Bytes>,
    end: Pin<Box<tokio::time::Sleep>>,
}

impl HttpBody for Stalled {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => self.end.as_mut().poll(cx).map(|()| Some(Err(io::Error::other("stalled long enough")))),
        }
    }
}

/// Fails before its first byte. hyper asks for it before it has written the head, and drops the connection.
pub(super) fn broken() -> Body {
    Body::new(Broken)
}

struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::Error::other("closed as asked"))))
    }
}

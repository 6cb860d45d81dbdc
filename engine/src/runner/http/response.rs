//! Reading an HTTP/1.1 response (RFC 9112): bytes in, head and body out. Nothing here knows of sockets or time.
//!
//! Strict where two readers could differ about where a response ends: such a one is an error, or at least the last on its
//! connection.

mod chunks;

use bytes::Bytes;

use self::chunks::Chunks;
use super::body::BODY_BYTES_MAX;
use super::headers::Headers;
use super::kept::Kept;

/// Bytes of a response's head, interim ones (1xx) before it included.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of a response.
const HEADERS_MAX: usize = 100;

/// Why what came is no response. The text says what is wrong with it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("{0}")]
    Wrong(String),
    #[error("the body has more than {0} bytes, the most that a response may have here (response_size)")]
    OverLimit(u64),
}

fn malformed(reason: impl Into<String>) -> Malformed {
    Malformed::Wrong(reason.into())
}

/// A whole response.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    /// Empty if it is discarded.
    pub body: Bytes,
    /// The room that it takes.
    pub kept: Kept,
    /// Bytes of the body, discarded or not.
    pub body_size: u64,
    /// Whether the connection can go on after it, as far as the response says.
    pub persistent: bool,
}

/// Reads one response.
pub struct Reader {
    /// The request was a HEAD: whatever the head says of a body, there is none.
    bodiless: bool,
    discard: bool,
    /// Bytes that a body may have, discarded or not; none: as many as are kept at most.
    size_max: Option<u64>,
    stage: Stage,
    /// A head of which the end hasn't come.
    head: Vec<u8>,
    /// Bytes of interim heads.
    interim: usize,
    body: Vec<u8>,
    /// The room that the body takes.
    kept: Kept,
    response: Response,
}

enum Stage {
    Head,
    /// So many bytes of the body are to come.
    Length(u64),
    Chunks(Chunks),
    UntilClosed,
    Done,
}

impl Reader {
    /// `kept`: where the journey's room for bodies is counted.
    pub fn new(bodiless: bool, discard: bool, kept: Kept) -> Self {
        let (stage, response) = (Stage::Head, Response::default());
        Self {
            bodiless,
            discard,
            size_max: None,
            stage,
            head: Vec::new(),
            interim: 0,
            body: Vec::new(),
            kept,
            response,
        }
    }

    /// One that takes no larger body, whether it is kept or not.
    #[must_use]
    pub fn at_most(self, size_max: Option<u64>) -> Self {
        Self { size_max, ..self }
    }

    /// Takes what was read. Answers how many bytes of it belong to this response: all, unless it is done.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut used = 0;
        while used < bytes.len() && !self.is_done() {
            used += self.step(&bytes[used..])?;
        }
        Ok(used)
    }

    /// The connection has come to its end.
    pub fn end(&mut self) -> Result<(), Malformed> {
        match self.stage {
            Stage::Done => Ok(()),
            Stage::UntilClosed => {
                self.stage = Stage::Done;
                Ok(())
            }
            Stage::Head if self.head.is_empty() && self.interim == 0 => {
                Err(malformed("the connection was closed before a response came"))
            }
            Stage::Head => Err(malformed("the connection was closed within the head of the response")),
            Stage::Length(_) | Stage::Chunks(_) => {
                Err(malformed("the connection was closed before the end of the body"))
            }
        }
    }

    /// Whether the head has come; interim ones don't count.
    pub fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Head)
    }

    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// The response, once it is done; taken out.
    pub fn finish(&mut self) -> Response {
        let (body, kept) = (std::mem::take(&mut self.body).into(), std::mem::take(&mut self.kept));
        Response { body, kept, ..std::mem::take(&mut self.response) }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        match &mut self.stage {
            Stage::Head => self.take_head(bytes),
            Stage::Length(left) => {
                let (data, rest) = split(bytes, *left);
                *left -= data.len() as u64;
                if *left == 0 {
                    self.stage = Stage::Done;
                }
                self.keep(data)?;
                Ok(bytes.len() - rest.len())
            }
            Stage::UntilClosed => self.keep(bytes).map(|()| bytes.len()),
            Stage::Chunks(chunks) => {
                let (used, data) = chunks.step(bytes)?;
                if chunks.is_done() {
                    self.stage = Stage::Done;
                }
                self.keep(data)?;
                Ok(used)
            }
            Stage::Done => Ok(0),
        }
    }

    /// Part of the body.
    fn keep(&mut self, data: &[u8]) -> Result<(), Malformed> {
        self.response.body_size += data.len() as u64;
        self.bound_body(self.response.body_size)?;
        if self.discard {
            return Ok(());
        }
        self.kept.more(data.len()).map_err(|full| malformed(full.to_string()))?;
        self.body.extend_from_slice(data);
        Ok(())
    }

    /// Whether a body of so many bytes may be.
    fn bound_body(&self, bytes: u64) -> Result<(), Malformed> {
        if let Some(most) = self.size_max.filter(|most| bytes > *most) {
            return Err(Malformed::OverLimit(most));
        }
        if bytes > BODY_BYTES_MAX as u64 && !self.discard {
            return Err(malformed(format!(
                "the body has more than {BODY_BYTES_MAX} bytes; ask to discard it if only its size matters"
            )));
        }
        Ok(())
    }

    /// A head is parsed once all of it is there, so that one that drips costs no more than another.
    fn take_head(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        if self.head.is_empty() {
            if let Some(used) = self.parse(bytes)? {
                return Ok(used);
            }
            self.bound_head(bytes.len())?;
            self.head.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let before = self.head.len();
        self.bound_head(before + 1)?;
        let room = HEAD_BYTES_MAX - self.interim - before;
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let taken = self.head.len() - before;
        if !may_end(&self.head[before.saturating_sub(3)..]) {
            return Ok(taken);
        }
        let head = std::mem::take(&mut self.head);
        match self.parse(&head)? {
            // Its end is in what came now: before there was none.
            Some(used) => Ok(used.saturating_sub(before)),
            None => {
                self.head = head;
                Ok(taken)
            }
        }
    }

    fn bound_head(&self, bytes: usize) -> Result<(), Malformed> {
        if self.interim + bytes > HEAD_BYTES_MAX {
            return Err(malformed(format!("the head of the response has more than {HEAD_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    /// Answers how many bytes the head has, if all of it is there.
    fn parse(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut pairs = [const { std::mem::MaybeUninit::uninit() }; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let status = config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut pairs);
        let end = match status {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(malformed(format!("the response has more than {HEADERS_MAX} headers")));
            }
            Err(error) => return Err(malformed(format!("that is no HTTP/1.1 response: {error}"))),
        };
        self.bound_head(end)?;
        let (status, minor) = (parsed.code.unwrap_or_default(), parsed.version.unwrap_or_default());
        match status {
            101 => return Err(malformed("the server switches to a protocol that nobody asked for")),
            100..200 => self.interim += end,
            _ => self.begin_body(status, minor, Headers::new(&bytes[..end], parsed.headers))?,
        }
        Ok(Some(end))
    }

    fn begin_body(&mut self, status: u16, minor: u8, headers: Headers) -> Result<(), Malformed> {
        let framing = framing(&headers, minor, self.bodiless || matches!(status, 204 | 304))?;
        if let Stage::Length(length) = framing.stage {
            self.bound_body(length)?;
            let kept = if self.discard { 0 } else { usize::try_from(length).unwrap_or(0) };
            self.body.reserve_exact(kept.min(FIRST_ROOM_MAX));
        }
        self.stage = framing.stage;
        self.response = Response { status, headers, persistent: framing.persistent, ..Response::default() };
        Ok(())
    }
}

/// Room made for a body before it has come: who announces more has to send it.
const FIRST_ROOM_MAX: usize = 1 << 20;

/// Whether the end of a head may be in there: an empty line.
fn may_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()))
}

/// How a body ends, and whether the connection goes on after it.
struct Framing {
    stage: Stage,
    persistent: bool,
}

/// RFC 9112, 6.3 and 9.3.
fn framing(headers: &Headers, minor: u8, bodiless: bool) -> Result<Framing, Malformed> {
    let says = |option: &[u8]| headers.list("connection").any(|element| element.eq_ignore_ascii_case(option));
    let persistent = !says(b"close") && (minor >= 1 || says(b"keep-alive"));
    if bodiless {
        return Ok(Framing { stage: Stage::Done, persistent });
    }
    let mut chunked = false;
    for coding in headers.list("transfer-encoding").filter(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        if chunked || !coding.eq_ignore_ascii_case(b"chunked") {
            let coding = String::from_utf8_lossy(coding);
            return Err(malformed(format!("transfer coding `{}` was not asked for", coding.escape_debug())));
        }
        chunked = true;
    }
    let length = length(headers)?;
    if chunked && minor == 0 {
        return Err(malformed("an HTTP/1.0 response can't be chunked"));
    }
    Ok(match (chunked, length) {
        // A length beside it may be somebody's attempt to be read differently by others.
        (true, length) => {
            Framing { stage: Stage::Chunks(Chunks::default()), persistent: persistent && length.is_none() }
        }
        (false, Some(0)) => Framing { stage: Stage::Done, persistent },
        (false, Some(length)) => Framing { stage: Stage::Length(length), persistent },
        (false, None) => Framing { stage: Stage::UntilClosed, persistent: false },
    })
}

/// The content-length, which may be said more than once if it is the same.
fn length(headers: &Headers) -> Result<Option<u64>, Malformed> {
    let mut length = None;
    for said in headers.get_all("content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let digits =
            std::str::from_utf8(said.trim_ascii()).ok().filter(|text| text.bytes().all(|it| it.is_ascii_digit()));
        let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
        let number = number.ok_or_else(|| {
            malformed(format!("`{}` is not a content-length", String::from_utf8_lossy(said).escape_debug()))
        })?;
        if length.replace(number).is_some_and(|before| before != number) {
            return Err(malformed("the response has two different content-lengths"));
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests;

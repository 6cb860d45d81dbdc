//! What the host keeps of an answer, and bodies as journeys want to read them.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use super::headers::Headers;
use super::kept::Kept;
use crate::component::bindings::http::Hop;

/// The largest body that is kept, and the largest that it may become when decompressed.
pub const BODY_BYTES_MAX: usize = 64 << 20;
/// So many content codings are undone, one in another: each takes its time, and no server needs more than one.
const CODINGS_MAX: usize = 5;

/// An answer's headers and body.
pub struct Content {
    pub headers: Headers,
    pub body: Bytes,
    /// The room that the body takes.
    pub kept: Kept,
    pub history: Vec<Hop>,
    pub primary_ip: Arc<str>,
}

/// A decompressed body, or why there is none.
pub type Decoded<T = Vec<u8>> = Result<T, Undecoded>;

/// Why a body can't be decompressed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecoded {
    #[error("{0}")]
    Wrong(String),
    #[error("the {coding} body has more than {most} bytes, the most that a response may have here (response_size)")]
    OverLimit { coding: &'static str, most: u64 },
}

impl Content {
    /// The values of a header, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.get_all(name).map(latin1);
        let first = values.next()?;
        Some(values.fold(first, |all, next| all + ", " + &next))
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), latin1(value))).collect()
    }

    /// The body with every content coding undone, last one first; there may be five. `size_max`: bytes that it may have then; none: as many as are kept at
    /// most.
    pub fn decoded(&self, size_max: Option<u64>) -> Decoded {
        let codings = self.header("content-encoding").unwrap_or_default();
        let codings = codings.rsplit(',').map(|coding| coding.trim().to_ascii_lowercase());
        let codings: Vec<_> = codings.filter(|coding| !(coding.is_empty() || coding == "identity")).collect();
        if codings.len() > CODINGS_MAX {
            return Err(wrong(format!(
                "the body has {} content codings, and {CODINGS_MAX} are undone at most",
                codings.len()
            )));
        }
        let mut body: Option<Vec<u8>> = None;
        for coding in codings.iter().filter(|_| !self.body.is_empty()) {
            body = Some(decode(coding, body.as_deref().unwrap_or(&self.body), size_max)?);
        }
        Ok(body.unwrap_or_else(|| self.body.to_vec()))
    }

    /// The body as text.
    pub fn text(&self, size_max: Option<u64>) -> Decoded<String> {
        let body = self.decoded(size_max)?;
        let content_type = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let is_latin1 = ["iso-8859-1", "latin1", "latin-1", "windows-1252"].iter().any(|name| {
            content_type
                .split(';')
                .filter_map(|part| part.trim().strip_prefix("charset="))
                .any(|it| it.trim_matches('"') == *name)
        });
        if is_latin1 {
            return Ok(latin1(&body));
        }
        Ok(String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

fn latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn decode(coding: &str, body: &[u8], size_max: Option<u64>) -> Decoded {
    match coding {
        "gzip" | "x-gzip" => read("gzip", flate2::read::MultiGzDecoder::new(body), size_max),
        // RFC 9110, 8.4.1.2: deflate is zlib's format; some servers send it bare.
        "deflate" if is_zlib(body) => read("deflate", flate2::read::ZlibDecoder::new(body), size_max),
        "deflate" => read("deflate", flate2::read::DeflateDecoder::new(body), size_max),
        "br" => read("br", brotli::Decompressor::new(body, 4096), size_max),
        "zstd" => {
            let decoder = zstd::Decoder::new(body);
            read("zstd", decoder.map_err(|error| wrong(format!("the zstd body is broken: {error}")))?, size_max)
        }
        other => {
            Err(wrong(format!("the body has the content coding `{}`, which mite doesn't know", other.escape_debug())))
        }
    }
}

fn wrong(reason: String) -> Undecoded {
    Undecoded::Wrong(reason)
}

/// Whether it begins as zlib's format does (RFC 1950, 2.2); no bare deflate does.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

/// Reads to the end, or to the limit: a body that grows without end is not an answer.
fn read(coding: &'static str, decoder: impl Read, size_max: Option<u64>) -> Decoded {
    let most = size_max.unwrap_or(u64::MAX).min(BODY_BYTES_MAX as u64);
    let mut body = Vec::new();
    let read = decoder.take(most + 1).read_to_end(&mut body);
    let fits = body.len() as u64 <= most;
    match (read, size_max.filter(|limit| *limit == most)) {
        (Err(error), _) => Err(wrong(format!("the {coding} body is broken: {error}"))),
        (Ok(_), _) if fits => Ok(body),
        (Ok(_), Some(most)) => Err(Undecoded::OverLimit { coding, most }),
        (Ok(_), None) => Err(wrong(format!("the {coding} body has more than {BODY_BYTES_MAX} bytes"))),
    }
}

#[cfg(test)]
mod tests;

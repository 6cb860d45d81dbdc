//! The answer to a request.
use super::{HttpError, HttpErrorKind, wire};
use crate::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// From the beginning of the request to the end of each step, so every one includes those before it. `dns`, `connect` and
/// `tls` are zero where that step didn't happen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// The name was resolved.
    pub dns: Duration,
    /// The connection stood.
    pub connect: Duration,
    /// TLS stood.
    pub tls: Duration,
    /// The first byte of the request was about to be sent.
    pub transfer_start: Duration,
    /// The first byte of the response was there.
    pub first_byte: Duration,
    /// The last byte of the response was there.
    pub total: Duration,
}

/// A redirect that was followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// Its status.
    pub status: u16,
    /// The URL that answered with a redirect.
    pub url: String,
}

/// An answer. The host keeps headers and body; only what is asked for is copied.
pub struct Response(wire::Response);

impl Response {
    #[inline]
    pub(super) fn new(raw: wire::Response) -> Self {
        Response(raw)
    }

    /// The status code.
    #[inline]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The URL that gave this answer, after redirects.
    pub fn url(&self) -> String {
        self.0.content.url()
    }

    /// A header's value; names match in any case, several values are joined by `, `.
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.content.header(name)
    }

    /// All headers in the order they came, names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.0.content.headers()
    }

    /// The body, decompressed.
    pub fn body(&self) -> Result<Vec<u8>, HttpError> {
        self.0.content.body().map_err(|why| HttpError::new(HttpErrorKind::Body, why))
    }

    /// The body as text.
    pub fn text(&self) -> Result<String, HttpError> {
        self.0.content.text().map_err(|why| HttpError::new(HttpErrorKind::Body, why))
    }

    /// The body as JSON: `let basket: Basket = answer.json()?`, or [`Value`](crate::Value) for any.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body()?).map_err(|error| {
            let text = format!("not the JSON that was expected: {error} (status {}, {})", self.status(), self.url());
            HttpError::new(HttpErrorKind::Body, text)
        })
    }

    /// Bytes of the body as they came over the network.
    pub fn body_size(&self) -> u64 {
        self.0.body_size
    }

    /// When each step was over.
    pub fn timings(&self) -> Timings {
        let wire::Timings { dns, connect, tls, transfer_start, first_byte, total } = self.0.timings;
        Timings {
            dns: Duration::from_nanos(dns),
            connect: Duration::from_nanos(connect),
            tls: Duration::from_nanos(tls),
            transfer_start: Duration::from_nanos(transfer_start),
            first_byte: Duration::from_nanos(first_byte),
            total: Duration::from_nanos(total),
        }
    }

    /// The redirects that led here, first one first.
    pub fn history(&self) -> Vec<Hop> {
        self.0.content.history().into_iter().map(|hop| Hop { status: hop.status, url: hop.url }).collect()
    }

    /// The address that answered, without port.
    pub fn primary_ip(&self) -> String {
        self.0.content.primary_ip()
    }

    /// Adds fields to this answer's `http_metrics` message. Works until the journey's next call of anything but this
    /// response. Limit: 8 KiB and 32 fields.
    #[track_caller]
    pub fn annotate(&self, fields: impl Serialize) -> Result<(), Error> {
        crate::messages::with_encoded(&fields, |bytes| self.0.content.annotate(bytes))
    }
}

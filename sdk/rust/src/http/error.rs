//! Why a request has no answer.
use crate::bindings::mite::journey::http::Error as Wire;
use std::fmt;

/// What went wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// The name has no address.
    Dns,
    /// No connection.
    Connect,
    /// TLS could not be set up.
    Tls,
    /// The time was over.
    Timeout,
    /// What came isn't HTTP, ended too soon, or was over a limit.
    Protocol,
    /// It was given up.
    Cancelled,
    /// The runner's policy forbids this target.
    Denied,
    /// The request can't be made; nothing was sent.
    Invalid,
    /// More redirects than were allowed.
    Redirects,
    /// There is an answer, but its body isn't what was asked for.
    Body,
}

/// Why a request has no answer, or why the answer's body can't be had.
#[derive(Clone, Debug)]
pub struct HttpError {
    kind: HttpErrorKind,
    text: String,
}

impl HttpError {
    pub(crate) fn new(kind: HttpErrorKind, text: impl Into<String>) -> Self {
        HttpError { kind, text: text.into() }
    }

    /// What went wrong.
    pub fn kind(&self) -> HttpErrorKind {
        self.kind
    }
}

impl From<Wire> for HttpError {
    fn from(error: Wire) -> Self {
        use HttpErrorKind as Kind;
        let (kind, text) = match error {
            Wire::Dns(text) => (Kind::Dns, text),
            Wire::Connect(text) => (Kind::Connect, text),
            Wire::Tls(text) => (Kind::Tls, text),
            Wire::Timeout(text) => (Kind::Timeout, text),
            Wire::Protocol(text) => (Kind::Protocol, text),
            Wire::Cancelled => (Kind::Cancelled, "the request was given up".into()),
            Wire::Denied(text) => (Kind::Denied, text),
            Wire::Invalid(text) => (Kind::Invalid, text),
            Wire::Redirects(most) => (Kind::Redirects, format!("more than {most} redirects")),
        };
        HttpError { kind, text }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            HttpErrorKind::Dns => "dns",
            HttpErrorKind::Connect => "connect",
            HttpErrorKind::Tls => "tls",
            HttpErrorKind::Timeout => "timeout",
            HttpErrorKind::Protocol => "protocol",
            HttpErrorKind::Cancelled => "cancelled",
            HttpErrorKind::Denied => "denied",
            HttpErrorKind::Invalid => "invalid",
            HttpErrorKind::Redirects => "redirects",
            HttpErrorKind::Body => "body",
        };
        write!(f, "{word}: {}", self.text)
    }
}

impl std::error::Error for HttpError {}

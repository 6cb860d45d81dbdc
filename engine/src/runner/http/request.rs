//! A journey's request, checked before anything is sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};

use super::connection::Outgoing;
use super::session::Session;
use super::target::Target;
use crate::component::bindings::http::Request;
use crate::runner::clock::Nanos;
use crate::runner::transactions::{Name, cut};
use crate::runner::worker;
use crate::wire::message::Identity;

const HEADERS_MAX: usize = 100;
/// Names of requests are cut here.
const NAME_BYTES_MAX: usize = 256;
/// It stands in each message.
const METHOD_BYTES_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Room made for a head without long headers.
const HEAD_BYTES_USUAL: usize = 256;
/// Headers of one connection: the host's business.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];
/// What a client that can read them asks for.
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("mite/", env!("CARGO_PKG_VERSION")));

/// All that it takes to make a request: it owns everything, so that it can run beside its journey.
pub struct Ask {
    pub method: Method,
    pub target: Arc<Target>,
    /// Those the journey gave.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether there is one, if an empty one.
    has_body: bool,
    pub body: Bytes,
    pub name: Option<Arc<str>>,
    /// The number in the tally.
    pub number: u32,
    /// For the whole of it, redirects included.
    pub timeout: Nanos,
    pub max_redirects: u32,
    pub client_identity: Option<u32>,
    pub insecure: bool,
    pub discard_body: bool,
    pub session: Arc<Mutex<Session>>,
    pub run: Arc<Identity>,
    pub context_id: u64,
    pub transaction: Arc<Name>,
    pub transaction_id: u32,
}

/// Whose request it is.
pub struct Asker {
    pub session: Arc<Mutex<Session>>,
    pub run: Arc<Identity>,
    pub context_id: u64,
    pub transaction: Arc<Name>,
    pub transaction_id: u32,
}

impl Ask {
    /// The request as it is sent: the journey's headers and those that it left to us.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing::new(self.head(), self.body.clone())
    }

    fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD_BYTES_USUAL + self.target.path.len());
        for part in [self.method.as_str(), " ", &self.target.path, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        let own = |name: HeaderName| self.headers.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value);
        let lacks = |name: HeaderName| own(name).next().is_none();
        // Never two hosts, and the host first (RFC 9112, 3.2).
        write(&mut head, HOST, own(HOST).last().unwrap_or(&self.target.host));
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != HOST && *name != COOKIE) {
            write(&mut head, name.clone(), value);
        }
        if let Some(authorization) = self.target.authorization.as_ref().filter(|_| lacks(AUTHORIZATION)) {
            write(&mut head, AUTHORIZATION, authorization);
        }
        if lacks(USER_AGENT) {
            write(&mut head, USER_AGENT, &AGENT);
        }
        if lacks(ACCEPT_ENCODING) {
            write(&mut head, ACCEPT_ENCODING, &ENCODINGS);
        }
        // RFC 9110, 8.6: methods that usually have a body say that there is none.
        if self.has_body || matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            write(&mut head, CONTENT_LENGTH, &HeaderValue::from(self.body.len()));
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).header(&self.target.url);
        let cookies: Vec<_> = own(COOKIE).chain(&session).map(HeaderValue::as_bytes).collect();
        if !cookies.is_empty() {
            // RFC 6265, 5.4: one header with all of them, the journey's own first.
            write_bytes(&mut head, COOKIE, &cookies.join(&b"; "[..]));
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// Checks a request. The error says what can't be sent.
    pub fn new(request: Request, asker: Asker) -> Result<Box<Self>, String> {
        if request.method.len() > METHOD_BYTES_MAX {
            return Err(format!("a method has at most {METHOD_BYTES_MAX} bytes, not {}", request.method.len()));
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("`{}` is not a method", request.method.escape_debug()))?;
        if method == Method::CONNECT {
            return Err("CONNECT is for proxies".to_owned());
        }
        worker::with(|worker| {
            let target = worker.http.targets.borrow_mut().get(&request.url)?;
            let headers = headers(&request.headers)?;
            let tally = &mut worker.tally.borrow_mut();
            let name: Option<Arc<str>> = request.name.map(|name| cut(&name, NAME_BYTES_MAX).into());
            let number = match &name {
                Some(name) => tally.request(name),
                None => target.number(&method, tally),
            };
            let timeout = request.timeout.unwrap_or(worker.settings.request_timeout);
            Ok(Box::new(Self {
                method,
                headers,
                has_body: request.body.is_some(),
                body: request.body.map_or_else(Bytes::new, Bytes::from),
                name,
                number,
                timeout,
                target,
                max_redirects: request.max_redirects,
                client_identity: request.identity,
                insecure: request.insecure,
                discard_body: request.discard_body,
                session: asker.session,
                run: asker.run,
                context_id: asker.context_id,
                transaction: asker.transaction,
                transaction_id: asker.transaction_id,
            }))
        })
    }

    /// Goes where a redirect points: 301, 302 and 303 become GET without body, HEAD stays HEAD; credentials stay behind when
    /// it leads to another host.
    pub fn redirect(&mut self, status: u16, target: Arc<Target>) {
        let stays = self.target.same_origin(&target);
        let loses_body = matches!(status, 301..=303) && self.method != Method::HEAD;
        if loses_body {
            self.method = Method::GET;
            (self.body, self.has_body) = (Bytes::new(), false);
        }
        self.headers.retain(|(name, _)| match *name {
            AUTHORIZATION | COOKIE | HOST => stays,
            CONTENT_TYPE => !loses_body,
            _ => true,
        });
        // The name and password of a URL stay with its host, as in curl: the new URL doesn't have them.
        if let Some(authorization) =
            self.target.authorization.clone().filter(|_| stays && target.authorization.is_none())
            && !self.headers.iter().any(|(name, _)| *name == AUTHORIZATION)
        {
            self.headers.push((AUTHORIZATION, authorization));
        }
        self.target = target;
        if self.name.is_none() {
            worker::with(|worker| self.number = self.target.number(&self.method, &mut worker.tally.borrow_mut()));
        }
    }
}

fn write(head: &mut Vec<u8>, name: HeaderName, value: &HeaderValue) {
    write_bytes(head, name, value.as_bytes());
}

fn write_bytes(head: &mut Vec<u8>, name: HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// Checks the headers that a journey gave.
fn headers(given: &[(String, String)]) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    if given.len() > HEADERS_MAX {
        return Err(format!("a request has at most {HEADERS_MAX} headers, not {}", given.len()));
    }
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Err(format!("the headers of a request have at most {HEADER_BYTES_MAX} bytes, not {bytes}"));
    }
    given.iter().map(|(name, value)| header(name, value)).collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let checked = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{}` is not a header's name", name.escape_debug()))?;
    if HOP_BY_HOP.contains(&checked.as_str()) {
        return Err(format!("the header `{checked}` is made by mite"));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of header `{checked}` can't be sent: `{}`", value.escape_debug()))?;
    Ok((checked, value))
}

#[cfg(test)]
mod tests;

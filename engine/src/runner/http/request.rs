//! A journey's request, checked before anything is sent.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::session::Session;
use super::target::Target;
use crate::component::bindings::http::Request;
use crate::runner::clock::Nanos;
use crate::runner::transactions::Name;
use crate::runner::worker;
use crate::wire::message::Identity;

const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 64 * 1024;
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
    pub headers: HeaderMap,
    pub body: Bytes,
    pub name: Option<Arc<str>>,
    /// The number in the tally.
    pub number: u32,
    pub deadline: Nanos,
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
    /// Checks a request. The error says what can't be sent.
    pub fn new(request: Request, asker: Asker) -> Result<Self, String> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("`{}` is not a method", request.method.escape_debug()))?;
        if method == Method::CONNECT {
            return Err("CONNECT is for proxies".to_owned());
        }
        worker::with(|worker| {
            let target = worker.http.targets.borrow_mut().get(&request.url)?;
            let headers = headers(&request.headers, &target, &method, request.body.is_some())?;
            let tally = &mut worker.tally.borrow_mut();
            let name: Option<Arc<str>> = request.name.map(Arc::from);
            let number = match &name {
                Some(name) => tally.request(name),
                None => target.number(&method, tally),
            };
            let timeout = request.timeout.unwrap_or(worker.settings.request_timeout);
            Ok(Self {
                method,
                headers,
                body: request.body.map_or_else(Bytes::new, Bytes::from),
                name,
                number,
                deadline: worker.clock.now().saturating_add(timeout),
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
            })
        })
    }

    /// Goes where a redirect points: 301, 302 and 303 become GET without body, HEAD stays HEAD; credentials stay behind when
    /// it leads to another host.
    pub fn redirect(&mut self, status: u16, target: Arc<Target>) {
        if !self.target.same_origin(&target) {
            self.headers.remove(http::header::AUTHORIZATION);
            self.headers.remove(http::header::COOKIE);
        }
        if matches!(status, 301..=303) && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(http::header::CONTENT_TYPE);
            self.headers.remove(CONTENT_LENGTH);
        }
        self.headers.insert(HOST, target.host.clone());
        self.target = target;
        if self.name.is_none() {
            worker::with(|worker| self.number = self.target.number(&self.method, &mut worker.tally.borrow_mut()));
        }
    }
}

fn headers(given: &[(String, String)], target: &Target, method: &Method, has_body: bool) -> Result<HeaderMap, String> {
    if given.len() > HEADERS_MAX {
        return Err(format!("a request has at most {HEADERS_MAX} headers, not {}", given.len()));
    }
    let mut bytes = 0;
    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    headers.insert(HOST, target.host.clone());
    for (name, value) in given {
        bytes += name.len() + value.len();
        let (name, value) = header(name, value)?;
        if name == HOST {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    if bytes > HEADER_BYTES_MAX {
        return Err(format!("the headers of a request have at most {HEADER_BYTES_MAX} bytes, not {bytes}"));
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, AGENT);
    }
    if !headers.contains_key(ACCEPT_ENCODING) {
        headers.insert(ACCEPT_ENCODING, ENCODINGS);
    }
    // RFC 9110, 8.6: methods that usually have a body say that there is none.
    if !has_body && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(headers)
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

//! A journey's request, checked before anything is sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::connection::RequestBody;
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
    pub fn request(&self) -> http::Request<RequestBody> {
        let mut request = http::Request::new(RequestBody::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.path.clone();
        *request.headers_mut() = self.all_headers();
        request
    }

    fn all_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 4);
        headers.insert(HOST, self.target.host.clone());
        for (name, value) in &self.headers {
            if *name == HOST {
                headers.insert(HOST, value.clone());
            } else {
                headers.append(name.clone(), value.clone());
            }
        }
        if let Some(authorization) = &self.target.authorization {
            headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, AGENT);
        }
        if !headers.contains_key(ACCEPT_ENCODING) {
            headers.insert(ACCEPT_ENCODING, ENCODINGS);
        }
        // RFC 9110, 8.6: methods that usually have a body say that there is none.
        if self.body.is_empty() && (self.has_body || matches!(self.method, Method::POST | Method::PUT | Method::PATCH))
        {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(cookies) = self.session.lock().unwrap_or_else(PoisonError::into_inner).header(&self.target.url) {
            // RFC 6265, 5.4: one header with all of them, the journey's own first.
            let own = headers.get_all(COOKIE).iter().chain([&cookies]);
            let joined = own.map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
            headers.insert(COOKIE, HeaderValue::from_bytes(&joined).unwrap_or(cookies));
        }
        headers
    }

    /// Checks a request. The error says what can't be sent.
    pub fn new(request: Request, asker: Asker) -> Result<Box<Self>, String> {
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

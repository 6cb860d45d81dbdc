//! A journey's request, checked before anything is sent.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};

use super::Client;
use super::connection::Outgoing;
use super::kept::Kept;
use super::session::Session;
use super::target::Target;
use crate::component::bindings::http::Request;
use crate::component::limits::Total;
use crate::policy::secrets::{Place, is_mentioned};
use crate::policy::{Denied, Host};
use crate::runner::clock::Nanos;
use crate::runner::quota::{Label, Slot};
use crate::runner::transactions::Name;
use crate::runner::worker;
use crate::wire::message::Identity;

const HEADERS_MAX: usize = 100;
/// Longer methods are refused: RFC 9110 has none over 7, WebDAV none over 16.
const METHOD_BYTES_MAX: usize = 64;
/// Names of requests are cut here.
pub const NAME_BYTES_MAX: usize = 256;
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
/// However many a journey would follow: each stands in the answer's history. Browsers follow 20.
const REDIRECTS_MAX: u32 = 100;
/// What a client that can read them asks for.
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");
/// Longer names of runs don't stand in headers.
const RUN_BYTES_MAX: usize = 100;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("mite/", env!("CARGO_PKG_VERSION")));

/// The `user-agent` of a run: whoever wonders where the load comes from can ask for it.
pub fn agent(run_id: &str) -> HeaderValue {
    let own = || HeaderValue::from_str(&format!("mite/{} (run {run_id})", env!("CARGO_PKG_VERSION"))).ok();
    Some(run_id).filter(|run_id| (1..=RUN_BYTES_MAX).contains(&run_id.len())).and_then(|_| own()).unwrap_or(AGENT)
}

/// All that it takes to make a request: it owns everything, so that it can run beside its journey.
pub struct Ask {
    pub method: Method,
    pub target: Arc<Target>,
    /// Those the journey gave.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether there is one, if an empty one.
    has_body: bool,
    pub body: Bytes,
    /// The room that the body takes, and its answer's will.
    pub kept: Kept,
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
    /// It is in no figure and has no message.
    pub apart: bool,
    /// The connection that it may open, where these are counted.
    pub slot: Cell<Option<Slot>>,
    /// Whether secrets are filled in: until a redirect leads to another origin.
    has_secrets: bool,
}

/// Whose request it is.
pub struct Asker {
    /// What is kept of bodies for the journey.
    pub shelf: Arc<Total>,
    pub session: Arc<Mutex<Session>>,
    pub run: Arc<Identity>,
    pub context_id: u64,
    pub transaction: Arc<Name>,
    pub transaction_id: u32,
    pub apart: bool,
}

impl Ask {
    /// The request as it is sent to an address: the journey's headers and those that it left to us, and secrets where it has put what stands
    /// for them.
    pub fn outgoing(&self, client: &Client, address: &str) -> Result<Outgoing, Denied> {
        if let Some((_, host)) = self.headers.iter().find(|(name, _)| *name == HOST) {
            self.check_host(client, host)?;
        }
        if client.secrets.is_empty() || !self.has_secrets {
            return Ok(Outgoing::new(self.head(&client.agent, self.body.len()), self.body.clone()));
        }
        let (goal, address) = (self.target.origin.goal(), address.parse().ok());
        let content_type = self.headers.iter().find(|(name, _)| *name == CONTENT_TYPE);
        let kind = content_type.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default();
        let body = client.secrets.fill(&self.body, Place::of_body(kind), &goal, address)?;
        let body = body.map_or_else(|| self.body.clone(), Bytes::from);
        let head = self.head(&client.agent, body.len());
        let filled = client.secrets.fill_head(&head, &goal, address)?;
        Ok(Outgoing::new(filled.unwrap_or(head), body))
    }

    /// A host of the journey's own has to be one that it might have named in the URL: a server of many would else lead it to any of them.
    fn check_host(&self, client: &Client, host: &HeaderValue) -> Result<(), Denied> {
        if !client.reachable.has_rules() {
            return Ok(());
        }
        let scheme = if self.target.origin.https { "https" } else { "http" };
        let url = host.to_str().map(|host| format!("{scheme}://{host}/")).unwrap_or_default();
        let denied = |why: &dyn std::fmt::Display| Denied(format!("Host header: {why}"));
        let named = client.targets.borrow_mut().get(&url).map_err(|why| denied(&why))?;
        let goal = named.origin.goal();
        client.reachable.check_name(&goal).map_err(|why| denied(&why))?;
        match goal.host {
            Host::Address(address) => client.reachable.filter(&goal, &[address]).map(drop).map_err(|why| denied(&why)),
            Host::Name(_) => Ok(()),
        }
    }

    fn head(&self, agent: &HeaderValue, body_bytes: usize) -> Vec<u8> {
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
            write(&mut head, USER_AGENT, agent);
        }
        if lacks(ACCEPT_ENCODING) {
            write(&mut head, ACCEPT_ENCODING, &ENCODINGS);
        }
        // RFC 9110, 8.6: methods that usually have a body say that there is none.
        if self.has_body || matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            write(&mut head, CONTENT_LENGTH, &HeaderValue::from(body_bytes));
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
            if is_mentioned(request.url.as_bytes()) {
                return Err(
                    "a secret can't stand in a URL, which messages and figures show: put it into a header or body"
                        .to_owned(),
                );
            }
            let target = worker.http.targets.borrow_mut().get(&request.url)?;
            let headers = headers(&request.headers)?;
            let mut kept = Kept::of(asker.shelf);
            kept.more(request.body.as_ref().map_or(0, Vec::len)).map_err(|full| full.to_string())?;
            let tally = &mut worker.tally.borrow_mut();
            let name: Option<Arc<str>> = request
                .name
                .map(|name| tally.label(Label::Request, &worker.settings.secrets.cut(&name, NAME_BYTES_MAX)).into());
            let number = match &name {
                // It has no row in the tally.
                _ if asker.apart => 0,
                Some(name) => tally.request(name),
                None => target.number(&method, tally),
            };
            let timeout = request.timeout.unwrap_or(worker.settings.request_timeout);
            Ok(Box::new(Self {
                method,
                headers,
                has_body: request.body.is_some(),
                body: request.body.map_or_else(Bytes::new, Bytes::from),
                kept,
                name,
                number,
                timeout,
                target,
                max_redirects: request.max_redirects.min(REDIRECTS_MAX),
                client_identity: request.identity,
                insecure: request.insecure,
                discard_body: request.discard_body,
                session: asker.session,
                run: asker.run,
                context_id: asker.context_id,
                transaction: asker.transaction,
                transaction_id: asker.transaction_id,
                apart: asker.apart,
                slot: Cell::new(None),
                has_secrets: true,
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
        self.has_secrets &= stays;
        self.headers.retain(|(name, value)| match *name {
            AUTHORIZATION | COOKIE | HOST => stays,
            CONTENT_TYPE => !loses_body,
            _ => stays || !is_mentioned(value.as_bytes()),
        });
        // The name and password of a URL stay with its host, as in curl: the new URL doesn't have them.
        if let Some(authorization) =
            self.target.authorization.clone().filter(|_| stays && target.authorization.is_none())
            && !self.headers.iter().any(|(name, _)| *name == AUTHORIZATION)
        {
            self.headers.push((AUTHORIZATION, authorization));
        }
        self.target = target;
        if self.name.is_none() && !self.apart {
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

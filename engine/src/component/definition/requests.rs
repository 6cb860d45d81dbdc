//! The requests of a `setup`: few, one after the other, and not measured.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cookie_store::{CookieStore, RawCookie};
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Method, Url};

use crate::component::bindings::http::{Cookie, Error, Hop, Request, Timings};
use crate::policy::{Denied, Goal, Host, Targets};

/// Answers and started requests that a setup may hold at once; one more traps.
const HANDLES_MAX: usize = 1_000;
/// The largest body; a longer one is an error.
const BODY_BYTES_MAX: usize = 64 << 20;
/// For a request that has no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(60);

pub type Outcome = Result<Box<Answer>, Error>;

/// What a setup makes requests with.
pub struct Requests {
    /// What it may reach: as much as the journeys that this process would run.
    reach: Arc<Targets>,
    cookies: CookieStore,
    pub answers: Handles<Box<Answer>>,
    pub pending: Handles<Outcome>,
}

/// Things by number.
pub struct Handles<T>(Vec<Option<T>>);

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Handles<T> {
    pub fn add(&mut self, thing: T) -> wasmtime::Result<u32> {
        let at = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if at >= HANDLES_MAX {
            wasmtime::bail!("more than {HANDLES_MAX} requests and answers at once");
        }
        if at == self.0.len() {
            self.0.push(None);
        }
        self.0[at] = Some(thing);
        Ok(u32::try_from(at)?)
    }

    pub fn get(&self, at: u32) -> wasmtime::Result<&T> {
        self.0.get(at as usize).and_then(Option::as_ref).ok_or_else(|| wasmtime::format_err!("no such handle"))
    }

    pub fn take(&mut self, at: u32) -> wasmtime::Result<T> {
        let there = self.0.get_mut(at as usize).and_then(Option::take);
        there.ok_or_else(|| wasmtime::format_err!("no such handle"))
    }
}

/// An answer, all of it.
pub struct Answer {
    pub status: u16,
    pub url: Url,
    headers: HeaderMap,
    pub body: Vec<u8>,
    pub history: Vec<Hop>,
    pub primary_ip: String,
    start: SystemTime,
    total: Duration,
}

impl Answer {
    pub fn body_size(&self) -> u64 {
        self.body.len() as u64
    }

    /// All that is known is how long it took.
    pub fn timings(&self) -> Timings {
        let total = u64::try_from(self.total.as_nanos()).unwrap_or(u64::MAX);
        Timings { dns: 0, connect: 0, tls: 0, transfer_start: 0, first_byte: total, total }
    }

    /// When its request was sent, in seconds since 1970.
    pub fn began(&self) -> f64 {
        self.start.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.get_all(name).iter().map(latin1).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|(name, value)| (name.to_string(), latin1(value))).collect()
    }

    pub fn text(&self) -> String {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        match kind.contains("8859-1") || kind.contains("latin1") {
            true => self.body.iter().map(|byte| char::from(*byte)).collect(),
            false => String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|byte| char::from(*byte)).collect()
}

impl Requests {
    pub fn new(reach: Arc<Targets>) -> Self {
        Self { reach, cookies: CookieStore::default(), answers: Handles::default(), pending: Handles::default() }
    }

    /// Makes a request, and follows redirects.
    pub async fn make(&mut self, request: Request) -> Outcome {
        let limit = request.timeout.map_or(TIMEOUT, Duration::from_nanos);
        let late = |_| Err(Error::Timeout("response".to_owned()));
        tokio::time::timeout(limit, self.exchanges(request)).await.unwrap_or_else(late)
    }

    async fn exchanges(&mut self, request: Request) -> Outcome {
        let invalid = |what: &str| Error::Invalid(format!("`{}` is no {what}", what_of(&request, what).escape_debug()));
        let mut method = Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("method"))?;
        let mut url = Url::parse(&request.url).map_err(|_| invalid("URL"))?;
        let (headers, mut body) = (headers(&request.headers)?, request.body.clone());
        let mut history = Vec::new();
        loop {
            let client = self.client(&url, request.insecure).await?;
            let mut answer = self.exchange(&client, &method, &url, &headers, body.clone()).await?;
            let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| (300..400).contains(&answer.status) && request.max_redirects > 0)
            else {
                answer.history = history;
                return Ok(answer);
            };
            if history.len() >= request.max_redirects as usize {
                return Err(Error::Redirects(request.max_redirects));
            }
            history.push(Hop { status: answer.status, url: url.to_string() });
            url = url.join(location).map_err(|error| Error::Protocol(format!("the redirect: {error}")))?;
            if matches!(answer.status, 301..=303) && method != Method::HEAD {
                (method, body) = (Method::GET, None);
            }
        }
    }

    /// One that connects to nothing but the addresses of this URL that may be reached.
    async fn client(&self, url: &Url, insecure: bool) -> Result<reqwest::Client, Error> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client =
            client.user_agent(concat!("mite/", env!("CARGO_PKG_VERSION"))).danger_accept_invalid_certs(insecure);
        let client = match url.host() {
            Some(url::Host::Domain(name)) => {
                let addresses = self.addresses(url, name).await?;
                client.resolve_to_addrs(name, &addresses)
            }
            Some(url::Host::Ipv4(address)) => self.may_reach(url, address.into()).map(|()| client)?,
            Some(url::Host::Ipv6(address)) => self.may_reach(url, address.into()).map(|()| client)?,
            None => return Err(Error::Invalid(format!("`{url}` has no host"))),
        };
        client.build().map_err(|error| failed(&error))
    }

    fn may_reach(&self, url: &Url, address: IpAddr) -> Result<(), Error> {
        let goal = goal(url, Host::Address(address));
        self.reach.check_name(&goal).map_err(denied)?;
        self.reach.filter(&goal, &[address]).map(drop).map_err(denied)
    }

    async fn addresses(&self, url: &Url, name: &str) -> Result<Vec<SocketAddr>, Error> {
        let goal = goal(url, Host::Name(name));
        self.reach.check_name(&goal).map_err(denied)?;
        let found = tokio::net::lookup_host((name, goal.port)).await;
        let found: Vec<_> =
            found.map_err(|error| Error::Dns(format!("{name}: {error}")))?.map(|address| address.ip()).collect();
        let open = self.reach.filter(&goal, &found).map_err(denied)?;
        Ok(open.into_iter().map(|address| SocketAddr::new(address, goal.port)).collect())
    }

    async fn exchange(
        &mut self,
        client: &reqwest::Client,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Outcome {
        let (begun, start) = (Instant::now(), SystemTime::now());
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        let cookies: Vec<_> =
            self.cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut answer = request.send().await.map_err(|error| failed(&error))?;
        for cookie in answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            if let Ok(cookie) = RawCookie::parse(cookie.to_owned()) {
                // One that the host may not set is not kept, as in a browser.
                drop(self.cookies.insert_raw(&cookie, url));
            }
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| failed(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > BODY_BYTES_MAX {
                return Err(Error::Protocol(format!("the body has more than {BODY_BYTES_MAX} bytes")));
            }
        }
        Ok(Box::new(Answer {
            status: answer.status().as_u16(),
            url: url.clone(),
            headers: answer.headers().clone(),
            body,
            history: Vec::new(),
            primary_ip: answer.remote_addr().map_or_else(String::new, |address| address.ip().to_string()),
            start,
            total: begun.elapsed(),
        }))
    }

    pub fn cookies(&self) -> Vec<Cookie> {
        let cookie = |cookie: &cookie_store::Cookie<'static>| Cookie {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            domain: String::from(&cookie.domain),
            path: String::from(&cookie.path),
        };
        self.cookies.iter_unexpired().map(cookie).collect()
    }

    pub fn set_cookie(&mut self, cookie: &Cookie) -> Result<(), String> {
        let url = Url::parse(&format!("https://{}{}", cookie.domain.trim_start_matches('.'), cookie.path));
        let url = url.map_err(|error| format!("`{}` is not a cookie's domain: {error}", cookie.domain))?;
        let raw = RawCookie::build((cookie.name.clone(), cookie.value.clone())).path(cookie.path.clone()).build();
        self.cookies.insert_raw(&raw, &url).map(drop).map_err(|error| format!("cookie `{}`: {error}", cookie.name))
    }

    pub fn clear_cookies(&mut self) {
        self.cookies.clear();
    }
}

fn goal<'a>(url: &Url, host: Host<'a>) -> Goal<'a> {
    Goal { https: url.scheme() == "https", host, port: url.port_or_known_default().unwrap_or_default() }
}

fn denied(why: Denied) -> Error {
    Error::Denied(why.0)
}

fn what_of<'a>(request: &'a Request, what: &str) -> &'a str {
    if what == "URL" { &request.url } else { &request.method }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let invalid = || Error::Invalid(format!("header `{}` can't be sent", name.escape_debug()));
        let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        headers.append(name.map_err(|_| invalid())?, value.map_err(|_| invalid())?);
    }
    Ok(headers)
}

/// What is wrong stands innermost.
fn failed(error: &reqwest::Error) -> Error {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = innermost.to_string();
    if error.is_connect() {
        Error::Connect(reason)
    } else if error.is_timeout() {
        Error::Timeout("response".to_owned())
    } else if error.is_builder() {
        Error::Invalid(reason)
    } else {
        Error::Protocol(reason)
    }
}

//! URLs of requests, parsed once and kept: most journeys ask for the same few again and again.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hashbrown::HashMap;
use http::{HeaderValue, Method, Uri};
use url::{Host, Url};

use super::request::NAME_BYTES_MAX;
use crate::policy::secrets::cut;
use crate::policy::{Goal, Host as GoalHost};
use crate::runner::quota::Label;
use crate::runner::tally::Tally;
use crate::wire::totals::OTHER;

/// URLs that are kept parsed; when there are more all are forgotten.
const TARGETS_MAX: usize = 4_096;
/// Origins that are known by number; when there are more all are forgotten.
const ORIGINS_MAX: usize = 4_096;
/// Longer URLs are parsed each time.
const KEPT_BYTES_MAX: usize = 2 * 1024;
/// Longer URLs are refused.
const URL_BYTES_MAX: usize = 64 * 1024;
/// Methods whose tally numbers are kept with a target.
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
const UNKNOWN: u32 = u32::MAX;
/// In a kept number: a limit had no room for the name. Numbers are far below.
const FOLDED: u32 = 1 << 30;

/// Where a request goes.
#[derive(Debug)]
pub struct Target {
    /// The whole URL, without fragment.
    pub url: Url,
    pub origin: Arc<Origin>,
    /// Path and query: what stands in the request line.
    pub path: Box<str>,
    /// The `host` header.
    pub host: HeaderValue,
    /// Basic authentication, where the URL had a name and password in it, as curl understands them.
    pub authorization: Option<HeaderValue>,
    /// Numbers of `GET http://host/path` and so on in the tally.
    numbers: [AtomicU32; METHODS.len()],
}

/// What a connection can be made to.
#[derive(Debug)]
pub struct Origin {
    /// Unique in the worker.
    pub id: u32,
    pub https: bool,
    pub host: OriginHost,
    pub port: u16,
}

impl Origin {
    /// As rules see it.
    pub fn goal(&self) -> Goal<'_> {
        let host = match &self.host {
            OriginHost::Name(name) => GoalHost::Name(name),
            OriginHost::Address(address) => GoalHost::Address(*address),
        };
        Goal { https: self.https, host, port: self.port }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OriginHost {
    Name(Box<str>),
    Address(IpAddr),
}

/// The parsed URLs of a worker.
#[derive(Default)]
pub struct Targets {
    targets: HashMap<Box<str>, Arc<Target>>,
    origins: HashMap<(bool, OriginHost, u16), Arc<Origin>>,
    last_origin: u32,
}

impl Targets {
    /// Parses a URL or finds it parsed. The error says what is wrong with it.
    pub fn get(&mut self, text: &str) -> Result<Arc<Target>, String> {
        if let Some(target) = self.targets.get(text) {
            return Ok(target.clone());
        }
        if text.len() > URL_BYTES_MAX {
            return Err(format!("the URL has {} bytes; the limit is {URL_BYTES_MAX}", text.len()));
        }
        let url = Url::parse(text)
            .map_err(|error| format!("`{}` is not a URL: {error}", cut(text, NAME_BYTES_MAX).escape_debug()))?;
        let target = Arc::new(self.target(url)?);
        if self.targets.len() >= TARGETS_MAX {
            self.targets.clear();
        }
        if text.len() <= KEPT_BYTES_MAX {
            self.targets.insert(text.into(), target.clone());
        }
        Ok(target)
    }

    /// The target of a redirect.
    pub fn redirected(&mut self, from: &Target, location: &str) -> Result<Arc<Target>, String> {
        let url =
            from.url.join(location).map_err(|error| format!("redirect to `{}`: {error}", location.escape_debug()))?;
        self.get(url.as_str())
    }

    fn target(&mut self, mut url: Url) -> Result<Target, String> {
        url.set_fragment(None);
        let authorization = credentials(&mut url)?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(format!("`{url}` has the scheme {other}; journeys speak http and https")),
        };
        let (host, port) = match (url.host(), url.port_or_known_default()) {
            (Some(Host::Domain(name)), Some(port)) => (OriginHost::Name(name.into()), port),
            (Some(Host::Ipv4(address)), Some(port)) => (OriginHost::Address(address.into()), port),
            (Some(Host::Ipv6(address)), Some(port)) => (OriginHost::Address(address.into()), port),
            _ => return Err(format!("`{url}` has no host")),
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let path = path.parse::<Uri>().map_err(|error| format!("`{url}` can't be asked for: {error}"))?;
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host_header = HeaderValue::from_str(authority).map_err(|error| format!("`{url}`: {error}"))?;
        let origin = self.origin(https, host, port);
        let numbers = std::array::from_fn(|_| AtomicU32::new(UNKNOWN));
        Ok(Target { url, origin, path: path.to_string().into(), host: host_header, authorization, numbers })
    }

    fn origin(&mut self, https: bool, host: OriginHost, port: u16) -> Arc<Origin> {
        let key = (https, host, port);
        if let Some(origin) = self.origins.get(&key) {
            return origin.clone();
        }
        if self.origins.len() >= ORIGINS_MAX {
            self.origins.clear();
        }
        self.last_origin = self.last_origin.wrapping_add(1);
        let origin = Arc::new(Origin { id: self.last_origin, https, host: key.1.clone(), port });
        self.origins.insert(key, origin.clone());
        origin
    }
}

/// Takes name and password out of a URL: they are sent, and stand in no message.
fn credentials(url: &mut Url) -> Result<Option<HeaderValue>, String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| "the URL can't have a name and password".to_owned())?;
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .map_err(|error| format!("the URL's name and password: {error}"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Target {
    /// The number in the tally for requests that have no name of their own: method and URL without query.
    pub fn number(&self, method: &Method, tally: &mut Tally) -> u32 {
        let slot = METHODS.iter().position(|known| known == method).map(|at| &self.numbers[at]);
        let kept = slot.map(|slot| slot.load(Relaxed)).filter(|number| *number != UNKNOWN);
        let number = kept.unwrap_or_else(|| {
            let name = format!("{method} {}", &self.url[..url::Position::AfterPath]);
            let name = tally.cut(&name, NAME_BYTES_MAX).into_owned();
            let has_room = tally.has_room(Label::Request, &name);
            if has_room { tally.request(&name) } else { tally.request(OTHER) | FOLDED }
        });
        if let Some(slot) = slot {
            slot.store(number, Relaxed);
        }
        if number & FOLDED != 0 {
            tally.folded(Label::Request);
        }
        number & !FOLDED
    }

    /// Whether a redirect from here to there stays with the same host, so that credentials may go along.
    pub fn same_origin(&self, other: &Self) -> bool {
        let (here, there) = (&self.origin, &other.origin);
        here.https == there.https && here.host == there.host && here.port == there.port
    }
}

#[cfg(test)]
mod tests;

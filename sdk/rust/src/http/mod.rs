//! HTTP requests: `ctx.http`.
mod encode;
mod error;
mod request;
mod response;
mod sending;

use crate::bindings::mite::journey::http as wire;
pub use error::{HttpError, HttpErrorKind};
pub use request::Request;
pub use response::{Hop, Response, Timings};
pub use sending::Sending;
use std::borrow::Cow;

/// A client certificate, made by [`Http::identity`].
#[derive(Clone, Copy, Debug)]
pub struct Identity(u32);

/// A cookie of the run's session.
#[derive(Clone, Debug, PartialEq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host that gets it.
    pub domain: String,
    /// Usually `/`.
    pub path: String,
}

impl Cookie {
    /// A cookie for all paths of a domain.
    pub fn new(domain: impl Into<String>, name: impl Into<String>, value: impl Into<String>) -> Self {
        Cookie { name: name.into(), value: value.into(), domain: domain.into(), path: "/".into() }
    }
}

/// `ctx.http`: makes requests. Cookies start empty with each run and are kept for its length.
#[derive(Clone, Copy, Debug)]
pub struct Http(());

macro_rules! verbs {
    ($($name:ident $method:literal)*) => {$(
        #[doc = concat!("A ", $method, " request; `.await` it to send it.")]
        #[inline]
        pub fn $name<'a>(self, url: impl Into<Cow<'a, str>>) -> Request<'a> {
            Request::new(Cow::Borrowed($method), url.into())
        }
    )*};
}

impl Http {
    pub(crate) const fn new() -> Self {
        Http(())
    }

    verbs! { get "GET" post "POST" put "PUT" patch "PATCH" delete "DELETE" head "HEAD" options "OPTIONS" }

    /// A request with any method.
    pub fn request<'a>(self, method: impl Into<Cow<'a, str>>, url: impl Into<Cow<'a, str>>) -> Request<'a> {
        Request::new(method.into(), url.into())
    }

    /// A client certificate from a chain and its key, both PEM. The same pair gives the same identity.
    /// Limit: 64 in a runner's worker.
    pub fn identity(self, chain: &str, key: &str) -> Result<Identity, HttpError> {
        wire::identity(chain, key).map(Identity).map_err(|why| HttpError::new(HttpErrorKind::Invalid, why))
    }

    /// The cookies of this run's session.
    pub fn cookies(self) -> Vec<Cookie> {
        let mine = |c: wire::Cookie| Cookie { name: c.name, value: c.value, domain: c.domain, path: c.path };
        wire::cookies().into_iter().map(mine).collect()
    }

    /// Puts a cookie into the session. Limit: 200; the oldest goes.
    pub fn set_cookie(self, cookie: &Cookie) -> Result<(), HttpError> {
        let Cookie { name, value, domain, path } = cookie.clone();
        wire::set_cookie(&wire::Cookie { name, value, domain, path })
            .map_err(|why| HttpError::new(HttpErrorKind::Invalid, why))
    }

    /// Empties the session.
    pub fn clear_cookies(self) {
        wire::clear_cookies();
    }
}

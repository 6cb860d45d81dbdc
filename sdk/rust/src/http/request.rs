//! A request being put together.
use super::encode::{self, Rules};
use super::{HttpError, HttpErrorKind, Identity, Sending};
use crate::host;
use crate::time::Seconds;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Display;

/// A request; `.await` sends it and gives the [`Response`](super::Response).
///
/// ```no_run
/// # use mite_sdk::prelude::*;
/// # async fn journey(ctx: Ctx) -> Result {
/// let answer = ctx.http.post("http://shop/basket").header("x-shop", "1").json(&json!({"id": 1})).await?;
/// check!(answer.status() == 200, "the basket answered {}", answer.status());
/// # Ok(()) }
/// ```
#[must_use = "a request is sent by `.await`"]
pub struct Request<'a> {
    method: Cow<'a, str>,
    url: Cow<'a, str>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: Option<Cow<'a, [u8]>>,
    name: Option<Cow<'a, str>>,
    timeout: Option<u64>,
    max_redirects: u32,
    identity: Option<Identity>,
    insecure: bool,
    discard_body: bool,
    /// What makes it impossible; told when it should be sent, so that building needs no `?` at every step.
    problem: Option<Box<HttpError>>,
}

impl<'a> Request<'a> {
    #[inline]
    pub(super) fn new(method: Cow<'a, str>, url: Cow<'a, str>) -> Self {
        Request {
            method,
            url,
            headers: Vec::new(),
            body: None,
            name: None,
            timeout: None,
            max_redirects: 5,
            identity: None,
            insecure: false,
            discard_body: false,
            problem: None,
        }
    }

    /// Adds a header. Limit: 100 headers, 64 KiB in all.
    pub fn header(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds several headers.
    pub fn headers<N, V>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'a, str>>,
        V: Into<Cow<'a, str>>,
    {
        self.headers.extend(headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Adds pairs to the URL's query, percent-encoded: `.query([("q", "tea & milk")])`.
    pub fn query<N: AsRef<str>, V: Display>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        encode::query(&mut self.url, pairs);
        self
    }

    /// Sends bytes.
    pub fn body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends a text, as `text/plain` unless a content-type is given.
    pub fn text(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.body = Some(match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
        self.typed("text/plain; charset=utf-8")
    }

    /// Sends a value as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body = Some(Cow::Owned(json)),
            Err(error) => self.problem = Some(invalid(format!("this can't be written as JSON: {error}"))),
        }
        self.typed("application/json")
    }

    /// Sends a form, urlencoded: `.form([("user", "ada"), ("password", "secret")])`.
    pub fn form<N: AsRef<str>, V: Display>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut form = String::new();
        encode::pairs(&mut form, pairs, Rules::Form);
        self.body = Some(Cow::Owned(form.into_bytes()));
        self.typed("application/x-www-form-urlencoded")
    }

    /// The content-type, unless the journey has given one.
    fn typed(self, content_type: &'static str) -> Self {
        let given = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if given { self } else { self.header("content-type", content_type) }
    }

    /// HTTP basic authentication.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let encoded = encode::base64(format!("{user}:{password}").as_bytes());
        self.header("authorization", format!("Basic {encoded}"))
    }

    /// A bearer token.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sends a cookie with this request only; [`Http::set_cookie`](super::Http::set_cookie) puts one into the session.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        match self.headers.iter_mut().find(|(header, _)| header == "cookie") {
            Some((_, cookies)) => *cookies = format!("{cookies}; {name}={value}").into(),
            None => self.headers.push(("cookie".into(), format!("{name}={value}").into())),
        }
        self
    }

    /// The label that its figures are grouped under, instead of method and URL without query.
    pub fn name(mut self, label: impl Into<Cow<'a, str>>) -> Self {
        self.name = Some(label.into());
        self
    }

    /// How long the whole exchange may take, redirects and body included: seconds or a `Duration`.
    pub fn timeout(mut self, time: impl Seconds) -> Self {
        self.timeout = Some(time.nanoseconds());
        self
    }

    /// How many redirects to follow; 5 unless said.
    pub fn redirects(mut self, most: u32) -> Self {
        self.max_redirects = most;
        self
    }

    /// A redirect is the answer.
    pub fn no_redirects(self) -> Self {
        self.redirects(0)
    }

    /// Doesn't verify the server's certificate.
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Shows a client certificate.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Counts the body's bytes and doesn't keep them.
    pub fn discard_body(mut self) -> Self {
        self.discard_body = true;
        self
    }

    pub(super) fn problem(&mut self) -> Option<Box<HttpError>> {
        self.problem.take()
    }

    /// Calls `with` with the request in the host's form, which borrows everything from here.
    #[inline]
    pub(super) fn wire<T>(&self, transaction: u32, with: impl FnOnce(host::Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        with(host::Request {
            method: &self.method,
            url: &self.url,
            headers: &headers,
            body: self.body.as_deref(),
            name: self.name.as_deref(),
            transaction,
            timeout: self.timeout,
            max_redirects: self.max_redirects,
            identity: self.identity.map(|identity| identity.0),
            insecure: self.insecure,
            discard_body: self.discard_body,
        })
    }
}

fn invalid(text: String) -> Box<HttpError> {
    Box::new(HttpError::new(HttpErrorKind::Invalid, text))
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Result<super::Response, HttpError>;
    type IntoFuture = Sending<'a>;

    #[inline]
    fn into_future(self) -> Sending<'a> {
        Sending::new(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::http::Http;

    #[test]
    fn what_is_sent() {
        let http = Http::new();
        http.post("http://x/").form([("a", "b c")]).cookie("k", "v").cookie("l", "w").timeout(1.5).wire(7, |r| {
            assert_eq!((r.method, r.url, r.transaction), ("POST", "http://x/", 7));
            assert_eq!(r.headers, [("content-type", "application/x-www-form-urlencoded"), ("cookie", "k=v; l=w")]);
            assert_eq!((r.body, r.timeout), (Some(&b"a=b+c"[..]), Some(1_500_000_000)));
        });
        http.put("http://x/").header("Content-Type", "application/x").json(&[1, 2]).basic_auth("a", "b").wire(1, |r| {
            assert_eq!(r.headers, [("Content-Type", "application/x"), ("authorization", "Basic YTpi")]);
            assert_eq!((r.body, r.max_redirects), (Some(&b"[1,2]"[..]), 5));
        });
    }
}

//! What a run keeps from request to request: its cookies, as a browser would.

use cookie_store::{CookieStore, RawCookie};
use http::HeaderValue;
use url::Url;

use super::headers::Headers;
use crate::component::bindings::http::Cookie;

/// Cookies of a session; the oldest goes for one more.
const COOKIES_MAX: usize = 200;
/// A cookie with more bytes is not kept (RFC 6265, 6.1).
const COOKIE_BYTES_MAX: usize = 4_096;

/// The cookies of a run; nothing is allocated before the first.
#[derive(Clone, Default)]
pub struct Session {
    cookies: Option<Box<CookieStore>>,
}

impl Session {
    pub fn clear(&mut self) {
        self.cookies = None;
    }

    /// Forgets its cookies for those of another.
    pub fn begin(&mut self, with: &Self) {
        self.cookies.clone_from(&with.cookies);
    }

    /// The `cookie` header for a URL, if there is anything to send.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = self.cookies.as_ref()?;
        let pairs: Vec<_> = cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() }
    }

    /// Keeps what a response sets.
    pub fn store(&mut self, headers: &Headers, url: &Url) {
        for value in headers.get_all("set-cookie") {
            let Ok(text) = std::str::from_utf8(value) else { continue };
            if text.len() > COOKIE_BYTES_MAX {
                continue;
            }
            if let Ok(cookie) = RawCookie::parse(text.to_owned()) {
                // One that the host may not set is not kept, as in a browser.
                drop(self.open().insert_raw(&cookie, url));
            }
        }
        self.bound();
    }

    pub fn list(&self) -> Vec<Cookie> {
        let Some(cookies) = &self.cookies else { return Vec::new() };
        cookies
            .iter_unexpired()
            .map(|cookie| Cookie {
                name: cookie.name().to_owned(),
                value: cookie.value().to_owned(),
                domain: String::from(&cookie.domain),
                path: String::from(&cookie.path),
            })
            .collect()
    }

    /// Puts a cookie in that no response has set.
    pub fn set(&mut self, cookie: &Cookie) -> Result<(), String> {
        let bytes = cookie.name.len() + cookie.value.len() + cookie.domain.len() + cookie.path.len();
        if bytes > COOKIE_BYTES_MAX {
            return Err(format!("a cookie has at most {COOKIE_BYTES_MAX} bytes, not {bytes}"));
        }
        let path = if cookie.path.is_empty() { "/" } else { &cookie.path };
        let url = Url::parse(&format!("https://{}{path}", cookie.domain.trim_start_matches('.')))
            .map_err(|error| format!("`{}` is not a cookie's domain: {error}", cookie.domain.escape_debug()))?;
        let raw = RawCookie::build((cookie.name.clone(), cookie.value.clone())).path(path.to_owned()).build();
        // What is one cookie here would be two for the server.
        let splits = cookie.name.contains([';', '=']) || cookie.value.contains(';');
        if splits || HeaderValue::from_str(&format!("{}={}", cookie.name, cookie.value)).is_err() {
            return Err(format!("cookie `{}` has characters that can't be sent", cookie.name.escape_debug()));
        }
        self.open()
            .insert_raw(&raw, &url)
            .map_err(|error| format!("cookie `{}`: {error}", cookie.name.escape_debug()))?;
        self.bound();
        Ok(())
    }

    fn open(&mut self) -> &mut CookieStore {
        self.cookies.get_or_insert_default()
    }

    fn bound(&mut self) {
        let Some(cookies) = &mut self.cookies else { return };
        let over = cookies.iter_any().count().saturating_sub(COOKIES_MAX);
        let expired = cookies.iter_any().filter(|cookie| cookie.is_expired());
        let oldest: Vec<_> = expired
            .chain(cookies.iter_unexpired())
            .take(over)
            .map(|cookie| (String::from(&cookie.domain), String::from(&cookie.path), cookie.name().to_owned()))
            .collect();
        for (domain, path, name) in oldest {
            cookies.remove(&domain, &path, &name);
        }
    }
}

#[cfg(test)]
mod tests;

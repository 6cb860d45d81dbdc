//! How text gets into URLs, forms and headers.
use std::borrow::Cow;
use std::fmt::{Display, Write};

/// Which rules a text is encoded by.
#[derive(Clone, Copy, PartialEq)]
pub enum Rules {
    /// A query of a URL: RFC 3986, everything but unreserved characters as `%XX`.
    Query,
    /// A form: a space is `+`, and the WHATWG's set of characters stays.
    Form,
}

/// Writes text into a query or a form as it comes out of a formatter: no value is copied first.
struct Encoded<'a>(&'a mut String, Rules);

impl Write for Encoded<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for byte in text.bytes() {
            let plain = byte.is_ascii_alphanumeric()
                || matches!((byte, self.1), (b'-' | b'.' | b'_', _) | (b'~', Rules::Query) | (b'*', Rules::Form));
            if plain {
                self.0.push(char::from(byte));
            } else if byte == b' ' && self.1 == Rules::Form {
                self.0.push('+');
            } else {
                self.0.push('%');
                self.0.push(char::from(HEX[usize::from(byte >> 4)]));
                self.0.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        Ok(())
    }
}

/// Appends `name=value` pairs, joined by `&`, to what is there.
pub fn pairs<N: AsRef<str>, V: Display>(to: &mut String, pairs: impl IntoIterator<Item = (N, V)>, rules: Rules) {
    for (name, value) in pairs {
        if !to.is_empty() && !to.ends_with(['?', '&']) {
            to.push('&');
        }
        // Writing to a String fails only where a value's own `Display` does; what it has written by then is kept.
        let _ = Encoded(to, rules).write_str(name.as_ref());
        to.push('=');
        let _ = write!(Encoded(to, rules), "{value}");
    }
}

/// Appends pairs to a URL's query; a fragment stays behind it.
pub fn query<N: AsRef<str>, V: Display>(url: &mut Cow<'_, str>, add: impl IntoIterator<Item = (N, V)>) {
    let mut add = add.into_iter().peekable();
    if add.peek().is_none() {
        return;
    }
    let url = url.to_mut();
    let fragment = url.find('#').map(|at| url.split_off(at));
    if !url.contains('?') {
        url.push('?');
    }
    pairs(url, add, Rules::Query);
    if let Some(fragment) = fragment {
        url.push_str(&fragment);
    }
}

/// Base64 with padding (RFC 4648).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| usize::from(chunk.get(i).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = if i <= chunk.len() { DIGITS[all >> (18 - 6 * i) & 63] } else { b'=' };
            out.push(char::from(digit));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        for (url, add, want, why) in [
            ("http://x/", vec![], "http://x/", "nothing to add"),
            ("http://x/", vec![("a", "1"), ("b", "2")], "http://x/?a=1&b=2", "the first query"),
            ("http://x/?", vec![("a", "1")], "http://x/?a=1", "an empty query is there"),
            ("http://x/?z=0", vec![("a", "1")], "http://x/?z=0&a=1", "a query is there"),
            ("http://x/#top", vec![("a", "1")], "http://x/?a=1#top", "a fragment stays last"),
            ("http://x/", vec![("a b", "c&d=é+~")], "http://x/?a%20b=c%26d%3D%C3%A9%2B~", "reserved and UTF-8"),
        ] {
            let mut got = Cow::Borrowed(url);
            query(&mut got, add);
            assert_eq!(got, want, "{why}");
        }
    }

    #[test]
    fn forms() {
        let mut form = String::new();
        pairs(&mut form, [("user name", "a b"), ("p", "~*&é")], Rules::Form);
        assert_eq!(form, "user+name=a+b&p=%7E*%26%C3%A9");
        let mut numbers = String::new();
        pairs(&mut numbers, [("n", 5), ("m", -6)], Rules::Form);
        assert_eq!(numbers, "n=5&m=-6");
    }

    #[test]
    fn base64_of_the_rfc() {
        for (plain, want) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), want);
        }
    }
}

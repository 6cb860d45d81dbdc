//! How the interface `flat` writes requests and answers as numbers.

use super::bindings::http::Request;

const MAX_REDIRECTS: u64 = 0xffff;
const INSECURE: u64 = 1 << 16;
const DISCARD_BODY: u64 = 1 << 17;
/// What is above is an identity's number plus one.
const IDENTITY_SHIFT: u32 = 32;
/// Numbers of answers are below 2^16.
const STATUS_SHIFT: u32 = 16;

/// A request as it comes through `flat`.
pub type Parts = (String, String, Vec<(String, String)>, Option<Vec<u8>>, String, u32, u64, u64);

/// The same as a record.
pub fn request((method, url, headers, body, name, transaction, timeout, options): Parts) -> Request {
    Request {
        method,
        url,
        headers,
        body,
        name: (!name.is_empty()).then_some(name),
        transaction,
        timeout: (timeout > 0).then_some(timeout),
        max_redirects: (options & MAX_REDIRECTS) as u32,
        identity: ((options >> IDENTITY_SHIFT) as u32).checked_sub(1),
        insecure: options & INSECURE != 0,
        discard_body: options & DISCARD_BODY != 0,
    }
}

/// An answer as one number: its status and its own number.
pub fn number(status: u16, answer: u32) -> u32 {
    (u32::from(status) << STATUS_SHIFT) | answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_apart() {
        let of = |name: &str, timeout, options| {
            request(("GET".into(), String::new(), Vec::new(), None, name.into(), 1, timeout, options))
        };
        let plain = of("", 0, 5);
        assert_eq!((plain.name, plain.timeout, plain.max_redirects, plain.identity), (None, None, 5, None));
        assert!(!plain.insecure && !plain.discard_body);
        let full = of("a", 7, 65_535 + 65_536 + (3 << 32));
        assert_eq!((full.name, full.timeout, full.max_redirects), (Some("a".to_owned()), Some(7), 65_535));
        assert_eq!((full.identity, full.insecure, full.discard_body), (Some(2), true, false));
        assert!(of("", 0, 131_072).discard_body);
    }
}

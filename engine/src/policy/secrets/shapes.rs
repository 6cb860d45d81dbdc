//! How a secret's value may be written: what is looked for where it must not be shown.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine as _};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::RESERVED;

/// The value as it is, and in all encodings that programs write by themselves.
pub fn of(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut shapes = BTreeSet::from([value.to_owned(), hex.to_uppercase(), hex]);
    // As headers are read, and what says that it is Latin-1.
    shapes.insert(value.bytes().map(char::from).collect());
    shapes.extend(jsons(value));
    shapes.extend(percents(value));
    shapes.extend(base64s(value));
    for (double, single) in [("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("\"", "'")] {
        let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        shapes.insert(html.replace('"', double).replace('\'', single));
    }
    shapes.into_iter().map(String::into_bytes).collect()
}

/// As it stands between the quotes of a text in JSON.
pub fn json(value: &str) -> String {
    escaped(value, |_| None)
}

/// With more characters escaped than have to be: `more` says how.
fn escaped(value: &str, more: impl Fn(char) -> Option<String>) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        match (more(character), character) {
            (Some(escape), _) => written.push_str(&escape),
            (_, '"' | '\\') => written.extend(['\\', character]),
            (_, '\n') => written.push_str("\\n"),
            (_, '\r') => written.push_str("\\r"),
            (_, '\t') => written.push_str("\\t"),
            (_, control) if control < ' ' => written.push_str(&unicode(control)),
            (_, other) => written.push(other),
        }
    }
    written
}

fn unicode(character: char) -> String {
    character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// As the writers of JSON differ: some escape what isn't ASCII, `/`, or what HTML would read.
fn jsons(value: &str) -> Vec<String> {
    let ascii = |it: char| (!it.is_ascii()).then(|| unicode(it));
    let slash = |it: char| (it == '/').then(|| "\\/".to_owned());
    let html = |it: char| "<>&".contains(it).then(|| unicode(it));
    let all = |it: char| (!it.is_ascii() || "<>&'\"+`".contains(it)).then(|| unicode(it));
    let upper = |it: char| all(it).map(|escape| escape.to_uppercase().replace('U', "u"));
    vec![
        json(value),
        escaped(value, ascii),
        escaped(value, slash),
        escaped(value, |it| slash(it).or_else(|| ascii(it))),
        escaped(value, html),
        escaped(value, |it| html(it).or_else(|| ascii(it))),
        escaped(value, all),
        escaped(value, upper),
    ]
}

/// In URLs and forms.
fn percents(value: &str) -> Vec<String> {
    let encoded = percent_encode(value.as_bytes(), RESERVED).to_string();
    let mut percents = vec![
        encoded.replace("%20", "+"),
        encoded.replace("%2F", "/"),
        percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        encoded,
    ];
    percents.extend(percents.clone().iter().map(|one| small(one)));
    percents
}

/// With the digits of `%2F` small.
fn small(percent: &str) -> String {
    let parts = percent.split_inclusive('%').enumerate().map(|(at, part)| match part.split_at_checked(2) {
        Some((digits, rest)) if at > 0 => digits.to_ascii_lowercase() + rest,
        _ => part.to_owned(),
    });
    parts.collect()
}

/// In Base64: whole, and as a part of something larger, which begins it at one of three places of its groups. Characters that it shares
/// with what is before or after it are not among them.
fn base64s(value: &str) -> Vec<String> {
    let mut shapes = vec![BASE64_STANDARD.encode(value), BASE64_URL_SAFE.encode(value)];
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
            let bytes = [&b"\0\0"[..before], value.as_bytes()].concat();
            let encoded = engine.encode(&bytes);
            let whole = bytes.len() * 8 / 6;
            // At the end of all, and before something else.
            shapes.extend([encoded[shared..].to_owned(), encoded[shared..whole].to_owned()]);
        }
    }
    shapes
}

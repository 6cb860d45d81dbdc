//! What the SDK's globals need and JavaScript can't do well itself: text as bytes, URLs, randomness.

use crate::host::Text;
use rquickjs::{Ctx, Exception, Object, Result, TypedArray};
use std::cell::Cell;
use url::{Url, quirks};

/// `out` of bytes in an encoding; none: they are not valid and `fatal` was asked for.
pub fn decode(bytes: TypedArray<'_, u8>, encoding: Text, fatal: bool) -> Option<String> {
    let bytes = bytes.as_bytes().unwrap_or_default();
    match encoding.0.as_str() {
        "utf-8" if fatal => std::str::from_utf8(bytes).ok().map(str::to_owned),
        "utf-8" => Some(String::from_utf8_lossy(bytes).into_owned()),
        "utf-16le" => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            match String::from_utf16(&units) {
                Ok(text) if rest.is_empty() => Some(text),
                _ if fatal => None,
                _ => Some(String::from_utf16_lossy(&units) + if rest.is_empty() { "" } else { "\u{fffd}" }),
            }
        }
        _ => Some(bytes.iter().map(|&byte| windows_1252(byte)).collect()),
    }
}

/// The WHATWG's Latin-1: what 0x80 to 0x9f mean to everybody.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

pub fn parse_url<'js>(ctx: Ctx<'js>, url: Text, base: Option<Text>) -> Result<Option<Object<'js>>> {
    let base = match base.map(|base| Url::parse(&base.0)) {
        Some(Err(_)) => return Ok(None),
        Some(Ok(base)) => Some(base),
        None => None,
    };
    let parsed = Url::options().base_url(base.as_ref()).parse(&url.0).ok();
    parsed.map(|url| parts(&ctx, &url)).transpose()
}

/// The URL with a part of it changed, as its setters do; none: that can't be.
pub fn set_url<'js>(ctx: Ctx<'js>, url: Text, part: Text, value: Text) -> Result<Option<Object<'js>>> {
    let Ok(mut url) = Url::parse(&url.0) else { return Ok(None) };
    let value = value.0.as_str();
    let set = match part.0.as_str() {
        "href" => quirks::set_href(&mut url, value).is_ok(),
        "protocol" => quirks::set_protocol(&mut url, value).is_ok(),
        "username" => quirks::set_username(&mut url, value).is_ok(),
        "password" => quirks::set_password(&mut url, value).is_ok(),
        "host" => quirks::set_host(&mut url, value).is_ok(),
        "hostname" => quirks::set_hostname(&mut url, value).is_ok(),
        "port" => quirks::set_port(&mut url, value).is_ok(),
        "pathname" => {
            quirks::set_pathname(&mut url, value);
            true
        }
        "search" => {
            quirks::set_search(&mut url, value);
            true
        }
        _ => {
            quirks::set_hash(&mut url, value);
            true
        }
    };
    if set { parts(&ctx, &url).map(Some) } else { Ok(None) }
}

fn parts<'js>(ctx: &Ctx<'js>, url: &Url) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let parts = [
        ("href", quirks::href(url)),
        ("origin", &quirks::origin(url)),
        ("protocol", quirks::protocol(url)),
        ("username", quirks::username(url)),
        ("password", quirks::password(url)),
        ("host", quirks::host(url)),
        ("hostname", quirks::hostname(url)),
        ("port", quirks::port(url)),
        ("pathname", quirks::pathname(url)),
        ("search", quirks::search(url)),
        ("hash", quirks::hash(url)),
    ];
    parts.into_iter().try_for_each(|(name, value)| object.set(name, value))?;
    Ok(object)
}

pub fn random_bytes<'js>(ctx: Ctx<'js>, count: usize) -> Result<TypedArray<'js, u8>> {
    let mut bytes = vec![0; count];
    match getrandom::fill(&mut bytes) {
        Ok(()) => TypedArray::new(ctx, bytes),
        Err(error) => Err(Exception::throw_message(&ctx, &error.to_string())),
    }
}

thread_local!(
    /// Seeded by the host at the first draw of an instance: 0 until then, so that no snapshot has a seed.
    static STATE: Cell<u64> = const { Cell::new(0) }
);

/// From 0 up to but not including 1. xorshift64*: good enough to draw users and pauses.
pub fn random() -> f64 {
    let mut x = STATE.get();
    if x == 0 {
        x = getrandom::u64().unwrap_or(0x9e37_79b9_7f4a_7c15) | 1;
    }
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    STATE.set(x);
    (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
}

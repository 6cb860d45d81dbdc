//! msgpack to JSON.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wire::value::{Items, Pairs, Raw, View};

/// Writes a value. Recurses as deep as values are nested, which [`Raw`] limits.
pub fn write(out: &mut Vec<u8>, value: Raw<'_>) {
    if let [0xca, bits @ ..] = value.bytes()
        && let Ok(bits) = bits.try_into()
    {
        return number32(out, f32::from_bits(u32::from_be_bytes(bits)));
    }
    match value.view() {
        Ok(view) => write_view(out, view),
        // The only thing that can be wrong with a whole value.
        Err(_) => tagged(out, "$text", |out| base64(out, value.text_bytes().unwrap_or_default())),
    }
}

/// Writes a value; if it is a map with plain keys, `other` may write something else for a key, and says whether it did.
pub fn write_with(out: &mut Vec<u8>, value: Raw<'_>, other: impl Fn(&mut Vec<u8>, &str, Raw<'_>) -> bool) {
    match value.view() {
        Ok(View::Map(pairs)) if is_plain(pairs) => object(out, pairs, other),
        _ => write(out, value),
    }
}

/// Writes bytes that are no msgpack, as a bin.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    tagged(out, "$base64", |out| base64(out, bytes));
}

fn write_view(out: &mut Vec<u8>, view: View<'_>) {
    match view {
        View::Nil => out.extend_from_slice(b"null"),
        View::Bool(true) => out.extend_from_slice(b"true"),
        View::Bool(false) => out.extend_from_slice(b"false"),
        View::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
        View::BigInt(int) => out.extend_from_slice(int.to_string().as_bytes()),
        View::Float(float) => number(out, float),
        View::Str(own) => text(out, own),
        View::Bin(bytes) => match str::from_utf8(bytes) {
            Ok(own) => tagged(out, "$bytes", |out| text(out, own)),
            Err(_) => tagged(out, "$base64", |out| base64(out, bytes)),
        },
        View::Array(items) => array(out, items),
        View::Map(pairs) if is_plain(pairs) => object(out, pairs, |_, _, _| false),
        View::Map(pairs) => tagged(out, "$map", |out| {
            list(out, pairs, |out, (key, value)| {
                out.push(b'[');
                write(out, key);
                out.extend_from_slice(b", ");
                write(out, value);
                out.push(b']');
            });
        }),
        View::Ext(kind, bytes) => tagged(out, "$ext", |out| {
            out.extend_from_slice(format!("[{kind}, ").as_bytes());
            base64(out, bytes);
            out.push(b']');
        }),
    }
}

/// Whether a map is a JSON object: keys are text, each once, and it doesn't look like one of ours.
fn is_plain(pairs: Pairs<'_>) -> bool {
    let mut seen = HashSet::new();
    let count = pairs.count_left();
    pairs.into_iter().all(|(key, _)| match key.view() {
        Ok(View::Str(key)) => (count > 1 || !key.starts_with('$')) && seen.insert(key),
        _ => false,
    })
}

fn object(out: &mut Vec<u8>, pairs: Pairs<'_>, other: impl Fn(&mut Vec<u8>, &str, Raw<'_>) -> bool) {
    out.push(b'{');
    for (place, (key, value)) in pairs.enumerate() {
        if place > 0 {
            out.extend_from_slice(b", ");
        }
        let key = key.text().unwrap_or_default();
        text(out, key);
        out.extend_from_slice(b": ");
        if !other(out, key, value) {
            write(out, value);
        }
    }
    out.push(b'}');
}

fn array(out: &mut Vec<u8>, items: Items<'_>) {
    list(out, items, write);
}

fn list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, item: impl Fn(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (place, one) in items.enumerate() {
        if place > 0 {
            out.extend_from_slice(b", ");
        }
        item(out, one);
    }
    out.push(b']');
}

/// With a point or an exponent, and digits enough that it comes back as the same.
fn number(out: &mut Vec<u8>, float: f64) {
    if float.is_finite() {
        out.extend_from_slice(format!("{float:?}").as_bytes());
    } else {
        tagged(out, "$float", |out| text(out, &format!("{:016x}", float.to_bits())));
    }
}

fn number32(out: &mut Vec<u8>, float: f32) {
    if float.is_finite() {
        tagged(out, "$float32", |out| number(out, f64::from(float)));
    } else {
        tagged(out, "$float", |out| text(out, &format!("{:08x}", float.to_bits())));
    }
}

fn tagged(out: &mut Vec<u8>, tag: &str, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(tag.as_bytes());
    out.extend_from_slice(b"\": ");
    value(out);
    out.push(b'}');
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    text(out, &STANDARD.encode(bytes));
}

fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text is JSON, and a vector takes all bytes");
}

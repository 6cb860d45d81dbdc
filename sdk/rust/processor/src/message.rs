//! Messages, decoded.
use crate::error::{Error, Result};
use std::fmt;

pub use rmpv::Value;

/// How deep arrays and maps may be nested. Deeper ones are malformed, as everywhere in mite.
const DEPTH_MAX: usize = 32;

/// A message: mostly a map with text as keys. It is shown like JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Message(Value);

impl Message {
    /// Decodes one msgpack value with nothing after it.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEPTH_MAX);
        match value {
            Ok(_) if has_reserved(bytes) => {
                Err(Error::new("the message is malformed: it has a byte msgpack never uses"))
            }
            Ok(value) if rest.is_empty() => Ok(Self(value)),
            Ok(_) => Err(Error::new("the message is malformed: it has bytes after its end")),
            Err(error) => Err(Error::new(format!("the message is malformed: {error}"))),
        }
    }

    /// All of it.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.as_map()?.iter().find(|(key, _)| key.as_str() == Some(field)).map(|(_, value)| value)
    }

    /// A field that is text, or bytes that are (a `method` is bytes).
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field)? {
            Value::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            value => value.as_str(),
        }
    }

    /// A field that is a number.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.get(field)?.as_f64()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.0)
    }
}

/// Whether a value in a whole one begins with the byte that msgpack never uses: rmpv would take it for nil.
fn has_reserved(mut bytes: &[u8]) -> bool {
    let mut left = 1;
    while left > 0 {
        let Some((&marker, rest)) = bytes.split_first() else { return false };
        let number = |width| rest.iter().take(width).fold(0, |number, byte| number << 8 | usize::from(*byte));
        // Bytes that are no values, and values inside.
        let (skip, inside) = match marker {
            0xc1 => return true,
            0x80..=0x8f => (0, 2 * usize::from(marker & 0x0f)),
            0x90..=0x9f => (0, usize::from(marker & 0x0f)),
            0xa0..=0xbf => (usize::from(marker & 0x1f), 0),
            0xc4 | 0xd9 => (1 + number(1), 0),
            0xc5 | 0xda => (2 + number(2), 0),
            0xc6 | 0xdb => (4 + number(4), 0),
            0xc7 => (2 + number(1), 0),
            0xc8 => (3 + number(2), 0),
            0xc9 => (5 + number(4), 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 => (2, 0),
            0xd4..=0xd8 => (1 + (1 << (marker - 0xd4)), 0),
            0xdc => (2, number(2)),
            0xdd => (4, number(4)),
            0xde => (2, 2 * number(2)),
            0xdf => (4, 2 * number(4)),
            _ => (0, 0),
        };
        bytes = rest.get(skip..).unwrap_or_default();
        left += inside;
        left -= 1;
    }
    false
}

fn show(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Nil => f.write_str("null"),
        Value::Boolean(yes) => write!(f, "{yes}"),
        Value::Integer(number) => write!(f, "{number}"),
        // With a point, so that it is seen to be one.
        Value::F32(number) => write!(f, "{number:?}"),
        Value::F64(number) => write!(f, "{number:?}"),
        Value::String(text) => quoted(f, &String::from_utf8_lossy(text.as_bytes())),
        Value::Binary(bytes) => quoted(f, &String::from_utf8_lossy(bytes)),
        Value::Ext(kind, bytes) => write!(f, "ext({kind}, {} bytes)", bytes.len()),
        Value::Array(items) => listed(f, ('[', ']'), items, show),
        Value::Map(pairs) => listed(f, ('{', '}'), pairs, |f, (key, value)| {
            show(f, key)?;
            f.write_str(": ")?;
            show(f, value)
        }),
    }
}

fn listed<T>(
    f: &mut fmt::Formatter<'_>,
    (open, close): (char, char),
    all: &[T],
    one: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{open}")?;
    for (place, item) in all.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    write!(f, "{close}")
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let bytes = b"\x83\xa4type\xa3txn\xa6method\xc4\x03GET\xa4time\xcb\x3f\xf8\0\0\0\0\0\0";
        let message = Message::decode(bytes).unwrap();
        assert_eq!((message.text("type"), message.text("method")), (Some("txn"), Some("GET")));
        assert_eq!((message.number("time"), message.number("type")), (Some(1.5), None));
        assert_eq!((message.get("none"), message.text("time")), (None, None));
        assert_eq!(message.to_string(), r#"{"type": "txn", "method": "GET", "time": 1.5}"#);
    }

    #[test]
    fn what_is_shown() {
        for (bytes, want, why) in [
            (&b"\x93\xc0\xc3\xff"[..], "[null, true, -1]", "no map"),
            (b"\x81\x92\xa1a\xc0\xcb\x40\0\0\0\0\0\0\0", r#"{["a", null]: 2.0}"#, "keys of figures are lists"),
            (b"\xa4a\"\n\\", r#""a\"\n\\""#, "what text can't have"),
            (b"\xa2\x1b\xff", "\"\\u001b\u{fffd}\"", "control characters, and what isn't UTF-8"),
            (b"\xd4\x05x", "ext(5, 1 bytes)", "what nobody sends"),
            (
                b"\x92\xa1\xc1\xc4\x01\xc1",
                "[\"\u{fffd}\", \"\u{fffd}\"]",
                "any byte may stand inside of text and bytes",
            ),
        ] {
            assert_eq!(Message::decode(bytes).unwrap().to_string(), want, "{why}");
        }
    }

    #[test]
    fn malformed_ones_are_errors() {
        for (bytes, why) in [
            (&b""[..], "nothing"),
            (b"\x82\xa1a", "it ends too soon"),
            (b"\xc1", "no msgpack"),
            (b"\x81\xa1a\x93\xc4\x01x\xcb\0\0\0\0\0\0\0\0\xc1", "no msgpack, further within"),
            (b"\x01\x02", "two"),
            (&[0x91; 40], "too deep"),
            (b"\xdd\xff\xff\xff\xff", "a length that lies"),
            (b"\xdf\xff\xff\xff\xff", "another"),
            (b"\xc6\xff\xff\xff\xff", "and another"),
        ] {
            let error = Message::decode(bytes).map(drop).expect_err(why).to_string();
            assert!(error.starts_with("the message is malformed: "), "{why}: {error}");
        }
    }
}

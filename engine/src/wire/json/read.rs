//! JSON to msgpack.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmp::encode::{
    write_array_len, write_bin, write_bool, write_ext_meta, write_f32, write_f64, write_map_len, write_nil, write_sint,
    write_str, write_str_len, write_uint,
};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::wire::value::DEPTH_MAX;

/// Why a text is no JSON that can be msgpack.
#[derive(Debug, thiserror::Error)]
#[error("it is not JSON that `mite cat` writes: {0}")]
pub struct Wrong(#[from] serde_json::Error);

/// Appends the msgpack of one JSON value. After an error what was appended is of no use.
pub fn read(json: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Value { out, depth: 0 }.deserialize(&mut reader)?;
    Ok(reader.end()?)
}

/// Reads a value and appends its msgpack.
struct Value<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl Value<'_> {
    fn inner<'o, E: Error>(&self, out: &'o mut Vec<u8>) -> Result<Value<'o>, E> {
        let depth = self.depth + 1;
        if depth > DEPTH_MAX {
            Err(E::custom(format!("it is nested deeper than {DEPTH_MAX}")))
        } else {
            Ok(Value { out, depth })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        ok(write_nil(self.out));
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        ok(write_bool(self.out, value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        ok(write_sint(self.out, value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        ok(write_uint(self.out, value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        ok(write_f64(self.out, value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        ok(write_str(self.out, value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (mut inside, mut count) = (Vec::new(), 0);
        while items.next_element_seed(self.inner(&mut inside)?)?.is_some() {
            count += 1;
        }
        ok(write_array_len(self.out, count));
        self.out.extend_from_slice(&inside);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let (mut inside, mut count) = (Vec::new(), 0);
        while let Some(key) = pairs.next_key::<String>()? {
            ok(write_str(&mut inside, &key));
            if count == 0 && key.starts_with('$') {
                // What it means shows when there is no second key.
                let before = inside.len();
                pairs.next_value_seed(self.inner(&mut inside)?)?;
                let Some(next) = pairs.next_key::<String>()? else {
                    return untag(self.out, &key, &inside[before..]).map_err(A::Error::custom);
                };
                ok(write_str(&mut inside, &next));
                count += 1;
            }
            pairs.next_value_seed(self.inner(&mut inside)?)?;
            count += 1;
        }
        ok(write_map_len(self.out, count));
        self.out.extend_from_slice(&inside);
        Ok(())
    }
}

/// What an object with one key that begins with `$` stands for; `value` is its value's msgpack.
fn untag(out: &mut Vec<u8>, tag: &str, value: &[u8]) -> Result<(), String> {
    use crate::wire::value::{Raw, View};
    let wrong = || format!("`{tag}` has a value that it can't have");
    let value = Raw::whole(value).and_then(Raw::view).map_err(|_| wrong())?;
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| wrong());
    match (tag, value) {
        ("$bytes", View::Str(text)) => ok(write_bin(out, text.as_bytes())),
        ("$base64", View::Str(text)) => ok(write_bin(out, &decoded(text)?)),
        ("$text", View::Str(text)) => {
            let bytes = decoded(text)?;
            ok(write_str_len(out, length(bytes.len())?));
            out.extend_from_slice(&bytes);
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was one of 32 bits")]
        ("$float32", View::Float(float)) => ok(write_f32(out, float as f32)),
        ("$float", View::Str(bits)) => match (bits.len(), u64::from_str_radix(bits, 16)) {
            (16, Ok(bits)) => ok(write_f64(out, f64::from_bits(bits))),
            (8, Ok(bits)) => ok(write_f32(out, f32::from_bits(u32::try_from(bits).map_err(|_| wrong())?))),
            _ => return Err(wrong()),
        },
        ("$ext", View::Array(mut items)) => {
            let (kind, bytes) = (items.next().map(Raw::view), items.next().map(Raw::view));
            let (Some(Ok(View::Int(kind))), Some(Ok(View::Str(bytes)))) = (kind, bytes) else { return Err(wrong()) };
            let (kind, bytes) = (i8::try_from(kind).map_err(|_| wrong())?, decoded(bytes)?);
            ok(write_ext_meta(out, length(bytes.len())?, kind));
            out.extend_from_slice(&bytes);
        }
        ("$map", View::Array(pairs)) => {
            ok(write_map_len(out, length(usize::try_from(pairs.count_left()).unwrap_or(usize::MAX))?));
            for pair in pairs {
                let Ok(View::Array(pair)) = pair.view() else { return Err(wrong()) };
                if pair.count_left() != 2 {
                    return Err(wrong());
                }
                out.extend_from_slice(pair.bytes());
            }
        }
        _ => return Err(format!("`{tag}` stands for nothing, or its value is not of its type")),
    }
    Ok(())
}

fn length(length: usize) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| "it is too long".to_owned())
}

/// Writing to a vector can't fail.
fn ok<T, E: fmt::Debug>(written: Result<T, E>) {
    written.expect("a vector takes all bytes");
}

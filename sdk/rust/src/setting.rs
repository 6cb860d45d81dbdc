//! Reads a value of the config. The command line and the environment only know text, so where a number or a boolean is
//! wanted and a text is there, the text is read as one.
use crate::args::shown;
use rmp_serde::decode::{Deserializer as Msgpack, Error, ReadRefReader};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};

type Inside<'a> = Msgpack<ReadRefReader<'a, [u8]>>;

/// Reads a msgpack value, or says why it can't.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    T::deserialize(Setting(bytes)).map_err(|error| match error {
        Error::TypeMismatch(_) => format!("it is {}", shown(bytes, 1)),
        error => error.to_string(),
    })
}

struct Setting<'a>(&'a [u8]);

impl<'a> Setting<'a> {
    fn inside(&self) -> Inside<'a> {
        Msgpack::from_read_ref(self.0)
    }

    fn text(&self) -> Option<&'a str> {
        rmp::decode::read_str_from_slice(self.0).ok().map(|(text, _)| text.trim())
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.text() {
                Some(text) => match text.parse::<$type>() {
                    Ok(number) => visitor.$visit(number),
                    Err(error) => Err(Error::custom(format_args!("`{text}`: {error}"))),
                },
                None => (&mut self.inside()).$method(visitor),
            }
        }
    )*};
}

macro_rules! others {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Error> {
            (&mut self.inside()).$method($($argument,)* visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Setting<'de> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 i8 deserialize_i16 visit_i16 i16 deserialize_i32 visit_i32 i32 deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8 deserialize_u16 visit_u16 u16 deserialize_u32 visit_u32 u32 deserialize_u64 visit_u64 u64
        deserialize_f32 visit_f32 f32 deserialize_f64 visit_f64 f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text() {
            Some(text) => match boolean(text) {
                Some(value) => visitor.visit_bool(value),
                None => Err(Error::custom(format_args!("`{text}` is neither true nor false"))),
            },
            None => (&mut self.inside()).deserialize_bool(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        const NIL: u8 = 0xc0;
        if self.0.first() == Some(&NIL) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    others! {
        deserialize_any() deserialize_char() deserialize_str() deserialize_string() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_seq() deserialize_map() deserialize_identifier()
        deserialize_ignored_any() deserialize_tuple(len: usize) deserialize_unit_struct(name: &'static str)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    fn from<T: DeserializeOwned>(value: impl Serialize) -> Result<T, String> {
        read(&rmp_serde::to_vec_named(&value).unwrap())
    }

    #[test]
    fn texts_are_read_as_what_is_wanted() {
        assert_eq!(from::<u32>("10"), Ok(10));
        assert_eq!(from::<u32>(10), Ok(10));
        assert_eq!(from::<f64>(" 0.5 "), Ok(0.5));
        assert_eq!(from::<f64>(2), Ok(2.0), "a whole number is one too");
        assert_eq!(from::<Option<i64>>("-3"), Ok(Some(-3)));
        assert_eq!(from::<Option<i64>>(None::<u8>), Ok(None));
        assert_eq!(from::<bool>("True"), Ok(true));
        assert_eq!(from::<bool>("0"), Ok(false));
        assert_eq!(from::<bool>(true), Ok(true));
        assert_eq!(from::<String>("10"), Ok("10".into()), "a text stays one");
        assert_eq!(from::<Vec<u8>>([1, 2]), Ok(vec![1, 2]));
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        for (got, want) in [
            (from::<u32>("ten").unwrap_err(), "`ten`: invalid digit"),
            (from::<u8>("300").unwrap_err(), "`300`: number too large"),
            (from::<bool>("maybe").unwrap_err(), "`maybe` is neither"),
            (from::<u32>([1]).unwrap_err(), "it is a list"),
        ] {
            assert!(got.contains(want), "{got}");
        }
    }
}

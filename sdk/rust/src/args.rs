//! Takes a run's arguments apart.
use crate::error::{Error, MiteError};
use rmp::Marker;
use rmp_serde::decode::{Deserializer, ReadRefReader};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// What a journey takes after its context, in source: `["user: User"]`.
pub type Parameters = &'static [&'static str];

/// The arguments that are still to be taken.
pub struct Args<'a> {
    journey: &'static str,
    parameters: Parameters,
    taken: usize,
    all: &'a [u8],
    rest: Deserializer<ReadRefReader<'a, [u8]>>,
}

impl<'a> Args<'a> {
    /// Checks that there are as many as the journey takes. Empty bytes are no arguments.
    pub fn new(journey: &'static str, parameters: Parameters, mut bytes: &'a [u8]) -> Result<Self, Error> {
        let count =
            if bytes.is_empty() { Ok(0) } else { rmp::decode::read_array_len(&mut bytes).map(|count| count as usize) };
        match count {
            Ok(count) if count == parameters.len() => {
                Ok(Args { journey, parameters, taken: 0, all: bytes, rest: Deserializer::from_read_ref(bytes) })
            }
            Ok(count) => {
                let (takes, list) = (parameters.len(), parameters.join(", "));
                let text = format!("journey `{journey}` takes {takes} arguments ({list}) and was given {count}");
                Err(MiteError::new(text).into())
            }
            Err(_) => {
                let text = format!("the arguments of journey `{journey}` are not a msgpack array");
                Err(MiteError::new(text).into())
            }
        }
    }

    /// The next one.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let parameter = self.parameters.get(self.taken).copied().unwrap_or("?");
        self.taken += 1;
        T::deserialize(&mut self.rest).map_err(|error| {
            let (journey, position, given) = (self.journey, self.taken, shown(self.all, self.taken));
            let mut text = format!("argument {position} of journey `{journey}` is not a `{parameter}` but {given}");
            if !matches!(error, rmp_serde::decode::Error::TypeMismatch(_)) {
                text = format!("{text}: {error}");
            }
            MiteError::new(text).into()
        })
    }
}

/// What is at a position, counted from 1, in words that fit into a message.
pub fn shown(mut values: &[u8], position: usize) -> String {
    // Skipped through a reader that moves the slice on, so that what is left begins with the value in question.
    for _ in 1..position {
        if IgnoredAny::deserialize(&mut Deserializer::new(&mut values)).is_err() {
            break;
        }
    }
    match Marker::from_u8(values.first().copied().unwrap_or(0xc0)) {
        Marker::Null => "nothing".into(),
        Marker::True => "true".into(),
        Marker::False => "false".into(),
        Marker::F32 | Marker::F64 => "a number with a fraction".into(),
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "a list".into(),
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map".into(),
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            match rmp::decode::read_str_from_slice(values) {
                Ok((text, _)) => format!("`{}`", cut(text)),
                Err(_) => "a text that isn't UTF-8".into(),
            }
        }
        _ => match rmp::decode::read_int::<i64, _>(&mut values) {
            Ok(number) => number.to_string(),
            Err(_) => "bytes".into(),
        },
    }
}

/// Its beginning.
fn cut(text: &str) -> &str {
    const MOST: usize = 80;
    text.char_indices().nth(MOST).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let bytes = rmp_serde::to_vec(&(7, "ada", (1, 2))).unwrap();
        let mut args = Args::new("visit", &["n: u32", "name: String", "pair: (u8, u8)"], &bytes).unwrap();
        assert_eq!(args.take::<u32>().unwrap(), 7);
        assert_eq!(args.take::<String>().unwrap(), "ada");
        assert_eq!(args.take::<(u8, u8)>().unwrap(), (1, 2));
        assert!(Args::new("visit", &[], &[]).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bytes = rmp_serde::to_vec(&("ada",)).unwrap();
        let error = Args::new("visit", &["a: A", "b: B"], &bytes).err().unwrap().to_string();
        assert_eq!(error, "journey `visit` takes 2 arguments (a: A, b: B) and was given 1");
        let error = Args::new("visit", &["n: u32"], &bytes).unwrap().take::<u32>().unwrap_err().to_string();
        assert_eq!(error, "argument 1 of journey `visit` is not a `n: u32` but `ada`");
        assert!(Args::new("visit", &[], &[0xc0]).err().unwrap().to_string().contains("not a msgpack array"));
    }
    #[test]
    fn what_is_there_is_shown() {
        let bytes = rmp_serde::to_vec(&(7, "ada", (1, 2), Some(1.5), -3, true, None::<u8>)).unwrap()[1..].to_vec();
        let all: Vec<String> = (1..=7).map(|position| shown(&bytes, position)).collect();
        assert_eq!(all, ["7", "`ada`", "a list", "a number with a fraction", "-3", "true", "nothing"]);
        assert_eq!(shown(&[], 1), "nothing");
    }
}

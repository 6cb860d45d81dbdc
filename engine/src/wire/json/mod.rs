//! msgpack as JSON that people and `jq` can read, and back without loss.
//!
//! Text, numbers, lists and maps with text as keys are plain JSON. What JSON hasn't got is an object with one key that begins with
//! `$`:
//!
//! | msgpack | JSON |
//! |---|---|
//! | bin that is UTF-8 | `{"$bytes": "GET"}` |
//! | other bin | `{"$base64": "/w=="}` |
//! | str that isn't UTF-8 | `{"$text": "/w=="}`, base64 |
//! | float of 32 bits | `{"$float32": 0.5}` |
//! | infinity, not-a-number | `{"$float": "7ff0000000000000"}`, the bits; 8 digits for one of 32 bits |
//! | extension | `{"$ext": [1, "AA=="]}`, type and base64 |
//! | map with other keys, with a key twice, or one that would look like these | `{"$map": [[1, "a"], [2, "b"]]}` |
//!
//! Floats have a point or an exponent and whole numbers have none, so each comes back as what it was; in the shortest form msgpack
//! has for it, which is the one that both Python's msgpack and mite write.

mod read;
mod write;

pub use self::read::{Wrong, read};
pub use self::write::{write, write_bytes, write_with};

#[cfg(test)]
mod tests;

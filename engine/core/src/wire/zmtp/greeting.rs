//! The first 64 bytes of either side: a signature, the version, the mechanism.

use super::Violation;

/// The size of a greeting.
pub const GREETING_BYTES: usize = 64;
const SIGNATURE: [u8; 10] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];
const MECHANISM: std::ops::Range<usize> = 12..32;
const AS_SERVER: usize = 32;

/// What a peer's greeting says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    pub major: u8,
    pub minor: u8,
    pub mechanism: String,
    pub as_server: bool,
}

impl Greeting {
    /// As bytes. A mechanism's name has at most 20 characters; what is over is cut.
    pub fn bytes(&self) -> [u8; GREETING_BYTES] {
        let mut bytes = [0; GREETING_BYTES];
        bytes[..10].copy_from_slice(&SIGNATURE);
        (bytes[10], bytes[11]) = (self.major, self.minor);
        for (to, from) in bytes[MECHANISM].iter_mut().zip(self.mechanism.bytes()) {
            *to = from;
        }
        bytes[AS_SERVER] = u8::from(self.as_server);
        bytes
    }

    /// Of what came so far; none: not all is there yet. What can't become a greeting is an error at its first wrong byte.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let at = |place: usize| bytes.get(place).copied();
        if at(0).is_some_and(|byte| byte != 0xff) || at(9).is_some_and(|byte| byte & 1 == 0) {
            let first = bytes.iter().take(12).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
            return Err(Violation::NoZeromq { first });
        }
        // Of version 1 and 2 there is less, so the version is looked at as soon as it is there.
        let (major, minor) = (at(10), at(11).unwrap_or(0));
        if let Some(major) = major.filter(|major| *major < 3) {
            return Err(Violation::Version { major, minor });
        }
        let (Some(major), true) = (major, bytes.len() >= GREETING_BYTES) else { return Ok(None) };
        let name = bytes[MECHANISM].split(|byte| *byte == 0).next().unwrap_or_default();
        let mechanism = name.escape_ascii().to_string();
        Ok(Some(Self { major, minor, mechanism, as_server: bytes[AS_SERVER] & 1 != 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> Greeting {
        Greeting { major: 3, minor: 1, mechanism: "NULL".to_owned(), as_server: false }
    }

    #[test]
    fn there_and_back() {
        let curve = Greeting { mechanism: "CURVE".to_owned(), as_server: true, ..null() };
        let long = Greeting { mechanism: "TWENTY_CHARACTERS_20".to_owned(), minor: 0, ..null() };
        for greeting in [null(), curve, long] {
            assert_eq!(Greeting::read(&greeting.bytes()), Ok(Some(greeting)));
        }
    }

    #[test]
    fn libzmq_says_the_same() {
        let captured =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/wire/zmtp.controller_to_runner.bin"));
        assert_eq!(captured[..GREETING_BYTES], null().bytes());
    }

    #[test]
    fn every_part_of_a_greeting_is_waited_for() {
        let bytes = null().bytes();
        for size in 0..GREETING_BYTES {
            assert_eq!(Greeting::read(&bytes[..size]), Ok(None), "{size}");
        }
    }

    #[test]
    fn others_are_refused_early() {
        let none = |first: &str| Err(Violation::NoZeromq { first: first.to_owned() });
        for (bytes, want, why) in [
            (&b"G"[..], none("G"), "HTTP, at its first byte"),
            (b"\x16\x03\x01", none("\\x16\\x03\\x01"), "TLS"),
            (b"\xff\0\0\0\0\0\0\0\x01\0", none("\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00"), "ZMTP 1"),
            (b"\xff\0\0\0\0\0\0\0\x01\x7f\x01", Err(Violation::Version { major: 1, minor: 0 }), "ZMTP 2"),
        ] {
            assert_eq!(Greeting::read(bytes), want, "{why}");
        }
    }
}

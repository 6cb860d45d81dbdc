//! Commands: a name, and what each means by the bytes after it.

use super::frame::{self, COMMAND};
use super::mite::{self, Word};
use super::{PROPERTIES_BYTES_MAX, Violation};

/// Most bytes of a PING's context.
const CONTEXT_BYTES_MAX: usize = 16;
/// Most bytes of an ERROR's reason.
const REASON_BYTES_MAX: usize = 255;

/// A property of READY.
pub type Property = (String, Vec<u8>);

/// What a command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Ready(Vec<Property>),
    Error(String),
    Ping {
        ttl_ds: u16,
        context: Vec<u8>,
    },
    Pong {
        context: Vec<u8>,
    },
    /// Between our own peers only.
    Mite(Word),
    /// Any other: there may be more in a later version, so it is ignored.
    Other(String),
}

impl Command {
    /// Of a command frame's body.
    pub fn read(body: &[u8]) -> Result<Self, Violation> {
        let malformed = |name| Violation::Malformed { name };
        let (&size, rest) = body.split_first().ok_or(malformed("nameless"))?;
        let (name, rest) = rest.split_at_checked(size.into()).ok_or(malformed("nameless"))?;
        match name {
            b"READY" => Ok(Self::Ready(read_properties(rest).ok_or(malformed("READY"))?)),
            b"ERROR" => {
                let (&size, rest) = rest.split_first().ok_or(malformed("ERROR"))?;
                let reason = rest.get(..size.into()).ok_or(malformed("ERROR"))?;
                Ok(Self::Error(reason.escape_ascii().to_string()))
            }
            b"PING" => {
                let (ttl, context) = rest.split_first_chunk().ok_or(malformed("PING"))?;
                let context = Some(context).filter(|context| context.len() <= CONTEXT_BYTES_MAX);
                let context = context.ok_or(malformed("PING"))?.to_owned();
                Ok(Self::Ping { ttl_ds: u16::from_be_bytes(*ttl), context })
            }
            b"PONG" => Ok(Self::Pong { context: rest.iter().copied().take(CONTEXT_BYTES_MAX).collect() }),
            mite::NAME => Ok(Self::Mite(Word::read(rest).ok_or(malformed("MITE"))?)),
            name => Ok(Self::Other(name.escape_ascii().to_string())),
        }
    }

    /// Writes it as a frame.
    pub fn put(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        match self {
            Self::Ready(properties) => {
                put_name(&mut body, b"READY");
                properties.iter().for_each(|property| put_property(&mut body, property));
            }
            Self::Error(reason) => {
                put_name(&mut body, b"ERROR");
                put_name(&mut body, &reason.as_bytes()[..reason.len().min(REASON_BYTES_MAX)]);
            }
            Self::Ping { ttl_ds, context } => {
                put_name(&mut body, b"PING");
                body.extend_from_slice(&ttl_ds.to_be_bytes());
                body.extend_from_slice(context);
            }
            Self::Pong { context } => {
                put_name(&mut body, b"PONG");
                body.extend_from_slice(context);
            }
            Self::Mite(word) => {
                put_name(&mut body, mite::NAME);
                word.put(&mut body);
            }
            Self::Other(name) => put_name(&mut body, name.as_bytes()),
        }
        frame::put(out, COMMAND, &body);
    }
}

/// All properties; none: what is there is no list of them, or larger than [`PROPERTIES_BYTES_MAX`].
fn read_properties(mut bytes: &[u8]) -> Option<Vec<Property>> {
    if bytes.len() > PROPERTIES_BYTES_MAX {
        return None;
    }
    let mut properties = Vec::new();
    while let Some((&size, rest)) = bytes.split_first() {
        let (name, rest) = rest.split_at_checked(size.into())?;
        let (size, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*size).try_into().ok()?)?;
        properties.push((std::str::from_utf8(name).ok()?.to_owned(), value.to_owned()));
        bytes = rest;
    }
    Some(properties)
}

/// A name: what is over 255 bytes is cut.
fn put_name(out: &mut Vec<u8>, name: &[u8]) {
    let size = u8::try_from(name.len()).unwrap_or(u8::MAX);
    out.push(size);
    out.extend_from_slice(&name[..size.into()]);
}

fn put_property(out: &mut Vec<u8>, (name, value): &Property) {
    put_name(out, name.as_bytes());
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Limits;
    use super::super::frame::Header;
    use super::*;

    fn there_and_back(command: &Command) -> Result<Command, Violation> {
        let mut out = Vec::new();
        command.put(&mut out);
        let header = Header::read(&out, &Limits::default())?.unwrap();
        assert!(header.command && header.frame_bytes() == out.len());
        Command::read(&out[header.header_bytes..])
    }

    #[test]
    fn every_command_there_and_back() {
        let property = |name: &str, value: &[u8]| (name.to_owned(), value.to_owned());
        for command in [
            Command::Ready(vec![]),
            Command::Ready(vec![property("Socket-Type", b"PULL"), property("Identity", b"")]),
            Command::Ready(vec![property("X-Large", &[7; 4_000])]),
            Command::Error("no".to_owned()),
            Command::Ping { ttl_ds: 50, context: b"12345678".to_vec() },
            Command::Ping { ttl_ds: 0, context: vec![] },
            Command::Pong { context: vec![0; 16] },
            Command::Mite(Word::At(u64::MAX)),
            Command::Mite(Word::Enough),
            Command::Mite(Word::Note { key: vec![1], body: vec![2; 1_000] }),
            Command::Other("SUBSCRIBE".to_owned()),
        ] {
            assert_eq!(there_and_back(&command), Ok(command.clone()), "{command:?}");
        }
    }

    #[test]
    fn malformed_ones() {
        let large = [&b"\x05READY\x01x\0\0\x40\0"[..], &[0; 0x4000]].concat();
        for (body, name, why) in [
            (&b""[..], "nameless", "empty"),
            (b"\x05READ", "nameless", "shorter than it says"),
            (b"\x05READY\x01", "READY", "a property cut short"),
            (b"\x05READY\x01x\0\0\0\x02v", "READY", "a value cut short"),
            (b"\x05READY\x01x\xff\xff\xff\xff", "READY", "an absurd size"),
            (b"\x05READY\x01\xff\0\0\0\0", "READY", "a name that is no text"),
            (&large, "READY", "all properties together are too large"),
            (b"\x05ERROR", "ERROR", "no reason"),
            (b"\x05ERROR\x03no", "ERROR", "a reason cut short"),
            (b"\x04PING\0", "PING", "no time to live"),
            (b"\x04PING\0\x0112345678901234567", "PING", "a context of 17 bytes"),
            (b"\x04MITE\xff", "MITE", "a word that doesn't exist"),
        ] {
            assert_eq!(Command::read(body), Err(Violation::Malformed { name }), "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, name in 0..5_usize) {
            let name = [&b"\x05READY"[..], b"\x05ERROR", b"\x04PING", b"\x04PONG", b"\x04MITE"][name];
            let _ = Command::read(&body);
            let _ = Command::read(&[name, &body].concat());
        }
    }
}

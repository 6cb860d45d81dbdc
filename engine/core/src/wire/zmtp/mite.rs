//! What our own peers tell each other beside plain ZeroMQ (DESIGN, section 2, 5).
//!
//! *Who is ours.* READY carries `X-Mite: 1`, `X-Mite-Kind` (the component), `X-Mite-Id` (16 hex digits, random, one a process) and
//! `X-Mite-Socket` (which of the process's sockets, a number). Other peers store properties they don't know and ignore them. A
//! *link* is a writing socket and a reading socket; it lives on when its connection is made anew.
//!
//! *Numbers.* Who writes says, before whatever it writes in one go (some 64 KiB), how many records it has written to this link
//! so far: [`Word::At`]. Who reads counts records too; what the number is ahead by is missing. The number runs on over connections
//! of a link, since that is where records get lost: within one, TCP loses nothing.
//!
//! *Notes* are small things of the application (totals of records made, dropped or received) under a key, the newest for each:
//! [`Word::Note`]. Either side tells them.
//!
//! *Enough*: who reads and is about to leave says so ([`Word::Enough`]). Who writes then finishes what it has begun, closes its side, and
//! nothing is lost on a way that nobody reads to its end. It listens until who reads closes too, and so hears its last notes.
//!
//! *How they travel.* As a ZMTP command `MITE` between messages. The other ways were worse: an extra frame in a message would count as
//! a record, had to be cut out before the bytes can go on to another output, and one peer that isn't ours would take it for
//! msgpack; a message of its own has the same fault. A command is skipped by every decoder without looking into it, stands
//! between parcels and never in them, and costs 16 bytes per 64 KiB. It is only sent to who announced `X-Mite`.

use super::COMMAND_BYTES_MAX;
use super::command::Property;

/// The name of the command.
pub const NAME: &[u8] = b"MITE";
/// Most bytes of a note, key and body together.
pub const NOTE_BYTES_MAX: usize = COMMAND_BYTES_MAX - 16;
const AT: u8 = 1;
const NOTE: u8 = 2;
const ENOUGH: u8 = 3;

/// What a `MITE` command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The next record is this one of the link, counted from 0.
    At(u64),
    Note {
        key: Vec<u8>,
        body: Vec<u8>,
    },
    /// From who reads: it takes what was written, and nothing more. Who writes ends the connection and gives the rest to others.
    Enough,
}

impl Word {
    /// Of what stands after the name.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            AT => Some(Self::At(u64::from_be_bytes(rest.try_into().ok()?))),
            NOTE => {
                let (&size, rest) = rest.split_first()?;
                let (key, body) = rest.split_at_checked(size.into())?;
                Some(Self::Note { key: key.to_owned(), body: body.to_owned() })
            }
            ENOUGH => rest.is_empty().then_some(Self::Enough),
            _ => None,
        }
    }

    /// Writes what stands after the name. A key's bytes over 255 are cut.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::At(records) => {
                out.push(AT);
                out.extend_from_slice(&records.to_be_bytes());
            }
            Self::Note { key, body } => {
                let size = u8::try_from(key.len()).unwrap_or(u8::MAX);
                out.extend_from_slice(&[NOTE, size]);
                out.extend_from_slice(&key[..size.into()]);
                out.extend_from_slice(body);
            }
            Self::Enough => out.push(ENOUGH),
        }
    }
}

/// Who one of ours is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The component: `collector`, `stats` ...
    pub kind: String,
    /// Of its process: 16 hex digits.
    pub id: String,
    /// Which of the process's sockets.
    pub socket: u64,
}

/// Most bytes of a kind.
const KIND_BYTES_MAX: usize = 64;

impl Name {
    /// As properties of READY.
    pub fn properties(&self) -> Vec<Property> {
        [
            ("X-Mite", "1"),
            ("X-Mite-Kind", &self.kind),
            ("X-Mite-Id", &self.id),
            ("X-Mite-Socket", &self.socket.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_owned()))
        .to_vec()
    }

    /// Of READY's properties; none: the peer is none of ours, or says it in a way that isn't ours.
    pub fn read(properties: &[Property]) -> Option<Self> {
        let text = |name| std::str::from_utf8(property(properties, name)?).ok();
        let plain = |text: &&str| {
            !text.is_empty() && text.len() <= KIND_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let hex = |text: &&str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        text("X-Mite").filter(|version| *version == "1")?;
        Some(Self {
            kind: text("X-Mite-Kind").filter(plain)?.to_owned(),
            id: text("X-Mite-Id").filter(hex)?.to_owned(),
            socket: text("X-Mite-Socket")?.parse().ok()?,
        })
    }
}

/// A property's value; names are the same in capitals and small letters.
pub fn property<'a>(properties: &'a [Property], name: &str) -> Option<&'a [u8]> {
    let found = properties.iter().find(|(there, _)| there.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = Name { kind: "stats".to_owned(), id: "0123456789abcdef".to_owned(), socket: 7 };
        let properties = name.properties();
        assert_eq!(Name::read(&properties), Some(name));
        for (change, value, why) in [
            ("X-Mite", "2", "a later version, which may mean something else"),
            ("X-Mite-Kind", "", "no kind"),
            ("X-Mite-Kind", "a\nb", "a kind that would break a log line"),
            ("X-Mite-Kind", &"k".repeat(65), "a kind too long"),
            ("X-Mite-Id", "0123", "too short"),
            ("X-Mite-Id", "0123456789abcdeg", "not hex"),
            ("X-Mite-Socket", "x", "no number"),
        ] {
            let mut changed = properties.clone();
            changed
                .iter_mut()
                .filter(|(name, _)| name == change)
                .for_each(|(_, there)| *there = value.as_bytes().to_owned());
            assert_eq!(Name::read(&changed), None, "{why}");
        }
        assert_eq!(Name::read(&[]), None, "a stranger");
    }
}

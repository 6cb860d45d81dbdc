//! What senders of messages say about how many they made: cumulative totals, so that loss is seen at the end of the way.
//!
//! An account travels as a note beside messages ([`Push::note`](super::socket::Push::note)) under [`Account::key`], about once a
//! second and at the end. The newest of a sender replaces those before, so a note that is lost costs nothing. Peers that aren't ours
//! never see it; it is no message, is counted as none and stands in no file.

use rmp::encode::{write_map_len, write_str, write_uint};

use super::value::{Fields, Malformed};

/// Every key of a note that is an account begins so.
pub const KEY_PREFIX: &[u8] = b"account/";
/// Every key of a note that is a receipt begins so: what a consumer at the end of the way received. It is written as an account, with
/// the messages received as `made` and those that were written to its links and never came as `dropped`.
pub const RECEIPT_PREFIX: &[u8] = b"receipt/";
/// Bytes of each text; longer ones are cut when written and refused when read.
pub const TEXT_BYTES_MAX: usize = 1_000;
/// Bytes of a sender: what follows [`KEY_PREFIX`] in a key, and a key has 255 bytes at most.
pub const SENDER_BYTES_MAX: usize = 200;

/// The totals of one sender since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Who: unique for a sender as long as it lives, such as [`process_id`](super::socket::process_id) and a number.
    pub sender: String,
    /// The component: `runner`, `controller`, `duplicator`.
    pub kind: String,
    /// The test and its run; empty for a sender that serves any.
    pub test: String,
    pub run_id: String,
    /// Messages it made, or (a duplicator) was given to send on.
    pub made: u64,
    /// Those of them it dropped for want of room.
    pub dropped: u64,
}

/// Why a note is no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the account is not msgpack: {0}")]
    Malformed(#[from] Malformed),
    #[error("`{0}` of an account is missing or not of its type")]
    Field(&'static str),
}

/// What the note of a consumer's receipt is called.
pub fn receipt_key(consumer: &str) -> Vec<u8> {
    [RECEIPT_PREFIX, cut(consumer, SENDER_BYTES_MAX).as_bytes()].concat()
}

impl Account {
    /// What a consumer of this kind has received, and what was written to its links and never came.
    pub fn receipt(consumer: &str, kind: &str, received: u64, missing: u64) -> Self {
        let (sender, kind) = (consumer.to_owned(), kind.to_owned());
        Self { sender, kind, made: received, dropped: missing, ..Self::default() }
    }

    /// What its note is called.
    pub fn key(&self) -> Vec<u8> {
        [KEY_PREFIX, cut(&self.sender, SENDER_BYTES_MAX).as_bytes()].concat()
    }

    /// As a msgpack map.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        ok(write_map_len(&mut out, 6).map(drop));
        for (key, text, most) in [
            ("sender", &self.sender, SENDER_BYTES_MAX),
            ("kind", &self.kind, TEXT_BYTES_MAX),
            ("test", &self.test, TEXT_BYTES_MAX),
            ("run_id", &self.run_id, TEXT_BYTES_MAX),
        ] {
            ok(write_str(&mut out, key));
            ok(write_str(&mut out, cut(text, most)));
        }
        for (key, number) in [("made", self.made), ("dropped", self.dropped)] {
            ok(write_str(&mut out, key));
            ok(write_uint(&mut out, number).map(drop));
        }
        out
    }

    /// Reads one; fields it doesn't know are passed over. Safe on any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Wrong> {
        let (mut sender, mut kind, mut test, mut run_id) = (None, None, None, None);
        let (mut made, mut dropped) = (None, None);
        for field in Fields::new(bytes)? {
            let field = field?;
            let text = || field.value.text().filter(|text| text.len() <= TEXT_BYTES_MAX).map(str::to_owned);
            match field.key {
                "sender" => sender = text().filter(|text| !text.is_empty() && text.len() <= SENDER_BYTES_MAX),
                "kind" => kind = text(),
                "test" => test = text(),
                "run_id" => run_id = text(),
                "made" => made = field.value.as_u64(),
                "dropped" => dropped = field.value.as_u64(),
                _ => {}
            }
        }
        Ok(Self {
            sender: sender.ok_or(Wrong::Field("sender"))?,
            kind: kind.ok_or(Wrong::Field("kind"))?,
            test: test.ok_or(Wrong::Field("test"))?,
            run_id: run_id.ok_or(Wrong::Field("run_id"))?,
            made: made.ok_or(Wrong::Field("made"))?,
            dropped: dropped.ok_or(Wrong::Field("dropped"))?,
        })
    }
}

/// At a whole character.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Writing to a vector can't fail.
fn ok<E: std::fmt::Debug>(written: Result<(), E>) {
    written.expect("a vector takes all bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            sender: "0123456789abcdef.1".to_owned(),
            kind: "runner".to_owned(),
            test: "shop.wasm:day".to_owned(),
            run_id: "abc-1".to_owned(),
            made: 1 << 40,
            dropped: 7,
        }
    }

    #[test]
    fn there_and_back() {
        for account in [account(), Account { sender: "x".to_owned(), ..Account::default() }] {
            assert_eq!(Account::decode(&account.encode()), Ok(account));
        }
        assert_eq!(account().key(), b"account/0123456789abcdef.1");
        let long = Account { sender: "é".repeat(300), test: "t".repeat(5_000), ..account() };
        let read = Account::decode(&long.encode()).unwrap();
        assert_eq!((read.sender.len(), read.test.len()), (SENDER_BYTES_MAX, TEXT_BYTES_MAX), "cut, and still good");
        assert!(long.key().len() <= 255);
    }

    #[test]
    fn what_is_none() {
        for (bytes, why) in [
            (&b""[..], "nothing"),
            (b"\x90", "an array"),
            (b"\x80", "no field"),
            (b"\x81\xa6sender\xa1x", "one field"),
            (b"\x81\xa6sender", "cut off"),
        ] {
            assert!(Account::decode(bytes).is_err(), "{why}");
        }
        let whole = account().encode();
        for (from, to, why) in [("made", "mode", "no count"), ("sender", "sander", "no sender")] {
            let at = whole.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            let mut changed = whole.clone();
            changed[at..at + to.len()].copy_from_slice(to.as_bytes());
            assert!(matches!(Account::decode(&changed), Err(Wrong::Field(_))), "{why}");
        }
        (0..whole.len()).for_each(|end| assert!(Account::decode(&whole[..end]).is_err(), "cut at {end}"));
    }
}

//! What a duplicator tells controllers: how many messages it was given, what became of them on each way out, and what consumers say
//! they received.
//!
//! A statement travels against the stream, as a note ([`Pull::note_for`](super::socket::Pull::note_for)) under
//! [`Statement::key`]. It is one note, so that its figures belong together; all are totals since the duplicator began, so the newest
//! replaces those before, and two of them say what happened in between.

use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use super::account::Account;

/// Every key of a note that is a statement begins so.
pub const STATEMENT_PREFIX: &[u8] = b"statement/";
/// The kinds of peers that are told.
pub const READERS: &[&str] = &["controller"];
/// Ways and receipts in a statement: so that it fits into a note. Further ones are left out and [`Statement::partial`] says so.
const WAYS_MAX: usize = 200;
const RECEIPTS_MAX: usize = 300;
/// Bytes of a consumer's name and of a kind in it.
const NAME_BYTES_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The process that tells it.
    pub duplicator: String,
    /// Seconds since it began.
    pub age: f64,
    /// Messages it was given.
    pub received: u64,
    /// Messages that were written to it and never came.
    pub missing: u64,
    pub ways: Vec<Way>,
    pub receipts: Vec<Receipt>,
    /// Some ways or receipts had no room.
    pub partial: bool,
}

/// The messages for one kind of consumer on one output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// A number.
    pub output: u32,
    /// None: consumers that aren't mite's, or nobody came yet.
    pub kind: Option<String>,
    /// How many are connected.
    pub peers: u32,
    pub given: u64,
    /// Of those given: for want of room.
    pub dropped: u64,
    /// Of those given: not sent yet.
    pub waiting: u64,
}

/// What a consumer has received since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub consumer: String,
    pub kind: String,
    pub received: u64,
    /// Written to its links, and never came.
    pub missing: u64,
}

impl Statement {
    /// What its note is called.
    pub fn key(&self) -> Vec<u8> {
        [STATEMENT_PREFIX, self.duplicator.as_bytes()].concat()
    }

    /// As a msgpack map.
    pub fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("numbers, texts and lists of known length")
    }

    /// Reads one. Safe on any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        rmp_serde::from_slice(bytes)
    }

    /// Adds a way, if there is room.
    pub fn add(&mut self, way: Way) {
        if self.ways.len() < WAYS_MAX && way.kind.as_ref().is_none_or(|kind| kind.len() <= NAME_BYTES_MAX) {
            self.ways.push(way);
        } else {
            self.partial = true;
        }
    }

    /// Takes a consumer's newest receipt in, if there is room.
    pub fn enter(&mut self, account: Account) {
        let (consumer, kind, received, missing) = (account.sender, account.kind, account.made, account.dropped);
        let before = self.receipts.iter_mut().find(|receipt| receipt.consumer == consumer);
        if let Some(receipt) = before {
            (receipt.received, receipt.missing) = (received, missing);
        } else if self.receipts.len() < RECEIPTS_MAX && consumer.len().max(kind.len()) <= NAME_BYTES_MAX {
            self.receipts.push(Receipt { consumer, kind, received, missing });
        } else {
            self.partial = true;
        }
    }

    pub fn kinds(&self) -> Kinds {
        let mut kinds = Kinds::default();
        self.ways.iter().for_each(|way| kinds.add(way));
        self.receipts.iter().for_each(|receipt| kinds.receive(receipt));
        kinds
    }
}

/// What became of the messages for each kind of consumer; None: those that aren't mite's, or nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<Option<String>, Fate>);

/// Of the messages for one kind of consumer, on all ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    pub peers: u32,
    pub given: u64,
    pub dropped: u64,
    pub waiting: u64,
    /// As consumers say.
    pub received: u64,
    pub missing: u64,
}

impl Kinds {
    pub fn add(&mut self, way: &Way) {
        let fate = self.0.entry(way.kind.clone()).or_default();
        fate.peers += way.peers;
        fate.given += way.given;
        fate.dropped += way.dropped;
        fate.waiting += way.waiting;
    }

    /// A consumer's; to be called once for each.
    pub fn receive(&mut self, receipt: &Receipt) {
        let fate = self.0.entry(Some(receipt.kind.clone())).or_default();
        fate.received += receipt.received;
        fate.missing += receipt.missing;
    }

    pub fn iter(&self) -> btree_map::Iter<'_, Option<String>, Fate> {
        self.0.iter()
    }

    /// Whether some consumer that is there, and that tells, has more to tell.
    pub fn has_more_to_come(&self) -> bool {
        self.0.iter().any(|(kind, fate)| kind.is_some() && fate.peers > 0 && fate.waiting + fate.open() > 0)
    }
}

impl Fate {
    /// Those that were sent, and that neither came nor are known to be missing: they are under way, or their consumer ended
    /// without a word.
    pub fn open(&self) -> u64 {
        self.given.saturating_sub(self.dropped + self.waiting + self.received + self.missing)
    }

    /// Known never to come.
    pub fn lost(&self) -> u64 {
        self.dropped + self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::zmtp::mite::NOTE_BYTES_MAX;

    fn way(output: u32, kind: Option<&str>, peers: u32, given: u64, dropped: u64, waiting: u64) -> Way {
        Way { output, kind: kind.map(str::to_owned), peers, given, dropped, waiting }
    }

    #[test]
    fn the_largest_fits_into_a_note() {
        let mut statement = Statement { duplicator: "0123456789abcdef".to_owned(), ..Statement::default() };
        for number in 0..2 * RECEIPTS_MAX {
            assert_eq!(statement.partial, number > WAYS_MAX);
            statement.add(way(u32::MAX, Some(&"k".repeat(20)), 1, u64::MAX, u64::MAX, u64::MAX));
            statement.enter(Account::receipt(&format!("{number:016x}"), &"k".repeat(20), u64::MAX, u64::MAX));
        }
        assert_eq!((statement.ways.len(), statement.receipts.len()), (WAYS_MAX, RECEIPTS_MAX));
        let bytes = statement.encode();
        assert!(statement.key().len() + bytes.len() <= NOTE_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(Statement::decode(&bytes).unwrap(), statement);
        (0..bytes.len()).step_by(97).for_each(|end| assert!(Statement::decode(&bytes[..end]).is_err(), "cut at {end}"));
    }

    #[test]
    fn what_became_of_messages() {
        let mut statement = Statement::default();
        for (way, receipts, fate, open, more, why) in [
            (way(0, Some("stats"), 1, 10, 0, 10), vec![], (10, 0, 0), 0, true, "all waits"),
            (way(1, Some("stats"), 1, 10, 2, 0), vec![("a", 3, 0)], (20, 3, 2), 5, true, "some came"),
            (way(2, None, 2, 9, 0, 1), vec![("a", 7, 1)], (20, 7, 3), 0, true, "the newest counts"),
            (way(0, Some("stats"), 0, 0, 0, 0), vec![("b", 4, 0)], (20, 11, 3), 0, true, "two share"),
        ] {
            statement.add(way);
            receipts
                .into_iter()
                .for_each(|(name, came, missing)| statement.enter(Account::receipt(name, "stats", came, missing)));
            let kinds = statement.kinds();
            let stats = kinds.iter().find(|(kind, _)| kind.as_deref() == Some("stats")).unwrap().1;
            assert_eq!((stats.given, stats.received, stats.lost()), fate, "{why}");
            assert_eq!((stats.open(), kinds.has_more_to_come()), (open, more), "{why}");
        }
        statement.ways.iter_mut().for_each(|way| way.waiting = 0);
        statement.enter(Account::receipt("b", "stats", 10, 0));
        assert!(!statement.kinds().has_more_to_come(), "strangers never tell");
    }
}

//! What senders and consumers of messages say they made, dropped and received, as counters.

use std::collections::BTreeMap;

use prometheus::proto::MetricFamily;

use crate::web::counters;
use crate::wire::account::{Account, KEY_PREFIX, RECEIPT_PREFIX};

pub const MADE: &str = "mite_messages_made_total";
pub const DROPPED: &str = "mite_messages_dropped_total";
pub const RECEIVED: &str = "mite_messages_received_total";
pub const MISSING: &str = "mite_messages_missing_total";

/// Senders and consumers that are known one by one. The one that is known longest goes first; what it counted stays in the sums, and
/// if it still counts it counts again from the beginning.
const ACCOUNTS_MAX: usize = 10_000;
/// Different kinds and tests; those of further ones count as `other`.
const SUMS_MAX: usize = 1_000;

/// Totals by sender, and what they sum up to.
#[derive(Debug, Default)]
pub struct Accounts {
    made: Ledger,
    received: Ledger,
}

#[derive(Debug, Default)]
struct Ledger {
    /// The newest of each sender, with its age.
    newest: BTreeMap<String, (u64, Account)>,
    /// By kind and test: `made` and `dropped`. Never falls.
    sums: BTreeMap<(String, String), (u64, u64)>,
    age: u64,
}

impl Accounts {
    /// Takes a note. Answers whether it could be read, if it is one of these at all.
    pub fn note(&mut self, key: &[u8], body: &[u8]) -> bool {
        let ledger = match (key.starts_with(KEY_PREFIX), key.starts_with(RECEIPT_PREFIX)) {
            (true, _) => &mut self.made,
            (_, true) => &mut self.received,
            _ => return true,
        };
        Account::decode(body).map(|account| ledger.enter(account)).is_ok()
    }

    pub fn families(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        for (ledger, labels, name, help, which) in [
            (&self.made, &["kind", "test"][..], MADE, "Messages that senders made, or were given to send on.", 0),
            (&self.made, &["kind", "test"], DROPPED, "Messages that senders dropped for want of room.", 1),
            (&self.received, &["kind"], RECEIVED, "Messages that consumers received.", 0),
            (&self.received, &["kind"], MISSING, "Messages that were sent to consumers and never came.", 1),
        ] {
            let values: Vec<_> = ledger
                .sums
                .iter()
                .map(|((kind, test), sum)| {
                    let values = [kind.clone(), test.clone()];
                    (values[..labels.len()].to_vec(), if which == 0 { sum.0 } else { sum.1 })
                })
                .collect();
            if !values.is_empty() {
                families.push(counters(name, help, labels, &values));
            }
        }
        families
    }
}

impl Ledger {
    fn enter(&mut self, account: Account) {
        let before = self.newest.get(&account.sender).map_or((0, 0), |(_, before)| (before.made, before.dropped));
        let mut name = (account.kind.clone(), account.test.clone());
        if !self.sums.contains_key(&name) && self.sums.len() >= SUMS_MAX {
            name = ("other".to_owned(), "other".to_owned());
        }
        let sum = self.sums.entry(name).or_default();
        sum.0 = sum.0.saturating_add(account.made.saturating_sub(before.0));
        sum.1 = sum.1.saturating_add(account.dropped.saturating_sub(before.1));
        // Notes of several ways may overtake each other: an older one must not count again.
        let newest = Account { made: account.made.max(before.0), dropped: account.dropped.max(before.1), ..account };
        if self.newest.len() >= ACCOUNTS_MAX && !self.newest.contains_key(&newest.sender) {
            let oldest = self.newest.iter().min_by_key(|(_, (age, _))| *age).map(|(sender, _)| sender.clone());
            oldest.into_iter().for_each(|sender| drop(self.newest.remove(&sender)));
        }
        self.age += 1;
        self.newest.insert(newest.sender.clone(), (self.age, newest));
    }
}

/// Names that no stat may have.
pub fn names() -> impl Iterator<Item = String> {
    [MADE, DROPPED, RECEIVED, MISSING].map(str::to_owned).into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(sender: &str, test: &str, made: u64, dropped: u64) -> Account {
        let (sender, test) = (sender.to_owned(), test.to_owned());
        Account { sender, test, kind: "runner".to_owned(), made, dropped, ..Account::default() }
    }

    fn enter(accounts: &mut Accounts, account: &Account) {
        assert!(accounts.note(&account.key(), &account.encode()));
    }

    fn sums(accounts: &Accounts) -> Vec<(String, u64, u64)> {
        accounts.made.sums.iter().map(|((_, test), sum)| (test.clone(), sum.0, sum.1)).collect()
    }

    #[test]
    fn the_newest_of_each_sender_counts_once() {
        let mut accounts = Accounts::default();
        for (sender, test, made, dropped, want, why) in [
            ("a", "t", 10, 1, (10, 1), "the first"),
            ("a", "t", 10, 1, (10, 1), "again: a second stats passed it on too"),
            ("b", "t", 5, 0, (15, 1), "another sender"),
            ("a", "t", 20, 3, (25, 3), "it goes on"),
            ("a", "t", 15, 2, (25, 3), "an older one that took longer"),
            ("a", "t", 21, 3, (26, 3), "nothing counts twice after that"),
        ] {
            enter(&mut accounts, &account(sender, test, made, dropped));
            assert_eq!(sums(&accounts), [("t".to_owned(), want.0, want.1)], "{why}");
        }
        assert!(!accounts.note(b"account/x", b"\xc1"), "one that can't be read");
        assert!(accounts.note(b"other/x", b"\xc1"), "no account");
    }

    #[test]
    fn they_are_bounded_and_never_fall() {
        let mut accounts = Accounts::default();
        for number in 0..ACCOUNTS_MAX + 10 {
            enter(&mut accounts, &account(&number.to_string(), "t", 1, 0));
        }
        assert_eq!(accounts.made.newest.len(), ACCOUNTS_MAX);
        assert_eq!(sums(&accounts), [("t".to_owned(), ACCOUNTS_MAX as u64 + 10, 0)]);
        for number in 0..SUMS_MAX + 10 {
            enter(&mut accounts, &account("x", &format!("test{number}"), number as u64, 0));
        }
        assert_eq!(accounts.made.sums.len(), SUMS_MAX + 1, "and `other`");
    }
}

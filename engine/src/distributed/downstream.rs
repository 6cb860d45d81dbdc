//! PURE: what became of the messages of a test behind its senders, as the duplicators tell it.
//!
//! A duplicator serves whoever sends to it, and its totals are those of all tests since it began. What happened since this test began is
//! this test's if the duplicators were given exactly what this test's senders sent; else only all tests together can be spoken of.

use std::collections::BTreeMap;

use crate::console::Consumer;
use crate::steer::Behind;
use crate::wire::statement::{Fate, Kinds, Receipt, STATEMENT_PREFIX, Statement};

/// Duplicators that are followed; those of further ones aren't, and then not all messages can be.
const DUPLICATORS_MAX: usize = 64;

/// What duplicators have told.
#[derive(Debug, Default)]
pub struct Downstream {
    duplicators: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    /// When the test began.
    before: Statement,
    now: Statement,
}

/// What happened since the test began, at all duplicators.
#[derive(Debug, Default)]
struct Since {
    received: u64,
    missing: u64,
    parts: Vec<Part>,
    /// Some of them couldn't tell all.
    partial: bool,
}

/// What happened to the messages for one kind of consumer.
#[derive(Debug)]
struct Part {
    kind: Option<String>,
    given: u64,
    dropped: u64,
    missing: u64,
    waiting: u64,
    received: u64,
    /// Waiting or sent, and not told of yet.
    open: u64,
    /// There is nothing to wait for.
    settled: bool,
    /// All of it is of this test.
    clear: bool,
}

impl Downstream {
    /// Takes a note of a peer; `test_age`: seconds since this test's senders began to connect.
    pub fn hear(&mut self, key: &[u8], body: &[u8], test_age: f64) {
        if !key.starts_with(STATEMENT_PREFIX) {
            return;
        }
        let Ok(now) = Statement::decode(body) else { return };
        if let Some(known) = self.duplicators.get_mut(&now.duplicator) {
            known.now = now;
        } else if self.duplicators.len() < DUPLICATORS_MAX {
            // One that began later had no messages before.
            let before = if now.age < test_age { Statement::default() } else { now.clone() };
            self.duplicators.insert(now.duplicator.clone(), Known { before, now });
        }
    }

    /// Whether nothing more is to be waited for: all that was `sent` has come to duplicators, and all consumers that are there have told
    /// that it came to them. So it is at once if nobody tells.
    pub fn is_settled(&self, sent: u64) -> bool {
        if self.duplicators.is_empty() {
            return true;
        }
        let since = self.since();
        since.received + since.missing >= sent && since.parts.iter().all(|part| part.settled)
    }

    fn since(&self) -> Since {
        let (mut since, mut received_before) = (Since::default(), 0);
        for Known { before, now } in self.duplicators.values() {
            received_before += before.received;
            since.received += now.received.saturating_sub(before.received);
            since.missing += now.missing.saturating_sub(before.missing);
            since.partial |= now.partial;
        }
        let before = kinds(self.duplicators.values().map(|it| &it.before));
        let now = kinds(self.duplicators.values().map(|it| &it.now));
        for (kind, now) in now.iter() {
            let then = before.iter().find(|(there, _)| *there == kind).map(|(_, fate)| *fate);
            let mut part = Part::between(kind.clone(), then.unwrap_or_default(), *now);
            // Who came since then may have got what waited for the first to come, from before this test.
            part.clear &= then.is_some() || received_before == 0 || part.given <= since.received;
            since.parts.push(part);
        }
        since
    }

    /// What is said of it at the end of a test whose senders sent so many messages.
    pub fn behind(&self, sent: u64) -> Option<Behind> {
        if self.duplicators.is_empty() {
            return None;
        }
        let since = self.since();
        let lost = since.missing + since.parts.iter().map(Part::lost).sum::<u64>();
        let arrived = since.received + since.missing;
        let mut behind = Behind::default();
        if since.partial || arrived != sent {
            behind.warnings = not_alone(sent, arrived, lost, since.partial);
            return Some(behind);
        }
        behind.lost = since.missing;
        if since.missing > 0 {
            behind.warnings.push(format!("{} messages never came to the duplicator they were sent to", since.missing));
        }
        for part in &since.parts {
            behind.warnings.extend(part.warnings());
            if part.clear {
                behind.lost += part.lost();
                part.tell(since.received, &mut behind);
            }
        }
        Some(behind)
    }
}

impl Part {
    /// From the totals then and now. Those that were on their way then have come meanwhile, as a rule; those of a consumer that was
    /// killed never do.
    fn between(kind: Option<String>, then: Fate, now: Fate) -> Self {
        let [given, dropped, missing, came] = [
            (now.given, then.given),
            (now.dropped, then.dropped),
            (now.missing, then.missing),
            (now.received, then.received),
        ]
        .map(|(now, then)| now.saturating_sub(then));
        let waiting = now.waiting.min(given);
        let old = then.waiting + then.open();
        let expected = given.saturating_sub(dropped + missing + waiting);
        let received = if came == expected { came } else { came.saturating_sub(old).min(expected) };
        let open = waiting + expected - received;
        let tells = kind.is_some() && now.peers > 0;
        let settled = !tells || (waiting == 0 && came >= expected + old);
        let clear = came <= expected + old;
        Self { kind, given, dropped, missing, waiting, received, open, settled, clear }
    }

    /// Known never to come.
    fn lost(&self) -> u64 {
        self.dropped + self.missing
    }

    /// `all`: what the duplicators were given.
    fn tell(&self, all: u64, behind: &mut Behind) {
        let Some(kind) = self.kind.clone() else { return };
        // On several outputs each copy counts.
        let came = if self.given > all { all.saturating_sub(self.lost() + self.open) } else { self.received };
        behind.received = Some(behind.received.map_or(came, |least| least.min(came)));
        let (given, received, lost, open) = (self.given, self.received, self.lost(), self.open);
        behind.consumers.push(Consumer { kind, given, received, lost, open });
    }

    /// What should be known of it.
    fn warnings(&self) -> Vec<String> {
        let name = self.kind.as_deref().unwrap_or("consumers that aren't mite's, or nobody,");
        if !self.clear {
            return vec![format!(
                "what came to {name} can't be told: it has messages from before this test, or from elsewhere"
            )];
        }
        let mut warnings = Vec::new();
        for (number, what) in [
            (self.dropped, format!("were dropped by the duplicator: {name} did not keep up")),
            (self.missing, format!("were sent to {name} and never came")),
        ] {
            if number > 0 {
                warnings.push(format!("{number} messages {what}"));
            }
        }
        if self.kind.is_some() && self.open > 0 {
            let (open, waiting) = (self.open, self.waiting);
            warnings.push(format!("{name} has not told of {open} messages, of which {waiting} wait at the duplicator"));
        }
        warnings
    }
}

/// Each consumer once, whoever tells of it: one may receive from several duplicators.
fn kinds<'a>(statements: impl Iterator<Item = &'a Statement>) -> Kinds {
    let mut kinds = Kinds::default();
    let mut consumers: BTreeMap<&str, &Receipt> = BTreeMap::new();
    for statement in statements {
        statement.ways.iter().for_each(|way| kinds.add(way));
        for receipt in &statement.receipts {
            let newest = consumers.entry(&receipt.consumer).or_insert(receipt);
            if newest.received < receipt.received {
                *newest = receipt;
            }
        }
    }
    consumers.into_values().for_each(|receipt| kinds.receive(receipt));
    kinds
}

/// Why nothing can be said of this test alone.
fn not_alone(sent: u64, arrived: u64, lost: u64, partial: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if partial {
        warnings
            .push("there are too many consumers to tell what became of the messages behind the duplicator".to_owned());
    }
    if arrived > sent {
        warnings.push(format!(
            "the duplicator was given {} messages that are not of this test's senders (another test, Python runners, a runner that \
             was lost): what came to consumers can't be told test by test",
            arrived - sent
        ));
    }
    if arrived < sent {
        warnings.push(format!(
            "of {sent} messages {arrived} came to the duplicators that the controller knows by its --message-socket: what became of \
             the others is not known"
        ));
    }
    if lost > 0 {
        warnings.push(format!("of all tests together {lost} messages were lost behind their senders meanwhile"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::account::Account;
    use crate::wire::statement::Way;

    /// A duplicator's: given so many, and what its only kind of consumer got.
    fn statement(name: &str, received: u64, dropped: u64, waiting: u64, came: u64) -> Statement {
        let mut statement = Statement { duplicator: name.to_owned(), age: 100.0, received, ..Statement::default() };
        let kind = Some("collector".to_owned());
        statement.add(Way { output: 0, kind, peers: 1, given: received, dropped, waiting });
        statement.enter(Account::receipt("c", "collector", came, 0));
        statement
    }

    fn hear(downstream: &mut Downstream, statement: &Statement, test_age: f64) {
        downstream.hear(&statement.key(), &statement.encode(), test_age);
    }

    #[test]
    fn since_the_test_began() {
        type Case = (Option<(u64, u64, u64)>, (u64, u64, u64, u64), bool, (u64, Option<u64>, usize), &'static str);
        // Before: given, dropped, came. Then: given, dropped, waiting, came. Of 100 sent: settled; lost, received, warnings.
        let rows: [Case; 12] = [
            (None, (100, 0, 0, 100), true, (0, Some(100), 0), "a duplicator that came after the test"),
            (
                Some((500, 3, 497)),
                (600, 3, 0, 597),
                true,
                (0, Some(100), 0),
                "losses of others before aren't this one's",
            ),
            (Some((500, 3, 497)), (600, 33, 0, 567), true, (30, Some(70), 1), "a slow consumer"),
            (Some((500, 0, 500)), (560, 0, 0, 560), false, (0, None, 1), "under way, or elsewhere"),
            (Some((500, 0, 500)), (600, 0, 0, 580), false, (0, Some(80), 1), "a consumer has not told yet"),
            (Some((500, 0, 500)), (600, 0, 20, 580), false, (0, Some(80), 1), "or is stuck"),
            (Some((500, 0, 500)), (700, 0, 0, 700), true, (0, None, 1), "another test"),
            (Some((500, 0, 500)), (700, 5, 0, 695), true, (0, None, 2), "another test, and who knows whose loss"),
            (Some((500, 0, 440)), (600, 0, 0, 600), true, (0, Some(100), 0), "what was on its way before has come too"),
            (Some((500, 0, 440)), (600, 0, 0, 540), false, (0, Some(100), 0), "or never will: its consumer was killed"),
            (Some((500, 0, 440)), (600, 0, 0, 570), false, (0, Some(70), 1), "some of it has"),
            (Some((500, 0, 440)), (600, 0, 0, 601), true, (0, None, 1), "more than there was: from elsewhere"),
        ];
        for (before, now, settled, want, why) in rows {
            let mut downstream = Downstream::default();
            let age = if before.is_some() { 1.0 } else { 200.0 };
            if let Some((given, dropped, came)) = before {
                hear(&mut downstream, &statement("d", given, dropped, 0, came), age);
            }
            hear(&mut downstream, &statement("d", now.0, now.1, now.2, now.3), age);
            assert_eq!(downstream.is_settled(100), settled, "{why}");
            let behind = downstream.behind(100).unwrap();
            assert_eq!((behind.lost, behind.received, behind.warnings.len()), want, "{why}: {:?}", behind.warnings);
            let sum = |one: &Consumer| one.received + one.lost + one.open;
            assert!(behind.consumers.iter().all(|one| one.given == sum(one)), "{why}: {:?}", behind.consumers);
        }
    }

    #[test]
    fn who_comes_late_may_bring_what_was_before() {
        for (given, received, why) in [(60, Some(60), "only what came since"), (700, None, "what had waited too")] {
            let mut downstream = Downstream::default();
            hear(&mut downstream, &Statement { ways: vec![], receipts: vec![], ..statement("d", 600, 0, 0, 0) }, 1.0);
            let mut now = statement("d", 700, 0, 0, given);
            now.ways[0].given = given;
            hear(&mut downstream, &now, 1.0);
            assert_eq!(downstream.behind(100).unwrap().received, received, "{why}");
        }
    }

    #[test]
    fn nobody_tells() {
        let mut downstream = Downstream::default();
        downstream.hear(b"receipt/x", b"", 0.0);
        downstream.hear(b"statement/x", b"\xc1", 0.0);
        assert!(downstream.is_settled(100) && downstream.behind(100).is_none());
    }

    #[test]
    fn two_duplicators_and_a_consumer_of_both() {
        for (one, two) in [(90, 100), (100, 90)] {
            let mut downstream = Downstream::default();
            hear(&mut downstream, &statement("one", 40, 0, 0, one), 200.0);
            hear(&mut downstream, &statement("two", 60, 0, 0, two), 200.0);
            let behind = downstream.behind(100).unwrap();
            assert_eq!((behind.lost, behind.received, behind.warnings), (0, Some(100), vec![]), "it is counted once");
            let all = Consumer { kind: "collector".to_owned(), given: 100, received: 100, lost: 0, open: 0 };
            assert_eq!(behind.consumers, [all]);
        }
    }

    #[test]
    fn a_kind_on_two_outputs_and_nobody_on_a_third() {
        let mut told = statement("d", 100, 10, 0, 90);
        let kind = Some("collector".to_owned());
        told.add(Way { output: 1, kind, peers: 1, given: 100, dropped: 0, waiting: 0 });
        told.enter(Account::receipt("other", "collector", 99, 1));
        told.add(Way { output: 2, kind: None, peers: 0, given: 100, dropped: 7, waiting: 93 });
        let mut downstream = Downstream::default();
        hear(&mut downstream, &told, 200.0);
        assert!(downstream.is_settled(100), "nobody is waited for where nobody is");
        let behind = downstream.behind(100).unwrap();
        assert_eq!((behind.lost, behind.received, behind.warnings.len()), (18, Some(89), 3), "{:?}", behind.warnings);
        let all = Consumer { kind: "collector".to_owned(), given: 200, received: 189, lost: 11, open: 0 };
        assert_eq!(behind.consumers, [all]);
    }
}

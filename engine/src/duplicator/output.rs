//! One output: a PUSH with a queue for each kind of consumer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::KIND;
use crate::wire::account::Account;
use crate::wire::option::{self, bound, wrong};
use crate::wire::socket::{Full, Group, Groups, Options, Parcel, Push, Told as Heard, process_id};
use crate::wire::statement::Way;

/// Messages that wait for each kind of consumer, beside the bound in bytes.
const QUEUE_RECORDS: usize = 1 << 23;
const OUT: &str = "OUT_SOCKET";

pub struct Output {
    push: Push,
    endpoint: String,
    /// Those told of so far.
    told: Told,
    /// A note didn't fit; said once.
    note_lost: bool,
}

/// What was said in the log.
#[derive(Debug, Default)]
struct Told {
    dropped: u64,
    missing: u64,
    kinds: BTreeSet<Option<String>>,
    shared: bool,
}

impl Output {
    pub async fn bind(endpoint: &str, queue_bytes: usize) -> Result<Self, option::Wrong> {
        let options = Options {
            queue_bytes,
            queue_records: QUEUE_RECORDS,
            full: Full::DropNewest,
            groups: Groups::ByKind,
            ..Options::new(KIND)
        };
        let mut push = Push::new(options);
        let endpoint = push.bind(endpoint).await.map_err(wrong(OUT))?;
        bound(OUT, &endpoint);
        Ok(Self { push, endpoint: endpoint.to_string(), told: Told::default(), note_lost: false })
    }

    pub async fn send(&self, parcel: Parcel) {
        self.push.send(parcel).await;
    }

    /// Lets consumers know what a sender, or a consumer, told.
    pub fn pass_on(&mut self, key: &[u8], body: &[u8]) {
        if self.push.note(key, body).is_err() && !self.note_lost {
            self.note_lost = true;
            tracing::warn!("{}: there are too many notes of senders; some are not passed on", self.endpoint);
        }
    }

    /// Once a second: says what was dropped and who came.
    pub fn report(&mut self, missing: u64) {
        let groups = self.push.groups();
        for line in self.told.news(&groups) {
            tracing::info!("{}: {line}", self.endpoint);
        }
        for line in self.told.warnings(&groups, missing) {
            tracing::warn!("{}: {line}", self.endpoint);
        }
    }

    /// What it was given and what it dropped, for the consumers of all outputs: only some of them tell an exporter.
    pub fn account(&self, received: u64) -> Account {
        Account {
            sender: format!("{}.{}", process_id(), self.endpoint),
            kind: KIND.to_owned(),
            made: received,
            dropped: self.push.counts().dropped,
            ..Account::default()
        }
    }

    /// What a consumer told next, if it has.
    pub fn told(&self) -> Option<Heard> {
        self.push.try_told()
    }

    /// What became of the messages for each kind of its consumers.
    pub fn ways(&self, output: u32) -> impl Iterator<Item = Way> {
        let way = move |Group { kind, peers, counts }| Way {
            output,
            kind,
            peers: u32::try_from(peers).unwrap_or(u32::MAX),
            given: counts.made,
            dropped: counts.dropped,
            waiting: counts.waiting,
        };
        self.push.groups().into_iter().map(way)
    }

    /// Sends what waits, for `linger` at most, and says what was left.
    pub async fn close(self, linger: Duration) {
        let counts = self.push.close(linger).await;
        let lost = counts.waiting + counts.dropped;
        if lost > 0 || counts.unsure > 0 {
            tracing::warn!(
                "{}: {} messages sent, {} dropped for want of room, {} never fetched; of {} sent it is not known whether they arrived",
                self.endpoint,
                counts.sent,
                counts.dropped,
                counts.waiting,
                counts.unsure
            );
        } else {
            tracing::info!("{}: {} messages sent", self.endpoint, counts.sent);
        }
    }
}

fn name(kind: Option<&str>) -> &str {
    kind.unwrap_or("a consumer that isn't mite's")
}

impl Told {
    /// Kinds of consumers that are there for the first time.
    fn news(&mut self, groups: &[Group]) -> Vec<String> {
        let new: Vec<_> =
            groups.iter().filter(|group| group.peers > 0 && self.kinds.insert(group.kind.clone())).collect();
        new.into_iter().map(|group| format!("{} is there and gets all messages", name(group.kind.as_deref()))).collect()
    }

    fn warnings(&mut self, groups: &[Group], missing: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let strangers = groups.iter().filter(|group| group.kind.is_none()).map(|group| group.peers).sum::<usize>();
        if strangers > 1 && !self.shared {
            self.shared = true;
            lines.push(format!(
                "{strangers} consumers that aren't mite's: it can't be seen what they are, so they share the messages; give \
                 each kind an output of its own if each is to get all"
            ));
        }
        let dropped: u64 = groups.iter().map(|group| group.counts.dropped).sum();
        if dropped > self.dropped {
            let full: Vec<_> = groups
                .iter()
                .filter(|group| group.counts.dropped > 0)
                .map(|group| format!("{} of {}", group.counts.dropped, name(group.kind.as_deref())))
                .collect();
            let new = dropped - std::mem::replace(&mut self.dropped, dropped);
            lines.push(format!("{new} messages dropped: the queue is full; in all: {}", full.join(", ")));
        }
        if missing > std::mem::replace(&mut self.missing, missing) {
            lines.push(format!("{missing} messages that were sent here never came"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::socket::Counts;

    fn group(kind: Option<&str>, peers: usize, dropped: u64) -> Group {
        Group { kind: kind.map(str::to_owned), peers, counts: Counts { dropped, ..Counts::default() } }
    }

    #[test]
    fn what_is_said_once_and_what_again() {
        let mut told = Told::default();
        for (groups, news, warnings, why) in [
            (vec![group(None, 0, 0)], 0, vec![], "nobody is there"),
            (vec![group(Some("stats"), 1, 0)], 1, vec![], "the first"),
            (vec![group(Some("stats"), 2, 0)], 0, vec![], "another one of its kind"),
            (
                vec![group(Some("stats"), 2, 5)],
                0,
                vec!["5 messages dropped: the queue is full; in all: 5 of stats"],
                "full",
            ),
            (vec![group(Some("stats"), 2, 5)], 0, vec![], "no more"),
            (
                vec![group(Some("stats"), 2, 9)],
                0,
                vec!["4 messages dropped: the queue is full; in all: 9 of stats"],
                "more",
            ),
            (vec![group(Some("stats"), 2, 9), group(None, 1, 0)], 1, vec![], "one that isn't ours"),
        ] {
            assert_eq!(told.news(&groups).len(), news, "{why}");
            assert_eq!(told.warnings(&groups, 0), warnings, "{why}");
        }
        let two = [group(None, 2, 0)];
        assert!(told.warnings(&two, 0)[0].contains("share the messages"));
        assert_eq!(told.warnings(&two, 3), ["3 messages that were sent here never came"]);
        assert_eq!(told.warnings(&two, 3), [""; 0]);
    }
}

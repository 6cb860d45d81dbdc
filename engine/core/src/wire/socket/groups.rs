//! Who a PUSH serves: all peers as one group, or each kind of peer in full.

use std::time::{Duration, Instant};

use super::options::Groups;
use super::spread::{Bounds, Counts, Spread};
use crate::wire::zmtp::parcel::Parcel;

/// Groups of a socket; kinds beyond that share with the peers that aren't ours.
pub const GROUPS_MAX: usize = 32;
/// How long after the first peer another kind may come and still get all there was since the beginning: components that are started
/// one after the other miss nothing.
pub const EARLY: Duration = Duration::from_secs(5);

/// A group's share of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What component its peers are. None: all peers of a socket with one group, those that aren't ours, or those that are still to
    /// come.
    pub kind: Option<String>,
    /// How many are connected.
    pub peers: usize,
    pub counts: Counts,
}

/// Every parcel goes to each group, and there to one peer. A group has its own queue, and stays when its peers have gone: what then
/// comes waits for the next one, up to the bound.
#[derive(Debug)]
pub struct Grouped<W> {
    mode: Groups,
    bounds: Bounds,
    groups: Vec<(Option<String>, Spread<W>)>,
    /// All there was since the beginning, as it would wait for somebody: what a group begins with.
    early: Option<Spread<W>>,
    /// When `early` ends.
    until: Option<Instant>,
}

impl<W: Clone> Grouped<W> {
    pub fn new(mode: Groups, bounds: Bounds) -> Self {
        let (groups, early) = match mode {
            Groups::One => (vec![(None, Spread::new(bounds))], None),
            Groups::ByKind => (Vec::new(), Some(Spread::new(bounds))),
        };
        Self { mode, bounds, groups, early, until: None }
    }

    /// A peer is there. Answers its group, which is a number for [`Self::of`].
    pub fn add(&mut self, kind: Option<&str>, id: u64, wake: W, now: Instant) -> usize {
        let group = self.group(kind, now);
        self.groups[group].1.add(id, wake);
        group
    }

    fn group(&mut self, kind: Option<&str>, now: Instant) -> usize {
        if self.mode == Groups::One {
            return 0;
        }
        let find = |kind: Option<&str>| self.groups.iter().position(|(there, _)| there.as_deref() == kind);
        if let Some(group) = find(kind) {
            return group;
        }
        // One place is kept for those that aren't ours.
        let full = self.groups.len() + 1 >= GROUPS_MAX && kind.is_some();
        if full && let Some(group) = find(None) {
            return group;
        }
        let kind = kind.filter(|_| !full);
        self.forget_early(now);
        self.until.get_or_insert(now + EARLY);
        let spread = self.early.clone().unwrap_or_else(|| Spread::new(self.bounds));
        self.groups.push((kind.map(str::to_owned), spread));
        self.groups.len() - 1
    }

    fn forget_early(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until < now) {
            self.early = None;
        }
    }

    /// Gives a parcel to every group, or back if one of them has no room. Answers whom to wake.
    pub fn offer(&mut self, parcel: Parcel, now: Instant) -> Result<Vec<W>, Parcel> {
        self.forget_early(now);
        let alone = self.groups.is_empty();
        let early = self.early.iter().filter(|_| alone);
        if !self.groups.iter().map(|(_, spread)| spread).chain(early).all(|spread| spread.has_room(&parcel)) {
            return Err(parcel);
        }
        Ok(self.give(&parcel))
    }

    /// Gives a parcel to every group that has room; the others drop it. Answers how many records were dropped, in all groups, and
    /// whom to wake.
    pub fn offer_or_drop(&mut self, parcel: &Parcel, now: Instant) -> (u64, Vec<W>) {
        self.forget_early(now);
        let before = self.counts().dropped;
        let wake = self.give(parcel);
        (self.counts().dropped - before, wake)
    }

    fn give(&mut self, parcel: &Parcel) -> Vec<W> {
        let mut wakes = Vec::new();
        for spread in self.groups.iter_mut().map(|(_, spread)| spread).chain(&mut self.early) {
            match spread.offer(parcel.clone()) {
                Ok(wake) => wakes.extend(wake),
                Err(back) => {
                    spread.drop_newest(&back);
                }
            }
        }
        wakes
    }

    /// A group.
    pub fn of(&mut self, group: usize) -> &mut Spread<W> {
        &mut self.groups[group].1
    }

    /// Of all groups together: with several, a record counts once in each.
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        for (_, spread) in &self.groups {
            all.add(spread.counts());
        }
        // What waits for the first peer belongs to no group yet.
        match &self.early {
            Some(early) if self.groups.is_empty() => early.counts(),
            _ => all,
        }
    }

    /// Each group, in the order they came.
    pub fn groups(&self) -> Vec<Group> {
        let group = |kind: &Option<String>, spread: &Spread<W>| Group {
            kind: kind.clone(),
            peers: spread.wakes().count(),
            counts: spread.counts(),
        };
        match &self.early {
            Some(early) if self.groups.is_empty() => vec![group(&None, early)],
            _ => self.groups.iter().map(|(kind, spread)| group(kind, spread)).collect(),
        }
    }

    /// How to wake each peer.
    pub fn wakes(&self) -> impl Iterator<Item = &W> {
        self.groups.iter().flat_map(|(_, spread)| spread.wakes())
    }

    /// Whether something waits for a peer to come.
    pub fn has_waiting(&self) -> bool {
        let early = self.early.iter().filter(|_| self.groups.is_empty());
        self.groups.iter().map(|(_, spread)| spread).chain(early).any(Spread::has_waiting)
    }

    /// Whether there is nobody to send to.
    pub fn is_alone(&self) -> bool {
        self.groups.iter().all(|(_, spread)| spread.is_alone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1_000, records: 10 };

    fn parcel(records: usize) -> Parcel {
        Parcel::message(&vec![&[0; 8][..]; records])
    }

    /// A counter of seconds for a clock.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }
    }

    fn clock() -> Clock {
        Clock(Instant::now())
    }

    fn taken(grouped: &mut Grouped<u64>, group: usize, id: u64) -> Vec<usize> {
        std::iter::from_fn(|| grouped.of(group).take(id, |_| true)).map(|parcel| parcel.len()).collect()
    }

    #[test]
    fn each_kind_in_full_and_round_robin_within() {
        let (clock, mut grouped) = (clock(), Grouped::new(Groups::ByKind, BOUNDS));
        let peers = [(Some("collector"), 1), (Some("collector"), 2), (Some("recorder"), 3), (None, 4), (None, 5)];
        let groups: Vec<_> = peers.iter().map(|(kind, id)| grouped.add(*kind, *id, *id, clock.at(0))).collect();
        assert_eq!(groups, [0, 0, 1, 2, 2]);
        assert_eq!(grouped.offer(parcel(1), clock.at(1)), Ok(vec![1, 3, 4]));
        assert_eq!(grouped.offer(parcel(2), clock.at(1)), Ok(vec![2, 3, 5]));
        let got: Vec<_> = peers.iter().zip(groups).map(|((_, id), group)| taken(&mut grouped, group, *id)).collect();
        assert_eq!(got, [vec![1], vec![2], vec![1, 2], vec![1], vec![2]]);
        assert_eq!(grouped.counts().made, 9, "a record counts once in each group");
    }

    #[test]
    fn one_group_is_all_peers() {
        let (clock, mut grouped) = (clock(), Grouped::new(Groups::One, BOUNDS));
        assert_eq!(grouped.offer(parcel(3), clock.at(0)), Ok(vec![]));
        assert_eq!((grouped.add(Some("a"), 1, 1, clock.at(0)), grouped.add(None, 2, 2, clock.at(0))), (0, 0));
        assert_eq!((taken(&mut grouped, 0, 1), taken(&mut grouped, 0, 2)), (vec![3], vec![]));
    }

    #[test]
    fn what_a_kind_gets_that_comes_later() {
        let (clock, mut grouped) = (clock(), Grouped::new(Groups::ByKind, BOUNDS));
        grouped.offer(parcel(1), clock.at(0)).unwrap();
        assert!(grouped.has_waiting() && grouped.counts().waiting == 1, "it waits for the first");
        for (second, kind, id, want, why) in [
            (1_000, "first", 1, vec![1], "what waited, however long"),
            (1_003, "second", 2, vec![1, 2], "soon after: all since the beginning"),
            (1_005, "third", 3, vec![1, 2, 2], "just in time"),
            (1_006, "late", 4, vec![], "too late: from now on"),
        ] {
            let group = grouped.add(Some(kind), id, id, clock.at(second));
            assert_eq!(taken(&mut grouped, group, id), want, "{why}");
            grouped.offer(parcel(2), clock.at(second)).unwrap();
        }
        assert!(grouped.early.is_none(), "nothing is kept for ever");
    }

    #[test]
    fn a_group_with_nobody_fills_and_drops_alone() {
        let (clock, mut grouped) = (clock(), Grouped::new(Groups::ByKind, BOUNDS));
        let (here, gone) = (grouped.add(Some("here"), 1, 1, clock.at(0)), grouped.add(Some("gone"), 2, 2, clock.at(0)));
        grouped.of(gone).remove(2, Vec::new(), 0, |_| ());
        let mut dropped = 0;
        for _ in 0..5 {
            dropped += grouped.offer_or_drop(&parcel(4), clock.at(9)).0;
            taken(&mut grouped, here, 1);
        }
        assert_eq!(dropped, 12);
        let groups = grouped.groups();
        let counts: Vec<_> =
            groups.iter().map(|group| (group.peers, group.counts.waiting, group.counts.dropped)).collect();
        assert_eq!(counts, [(1, 20, 0), (0, 8, 12)], "waiting until it is sent; what there is no room for is dropped");
        assert_eq!(grouped.offer(parcel(4), clock.at(9)), Err(parcel(4)), "who would rather wait gets it back");
        assert_eq!(grouped.groups(), groups, "and nothing is counted");
    }

    #[test]
    fn what_nobody_fetches_drops_too() {
        let (clock, mut grouped) = (clock(), Grouped::<u64>::new(Groups::ByKind, BOUNDS));
        assert_eq!((0..4).map(|_| grouped.offer_or_drop(&parcel(4), clock.at(0)).0).sum::<u64>(), 8);
        let group = grouped.add(Some("first"), 1, 1, clock.at(0));
        assert_eq!(taken(&mut grouped, group, 1), [4, 4]);
        assert_eq!(grouped.counts(), Counts { made: 16, sent: 0, waiting: 8, dropped: 8, unsure: 0 });
    }

    #[test]
    fn groups_are_bounded() {
        let (clock, mut grouped) = (clock(), Grouped::new(Groups::ByKind, BOUNDS));
        for id in 0..100 {
            let group = grouped.add(Some(&format!("kind{id}")), id, id, clock.at(0));
            assert_eq!(group, (id as usize).min(GROUPS_MAX - 1));
        }
        assert_eq!(grouped.add(None, 100, 100, clock.at(0)), GROUPS_MAX - 1);
        assert_eq!(grouped.groups().last().map(|group| (group.kind.clone(), group.peers)), Some((None, 70)));
    }
}

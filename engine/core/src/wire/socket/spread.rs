//! Where a PUSH keeps what it has to send: a queue for each peer, and one for the first peer to come.

use std::collections::VecDeque;

use crate::wire::zmtp::parcel::Parcel;

/// Records of a PUSH. At any time `made = sent + waiting + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Given to the socket.
    pub made: u64,
    /// Handed to the system, wholly or in part.
    pub sent: u64,
    /// In a queue of ours.
    pub waiting: u64,
    /// For want of room.
    pub dropped: u64,
    /// Of those sent: their connection ended before the peer was known to have them. They may or may not have arrived.
    pub unsure: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.made += other.made;
        self.sent += other.sent;
        self.waiting += other.waiting;
        self.dropped += other.dropped;
        self.unsure += other.unsure;
    }
}

/// The most that waits in a queue.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bytes: usize,
    pub records: usize,
}

#[derive(Clone, Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    bytes: usize,
    records: usize,
}

impl Queue {
    fn has_room(&self, parcel: &Parcel, bounds: Bounds) -> bool {
        self.parcels.is_empty()
            || (self.bytes + parcel.bytes().len() <= bounds.bytes && self.records + parcel.len() <= bounds.records)
    }

    fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.bytes().len();
        self.records += parcel.len();
        self.parcels.push_back(parcel);
    }

    fn pop(&mut self) -> Option<Parcel> {
        let parcel = self.parcels.pop_front()?;
        self.bytes -= parcel.bytes().len();
        self.records -= parcel.len();
        Some(parcel)
    }
}

#[derive(Clone, Debug)]
struct Lane<W> {
    id: u64,
    queue: Queue,
    wake: W,
}

/// Parcels go round robin to the peers (lanes) that have room. `W` is how a lane is woken.
#[derive(Clone, Debug)]
pub struct Spread<W> {
    bounds: Bounds,
    lanes: Vec<Lane<W>>,
    /// The lane to look at first.
    turn: usize,
    /// What no lane has room for, or what there is no lane for.
    waiting: Queue,
    /// Something was dropped, and nothing has left a queue since: smaller parcels don't slip past what was dropped.
    shut: bool,
    counts: Counts,
}

impl<W: Clone> Spread<W> {
    pub fn new(bounds: Bounds) -> Self {
        let (waiting, counts) = (Queue::default(), Counts::default());
        Self { bounds, lanes: Vec::new(), turn: 0, waiting, shut: false, counts }
    }

    /// Takes a parcel in; gives it back if there is no room. Answers whom to wake.
    pub fn offer(&mut self, parcel: Parcel) -> Result<Option<W>, Parcel> {
        if self.shut {
            return Err(parcel);
        }
        let records = parcel.len() as u64;
        let wake = if !self.waiting.parcels.is_empty() {
            // Lanes are full, or there is none; what came before goes before.
            if !self.lanes.is_empty() || !self.waiting.has_room(&parcel, self.bounds) {
                return Err(parcel);
            }
            self.waiting.push(parcel);
            None
        } else if let Some(place) = self.roomy(&parcel) {
            Some(self.put(place, parcel))
        } else if self.lanes.is_empty() {
            self.waiting.push(parcel);
            None
        } else {
            return Err(parcel);
        };
        self.counts.made += records;
        self.counts.waiting += records;
        Ok(wake)
    }

    /// Whether [`Self::offer`] would take it.
    pub fn has_room(&self, parcel: &Parcel) -> bool {
        match (self.waiting.parcels.is_empty(), self.lanes.is_empty()) {
            _ if self.shut => false,
            (true, true) => true,
            (true, false) => self.roomy(parcel).is_some(),
            (false, alone) => alone && self.waiting.has_room(parcel, self.bounds),
        }
    }

    /// Counts a parcel that is given up because there was no room. What comes after it is dropped too until something has left: those
    /// that are kept are the oldest.
    pub fn drop_newest(&mut self, parcel: &Parcel) -> u64 {
        let records = parcel.len() as u64;
        self.shut = true;
        self.counts.made += records;
        self.counts.dropped += records;
        records
    }

    /// A peer is there. It gets its share of what waits.
    pub fn add(&mut self, id: u64, wake: W) {
        // The first one gets what waits into its queue, as it stands; another one brings room.
        self.shut &= self.lanes.is_empty();
        self.lanes.push(Lane { id, queue: Queue::default(), wake });
        self.share_waiting(|_| ());
    }

    /// A peer's next parcel, if `fits` agrees.
    pub fn take(&mut self, id: u64, fits: impl FnOnce(&Parcel) -> bool) -> Option<Parcel> {
        let place = self.lanes.iter().position(|lane| lane.id == id)?;
        let queue = &mut self.lanes[place].queue;
        queue.parcels.front().filter(|parcel| fits(parcel))?;
        let parcel = queue.pop();
        self.shut = false;
        while self.waiting.parcels.front().is_some_and(|next| self.lanes[place].queue.has_room(next, self.bounds)) {
            let next = self.waiting.pop();
            next.into_iter().for_each(|next| self.lanes[place].queue.push(next));
        }
        parcel
    }

    /// So many records that were taken were handed over.
    pub fn sent(&mut self, records: u64) {
        self.counts.waiting -= records;
        self.counts.sent += records;
    }

    /// A peer is gone. What waited for it and what it took but didn't send (`rest`) goes before all else to the others, or waits for the
    /// next one, even if that is more than the bound. Wakes those who got some.
    pub fn remove(&mut self, id: u64, rest: Vec<Parcel>, unsure: u64, wake: impl FnMut(&W)) {
        self.counts.unsure += unsure;
        let Some(place) = self.lanes.iter().position(|lane| lane.id == id) else { return };
        let lane = self.lanes.remove(place);
        let later = std::mem::take(&mut self.waiting);
        let all = rest.into_iter().chain(lane.queue.parcels).chain(later.parcels);
        all.for_each(|parcel| self.waiting.push(parcel));
        self.share_waiting(wake);
    }

    /// Gives what waits to whoever has room.
    fn share_waiting(&mut self, mut wake: impl FnMut(&W)) {
        while let Some(place) = self.waiting.parcels.front().and_then(|parcel| self.roomy(parcel)) {
            let next = self.waiting.pop();
            next.into_iter().for_each(|parcel| wake(&self.put(place, parcel)));
        }
    }

    fn put(&mut self, place: usize, parcel: Parcel) -> W {
        self.turn = place + 1;
        let lane = &mut self.lanes[place];
        lane.queue.push(parcel);
        lane.wake.clone()
    }

    /// The next lane with room.
    fn roomy(&self, parcel: &Parcel) -> Option<usize> {
        let lanes = self.lanes.len();
        let places = (0..lanes).map(|step| (self.turn + step) % lanes);
        places.into_iter().find(|place| self.lanes[*place].queue.has_room(parcel, self.bounds))
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How to wake each lane.
    pub fn wakes(&self) -> impl Iterator<Item = &W> {
        self.lanes.iter().map(|lane| &lane.wake)
    }

    /// Whether something waits for a peer to come.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.parcels.is_empty()
    }

    /// Whether there is nobody to send to.
    pub fn is_alone(&self) -> bool {
        self.lanes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1_000, records: 10 };

    /// A message of so many records of 8 bytes each, 10 with their headers.
    fn parcel(records: usize) -> Parcel {
        Parcel::message(&vec![&[0; 8][..]; records])
    }

    fn offer(spread: &mut Spread<u64>, records: usize) -> Result<Option<u64>, usize> {
        spread.offer(parcel(records)).map_err(|back| back.len())
    }

    #[test]
    fn round_robin_over_those_with_room() {
        let mut spread = Spread::new(BOUNDS);
        (1..=3).for_each(|lane| spread.add(lane, lane));
        let order: Vec<_> = (0..6).map(|_| offer(&mut spread, 2)).collect();
        assert_eq!(order, [1, 2, 3, 1, 2, 3].map(|lane| Ok(Some(lane))), "each in turn");
        (0..9).for_each(|_| assert!(offer(&mut spread, 2).is_ok()));
        assert_eq!(offer(&mut spread, 1), Err(1), "all are full");
        assert_eq!(spread.take(2, |_| true).map(|parcel| parcel.len()), Some(2));
        assert_eq!(offer(&mut spread, 2), Ok(Some(2)), "a stuck one is passed over");
        assert_eq!(offer(&mut spread, 1), Err(1));
    }

    #[test]
    fn what_waits_for_a_first_peer() {
        let mut spread = Spread::new(BOUNDS);
        for (records, want, why) in
            [(6, Ok(None), "waits"), (4, Ok(None), "as many records as there may be"), (1, Err(1), "one more")]
        {
            assert_eq!(offer(&mut spread, records), want, "{why}");
        }
        assert_eq!(spread.drop_newest(&parcel(3)), 3);
        spread.add(7, 7);
        let taken: Vec<_> = std::iter::from_fn(|| spread.take(7, |_| true)).map(|parcel| parcel.len()).collect();
        assert_eq!(taken, [6, 4], "in order");
        spread.sent(6);
        assert_eq!(spread.counts(), Counts { made: 13, sent: 6, waiting: 4, dropped: 3, unsure: 0 });
    }

    #[test]
    fn a_larger_one_goes_alone() {
        let mut spread = Spread::new(BOUNDS);
        spread.add(1, 1);
        for (records, want, why) in [(50, Ok(Some(1)), "over both bounds, alone"), (1, Err(1), "not with it")] {
            assert_eq!(offer(&mut spread, records), want, "{why}");
        }
    }

    #[test]
    fn what_a_lost_peer_had_goes_to_others() {
        let mut spread = Spread::new(BOUNDS);
        spread.add(1, 1);
        spread.add(2, 2);
        [4, 1, 6, 2].into_iter().for_each(|records| assert!(offer(&mut spread, records).is_ok()));
        let rest = vec![spread.take(1, |_| true).unwrap()];
        let mut woken = Vec::new();
        spread.remove(1, rest, 5, |lane| woken.push(*lane));
        assert_eq!(woken, [2], "it has room for the first of them only");
        let taken: Vec<_> = std::iter::from_fn(|| spread.take(2, |_| true)).map(|parcel| parcel.len()).collect();
        assert_eq!(taken, [1, 2, 4, 6], "its own first, then theirs in order");
        assert_eq!(spread.counts().unsure, 5);
    }

    #[test]
    fn the_oldest_are_kept() {
        let mut spread = Spread::new(BOUNDS);
        assert_eq!(offer(&mut spread, 6), Ok(None));
        let drop = |spread: &mut Spread<u64>| spread.drop_newest(&parcel(5));
        drop(&mut spread);
        assert_eq!(offer(&mut spread, 1), Err(1), "smaller, and newer than what was dropped");
        spread.add(1, 1);
        assert_eq!(offer(&mut spread, 1), Err(1), "all that waited is in its queue");
        assert_eq!(spread.take(1, |_| true).map(|parcel| parcel.len()), Some(6));
        assert_eq!(offer(&mut spread, 9), Ok(Some(1)), "something has left");
        drop(&mut spread);
        spread.add(2, 2);
        assert_eq!(offer(&mut spread, 5), Ok(Some(2)), "another one has room");
    }

    #[derive(Clone, Debug)]
    enum Act {
        Offer(usize),
        Add,
        Take(usize),
        Remove(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (1..12_usize).prop_map(Act::Offer),
            1 => Just(Act::Add),
            4 => (0..5_usize).prop_map(Act::Take),
            1 => (0..5_usize).prop_map(Act::Remove),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made_up(acts in prop::collection::vec(act(), 1..200)) {
            let mut spread = Spread::new(BOUNDS);
            let (mut made, mut sent, mut dropped, mut next) = (0, 0, 0, 0);
            for act in acts {
                let lanes: Vec<u64> = spread.wakes().copied().collect();
                match act {
                    Act::Offer(records) => {
                        made += records as u64;
                        let room = spread.has_room(&parcel(records));
                        let offered = spread.offer(parcel(records));
                        prop_assert_eq!(offered.is_ok(), room);
                        if let Err(back) = offered {
                            dropped += spread.drop_newest(&back);
                        }
                    }
                    Act::Add => {
                        next += 1;
                        spread.add(next, next);
                    }
                    Act::Take(lane) => {
                        if let Some(parcel) = lanes.get(lane).and_then(|lane| spread.take(*lane, |_| true)) {
                            sent += parcel.len() as u64;
                            spread.sent(parcel.len() as u64);
                        }
                    }
                    Act::Remove(lane) => {
                        let lane = lanes.get(lane).copied().unwrap_or(0);
                        let rest = spread.take(lane, |_| true).into_iter().collect();
                        spread.remove(lane, rest, 0, |_| ());
                    }
                }
                let held: usize = spread.lanes.iter().map(|lane| lane.queue.records).sum();
                let waiting = (held + spread.waiting.records) as u64;
                prop_assert_eq!(spread.counts(), Counts { made, sent, waiting, dropped, unsure: 0 });
                prop_assert_eq!(made, sent + waiting + dropped);
                let idle = spread.lanes.iter().any(|lane| lane.queue.parcels.is_empty());
                prop_assert!(!idle || spread.waiting.parcels.is_empty(), "nothing waits beside an idle peer");
            }
        }
    }
}

//! The data of journeys: which item goes out next, and which are in use. Items are opaque here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// The most items of a recyclable pool; more are refused.
pub const POOL_MAX: usize = 1_000_000;
/// The most items an iterable pool asks its source for at a time.
pub const BLOCK_MAX: u32 = 10_000;

/// One run's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: i64,
    /// A msgpack array of arguments, never looked into here.
    pub data: Arc<[u8]>,
}

/// What a pool answers when asked for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout {
    Item(Item),
    /// None now, perhaps later: all are in use, or the source hasn't answered yet.
    None,
    /// There will never be another.
    Exhausted,
}

/// A datapool. An item that went out comes back in one of three ways: its run is over ([`checkin`](Pool::checkin)), it was
/// not used ([`give_back`](Pool::give_back)), or nobody will ever say ([`lose`](Pool::lose)). An id that is not out is
/// ignored and counted.
#[derive(Clone, Debug)]
pub struct Pool {
    kind: Kind,
    /// Items that went out, by id.
    out: BTreeMap<i64, Arc<[u8]>>,
    /// The next to go out first.
    stock: VecDeque<Item>,
    used: u64,
    lost: u64,
    ignored: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Recyclable,
    Iterable { next_id: i64, asked: bool, ended: bool },
    SingleRun,
}

impl Pool {
    /// Each item is in use at most once at a time; back in, it queues behind the others. Ids from 0. No items at all, or more
    /// than [`POOL_MAX`], are an error naming the pool.
    pub fn recyclable(name: &str, items: Vec<Arc<[u8]>>) -> Result<Self, PoolError> {
        match items.len() {
            0 => Err(PoolError::Empty { pool: name.into() }),
            count if count > POOL_MAX => Err(PoolError::TooMany { pool: name.into(), items: count }),
            _ => Ok(Self::with(Kind::Recyclable, (0..).zip(items).map(|(id, data)| Item { id, data }).collect())),
        }
    }

    /// Each item is used once. Ids from 1. Starts without items: see [`ask`](Pool::ask) and [`feed`](Pool::feed).
    pub fn iterable() -> Self {
        Self::with(Kind::Iterable { next_id: 1, asked: false, ended: false }, VecDeque::new())
    }

    /// One item, used once. Its id is 1.
    pub fn single_run(data: Arc<[u8]>) -> Self {
        Self::with(Kind::SingleRun, VecDeque::from([Item { id: 1, data }]))
    }

    fn with(kind: Kind, stock: VecDeque<Item>) -> Self {
        Self { kind, out: BTreeMap::new(), stock, used: 0, lost: 0, ignored: 0 }
    }

    /// The next item.
    pub fn checkout(&mut self) -> Checkout {
        match self.stock.pop_front() {
            Some(item) => {
                self.out.insert(item.id, item.data.clone());
                Checkout::Item(item)
            }
            None if self.exhausted() => Checkout::Exhausted,
            None => Checkout::None,
        }
    }

    /// The run with this item is over: it can be used again if the pool is recyclable, else it is used up.
    pub fn checkin(&mut self, id: i64) {
        let Some(data) = self.out.remove(&id) else { return self.ignored += 1 };
        self.used += 1;
        if self.is_recyclable() {
            self.stock.push_back(Item { id, data });
        }
    }

    /// This item comes back unused. It goes out again, before any new one unless the pool is recyclable.
    pub fn give_back(&mut self, id: i64) {
        let Some(data) = self.out.remove(&id) else { return self.ignored += 1 };
        if self.is_recyclable() {
            self.stock.push_back(Item { id, data });
        } else {
            self.stock.push_front(Item { id, data });
        }
    }

    /// Who had this item is gone: perhaps it was used. It goes out again only if the pool is recyclable.
    pub fn lose(&mut self, id: i64) {
        let Some(data) = self.out.remove(&id) else { return self.ignored += 1 };
        if self.is_recyclable() {
            self.stock.push_back(Item { id, data });
        } else {
            self.lost += 1;
        }
    }

    /// Items that could go out now.
    pub fn stock(&self) -> usize {
        self.stock.len()
    }

    /// Items that are out.
    pub fn out(&self) -> usize {
        self.out.len()
    }

    /// Items used so far, each time counted.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Items of which nobody knows if they were used; they don't go out again.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Ids that came back without being out, and blocks nobody had a place for.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Whether items that were used come back.
    pub fn is_recyclable(&self) -> bool {
        matches!(self.kind, Kind::Recyclable)
    }

    /// Whether this is the pool with one item for one run.
    pub fn is_single_run(&self) -> bool {
        matches!(self.kind, Kind::SingleRun)
    }

    /// Whether items are fed in from outside.
    pub fn is_iterable(&self) -> bool {
        matches!(self.kind, Kind::Iterable { .. })
    }

    /// Nothing is left, nothing is out and nothing more will come.
    pub fn exhausted(&self) -> bool {
        let more = match self.kind {
            Kind::Recyclable => true,
            Kind::Iterable { ended, .. } => !ended,
            Kind::SingleRun => false,
        };
        !more && self.stock.is_empty() && self.out.is_empty()
    }

    /// With so many items wanted now: how many the source should be asked for, at most [`BLOCK_MAX`]. None: nothing is
    /// lacking, an earlier question is not answered yet, or there is nothing left to ask for.
    pub fn ask(&mut self, wanted: u64) -> Option<u32> {
        let Kind::Iterable { asked, ended, .. } = &mut self.kind else { return None };
        let lacking = wanted.saturating_sub(self.stock.len() as u64);
        if *asked || *ended || lacking == 0 {
            return None;
        }
        *asked = true;
        Some(u32::try_from(lacking).unwrap_or(BLOCK_MAX).min(BLOCK_MAX))
    }

    /// The answer to [`ask`](Pool::ask). `end`: there are no more after these; a block without items says the same. More
    /// than was asked for is kept. After the end, and by other pools, a block is ignored and counted.
    pub fn feed(&mut self, items: Vec<Arc<[u8]>>, end: bool) {
        let Kind::Iterable { next_id, asked, ended: ended @ false } = &mut self.kind else { return self.ignored += 1 };
        *asked = false;
        *ended = end || items.is_empty();
        for data in items {
            self.stock.push_back(Item { id: *next_id, data });
            *next_id += 1;
        }
    }
}

/// Why items are no pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    Empty { pool: String },
    TooMany { pool: String, items: usize },
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { pool } => {
                write!(f, "the recyclable datapool `{pool}` has no items: give it at least one, or make it iterable")
            }
            Self::TooMany { pool, items } => write!(
                f,
                "the recyclable datapool `{pool}` has {items} items, the limit is {POOL_MAX}: give it fewer, or make it iterable"
            ),
        }
    }
}

impl std::error::Error for PoolError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(count: u8) -> Vec<Arc<[u8]>> {
        (0..count).map(|byte| Arc::from([0x91, byte])).collect()
    }

    #[derive(Clone, Copy)]
    enum Do {
        Out(i64),
        Later,
        Exhausted,
        In(i64),
        Unused(i64),
        Lose(i64),
        Ask(u64, Option<u32>),
        Feed(u8, bool),
    }
    use Do::{Ask, Exhausted, Feed, In, Later, Lose, Out, Unused};

    fn run(mut pool: Pool, steps: &[Do], why: &str) -> Pool {
        for (position, step) in steps.iter().enumerate() {
            let why = format!("{why}, step {position}");
            match *step {
                Out(id) => match pool.checkout() {
                    Checkout::Item(item) => assert_eq!(item.id, id, "{why}"),
                    other => panic!("{why}: {other:?}"),
                },
                Later => assert_eq!(pool.checkout(), Checkout::None, "{why}"),
                Exhausted => assert_eq!(pool.checkout(), Checkout::Exhausted, "{why}"),
                In(id) => pool.checkin(id),
                Unused(id) => pool.give_back(id),
                Lose(id) => pool.lose(id),
                Ask(wanted, answer) => assert_eq!(pool.ask(wanted), answer, "{why}"),
                Feed(count, end) => pool.feed(data(count), end),
            }
        }
        pool
    }

    #[test]
    fn recyclable_and_single_run() {
        let recyclable = || Pool::recyclable("users", data(3)).unwrap();
        let single = || Pool::single_run(Arc::from([0x90]));
        for (pool, steps, ignored, why) in [
            (recyclable(), vec![Out(0), Out(1), In(0), Out(2), Out(0), Later], 0, "first in, first out"),
            (
                recyclable(),
                vec![Out(0), In(0), In(0), Out(1), Out(2), Out(0), Later],
                1,
                "a second checkin makes no second item",
            ),
            (recyclable(), vec![In(1), In(-1), In(99), Out(0), Out(1)], 3, "an unknown id, or one that is not out"),
            (recyclable(), vec![Out(0), Lose(0), Out(1), Out(2), Out(0)], 0, "what was lost can be used again"),
            (single(), vec![Out(1), Later, In(1), Exhausted, In(1)], 1, "once"),
            (
                single(),
                vec![Out(1), Unused(1), Out(1), Lose(1), Exhausted, Ask(1, None)],
                0,
                "unused it can go out again",
            ),
        ] {
            assert_eq!(run(pool, &steps, why).ignored(), ignored, "{why}");
        }
    }

    #[test]
    fn iterable() {
        for (pool, steps, ignored, why) in [
            (
                Pool::iterable(),
                vec![Later, Ask(0, None), Ask(2, Some(2)), Ask(9, None), Feed(2, false), Out(1), Out(2), Later],
                0,
                "asks once at a time",
            ),
            (
                Pool::iterable(),
                vec![
                    Ask(9, Some(9)),
                    Feed(2, true),
                    Ask(9, None),
                    Out(1),
                    Out(2),
                    Later,
                    In(1),
                    Later,
                    In(2),
                    Exhausted,
                ],
                0,
                "exhausted when the last is back",
            ),
            (
                Pool::iterable(),
                vec![
                    Ask(3, Some(3)),
                    Feed(3, true),
                    Out(1),
                    Out(2),
                    Unused(1),
                    Out(1),
                    In(1),
                    In(2),
                    Out(3),
                    Lose(3),
                    Exhausted,
                ],
                0,
                "unused goes out first, lost never",
            ),
            (
                Pool::iterable(),
                vec![Ask(1, Some(1)), Feed(0, false), Exhausted, Feed(1, false), Exhausted],
                1,
                "nothing is the end",
            ),
            (
                Pool::iterable(),
                vec![Ask(u64::MAX, Some(BLOCK_MAX)), Feed(1, false), Ask(2, Some(1))],
                0,
                "blocks are limited; asks for what lacks",
            ),
        ] {
            assert_eq!(run(pool, &steps, why).ignored(), ignored, "{why}");
        }
    }

    #[test]
    fn data_stays_with_its_id() {
        let mut pool = Pool::recyclable("users", data(2)).unwrap();
        for (id, byte) in [(0, 0), (1, 1), (0, 0)] {
            let Checkout::Item(item) = pool.checkout() else { panic!("two items") };
            assert_eq!((item.id, item.data[1]), (id, byte));
            pool.checkin(id);
        }
        assert_eq!((pool.stock(), pool.out(), pool.used(), pool.lost()), (2, 0, 3, 0));
    }

    #[test]
    fn refused() {
        for (items, text) in [
            (vec![], "the recyclable datapool `users` has no items: give it at least one, or make it iterable"),
            (
                vec![Arc::from([]); POOL_MAX + 1],
                "the recyclable datapool `users` has 1000001 items, the limit is 1000000: give it fewer, or make it iterable",
            ),
        ] {
            assert_eq!(Pool::recyclable("users", items).expect_err(text).to_string(), text);
        }
    }
}

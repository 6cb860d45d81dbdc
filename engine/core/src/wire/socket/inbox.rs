//! What was received and not taken yet, of each peer, given out in turns.

use std::collections::{HashMap, VecDeque};

/// One queue for each peer. The owner takes an item of each in turn, so that a chatty peer doesn't keep a quiet one waiting.
/// The bound is kept by who fills it: [`Self::bytes`] says how much waits.
#[derive(Debug)]
pub struct Inbox<T> {
    queues: HashMap<u64, Queue<T>>,
    /// Peers that have something, each once.
    turns: VecDeque<u64>,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T> Inbox<T> {
    /// Puts an item of so many bytes in. Answers whether there was nothing at all before.
    pub fn push(&mut self, peer: u64, item: T, bytes: usize) -> bool {
        let first = self.turns.is_empty();
        let queue = self.queues.entry(peer).or_insert_with(|| Queue { items: VecDeque::new(), bytes: 0 });
        if queue.items.is_empty() {
            self.turns.push_back(peer);
        }
        queue.items.push_back((item, bytes));
        queue.bytes += bytes;
        first
    }

    /// The next item, of the peer whose turn it is.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        let peer = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&peer)?;
        let (item, bytes) = queue.items.pop_front()?;
        queue.bytes -= bytes;
        if queue.items.is_empty() {
            self.queues.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        Some((peer, item))
    }

    /// Bytes of a peer that wait.
    pub fn bytes(&self, peer: u64) -> usize {
        self.queues.get(&peer).map_or(0, |queue| queue.bytes)
    }

    /// Whether nothing waits at all.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether anything of a peer waits.
    pub fn has(&self, peer: u64) -> bool {
        self.queues.contains_key(&peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_in_turn() {
        let mut inbox = Inbox::default();
        assert!(inbox.push(1, "a", 10), "the first of all");
        for (peer, item) in [(1, "b"), (1, "c"), (1, "d"), (2, "x"), (3, "y"), (3, "z")] {
            assert!(!inbox.push(peer, item, 10));
        }
        assert_eq!((inbox.bytes(1), inbox.bytes(2), inbox.bytes(9)), (40, 10, 0));
        let order: Vec<_> = std::iter::from_fn(|| inbox.pop()).collect();
        assert_eq!(order, [(1, "a"), (2, "x"), (3, "y"), (1, "b"), (3, "z"), (1, "c"), (1, "d")]);
        assert!(!inbox.has(1) && inbox.bytes(1) == 0 && inbox.queues.is_empty(), "nothing is left behind");
        assert!(inbox.push(2, "again", 0));
    }
}

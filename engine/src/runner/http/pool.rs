//! Connections that wait to be used again.

use hashbrown::HashMap;

use super::Reuse;
use super::connection::Connection;
use crate::runner::clock::Nanos;

/// A connection that nobody has used for so long is closed.
const IDLE_MAX: Nanos = 90_000_000_000;
/// Connections that wait at once in a worker; one more is closed.
const IDLE_CONNECTIONS_MAX: usize = 50_000;

/// What two requests must have in common to use the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub origin: u32,
    /// The client certificate.
    pub identity: Option<u32>,
    pub insecure: bool,
    /// The run it belongs to, where connections aren't shared.
    pub run: u64,
}

struct Idle {
    connection: Box<Connection>,
    since: Nanos,
}

/// The idle connections of a worker.
pub struct Pool {
    reuse: Reuse,
    idle: HashMap<Key, Vec<Idle>, foldhash::fast::RandomState>,
    /// What each run has kept, where connections aren't shared.
    by_run: HashMap<u64, Vec<Key>, foldhash::fast::RandomState>,
    count: usize,
}

impl Pool {
    pub fn new(reuse: Reuse) -> Self {
        Self { reuse, idle: HashMap::default(), by_run: HashMap::default(), count: 0 }
    }

    /// The key of a request made by a run.
    pub fn key(&self, origin: u32, identity: Option<u32>, insecure: bool, context_id: u64) -> Key {
        let run = if self.reuse == Reuse::Runner { 0 } else { context_id };
        Key { origin, identity, insecure, run }
    }

    /// The one used last, if any is open.
    pub fn take(&mut self, key: &Key) -> Option<Box<Connection>> {
        let waiting = self.idle.get_mut(key)?;
        while let Some(mut idle) = waiting.pop() {
            self.count -= 1;
            if idle.connection.is_open() {
                return Some(idle.connection);
            }
        }
        None
    }

    pub fn put(&mut self, key: Key, connection: Box<Connection>, now: Nanos) {
        if self.reuse == Reuse::Never || self.count >= IDLE_CONNECTIONS_MAX {
            return;
        }
        self.count += 1;
        if self.reuse == Reuse::Journey && !self.idle.contains_key(&key) {
            self.by_run.entry(key.run).or_default().push(key);
        }
        self.idle.entry(key).or_default().push(Idle { connection, since: now });
    }

    /// Whether one waits.
    pub fn has_idle(&self, key: &Key) -> bool {
        self.idle.get(key).is_some_and(|waiting| !waiting.is_empty())
    }

    /// Takes one of this origin, or of any, out of the pool: the one that has waited longest of its key.
    pub fn take_any(&mut self, origin: Option<u32>) -> Option<Box<Connection>> {
        let fits = |key: &Key| origin.is_none_or(|origin| key.origin == origin);
        let mut waiting = self.idle.iter_mut().filter(|(key, waiting)| fits(key) && !waiting.is_empty());
        let (_, waiting) = waiting.next()?;
        self.count -= 1;
        Some(waiting.remove(0).connection)
    }

    /// Closes what a run has kept for itself.
    pub fn end_run(&mut self, context_id: u64) {
        for key in self.by_run.remove(&context_id).unwrap_or_default() {
            self.count -= self.idle.remove(&key).map_or(0, |idle| idle.len());
        }
    }

    pub fn close_idle(&mut self, now: Nanos) {
        self.retain(|idle| now.saturating_sub(idle.since) < IDLE_MAX && idle.connection.is_open());
    }

    fn retain(&mut self, keep: impl Fn(&mut Idle) -> bool) {
        self.idle.retain(|_, waiting| {
            waiting.retain_mut(&keep);
            !waiting.is_empty()
        });
        self.count = self.idle.values().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests;

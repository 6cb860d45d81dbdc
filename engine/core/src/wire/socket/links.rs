//! How many records were written to a link and how many came out of it (see [`zmtp::mite`](crate::wire::zmtp::mite)).

use std::collections::{HashMap, VecDeque};

use crate::wire::zmtp::mite::Name;

/// Links that are remembered after their connections have ended, so that counts go on when these are made anew. The one that is known
/// longest is forgotten first: what it lost stays counted, what it loses while forgotten does not.
const LINKS_MAX: usize = 4_096;

/// A link as its reader sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// As far as the writer is known to have been.
    written: u64,
    read: u64,
}

impl Link {
    fn missing(self) -> u64 {
        self.written.saturating_sub(self.read)
    }
}

/// The links of a socket.
#[derive(Debug, Default)]
pub struct Links {
    links: HashMap<Name, Link>,
    order: VecDeque<Name>,
    /// Of links that were forgotten.
    forgotten: u64,
}

impl Links {
    /// A connection of this link begins.
    pub fn open(&mut self, name: &Name) {
        if self.links.contains_key(name) {
            return;
        }
        if self.links.len() >= LINKS_MAX
            && let Some(old) = self.order.pop_front().and_then(|oldest| self.links.remove(&oldest))
        {
            self.forgotten += old.missing();
        }
        self.links.insert(name.clone(), Link::default());
        self.order.push_back(name.clone());
    }

    /// Writer: records written so far.
    pub fn written(&self, name: &Name) -> u64 {
        self.links.get(name).map_or(0, |link| link.written)
    }

    /// Writer: so many more were written.
    pub fn write(&mut self, name: &Name, records: u64) {
        if let Some(link) = self.links.get_mut(name) {
            link.written += records;
        }
    }

    /// Reader: so many more came, and the writer is known to have been here before or after them, whichever is later.
    pub fn read(&mut self, name: &Name, records: u64, position: u64) {
        if let Some(link) = self.links.get_mut(name) {
            link.read += records;
            link.written = link.written.max(position);
        }
    }

    /// Reader: records that were written and haven't come. Right once all connections of a link that are gone have been read to
    /// their end; of a connection that is gone this is known when the next one begins.
    pub fn missing(&self) -> u64 {
        self.forgotten + self.links.values().map(|link| link.missing()).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(socket: u64) -> Name {
        Name { kind: "runner".to_owned(), id: "0123456789abcdef".to_owned(), socket }
    }

    #[test]
    fn what_is_missing() {
        let mut links = Links::default();
        links.open(&name(1));
        for (records, position, missing, why) in [
            (0, 0, 0, "the beginning"),
            (100, 100, 0, "all came"),
            (0, 100, 0, "told again"),
            (0, 150, 50, "a new connection: 50 went down with the one before"),
            (10, 160, 50, "it stays so"),
            (30, 130, 20, "the old connection wasn't read to its end yet"),
            (5, 165, 20, "on the new one"),
        ] {
            links.read(&name(1), records, position);
            assert_eq!(links.missing(), missing, "{why}");
        }
        links.open(&name(2));
        links.read(&name(2), 0, 7);
        assert_eq!(links.missing(), 27, "all links together");
    }

    #[test]
    fn the_number_runs_on() {
        let mut links = Links::default();
        links.open(&name(1));
        links.write(&name(1), 5);
        links.open(&name(1));
        links.write(&name(1), 6);
        assert_eq!((links.written(&name(1)), links.written(&name(2))), (11, 0));
    }

    #[test]
    fn links_are_bounded() {
        let mut links = Links::default();
        for socket in 0..2 * LINKS_MAX as u64 {
            links.open(&name(socket));
            links.read(&name(socket), 0, 1);
        }
        assert_eq!((links.links.len(), links.order.len()), (LINKS_MAX, LINKS_MAX));
        assert_eq!(links.missing(), 2 * LINKS_MAX as u64, "what was lost stays counted");
    }
}

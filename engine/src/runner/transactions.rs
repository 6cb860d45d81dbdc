//! The open transactions of a run, and the names they have.

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

use super::clock::Nanos;
use super::quota::Label;
use super::tally::Tally;
use crate::wire::totals::OTHER;

/// The transaction around every run.
pub const ROOT: &str = "__root__";
pub const ROOT_ID: u32 = 1;
/// Names are cut here.
const NAME_BYTES_MAX: usize = 256;
/// Names that are kept ready; with more, a name costs an allocation a time.
const NAMES_MAX: usize = 10_000;
const DEPTH_MAX: u32 = 32;
const OPEN_MAX: usize = 1_000;

/// A transaction's full name.
#[derive(Debug)]
pub struct Name {
    pub full: Box<str>,
    /// Its number in the tally.
    pub number: u32,
    /// Its number among the names kept ready, if it is.
    id: Option<u32>,
    depth: u32,
    /// It is called `other`, since a limit had no room for its name.
    folded: bool,
}

/// All names that a worker's journeys have used, by parent and own name.
pub struct Names {
    root: Arc<Name>,
    known: HashMap<(u32, Box<str>), Arc<Name>>,
}

#[derive(Hash)]
struct Key<'a>(u32, &'a str);

impl Equivalent<(u32, Box<str>)> for Key<'_> {
    fn equivalent(&self, key: &(u32, Box<str>)) -> bool {
        self.0 == key.0 && self.1 == &*key.1
    }
}

impl Names {
    pub fn new(tally: &mut Tally) -> Self {
        let root = Name { full: ROOT.into(), number: tally.transaction(ROOT), id: Some(0), depth: 0, folded: false };
        Self { root: Arc::new(root), known: HashMap::new() }
    }

    pub fn root(&self) -> Arc<Name> {
        self.root.clone()
    }

    /// The full name of a transaction inside another.
    fn inside(&mut self, parent: &Name, name: &str, tally: &mut Tally) -> Arc<Name> {
        let name = &*tally.cut(name, NAME_BYTES_MAX);
        if let Some(known) = parent.id.and_then(|id| self.known.get(&Key(id, name))) {
            return told(known.clone(), tally);
        }
        let full = format!("{} :: {}", parent.full, name);
        let folded = !tally.has_room(Label::Transaction, &full);
        let full = if folded { OTHER.to_owned() } else { full };
        let id =
            u32::try_from(self.known.len() + 1).ok().filter(|id| parent.id.is_some() && (*id as usize) < NAMES_MAX);
        let number = tally.transaction(&full);
        let made = Arc::new(Name { full: full.into(), number, id, depth: parent.depth + 1, folded });
        if let (Some(_), Some(parent)) = (id, parent.id) {
            self.known.insert((parent, name.into()), made.clone());
        }
        told(made, tally)
    }
}

/// A name that is used once more.
fn told(name: Arc<Name>, tally: &Tally) -> Arc<Name> {
    if name.folded {
        tally.folded(Label::Transaction);
    }
    name
}

/// The open transactions of a run, in the order they were begun; the first is the root.
#[derive(Default)]
pub struct Transactions {
    open: Vec<Open>,
    last: u32,
}

/// An open transaction.
#[derive(Clone, Debug)]
pub struct Open {
    pub id: u32,
    parent: u32,
    pub name: Arc<Name>,
    pub start: Nanos,
}

/// Those that have ended, innermost first.
pub type Ended = std::iter::Chain<std::option::IntoIter<Open>, std::vec::IntoIter<Open>>;

/// What a run may not do with transactions.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("transactions are {DEPTH_MAX} deep at most")]
    TooDeep,
    #[error("a run has {OPEN_MAX} open transactions at most")]
    TooMany,
}

impl Transactions {
    /// Begins a run: opens the root.
    pub fn begin_run(&mut self, root: Arc<Name>, now: Nanos) {
        self.open.clear();
        self.open.push(Open { id: ROOT_ID, parent: 0, name: root, start: now });
        self.last = ROOT_ID;
    }

    /// Whether a run is going on.
    pub fn are_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// An open transaction; the root where there is none of that number. There must be a run.
    pub fn get(&self, id: u32) -> &Open {
        self.open.iter().rev().find(|open| open.id == id).unwrap_or(&self.open[0])
    }

    pub fn is_open(&self, id: u32) -> bool {
        self.open.iter().any(|open| open.id == id)
    }

    pub fn begin(
        &mut self,
        name: &str,
        parent: u32,
        now: Nanos,
        names: &mut Names,
        tally: &mut Tally,
    ) -> Result<u32, Refused> {
        if self.open.len() >= OPEN_MAX {
            return Err(Refused::TooMany);
        }
        let outer = self.get(parent);
        if outer.name.depth >= DEPTH_MAX {
            return Err(Refused::TooDeep);
        }
        let open =
            Open { id: self.last + 1, parent: outer.id, name: names.inside(&outer.name, name, tally), start: now };
        self.last += 1;
        self.open.push(open);
        Ok(self.last)
    }

    /// Takes a transaction out, and those begun inside of it before it: innermost first.
    pub fn end(&mut self, id: u32) -> Ended {
        // The usual case: the last one begun ends.
        if self.open.last().is_some_and(|last| last.id == id) {
            return self.open.pop().into_iter().chain(Vec::new());
        }
        let mut ended = Vec::new();
        let mut ending = vec![id];
        if self.is_open(id) {
            self.open.retain(|open| {
                let ends = ending.contains(&open.id) || ending.contains(&open.parent);
                if ends {
                    ending.push(open.id);
                    ended.push(open.clone());
                }
                !ends
            });
        }
        ended.reverse();
        None.into_iter().chain(ended)
    }
}

#[cfg(test)]
mod tests;

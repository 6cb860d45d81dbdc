//! Datapools: the data that journeys get.
use crate::bindings::exports::mite::journey::scenarios::{Pool, PoolKind, Source as WireSource};
use crate::config::Config;
use crate::error::Error;
use crate::registry::DatapoolFunction;
use serde::Serialize;
use std::cell::RefCell;

type Items = Box<dyn Iterator<Item = Result<Vec<u8>, Error>>>;

enum Source {
    Items(Items),
    Csv(String),
    JsonLines(String),
    Msgpack(String),
}

/// Data for journeys, returned by a `#[datapool]` function.
///
/// An item that is a tuple (or a list) is spread over the journey's parameters; anything else is one argument.
///
/// ```
/// # use mite_sdk::prelude::*;
/// #[datapool]
/// fn users() -> Datapool {
///     Datapool::recyclable((1..=50).map(|n| (format!("user{n}"), "secret")))
/// }
/// ```
#[must_use = "a datapool does nothing unless its function returns it"]
pub struct Datapool {
    kind: PoolKind,
    source: Source,
}

macro_rules! files {
    ($($recyclable:ident $iterable:ident $variant:ident $what:literal)*) => {$(
        #[doc = concat!("Items of ", $what, ", each in use once at a time. The controller reads the file, by a path below ",
            "its working directory.")]
        pub fn $recyclable(path: impl Into<String>) -> Self {
            Datapool { kind: PoolKind::Recyclable, source: Source::$variant(path.into()) }
        }
        #[doc = concat!("Items of ", $what, ", each used once.")]
        pub fn $iterable(path: impl Into<String>) -> Self {
            Datapool { kind: PoolKind::Iterable, source: Source::$variant(path.into()) }
        }
    )*};
}

impl Datapool {
    /// Each item is in use at most once at a time and comes back when its run is over. Limit: 1,000,000 items.
    pub fn recyclable<I: IntoIterator<Item: Serialize, IntoIter: 'static>>(items: I) -> Self {
        Datapool { kind: PoolKind::Recyclable, source: from(items) }
    }

    /// Each item is used once, then the journey is over; the iterator is asked only as items are needed and may be endless.
    pub fn iterable<I: IntoIterator<Item: Serialize, IntoIter: 'static>>(items: I) -> Self {
        Datapool { kind: PoolKind::Iterable, source: from(items) }
    }

    /// One run with this item.
    pub fn single_run(item: impl Serialize + 'static) -> Self {
        Datapool { kind: PoolKind::SingleRun, source: from(std::iter::once(item)) }
    }

    files! {
        recyclable_csv iterable_csv Csv "a CSV file with a header line (a row is one argument, a map of texts)"
        recyclable_json_lines iterable_json_lines JsonLines "a file of JSON lines"
        recyclable_msgpack iterable_msgpack Msgpack "a file of msgpack objects"
    }

    fn pool(&self) -> Pool {
        let source = match &self.source {
            Source::Items(_) => WireSource::Items,
            Source::Csv(path) => WireSource::Csv(path.clone()),
            Source::JsonLines(path) => WireSource::JsonLines(path.clone()),
            Source::Msgpack(path) => WireSource::Msgpack(path.clone()),
        };
        Pool { kind: self.kind, source }
    }
}

fn from<I: IntoIterator<Item: Serialize, IntoIter: 'static>>(items: I) -> Source {
    Source::Items(Box::new(items.into_iter().fuse().map(|item| arguments(&item))))
}

/// An item as a msgpack array of arguments.
fn arguments(item: &impl Serialize) -> Result<Vec<u8>, Error> {
    let bytes = rmp_serde::to_vec_named(item)?;
    let is_array = matches!(bytes.first(), Some(0x90..=0x9f | 0xdc | 0xdd));
    if is_array {
        return Ok(bytes);
    }
    const ARRAY_OF_ONE: u8 = 0x91;
    let mut array = Vec::with_capacity(bytes.len() + 1);
    array.push(ARRAY_OF_ONE);
    array.extend(bytes);
    Ok(array)
}

thread_local!(
    /// Those of this instance that were asked about, and how far they are used.
    static OPEN: RefCell<Vec<(&'static str, Datapool)>> = const { RefCell::new(Vec::new()) }
);

fn with<R>(function: &DatapoolFunction, use_it: impl FnOnce(&mut Datapool) -> R) -> Result<R, Error> {
    let find = |open: &mut Vec<(&'static str, Datapool)>| open.iter().position(|(name, _)| *name == function.name);
    let mut at = OPEN.with_borrow_mut(find);
    if at.is_none() {
        // Made outside of the borrow: the function is the author's.
        let pool = (function.make)(&Config::new())?;
        at = OPEN.with_borrow_mut(|open| {
            open.push((function.name, pool));
            Some(open.len() - 1)
        });
    }
    Ok(OPEN.with_borrow_mut(|open| use_it(&mut open[at.unwrap_or(0)].1)))
}

pub fn describe(function: &DatapoolFunction) -> Result<Pool, Error> {
    with(function, |datapool| datapool.pool())
}

/// The next items, at most so many.
pub fn items(function: &DatapoolFunction, most: u32) -> Result<Vec<Vec<u8>>, Error> {
    with(function, |datapool| match &mut datapool.source {
        Source::Items(items) => items.take(most as usize).collect(),
        _ => Ok(Vec::new()),
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct User {
        name: &'static str,
    }

    #[test]
    fn items_are_arrays_of_arguments() {
        for (item, want, why) in [
            (arguments(&("a", 1)), &b"\x92\xa1a\x01"[..], "a tuple is spread"),
            (arguments(&[1, 2, 3]), b"\x93\x01\x02\x03", "so is a list"),
            (arguments(&"a"), b"\x91\xa1a", "a text is one argument"),
            (arguments(&User { name: "b" }), b"\x91\x81\xa4name\xa1b", "so is a struct, by names"),
        ] {
            assert_eq!(item.unwrap(), want, "{why}");
        }
    }

    #[test]
    fn items_come_lazily_and_once() {
        let function = DatapoolFunction { name: "endless", make: |_| Ok(Datapool::iterable(1..)) };
        assert!(matches!(describe(&function).unwrap(), Pool { kind: PoolKind::Iterable, source: WireSource::Items }));
        assert_eq!(items(&function, 2).unwrap(), [vec![0x91, 1], vec![0x91, 2]]);
        assert_eq!(items(&function, 1).unwrap(), [vec![0x91, 3]], "it goes on where it was");
        let single = DatapoolFunction { name: "single", make: |_| Ok(Datapool::single_run(7)) };
        assert_eq!(items(&single, 9).unwrap().len(), 1);
        assert_eq!(items(&single, 9).unwrap().len(), 0);
    }
}

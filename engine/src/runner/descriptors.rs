//! Connections of journeys against the open files that this process may have: so many are left for them that everything else still finds
//! its own, be it a new file of messages or a connection to the controller.
//!
//! What is counted here is asked for when a connection is opened, never by a request on one that is there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::descriptors;

/// What a worker has open: its poll and what wakes it, its timer, its probe.
const PER_WORKER: u64 = 8;
/// For all else that comes and goes: files of messages, look-ups of names, the controller, metrics.
const SPARE: u64 = 16;

/// What is open is counted anew after so long. Counting takes the longer the more it is, and a thousand tenants may begin at once.
const KNOWN: Duration = Duration::from_secs(1);

/// What was open beside connections when it was counted, and what was reserved since.
static OTHERS: Mutex<Option<(Instant, u64)>> = Mutex::new(None);

/// Those of this process, whose limit is one.
static CONNECTIONS: Budget = Budget::new(u64::MAX);

/// So many and no more.
#[derive(Debug)]
pub struct Budget {
    most: AtomicU64,
    taken: AtomicU64,
    /// Somebody went without: idle ones have to go.
    wanted: AtomicU64,
}

/// The place of a connection in a budget, until this is dropped.
#[derive(Debug)]
pub struct Claim<'a>(&'a Budget);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Budget {
    const fn new(most: u64) -> Self {
        Self { most: AtomicU64::new(most), taken: AtomicU64::new(0), wanted: AtomicU64::new(0) }
    }

    fn claim(&self) -> Option<Claim<'_>> {
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.most.load(Ordering::Relaxed) {
            return Some(Claim(self));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        self.wanted.store(1, Ordering::Relaxed);
        None
    }
}

/// Makes room for the workers that are about to start; what is left is for connections. The error says that nothing is.
pub fn reserve(workers: u32) -> Result<(), String> {
    let mut known = OTHERS.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = descriptors::limit();
    let still_known = known.filter(|(at, others)| at.elapsed() < KNOWN && left(limit, *others, workers).is_ok());
    let (at, others) = still_known.unwrap_or_else(|| {
        (Instant::now(), descriptors::open().saturating_sub(CONNECTIONS.taken.load(Ordering::Relaxed)))
    });
    let left = left(limit, others, workers)?;
    *known = Some((at, others + u64::from(workers) * PER_WORKER));
    CONNECTIONS.most.store(left, Ordering::Relaxed);
    Ok(())
}

/// A place for a new connection. None: there is none left.
pub fn claim() -> Option<Claim<'static>> {
    CONNECTIONS.claim()
}

/// Whether somebody went without since this was asked for the last time.
pub fn wanted() -> bool {
    CONNECTIONS.wanted.load(Ordering::Relaxed) != 0 && CONNECTIONS.wanted.swap(0, Ordering::Relaxed) != 0
}

/// Why a connection can't be opened.
pub fn refusal() -> String {
    let most = CONNECTIONS.most.load(Ordering::Relaxed);
    let limit = descriptors::limit();
    format!("too many open files: of the {limit} that this process may have {most} are for connections (`ulimit -n`)")
}

fn left(limit: u64, open: u64, workers: u32) -> Result<u64, String> {
    let own = u64::from(workers) * PER_WORKER;
    let left = limit.saturating_sub(open).saturating_sub(own).saturating_sub(SPARE);
    if left == 0 {
        return Err(format!(
            "{limit} files may be open in this process; {open} are, {workers} workers need {own}, and all else {SPARE}: none is left \
             for connections. Raise the limit (`ulimit -n`) or use fewer --workers"
        ));
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_is_left() {
        for (limit, open, workers, want, why) in [
            (64, 16, 2, Some(16), "64 files, two workers"),
            (1 << 20, 20, 2, Some((1 << 20) - 52), "plenty"),
            (49, 16, 2, Some(1), "one"),
            (48, 16, 2, None, "none"),
            (48, 16, 1, Some(8), "fewer workers leave more"),
            (8, 16, 2, None, "fewer than are open"),
            (u64::MAX, 16, u32::MAX, Some(u64::MAX - 32 - 8 * u64::from(u32::MAX)), "no limit"),
        ] {
            assert_eq!(left(limit, open, workers).ok(), want, "{why}");
        }
        let refused = left(48, 16, 2).unwrap_err();
        let arithmetic =
            "48 files may be open in this process; 16 are, 2 workers need 16, and all else 16: none is left";
        assert!(refused.starts_with(arithmetic), "{refused}");
    }

    #[test]
    fn a_place_is_given_back() {
        let budget = Budget::new(2);
        let (first, second) = (budget.claim(), budget.claim());
        assert!(first.is_some() && second.is_some() && budget.claim().is_none());
        assert_eq!(budget.wanted.load(Ordering::Relaxed), 1, "somebody went without");
        drop(first);
        assert!(budget.claim().is_some());
        assert_eq!(budget.taken.load(Ordering::Relaxed), 1);
    }
}

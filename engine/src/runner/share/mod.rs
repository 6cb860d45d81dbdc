//! The CPU's division between the tenants of a runner.
//!
//! Threads of different tenants are different threads, so the system keeps each from the others' way, host calls included. What the
//! system doesn't know are the weights: these are kept here, a thousand times a second, by letting whoever is ahead of its share rest.
//!
//! ```text
//! governor   PURE: who rests
//! ```

mod governor;

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::clock::Nanos;
use crate::component::ticker::TICK;
use governor::{Seen, Sight, govern};

/// Whoever rests looks again after so long.
pub const REST: Nanos = 1_000_000;
/// So many tenants are looked at in a millisecond; of more each is looked at less often.
const LOOKS: usize = 250;
/// How often a worker is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A worker is one of an offender if its guests have computed through so many slices since the last look,
const OFFENCE: u32 = 20;
/// and it had nothing to do no more often than this.
const PAUSES: u32 = 10;
/// How nice the thread of an offender is: the others' come first whenever they have something to do.
const NICE: i32 = 19;

/// A tenant's part of the CPU, shared by its workers.
#[derive(Debug)]
pub struct Share {
    weight: AtomicU32,
    /// Nanoseconds.
    used: AtomicU64,
    busy: AtomicU32,
    /// So many of its workers should rest, and do.
    rest: AtomicU32,
    resting: AtomicU32,
}

impl Share {
    pub fn set_weight(&self, weight: u32) {
        self.weight.store(weight, Ordering::Relaxed);
    }

    /// Whether any of its workers lets guests compute.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Nanoseconds of CPU that its workers have used.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// All tenants' shares. Bounded by the tenants that there may be.
#[derive(Debug, Default)]
pub struct Shares {
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    shares: Vec<Arc<Share>>,
    seen: Vec<Seen>,
    ticked: Option<Instant>,
    /// Ticks until the next look.
    left: usize,
}

impl Shares {
    /// One more tenant.
    pub fn add(&self, weight: u32) -> Arc<Share> {
        let share = Arc::new(Share {
            weight: AtomicU32::new(weight),
            used: AtomicU64::new(0),
            busy: AtomicU32::new(0),
            rest: AtomicU32::new(0),
            resting: AtomicU32::new(0),
        });
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.shares.push(share.clone());
        all.seen.push(Seen::default());
        share
    }

    pub fn remove(&self, share: &Arc<Share>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.shares.iter().position(|one| Arc::ptr_eq(one, share)) {
            all.shares.swap_remove(at);
            all.seen.swap_remove(at);
        }
        // What it still runs comes to its end and needn't rest.
        share.rest.store(0, Ordering::Relaxed);
    }

    /// Called about once a millisecond while anything runs. Looks each time, and in a large crowd less often.
    pub fn tick(&self, cores: u32) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let All { shares, seen, ticked, left } = &mut *all;
        if *left > 0 {
            *left -= 1;
            return;
        }
        *left = shares.len() / LOOKS;
        let now = Instant::now();
        let elapsed = ticked.replace(now).map_or(Duration::ZERO, |before| now - before);
        let sight = |share: &Arc<Share>| Sight {
            weight: share.weight.load(Ordering::Relaxed),
            used: share.used(),
            busy: share.busy.load(Ordering::Relaxed),
        };
        let sights: Vec<_> = shares.iter().map(sight).collect();
        govern(seen, &sights, elapsed.as_secs_f64() * 1e9, cores);
        for (share, seen) in shares.iter().zip(seen) {
            share.rest.store(seen.rest, Ordering::Relaxed);
        }
    }
}

/// A worker's view of its tenant's share.
pub struct Turn {
    share: Arc<Share>,
    is_busy: Cell<bool>,
    is_resting: Cell<bool>,
    /// The thread's CPU time when it was looked at last.
    cpu: Cell<u64>,
    lately: Cell<Lately>,
    looked: Cell<Instant>,
    is_nice: Cell<bool>,
}

/// What a worker has done since it was looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Lately {
    /// Slices that guests computed through.
    full: u32,
    /// How often there was nobody to go on.
    pauses: u32,
    /// The thread's CPU time at the beginning.
    from: Nanos,
}

impl Lately {
    /// Whether guests computed without end: through most of the CPU they got, however little that was, and with hardly a pause.
    fn is_endless(&self, cpu: Nanos) -> bool {
        let computed = u128::from(self.full) * TICK.as_nanos();
        self.full >= OFFENCE && self.pauses <= PAUSES && computed * 2 >= u128::from(cpu - self.from)
    }
}

impl Turn {
    /// Of this thread.
    pub fn new(share: Arc<Share>) -> Self {
        Self {
            share,
            is_busy: Cell::new(false),
            is_resting: Cell::new(false),
            cpu: Cell::new(thread_cpu()),
            lately: Cell::default(),
            looked: Cell::new(Instant::now()),
            is_nice: Cell::new(false),
        }
    }

    /// Whether guests have to wait.
    pub fn is_resting(&self) -> bool {
        self.is_resting.get()
    }

    /// So many would go on. Answers how many may: all, or nobody.
    pub fn begin(&self, waiting: usize) -> usize {
        if !self.is_busy.replace(true) {
            self.share.busy.fetch_add(1, Ordering::Relaxed);
        }
        self.rise();
        let wanted = self.share.rest.load(Ordering::Relaxed);
        let more = |resting: u32| (resting < wanted).then_some(resting + 1);
        if wanted > 0 && self.share.resting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
            self.is_resting.set(true);
            return 0;
        }
        waiting
    }

    /// It doesn't rest any more.
    fn rise(&self) {
        if self.is_resting.replace(false) {
            self.share.resting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A slice is over; `left`: somebody would go on.
    pub fn end(&self, left: bool) {
        let cpu = thread_cpu();
        self.share.used.fetch_add(cpu.saturating_sub(self.cpu.replace(cpu)), Ordering::Relaxed);
        if !left {
            let lately = self.lately.get();
            self.lately.set(Lately { pauses: lately.pauses.saturating_add(1), ..lately });
            self.rise();
            if self.is_busy.replace(false) {
                self.share.busy.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// A guest has computed through a whole slice.
    pub fn full_slice(&self) {
        let lately = self.lately.get();
        self.lately.set(Lately { full: lately.full.saturating_add(1), ..lately });
    }

    /// Called now and then: whether guests compute without end, so that others should come first from now on.
    pub fn look(&self) {
        if self.looked.get().elapsed() < LOOK {
            return;
        }
        self.looked.set(Instant::now());
        let cpu = thread_cpu();
        let lately = self.lately.replace(Lately { from: cpu, ..Lately::default() });
        if lately.is_endless(cpu) && !self.is_nice.replace(true) {
            tracing::info!("journeys compute without end: this worker gives way to those of other tenants");
            if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
                tracing::warn!("it can't be made to give way: {error}");
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.rise();
        self.end(false);
    }
}

fn thread_cpu() -> Nanos {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_computes_without_end() {
        const MS: Nanos = 1_000_000;
        for (full, pauses, cpu, want, why) in [
            (950, 0, 980 * MS, true, "a core of its own"),
            (100, 0, 110 * MS, true, "a tenth of a core, with nine others that do the same"),
            (20, 0, 30 * MS, true, "hardly any of a core"),
            (19, 0, 20 * MS, false, "too little to say"),
            (300, 10, 400 * MS, true, "a request after each tenth of a second"),
            (300, 50, 400 * MS, false, "long work, and others' turns between"),
            (100, 0, 900 * MS, false, "busy with requests, and some long work among it"),
            (0, 0, 990 * MS, false, "busy with requests"),
            (0, 0, 0, false, "nothing"),
        ] {
            let lately = Lately { full, pauses, from: 7 };
            assert_eq!(lately.is_endless(cpu + 7), want, "{why}");
        }
    }
}

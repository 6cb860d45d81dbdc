//! The millisecond ticks that end guests' slices.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// How long a guest computes before others get their turn.
pub const TICK: Duration = Duration::from_millis(1);

/// Counts an engine's epoch up once a millisecond until it is dropped.
pub struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// `also` is called with every tick.
    pub fn start(engine: &Engine, mut also: impl FnMut() + Send + 'static) -> std::io::Result<Self> {
        let (stop, engine) = (Arc::new(AtomicBool::new(false)), engine.clone());
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("ticker".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                engine.increment_epoch();
                also();
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only sleeps and counts: it can't have panicked.
            drop(thread.join());
        }
    }
}

/// What is called with every tick.
type Call = Box<dyn FnMut() + Send>;

/// One thread that ticks for all who have asked for it. Nobody has: it sleeps.
pub struct Ticking {
    inner: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    calls: Mutex<Calls>,
    changed: Condvar,
    count: Arc<AtomicU32>,
}

#[derive(Default)]
struct Calls {
    all: BTreeMap<u64, Call>,
    next: u64,
    over: bool,
}

/// Somebody who is ticked for until this is dropped.
pub struct Ticked {
    inner: Arc<Shared>,
    number: u64,
}

impl Ticking {
    /// `also` is called with every tick, after all others.
    pub fn start(mut also: impl FnMut() + Send + 'static) -> std::io::Result<Self> {
        let inner = Arc::new(Shared { calls: Mutex::default(), changed: Condvar::new(), count: Arc::default() });
        let shared = inner.clone();
        let thread = std::thread::Builder::new().name("ticker".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(TICK);
                let mut calls = shared.lock();
                while calls.all.is_empty() && !calls.over {
                    calls = shared.changed.wait(calls).unwrap_or_else(PoisonError::into_inner);
                }
                if calls.over {
                    return;
                }
                calls.all.values_mut().for_each(|call| call());
                drop(calls);
                also();
            }
        })?;
        Ok(Self { inner, thread: Some(thread) })
    }

    /// How many have asked for it, now and later.
    pub fn count(&self) -> Arc<AtomicU32> {
        self.inner.count.clone()
    }

    /// Calls this with every tick.
    pub fn add(&self, call: impl FnMut() + Send + 'static) -> Ticked {
        let mut calls = self.inner.lock();
        calls.next += 1;
        let number = calls.next;
        calls.all.insert(number, Box::new(call));
        self.inner.count.fetch_add(1, Ordering::Relaxed);
        self.inner.changed.notify_one();
        drop(calls);
        Ticked { inner: self.inner.clone(), number }
    }
}

impl std::fmt::Debug for Ticking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticking")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticked {
    fn drop(&mut self) {
        // Dropped when nobody is kept waiting by it.
        let call = self.inner.lock().all.remove(&self.number);
        self.inner.count.fetch_sub(1, Ordering::Relaxed);
        drop(call);
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.inner.lock().over = true;
        self.inner.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It only sleeps and calls what only counts.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Whoever is there is ticked for, whoever has gone isn't.
    #[test]
    fn one_thread_for_all() {
        let (counts, all) = ([(); 2].map(|()| Arc::new(AtomicU32::new(0))), Arc::new(AtomicU32::new(0)));
        let count = |counter: &Arc<AtomicU32>| {
            let counter = counter.clone();
            move || {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        let ticking = Ticking::start(count(&all)).expect("a thread");
        let first = ticking.add(count(&counts[0]));
        let second = ticking.add(count(&counts[1]));
        let past = |counter: &AtomicU32, most: u32| {
            while counter.load(Ordering::Relaxed) <= most {
                std::thread::yield_now();
            }
        };
        past(&counts[0], 2);
        past(&counts[1], 2);
        drop(first);
        let gone = counts[0].load(Ordering::Relaxed);
        past(&counts[1], counts[1].load(Ordering::Relaxed) + 3);
        assert_eq!(counts[0].load(Ordering::Relaxed), gone);
        drop(second);
        assert!(all.load(Ordering::Relaxed) > 3);
        let third = ticking.add(count(&counts[0]));
        past(&counts[0], gone + 1);
        drop((ticking, third));
    }
}

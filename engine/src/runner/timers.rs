//! All time of journeys of a worker: one heap of due times and one timerfd (DESIGN D14).
//!
//! Entries are lazy: a timer that moves to a later time leaves its old place in the heap, and finds out when that comes up.
//! A timer used again and again for timeouts that never come costs no heap operation most of the time.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::net::unix::pipe::Receiver;

use super::clock::{Clock, Nanos};
use super::worker;

const NEVER: Nanos = Nanos::MAX;
/// Places in the heap for each timer; when there are more, those that nobody waits in are taken out.
const PLACES_MAX: usize = 4;

/// The timers of a worker.
pub struct Timers {
    clock: Clock,
    fd: OwnedFd,
    inner: RefCell<Inner>,
}

struct Inner {
    heap: BinaryHeap<Reverse<(Nanos, u32)>>,
    timers: Vec<Timer>,
    free: Vec<u32>,
    /// What the timerfd is set to.
    armed: Nanos,
}

struct Timer {
    due: Nanos,
    /// The first of its places in the heap.
    queued: Nanos,
    /// The next one after that, if it is known.
    later: Nanos,
    waker: Option<Waker>,
}

impl Timers {
    pub fn new(clock: Clock) -> std::io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { clock, fd, inner: RefCell::new(Inner::new()) })
    }

    fn add(&self) -> u32 {
        self.inner.borrow_mut().add()
    }

    fn remove(&self, id: u32) {
        self.inner.borrow_mut().remove(id);
    }

    fn set(&self, id: u32, due: Nanos, waker: &Waker) {
        if self.inner.borrow_mut().set(id, due, waker) {
            self.arm(due);
        }
    }

    fn arm(&self, due: Nanos) {
        // Zero would disarm it.
        let ns = due.saturating_sub(self.clock.now()).max(1);
        let value =
            Timespec { tv_sec: (ns / 1_000_000_000).cast_signed(), tv_nsec: (ns % 1_000_000_000).cast_signed() };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        rustix::time::timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &once).expect("the descriptor is a timer");
    }

    /// Wakes whatever is due.
    pub fn fire(&self) {
        let now = self.clock.now();
        loop {
            // A waker may set timers, so nothing is borrowed while it runs.
            let due = self.inner.borrow_mut().next_due(now);
            let Some(waker) = due else { break };
            waker.wake();
        }
        if let Some(next) = self.inner.borrow_mut().rearm() {
            self.arm(next);
        }
    }

    /// The timerfd, for [`Self::drive`].
    pub fn descriptor(&self) -> std::io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Fires this worker's timers for as long as it runs.
    pub async fn drive(descriptor: OwnedFd) -> std::io::Result<()> {
        // tokio's pipe takes every descriptor that can be waited for and read.
        let timer = Receiver::from_owned_fd_unchecked(descriptor)?;
        loop {
            timer.readable().await?;
            let mut count = [0; 8];
            match timer.try_read(&mut count) {
                Ok(_) => worker::with(|worker| worker.timers.fire()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Inner {
    fn new() -> Self {
        Self { heap: BinaryHeap::new(), timers: Vec::new(), free: Vec::new(), armed: NEVER }
    }

    fn add(&mut self) -> u32 {
        if let Some(id) = self.free.pop() {
            return id;
        }
        self.timers.push(Timer { due: NEVER, queued: NEVER, later: NEVER, waker: None });
        u32::try_from(self.timers.len() - 1).expect("a worker has far fewer journeys than that")
    }

    fn remove(&mut self, id: u32) {
        let timer = &mut self.timers[id as usize];
        (timer.due, timer.waker) = (NEVER, None);
        self.free.push(id);
    }

    /// Answers whether the timerfd has to be set to this time.
    fn set(&mut self, id: u32, due: Nanos, waker: &Waker) -> bool {
        let timer = &mut self.timers[id as usize];
        timer.due = due;
        match &mut timer.waker {
            Some(there) => there.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        if due < timer.queued {
            timer.later = timer.later.min(timer.queued);
            timer.queued = due;
            self.heap.push(Reverse((due, id)));
            if self.heap.len() > PLACES_MAX * self.timers.len() {
                self.tidy();
            }
        }
        let sooner = due < self.armed;
        self.armed = self.armed.min(due);
        sooner
    }

    /// Takes out all places but those that timers wait in: one set to ever earlier times leaves a place behind each time.
    fn tidy(&mut self) {
        let waiting = self.timers.iter_mut().zip(0..).filter_map(|(timer, id)| {
            (timer.queued, timer.later) = (timer.due, NEVER);
            (timer.due != NEVER).then_some(Reverse((timer.due, id)))
        });
        self.heap = waiting.collect();
    }

    /// Whom to wake next, the one due first; none: nothing more is due.
    fn next_due(&mut self, now: Nanos) -> Option<Waker> {
        while let Some(Reverse((at, id))) = self.heap.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.heap.pop();
            if let Some(waker) = self.come_up(at, id) {
                return Some(waker);
            }
        }
        None
    }

    /// What the timerfd has to be set to after it has fired, if there is anything.
    fn rearm(&mut self) -> Option<Nanos> {
        let next = self.heap.peek().map_or(NEVER, |Reverse((at, _))| *at);
        let before = std::mem::replace(&mut self.armed, next);
        (next != before && next != NEVER).then_some(next)
    }

    /// One of a timer's places in the heap has come up: it fires, or waits on in a later place.
    fn come_up(&mut self, at: Nanos, id: u32) -> Option<Waker> {
        let timer = &mut self.timers[id as usize];
        if timer.queued != at {
            return None;
        }
        timer.queued = std::mem::replace(&mut timer.later, NEVER);
        // Not what is due by now: one that was moved later comes after those before it, however late all of them are.
        if timer.due <= at {
            timer.due = NEVER;
            return timer.waker.take();
        }
        if timer.due < timer.queued {
            timer.later = timer.queued;
            timer.queued = timer.due;
            self.heap.push(Reverse((timer.due, id)));
        }
        None
    }
}

/// A future that is ready at a moment of this worker's clock.
pub struct At {
    due: Nanos,
    timer: Option<u32>,
}

impl At {
    pub fn new(due: Nanos) -> Self {
        Self { due, timer: None }
    }
}

impl Future for At {
    /// How late it is, if it had to wait at all.
    type Output = Option<Nanos>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        worker::with(|worker| {
            // What is due already comes up at once; the clock isn't asked for it, since nearly all of these are deadlines.
            let Some(id) = self.timer else {
                let id = worker.timers.add();
                self.timer = Some(id);
                worker.timers.set(id, self.due, context.waker());
                return Poll::Pending;
            };
            let now = worker.clock.now();
            if now >= self.due {
                return Poll::Ready(Some(now - self.due));
            }
            worker.timers.set(id, self.due, context.waker());
            Poll::Pending
        })
    }
}

impl Drop for At {
    fn drop(&mut self) {
        if let Some(id) = self.timer {
            worker::try_with(|worker| worker.timers.remove(id));
        }
    }
}

#[cfg(test)]
mod tests;

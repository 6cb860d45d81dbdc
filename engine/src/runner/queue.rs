//! The one queue through which guests of a worker enter (DESIGN D4).
//!
//! A journey that may go on is put here by whatever it waited for; the worker's guest task takes them out in order, a slice
//! at a time, and lets sockets and timers have their turn in between. So a response's time is taken before guests run.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;

use super::clock::Nanos;
use super::worker;

/// Guests run for so long before sockets and timers are looked at again.
const SLICE: Nanos = 300_000;

type Journey = Pin<Box<dyn Future<Output = ()>>>;

/// The journeys of a worker and which of them may go on.
#[derive(Default)]
pub struct Queue {
    inner: RefCell<Inner>,
    /// Wakes from other threads; nothing of ours does that, but a waker allows it.
    foreign: Arc<Foreign>,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<u32>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// The guest task.
    task: Option<Waker>,
}

struct Place {
    journey: Option<Journey>,
    waker: Waker,
    queued: bool,
}

#[derive(Default)]
struct Foreign {
    woken: Mutex<Vec<u32>>,
    notify: Notify,
}

struct PlaceWaker {
    place: u32,
    worker: u32,
    foreign: Arc<Foreign>,
}

impl Wake for PlaceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let here = worker::try_with(|worker| {
            let here = worker.index == self.worker;
            if here {
                worker.queue.push(self.place);
            }
            here
        });
        if here != Some(true) {
            self.foreign.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
            self.foreign.notify.notify_one();
        }
    }
}

impl Queue {
    /// Puts a journey in; it is polled for the first time when its turn comes.
    pub fn spawn(&self, worker: u32, journey: Journey) {
        let mut inner = self.inner.borrow_mut();
        let place = match inner.free.pop() {
            Some(place) => place,
            None => {
                let place = u32::try_from(inner.places.len()).expect("a worker has far fewer journeys than that");
                let waker = Waker::from(Arc::new(PlaceWaker { place, worker, foreign: self.foreign.clone() }));
                inner.places.push(Place { journey: None, waker, queued: false });
                place
            }
        };
        inner.places[place as usize].journey = Some(journey);
        drop(inner);
        self.push(place);
    }

    /// Lets every journey look around: something that all of them may wait for has changed.
    pub fn wake_all(&self) {
        let places = self.inner.borrow().places.len();
        for place in 0..places {
            self.push(u32::try_from(place).expect("counted by u32"));
        }
    }

    fn push(&self, place: u32) {
        let mut inner = self.inner.borrow_mut();
        let there = &mut inner.places[place as usize];
        if there.queued {
            return;
        }
        there.queued = true;
        inner.ready.push_back(place);
        if inner.ready.len() == 1
            && let Some(task) = &inner.task
        {
            task.wake_by_ref();
        }
    }

    /// The guest task: runs guests for as long as the worker does.
    pub async fn drive() {
        loop {
            std::future::poll_fn(|context| worker::with(|worker| worker.queue.slice(context))).await;
            // Comes back after the sockets have been looked at.
            tokio::task::yield_now().await;
        }
    }

    /// Hands on wakes from other threads.
    pub async fn drive_foreign() {
        let foreign = worker::with(|worker| worker.queue.foreign.clone());
        loop {
            foreign.notify.notified().await;
            let woken = std::mem::take(&mut *foreign.woken.lock().unwrap_or_else(PoisonError::into_inner));
            worker::with(|worker| woken.into_iter().for_each(|place| worker.queue.push(place)));
        }
    }

    /// Lets those go on that are ready now. Pending: there is nobody left to go on.
    fn slice(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.inner.borrow_mut();
        inner.task = Some(context.waker().clone());
        let ready = inner.ready.len();
        drop(inner);
        worker::with(|worker| {
            let start = worker.clock.now();
            let mut now = start;
            for _ in 0..ready {
                worker.slice_start.set(now);
                self.enter();
                now = worker.clock.now();
                if now - start > SLICE {
                    break;
                }
            }
            worker.guest_time.set(worker.guest_time.get() + (now - start));
        });
        if self.inner.borrow().ready.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Lets the first one go on until it waits again.
    fn enter(&self) {
        let mut inner = self.inner.borrow_mut();
        let Some(place) = inner.ready.pop_front() else { return };
        let there = &mut inner.places[place as usize];
        there.queued = false;
        // Taken out while it runs, so that it can wake others and itself.
        let Some(mut journey) = there.journey.take() else { return };
        let waker = there.waker.clone();
        drop(inner);
        let done = journey.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut inner = self.inner.borrow_mut();
        if done {
            inner.free.push(place);
        } else {
            inner.places[place as usize].journey = Some(journey);
        }
    }
}

//! The one queue through which guests of a worker enter (DESIGN D4).
//!
//! A journey that may go on is put here by whatever it waited for; the worker's guest task takes them out in order, a slice
//! at a time, and lets sockets and timers have their turn in between. So a response's time is taken before guests run.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::clock::Nanos;
use super::ready::Ready;
use super::share::{REST, Turn};
use super::timers::At;
use super::worker;

/// Guests run for so long before sockets and timers are looked at again.
const SLICE: Nanos = 300_000;

type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

/// The journeys of a worker and which of them may go on.
pub struct Queue {
    pub ready: Ready,
    places: RefCell<Places>,
}

#[derive(Default)]
struct Places {
    all: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    /// Taken out while it runs, so that it can wake others and itself.
    journey: Option<Future>,
    waker: Option<Waker>,
}

impl Queue {
    pub fn new() -> Self {
        Self { ready: Ready::new(|worker| &worker.queue.ready), places: RefCell::default() }
    }

    /// Puts a journey in; it is polled for the first time when its turn comes.
    pub fn spawn(&self, worker: u32, journey: Future) {
        let place = self.place(worker, journey);
        self.ready.push(place);
    }

    fn place(&self, worker: u32, journey: Future) -> u32 {
        let mut places = self.places.borrow_mut();
        if let Some(free) = places.free.pop() {
            places.all[free as usize].journey = Some(journey);
            return free;
        }
        let (place, waker) = self.ready.add_place(worker);
        places.all.push(Place { journey: Some(journey), waker: Some(waker) });
        place
    }

    /// The guest task: runs guests for as long as the worker does.
    pub async fn drive() {
        loop {
            std::future::poll_fn(|context| worker::with(|worker| worker.queue.slice(context))).await;
            if worker::with(|worker| worker.turn.as_ref().is_some_and(Turn::is_resting)) {
                // Others have a right to the core. What comes meanwhile is timed by the system.
                At::new(worker::with(|worker| worker.clock.now()) + REST).await;
            }
            // Comes back after the sockets have been looked at.
            tokio::task::yield_now().await;
        }
    }

    /// Lets requests and then journeys go on that are ready now. Pending: there is nobody left to go on.
    fn slice(&self, context: &Context<'_>) -> Poll<()> {
        worker::with(|worker| {
            let requests = &worker.requests;
            requests.ready.wake_when_any(context);
            self.ready.wake_when_any(context);
            // First those whose sockets are ready: what they find there is timed before guests run.
            requests.go_on();
            let start = worker.clock.now();
            let mut now = start;
            let waiting = self.ready.len();
            let turns = match &worker.turn {
                Some(turn) if waiting > 0 => turn.begin(waiting),
                _ => waiting,
            };
            for _ in 0..turns {
                worker.slice_start.set(now);
                worker.lately.set(0);
                self.enter();
                now = worker.clock.now();
                if now - start > SLICE {
                    break;
                }
            }
            worker.lately.set(0);
            worker.guest_time.set(worker.guest_time.get() + (now - start));
            // What the guests have begun goes out together: a request a guest would have the processor's caches change between guests
            // and the system for each, and the other side wake up for each.
            requests.go_on();
            let left = self.ready.len() + requests.ready.len();
            if let Some(turn) = &worker.turn {
                turn.end(left > 0);
            }
            if left == 0 { Poll::Pending } else { Poll::Ready(()) }
        })
    }

    /// Lets the first one go on until it waits again.
    fn enter(&self) {
        let Some(at) = self.ready.pop() else { return };
        let taken = self.at(at, |place| place.journey.is_some().then(|| (place.journey.take(), place.waker.take())));
        let Some((Some(mut journey), Some(waker))) = taken else { return };
        let done = journey.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        // What is done is dropped here, where it may have something to say.
        let left = (!done).then_some(journey);
        self.at(at, |place| (place.waker, place.journey) = (Some(waker), left));
        if done {
            self.places.borrow_mut().free.push(at);
        }
    }

    fn at<R>(&self, at: u32, look: impl FnOnce(&mut Place) -> R) -> R {
        look(&mut self.places.borrow_mut().all[at as usize])
    }
}

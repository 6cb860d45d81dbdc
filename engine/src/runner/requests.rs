//! The requests on their way: each goes on when its socket is ready, and not when its journey gets its turn.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::http::Answer;
use super::ready::Ready;
use super::worker;
use crate::component::bindings::http::Error;

/// What becomes of a request.
pub type Outcome = Result<Box<Answer>, Error>;

type Work = Pin<Box<dyn Future<Output = Outcome>>>;

/// The requests of a worker that are on their way, or done and not looked at yet. Limit: what its journeys may hold.
pub struct Requests {
    pub ready: Ready,
    places: RefCell<Places>,
}

#[derive(Default)]
struct Places {
    all: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    /// Taken out while it goes on.
    work: Option<Work>,
    /// Lent while it goes on.
    waker: Option<Waker>,
    outcome: Option<Outcome>,
    /// The journey, where it waits for the outcome.
    waiting: Option<Waker>,
}

/// A request on its way. Dropping this gives it up.
pub struct Pending(u32);

impl Drop for Pending {
    fn drop(&mut self) {
        // What is dropped has its last words to say, so the places must not be in use then.
        let left = worker::try_with(|worker| worker.requests.release(self.0));
        drop(left);
    }
}

impl Requests {
    pub fn new() -> Self {
        Self { ready: Ready::new(|worker| &worker.requests.ready), places: RefCell::default() }
    }

    /// Lets a request go on its way, as soon as the guests let others go on.
    pub fn begin(&self, worker: u32, work: impl Future<Output = Outcome> + 'static) -> Pending {
        let pending = self.place(worker, Some(Box::pin(work)), None);
        self.ready.push(pending.0);
        pending
    }

    /// One that has come to its end before it began.
    pub fn done(&self, worker: u32, outcome: Outcome) -> Pending {
        self.place(worker, None, Some(outcome))
    }

    fn place(&self, worker: u32, work: Option<Work>, outcome: Option<Outcome>) -> Pending {
        let mut places = self.places.borrow_mut();
        if let Some(free) = places.free.pop() {
            let place = &mut places.all[free as usize];
            (place.work, place.outcome) = (work, outcome);
            return Pending(free);
        }
        let (place, waker) = self.ready.add_place(worker);
        places.all.push(Place { work, waker: Some(waker), outcome, waiting: None });
        Pending(place)
    }

    /// Lets those go on that may, and those that begin.
    pub fn go_on(&self) {
        for _ in 0..self.ready.len() {
            if let Some(place) = self.ready.pop() {
                self.poll_work(place);
            }
        }
    }

    fn poll_work(&self, at: u32) {
        // Woken once more after its end, it has no work.
        let taken = self.at(at, |place| place.work.is_some().then(|| (place.work.take(), place.waker.take())));
        let Some((Some(mut work), Some(waker))) = taken else { return };
        let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
        let waiting = self.at(at, |place| {
            place.waker = Some(waker);
            match polled {
                Poll::Ready(outcome) => {
                    place.outcome = Some(outcome);
                    place.waiting.take()
                }
                Poll::Pending => {
                    place.work = Some(work);
                    None
                }
            }
        });
        waiting.into_iter().for_each(Waker::wake);
    }

    fn at<R>(&self, at: u32, look: impl FnOnce(&mut Place) -> R) -> R {
        look(&mut self.places.borrow_mut().all[at as usize])
    }

    pub fn is_done(&self, pending: &Pending) -> bool {
        self.at(pending.0, |place| place.outcome.is_some())
    }

    /// Whether it is done; if not, whoever asks is woken when it is.
    pub fn poll_done(&self, pending: &Pending, context: &Context<'_>) -> bool {
        self.at(pending.0, |place| {
            match &mut place.waiting {
                _ if place.outcome.is_some() => return true,
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            false
        })
    }

    /// What became of one that is done.
    pub fn take(&self, pending: &Pending) -> Outcome {
        self.at(pending.0, |place| place.outcome.take()).unwrap_or(Err(Error::Cancelled))
    }

    /// Gives a request up, if it is still on its way: its outcome is `cancelled` then. What is dropped here, the work or an answer
    /// that nobody took, writes its message.
    pub fn cancel(&self, pending: &Pending) {
        let left = self.at(pending.0, |place| (place.work.take(), place.outcome.replace(Err(Error::Cancelled))));
        drop(left);
    }

    /// Frees a place; answers what was left in it, to be dropped by the caller.
    fn release(&self, at: u32) -> (Option<Work>, Option<Outcome>) {
        let mut places = self.places.borrow_mut();
        places.free.push(at);
        let place = &mut places.all[at as usize];
        place.waiting = None;
        (place.work.take(), place.outcome.take())
    }
}

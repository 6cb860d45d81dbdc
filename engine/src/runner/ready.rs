//! Which of a worker's numbered places may go on, in the order they were woken.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use tokio::sync::Notify;

use super::worker::{self, Worker};

/// The places that may go on, each once. Limit: as many as there are places.
pub struct Ready {
    inner: RefCell<Inner>,
    /// Wakes from other threads: few things do that.
    foreign: Arc<Foreign>,
    of: Of,
}

/// Where in a worker to find it.
type Of = fn(&Worker) -> &Ready;

#[derive(Default)]
struct Inner {
    order: VecDeque<u32>,
    queued: Vec<bool>,
    /// The task that lets them go on.
    task: Option<Waker>,
}

#[derive(Default)]
struct Foreign {
    /// Each place once.
    woken: Mutex<Vec<u32>>,
    notify: Notify,
}

struct PlaceWaker {
    place: u32,
    worker: u32,
    of: Of,
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
                (self.of)(worker).push(self.place);
            }
            here
        });
        if here != Some(true) {
            let mut woken = self.foreign.woken.lock().unwrap_or_else(PoisonError::into_inner);
            if !woken.contains(&self.place) {
                woken.push(self.place);
            }
            drop(woken);
            self.foreign.notify.notify_one();
        }
    }
}

impl Ready {
    pub fn new(of: Of) -> Self {
        Self { inner: RefCell::default(), foreign: Arc::default(), of }
    }

    /// The waker of a new place.
    pub fn add_place(&self, worker: u32) -> (u32, Waker) {
        let mut inner = self.inner.borrow_mut();
        let place = u32::try_from(inner.queued.len()).expect("a worker has far fewer places than that");
        inner.queued.push(false);
        let foreign = self.foreign.clone();
        (place, Waker::from(Arc::new(PlaceWaker { place, worker, of: self.of, foreign })))
    }

    /// Lets a place go on in its turn.
    pub fn push(&self, place: u32) {
        let mut inner = self.inner.borrow_mut();
        if std::mem::replace(&mut inner.queued[place as usize], true) {
            return;
        }
        inner.order.push_back(place);
        if inner.order.len() == 1
            && let Some(task) = &inner.task
        {
            task.wake_by_ref();
        }
    }

    /// Lets all go on.
    pub fn push_all(&self) {
        let places = self.inner.borrow().queued.len();
        for place in 0..places {
            self.push(u32::try_from(place).expect("counted by u32"));
        }
    }

    /// Whose turn it is.
    pub fn pop(&self) -> Option<u32> {
        let mut inner = self.inner.borrow_mut();
        let place = inner.order.pop_front()?;
        inner.queued[place as usize] = false;
        Some(place)
    }

    pub fn len(&self) -> usize {
        self.inner.borrow().order.len()
    }

    /// Whoever polls with this context is woken when there is somebody to go on.
    pub fn wake_when_any(&self, context: &Context<'_>) {
        match &mut self.inner.borrow_mut().task {
            Some(task) => task.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }

    /// Hands on wakes from other threads.
    pub async fn drive_foreign(of: Of) {
        let foreign = worker::with(|worker| of(worker).foreign.clone());
        loop {
            foreign.notify.notified().await;
            let woken = std::mem::take(&mut *foreign.woken.lock().unwrap_or_else(PoisonError::into_inner));
            worker::with(|worker| woken.into_iter().for_each(|place| of(worker).push(place)));
        }
    }
}

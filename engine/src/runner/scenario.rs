//! A worker's part of a scenario item: how many journeys at once, and the data they get.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::instance::Prepared;
use crate::scenario::Item;
use crate::wire::message;

/// Ids of data items below this stand for runs that have no data, or whose data has no number; their messages name none.
pub const NAMELESS: i64 = i64::MIN / 2;

/// What the runner is told of a scenario item before the test.
#[derive(Clone)]
pub struct Assignment<P = Prepared> {
    pub id: u32,
    /// The journey's spec, as it stands in messages.
    pub journey: Arc<str>,
    /// Its name in the component.
    pub name: String,
    pub prepared: P,
    pub data: Data,
}

/// Where a journey's arguments come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// It has none.
    Without,
    /// Items come back for the next run.
    Recycled,
    /// Each item serves once.
    Once,
}

/// The scenario item in a worker.
pub struct Scenario<P = Prepared> {
    pub assignment: Assignment<P>,
    pub fields: message::Scenario,
    /// Journeys that should be running at once: a standing order.
    wanted: Cell<u32>,
    /// Runs that may be begun in all; none: as many as time allows.
    runs_max: Cell<Option<u64>>,
    /// Places that are there, running or waiting for data.
    places: Cell<u32>,
    /// Places that are not there any more, but come to their end still.
    pub leaving: Cell<u32>,
    pub running: Cell<u32>,
    /// Of those: not begun yet, since a quota holds them back.
    pub held: Cell<u32>,
    pub ended: Cell<u64>,
    begun: Cell<u64>,
    begun_at_report: Cell<u64>,
    stock: RefCell<VecDeque<Item>>,
    /// Items that the controller wants back as soon as they are free.
    recalled: Cell<u32>,
    /// Items that served a run and don't come back here; items given back without one.
    completed: RefCell<Vec<i64>>,
    unused: RefCell<Vec<i64>>,
    /// Places that wait for data.
    hungry: RefCell<Vec<Waker>>,
    /// The journey's number in the tally.
    pub number: u32,
    pub said_no_room: Cell<bool>,
}

/// Whether a place may begin a run.
pub enum Next {
    Run(Option<Item>),
    /// There is no data for it now.
    Hungry,
    /// There are more places than wanted.
    Leave,
}

impl<P> Scenario<P> {
    pub fn new(assignment: Assignment<P>, fields: message::Scenario, number: u32) -> Self {
        Self {
            assignment,
            fields,
            wanted: Cell::new(0),
            runs_max: Cell::new(None),
            places: Cell::new(0),
            leaving: Cell::new(0),
            running: Cell::new(0),
            held: Cell::new(0),
            ended: Cell::new(0),
            begun: Cell::new(0),
            begun_at_report: Cell::new(0),
            stock: RefCell::default(),
            recalled: Cell::new(0),
            completed: RefCell::default(),
            unused: RefCell::default(),
            hungry: RefCell::default(),
            number,
            said_no_room: Cell::new(false),
        }
    }

    /// A standing order. Answers how many places have to be made.
    pub fn order(&self, journeys: u32, runs_max: Option<u64>) -> u32 {
        self.wanted.set(journeys);
        self.runs_max.set(runs_max);
        let new = journeys.saturating_sub(self.places.get());
        self.places.set(self.places.get() + new);
        self.wake_hungry();
        new
    }

    /// More data.
    pub fn supply(&self, items: impl IntoIterator<Item = Item>) {
        self.stock.borrow_mut().extend(items);
        self.wake_hungry();
    }

    pub fn wake_hungry(&self) {
        self.hungry.borrow_mut().drain(..).for_each(Waker::wake);
    }

    /// What a place does next; it is called again after waiting, with its waker kept.
    pub fn next(&self, waker: &Waker, stopping: bool) -> Next {
        let all_begun = self.runs_max.get().is_some_and(|runs| self.begun.get() >= runs);
        if stopping || all_begun || self.places.get() > self.wanted.get() {
            self.places.set(self.places.get() - 1);
            return Next::Leave;
        }
        let item = match self.assignment.data {
            Data::Without => None,
            _ => match self.stock.borrow_mut().pop_front() {
                Some(item) => Some(item),
                None => {
                    self.hungry.borrow_mut().push(waker.clone());
                    return Next::Hungry;
                }
            },
        };
        self.begun.set(self.begun.get() + 1);
        self.running.set(self.running.get() + 1);
        Next::Run(item)
    }

    /// A run could not begin; its data serves another.
    pub fn not_begun(&self, item: Option<Item>) {
        self.running.set(self.running.get() - 1);
        self.begun.set(self.begun.get() - 1);
        self.supply(item);
    }

    /// A run is over; its data is there for the next.
    pub fn ended(&self, item: Option<Item>) {
        self.running.set(self.running.get() - 1);
        self.ended.set(self.ended.get() + 1);
        let Some(item) = item else { return };
        if self.assignment.data == Data::Recycled {
            self.supply([item]);
            self.give_back(0);
        } else {
            self.completed.borrow_mut().push(item.id);
        }
    }

    /// Gives so many more items back as soon as they are free.
    pub fn give_back(&self, more: u32) {
        let mut recalled = self.recalled.get().saturating_add(more);
        let mut stock = self.stock.borrow_mut();
        while recalled > 0 {
            let Some(item) = stock.pop_back() else { break };
            self.unused.borrow_mut().push(item.id);
            recalled -= 1;
        }
        // Items that serve once don't become free again.
        self.recalled.set(if self.assignment.data == Data::Recycled { recalled } else { 0 });
    }

    /// Items that served a run, and items given back, since this was asked before; when all is over the whole stock is.
    pub fn take_returned(&self, over: bool) -> (Vec<i64>, Vec<i64>) {
        if over {
            self.give_back(u32::MAX);
        }
        (std::mem::take(&mut *self.completed.borrow_mut()), std::mem::take(&mut *self.unused.borrow_mut()))
    }

    /// Whether all places are gone.
    pub fn is_empty(&self) -> bool {
        self.places.get() == 0 && self.leaving.get() == 0
    }

    /// How many items it may need until the controller can answer: two for each journey at once, and what it used in the
    /// time between the last two reports five times over.
    pub fn consumption(&self) -> u32 {
        let since = self.begun.get() - self.begun_at_report.replace(self.begun.get());
        u32::try_from(since.saturating_mul(5)).unwrap_or(u32::MAX).saturating_add(self.wanted.get().saturating_mul(2))
    }

    /// How many items are in stock.
    pub fn stock(&self) -> usize {
        self.stock.borrow().len()
    }
}

#[cfg(test)]
mod tests;

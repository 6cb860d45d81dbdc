//! Who waits for what. Futures put themselves in here; the executor empties it when nothing else can run.
use crate::host::{self, Pending};
use std::cell::RefCell;
use std::task::Waker;

/// Names a request or a timer among those of this run.
pub type Ticket = u64;

enum State {
    /// Polled, but nobody knows yet whether it is the only one.
    Registered,
    /// Nothing else can run: it should go out at its next poll.
    Go,
    /// On its way.
    Started(Pending),
    /// Its answer is there.
    Ready(Pending),
}
struct Exchange {
    ticket: Ticket,
    state: State,
    waker: Waker,
}
struct Timer {
    at: u64,
    ticket: Ticket,
    waker: Waker,
}

/// Both lists are searched from the front: journeys have a handful of each, and a list that stays allocated is what costs
/// least then.
#[derive(Default)]
struct Reactor {
    last: Ticket,
    exchanges: Vec<Exchange>,
    timers: Vec<Timer>,
}
thread_local!(static REACTOR: RefCell<Reactor> = RefCell::default());

/// What a request's future should do now.
pub enum Step {
    /// Nothing.
    Wait,
    /// Send it and block: nothing else is waiting for anything.
    Send,
    /// Start it, and hand in the handle by `started`.
    Start,
    /// Take the answer.
    Finish(Pending),
}

/// One poll of a request's future; `ticket` is `None` at the first.
pub fn step(ticket: &mut Option<Ticket>, waker: &Waker) -> Step {
    REACTOR.with_borrow_mut(|reactor| {
        let known = ticket.and_then(|t| reactor.exchanges.iter().position(|e| e.ticket == t));
        let Some(at) = known else {
            *ticket = Some(reactor.register(waker));
            return Step::Wait;
        };
        match reactor.exchanges[at].state {
            State::Go if reactor.exchanges.len() == 1 && reactor.timers.is_empty() => {
                reactor.exchanges.clear();
                Step::Send
            }
            State::Go => Step::Start,
            State::Ready(_) => match reactor.exchanges.remove(at).state {
                State::Ready(pending) => Step::Finish(pending),
                _ => Step::Wait,
            },
            State::Registered | State::Started(_) => {
                reactor.exchanges[at].waker.clone_from(waker);
                Step::Wait
            }
        }
    })
}

/// The request of this ticket is on its way.
pub fn started(ticket: Ticket, pending: Pending, waker: &Waker) {
    REACTOR.with_borrow_mut(|reactor| {
        if let Some(exchange) = reactor.exchanges.iter_mut().find(|e| e.ticket == ticket) {
            exchange.state = State::Started(pending);
            exchange.waker.clone_from(waker);
        }
    });
}

/// Its future is gone: what was on its way is cancelled.
pub fn forget(ticket: Ticket) {
    // Dropped only after the reactor is free again: what a waker drops with it may come back here.
    let _gone = REACTOR.with_borrow_mut(|reactor| {
        reactor.exchanges.iter().position(|e| e.ticket == ticket).map(|at| reactor.exchanges.remove(at))
    });
}

/// Sets a timer.
pub fn timer(at: u64, waker: &Waker) -> Ticket {
    REACTOR.with_borrow_mut(|reactor| {
        let ticket = reactor.ticket();
        reactor.timers.push(Timer { at, ticket, waker: waker.clone() });
        ticket
    })
}

/// Whether the timer is over; if not, it will wake this waker.
pub fn is_over(ticket: Ticket, waker: &Waker) -> bool {
    REACTOR.with_borrow_mut(|reactor| match reactor.timers.iter_mut().find(|t| t.ticket == ticket) {
        Some(timer) => {
            timer.waker.clone_from(waker);
            false
        }
        None => true,
    })
}

/// Nobody waits for this timer any more.
pub fn forget_timer(ticket: Ticket) {
    let _gone = REACTOR.with_borrow_mut(|reactor| {
        reactor.timers.iter().position(|t| t.ticket == ticket).map(|at| reactor.timers.swap_remove(at))
    });
}

/// Nothing is left that could ever wake the journey.
#[derive(Debug, PartialEq)]
pub struct Stuck;

/// Nothing can run: sends requests out, or blocks in the host until one is answered or the first timer is due.
pub fn turn() -> Result<(), Stuck> {
    REACTOR.with_borrow_mut(Reactor::turn)
}

/// Forgets everything, so that nothing of a run leaks into the next.
pub fn clear() {
    let _gone = REACTOR.with_borrow_mut(|reactor| {
        let idle = reactor.exchanges.is_empty() && reactor.timers.is_empty();
        (!idle).then(|| (std::mem::take(&mut reactor.exchanges), std::mem::take(&mut reactor.timers)))
    });
}

impl Reactor {
    fn ticket(&mut self) -> Ticket {
        self.last += 1;
        self.last
    }

    fn register(&mut self, waker: &Waker) -> Ticket {
        let ticket = self.ticket();
        self.exchanges.push(Exchange { ticket, state: State::Registered, waker: waker.clone() });
        ticket
    }

    fn turn(&mut self) -> Result<(), Stuck> {
        if self.release() {
            return Ok(());
        }
        let first = self.timers.iter().map(|timer| timer.at).min();
        let flying: Vec<usize> =
            (0..self.exchanges.len()).filter(|&i| matches!(self.exchanges[i].state, State::Started(_))).collect();
        match (flying.is_empty(), first) {
            (true, None) => return Err(Stuck),
            (true, Some(at)) => host::sleep_until(at),
            (false, _) => self.wait(&flying, first.map(|at| at.saturating_sub(host::now()))),
        }
        if let Some(first) = first {
            // One more call for the time is worth it only if there is something it could change.
            let now = if flying.is_empty() { first } else { host::now() };
            self.fire(now);
        }
        Ok(())
    }

    /// Lets all requests go that were registered since the last turn.
    fn release(&mut self) -> bool {
        let mut any = false;
        for exchange in self.exchanges.iter_mut().filter(|e| matches!(e.state, State::Registered)) {
            exchange.state = State::Go;
            exchange.waker.wake_by_ref();
            any = true;
        }
        any
    }

    fn wait(&mut self, flying: &[usize], timeout: Option<u64>) {
        let things: Vec<&Pending> = flying
            .iter()
            .filter_map(|&i| match &self.exchanges[i].state {
                State::Started(pending) => Some(pending),
                _ => None,
            })
            .collect();
        for position in host::wait_any(&things, timeout) {
            let Some(exchange) = flying.get(position as usize).and_then(|&i| self.exchanges.get_mut(i)) else {
                continue;
            };
            exchange.state = match std::mem::replace(&mut exchange.state, State::Go) {
                State::Started(pending) => State::Ready(pending),
                other => other,
            };
            exchange.waker.wake_by_ref();
        }
    }

    fn fire(&mut self, now: u64) {
        self.timers.retain(|timer| {
            let due = timer.at <= now;
            if due {
                timer.waker.wake_by_ref();
            }
            !due
        });
    }
}

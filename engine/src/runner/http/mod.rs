//! HTTP of journeys on connections of our own, so that every step is timed where it happens, every address is known before it is
//! connected, and a request costs little more than its system calls.

mod answer;
mod arrival;
mod body;
mod connect;
mod connection;
mod exchange;
mod headers;
mod pool;
mod request;
mod response;
mod session;
mod socket;
mod target;
mod tls;

use std::cell::RefCell;

pub use answer::Answer;
pub use body::Decoded;
pub use exchange::perform;
pub use pool::Key;
pub use request::{Ask, Asker};
pub use session::Session;
pub use target::{Origin, OriginHost};
pub use tls::trust_in_background;

use super::clock::Clock;

/// What requests of a worker share.
pub struct Client {
    pub(in crate::runner) targets: RefCell<target::Targets>,
    pool: RefCell<pool::Pool>,
    pub(in crate::runner) identities: RefCell<tls::Identities>,
    resolver: connect::Resolver,
    clock: Clock,
}

impl Client {
    pub fn new(clock: Clock, reuse: Reuse) -> Self {
        Self {
            targets: RefCell::default(),
            pool: RefCell::new(pool::Pool::new(reuse)),
            identities: RefCell::default(),
            resolver: connect::Resolver::default(),
            clock,
        }
    }

    /// Closes the connections that a run has kept for itself.
    pub fn end_run(&self, context_id: u64) {
        self.pool.borrow_mut().end_run(context_id);
    }

    /// Whether a connection waits for a request of this kind.
    pub fn has_idle(&self, key: &Key) -> bool {
        self.pool.borrow().has_idle(key)
    }

    /// Closes an idle connection, of this origin if one is named. Whether there was one.
    pub fn close_one(&self, origin: Option<u32>) -> bool {
        self.pool.borrow_mut().take_any(origin).is_some()
    }

    /// Closes connections that nobody has used for a while.
    pub fn close_idle(&self) {
        self.pool.borrow_mut().close_idle(self.clock.now());
    }
}

/// Who may use a connection again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Reuse {
    /// Any journey of the runner's worker.
    Runner,
    /// Only the run that opened it.
    Journey,
    /// Nobody: each request opens its own.
    Never,
}

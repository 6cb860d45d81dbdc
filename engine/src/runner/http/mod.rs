//! HTTP of journeys on connections of our own, so that every step is timed where it happens, every address is known before it is
//! connected, and a request costs little more than its system calls.

mod answer;
mod arrival;
mod body;
mod connect;
mod connection;
mod exchange;
mod headers;
mod kept;
mod pool;
mod request;
mod response;
mod session;
mod socket;
mod target;
mod tls;

use std::cell::RefCell;
use std::sync::Arc;

use http::HeaderValue;

pub use answer::Answer;
pub use body::{Content, Decoded, Undecoded};
pub use exchange::perform;
pub use kept::shelf;
pub use pool::Key;
pub use request::{Ask, Asker};
pub use session::Session;
pub use target::{Origin, OriginHost};
pub use tls::trust_in_background;

use super::Settings;
use super::clock::Clock;
use crate::policy::{Secrets, Targets};

/// What requests of a worker share: connections, TLS sessions, and what is known of names. A worker is one tenant's, so none of it is
/// ever another's, and connections that wait were open to this tenant when they were made.
pub struct Client {
    pub(in crate::runner) targets: RefCell<target::Targets>,
    pool: RefCell<pool::Pool>,
    pub(in crate::runner) identities: RefCell<tls::Identities>,
    resolver: connect::Resolver,
    /// What may be reached. Asked when a connection is made, so that one that is used again costs nothing.
    reachable: Arc<Targets>,
    secrets: Arc<Secrets>,
    /// Says which test a request is of, unless its journey says something else.
    agent: HeaderValue,
    clock: Clock,
}

impl Client {
    pub fn new(clock: Clock, settings: &Settings) -> Self {
        Self {
            targets: RefCell::default(),
            pool: RefCell::new(pool::Pool::new(settings.reuse)),
            identities: RefCell::default(),
            resolver: connect::Resolver::default(),
            reachable: settings.targets.clone(),
            secrets: settings.secrets.clone(),
            agent: request::agent(&settings.run_id),
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

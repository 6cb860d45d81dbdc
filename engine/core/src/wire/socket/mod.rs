//! Sockets of ZeroMQ over tokio: [`Push`], [`Pull`], [`Req`], [`Rep`]. Nothing outside names ZeroMQ endpoints.
//!
//! A socket owns its tasks: one for each endpoint, which owns those of its connections. Dropping the socket ends all of them.
//! Sockets are to be made, bound and connected within a tokio runtime; one thread is enough.
//!
//! ```text
//! push pull req rep    what is done with messages
//!   groups spread        PURE: queues of a PUSH
//!   inbox links          PURE: queues of a PULL, counts of a link
//!   notes                PURE: what peers of ours tell beside records
//! endpoints            binds, accepts, connects, again and again
//! connection gather    reads, writes, heartbeats of one connection
//! stream endpoint      TCP and Unix
//! ```

mod backoff;
mod connection;
mod crowd;
mod endpoint;
mod endpoints;
mod gather;
mod groups;
mod inbox;
mod links;
mod notes;
mod options;
mod pull;
mod push;
mod rep;
mod req;
mod spread;
mod stream;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use backoff::Backoff;
pub use connection::way_out;
pub use endpoint::{Endpoint, WrongEndpoint};
pub use endpoints::{Error, process_id};
pub use groups::Group;
pub use notes::{NoteTooLarge, Told};
pub use options::{Full, Groups, Options};
pub use pull::{Incoming, Pull, Received};
pub use push::Push;
pub use rep::{Event, Rep, Request, Responder};
pub use req::{Reply, Req, RequestError};
pub use spread::Counts;

pub use super::zmtp::mite::Name;
pub use super::zmtp::parcel::Parcel;
pub use super::zmtp::peer::Peer;

/// State that tasks of a socket share. Never held while something is waited for; what panicked within didn't leave it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

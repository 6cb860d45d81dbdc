//! Transactions: named, timed parts of a run.
use crate::bindings::mite::journey::transaction::{self as wire, Outcome};
use crate::error::Error;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;

/// The number of the transaction that the runner has opened: `__root__`.
pub const ROOT: u32 = 1;

thread_local!(
    /// The transaction of whatever is being polled now; 0 outside of a run.
    static CURRENT: Cell<u32> = const { Cell::new(0) }
);

pub fn current() -> u32 {
    CURRENT.get()
}

pub fn set_current(id: u32) {
    CURRENT.set(id);
}

/// One that has begun. Dropped before its end, it was given up half way.
struct Open(u32);

impl Open {
    fn end(self, outcome: Outcome<'_>) {
        wire::end(self.0, outcome);
        std::mem::forget(self);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        wire::end(self.0, Outcome::Cancelled);
    }
}

/// Runs `body` within a transaction of its own. What is current is set around each poll, so branches that run side by side
/// nest independently.
pub async fn run<T>(name: &str, body: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let open = Open(wire::begin(name, current()));
    let id = open.0;
    let mut body = pin!(body);
    let result = poll_fn(|context| {
        let outside = CURRENT.replace(id);
        let poll = body.as_mut().poll(context);
        CURRENT.set(outside);
        poll
    })
    .await;
    match result {
        Ok(value) => {
            open.end(Outcome::Ok);
            Ok(value)
        }
        Err(mut error) => {
            if error.report() {
                open.end(Outcome::FailedWith(&error.failure()));
            } else {
                open.end(Outcome::Failed);
            }
            Err(error)
        }
    }
}

//! What the executor asks of the host, with a stand-in for its unit tests.

#[cfg(not(test))]
pub use crate::bindings::mite::journey::{
    http::{Request, finish, send, start},
    timing::{now, sleep_until},
    waiting::{Pending, wait_any},
};

#[cfg(test)]
pub use crate::bindings::mite::journey::http::Request;
#[cfg(test)]
pub use fake::{Pending, finish, now, send, sleep_until, start, wait_any};

/// A host whose clock only moves when the guest waits. A request for `http://x/30` takes 30 ns; each one is answered with
/// an error that carries its URL, since a real answer would need a real handle.
#[cfg(test)]
pub mod fake {
    use crate::bindings::mite::journey::http::{Error, Request, Response};
    use std::cell::{Cell, RefCell};

    thread_local! {
        static CLOCK: Cell<u64> = const { Cell::new(0) };
        static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub struct Pending {
        url: String,
        due: u64,
    }
    impl Drop for Pending {
        fn drop(&mut self) {
            call(format!("drop {}", self.url));
        }
    }

    fn call(text: String) {
        CALLS.with_borrow_mut(|calls| calls.push(text));
    }
    /// Everything that was called since the last time, in order.
    pub fn calls() -> Vec<String> {
        CALLS.with_borrow_mut(std::mem::take)
    }
    fn takes(url: &str) -> u64 {
        url.rsplit('/').next().and_then(|last| last.parse().ok()).unwrap_or(0)
    }

    pub fn now() -> u64 {
        CLOCK.get()
    }
    pub fn sleep_until(at: u64) {
        call(format!("sleep-until {at}"));
        CLOCK.set(CLOCK.get().max(at));
    }
    pub fn send(request: Request<'_>) -> Result<Response, Error> {
        call(format!("send {}", request.url));
        CLOCK.set(now() + takes(request.url));
        Err(Error::Protocol(request.url.to_owned()))
    }
    pub fn start(request: Request<'_>) -> Pending {
        call(format!("start {}", request.url));
        Pending { url: request.url.to_owned(), due: now() + takes(request.url) }
    }
    pub fn finish(pending: Pending) -> Result<Response, Error> {
        Err(Error::Protocol(pending.url.clone()))
    }
    pub fn wait_any(things: &[&Pending], timeout: Option<u64>) -> Vec<u32> {
        call(format!("wait-any {} {timeout:?}", things.len()));
        let first = things.iter().map(|p| p.due).chain(timeout.map(|t| now() + t)).min();
        CLOCK.set(now().max(first.expect("waits for ever")));
        (0..).zip(things).filter(|(_, p)| p.due <= now()).map(|(i, _)| i).collect()
    }
}

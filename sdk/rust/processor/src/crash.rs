//! Panics. The guest aborts after one, so the host is told before.
use crate::bindings::mite::processor::progress;
use std::cell::Cell;
use std::panic::{self, PanicHookInfo};

thread_local!(
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// A message is at hand, which a panic will have failed on.
    static BUSY: Cell<bool> = const { Cell::new(false) };
);

/// Whether a message is at hand. Installs the hook, the first time.
pub fn busy(busy: bool) {
    BUSY.set(busy);
    if !WATCHED.replace(true) {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match BUSY.get() {
            true => progress::failed(&reason(info)),
            // It is no message's fault: to stderr, as ever.
            false => before(info),
        }));
    }
}

fn reason(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("without a text");
    match info.location() {
        Some(place) => format!("panic: {text} ({}:{})", place.file(), place.line()),
        None => format!("panic: {text}"),
    }
}

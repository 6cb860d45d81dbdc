//! Panics. The guest aborts after one, so the host is told before.
use crate::bindings::mite::journey::messages::{Failure, FailureKind};
use crate::bindings::mite::journey::transaction::{Outcome, end};
use crate::{error, transaction};
use std::cell::Cell;
use std::panic::{self, PanicHookInfo};

thread_local!(static WATCHED: Cell<bool> = const { Cell::new(false) });

/// Installs the hook, the first time.
pub fn watch() {
    if !WATCHED.replace(true) {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match transaction::current() {
            // Outside of a run there is no transaction to tell it in: to stderr, as ever.
            0 => before(info),
            current => report(current, info),
        }));
    }
}

fn report(current: u32, info: &PanicHookInfo<'_>) {
    let message = format!("panic: {}", info.payload_as_str().unwrap_or("without a text"));
    let location = info.location().map(error::place).unwrap_or_default();
    let stacktrace = format!("{message}\n  at {location}");
    end(
        current,
        Outcome::FailedWith(&Failure {
            kind: FailureKind::Exception,
            ex_type: "panic".into(),
            message,
            location,
            stacktrace: Some(stacktrace),
            fields: Vec::new(),
        }),
    );
}

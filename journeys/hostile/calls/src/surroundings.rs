//! What stands around runs, gone wrong.

use crate::bindings::mite::journey::http;
use crate::bindings::mite::journey::messages::Failure;
use crate::support::{HUGE, failure, get, huge};
use crate::{Ended, Journey};

/// Their runs do nothing; `enter` and `leave` know them by name.
pub const JOURNEYS: &[Journey] = &[
    ("enter_traps", nothing),
    ("enter_fails", nothing),
    ("enter_computes", nothing),
    ("enter_leaves_requests", nothing),
    ("leave_traps", nothing),
    ("leave_fails", nothing),
];

fn nothing() -> Ended {
    Ok(())
}

fn compute() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

pub fn enter(journey: &str) -> Result<(), Option<Failure>> {
    match journey {
        "enter_traps" => std::process::abort(),
        "enter_fails" => Err(Some(failure(huge()))),
        "enter_computes" => compute(),
        "enter_leaves_requests" => {
            (0..100).for_each(|_| std::mem::forget(http::start(&get("/hang"))));
            Ok(())
        }
        _ => Ok(()),
    }
}

pub fn leave(journey: &str) -> Result<(), Option<Failure>> {
    match journey {
        "leave_traps" => std::process::abort(),
        "leave_fails" => Err(Some(failure("it did not want to go"))),
        _ => Ok(()),
    }
}

/// What the config's `setup` says.
pub fn setup() -> Result<Option<Vec<u8>>, Failure> {
    match crate::support::setting("setup").as_str() {
        "traps" => std::process::abort(),
        "fails" => Err(failure("no setup\n\x1b[2Jtoday")),
        "answers much" => Ok(Some(crate::support::fields(HUGE))),
        _ => Ok(None),
    }
}

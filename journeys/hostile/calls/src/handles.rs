//! Handles that were never given, are gone, or stand for something else.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::bindings::mite::journey::http::{self, Content, Error};
use crate::bindings::mite::journey::waiting::{self, Pending};
use crate::support::{answer, get, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("finish_forged", finish_forged),
    ("finish_twice", finish_twice),
    ("finish_dropped", finish_dropped),
    ("finish_content", finish_content),
    ("read_pending", read_pending),
    ("read_dropped", read_dropped),
    ("drop_forged", drop_forged),
    ("wait_forged", wait_forged),
    ("wait_for_nothing", wait_for_nothing),
    ("keep_pending", keep_pending),
    ("keep_answers", keep_answers),
    ("leak_answers", leak_answers),
];

#[expect(unsafe_code, reason = "no SDK lets anybody forge a handle")]
fn pending(handle: u32) -> Pending {
    // SAFETY: it is only a number for the host, which has to know better.
    unsafe { Pending::from_handle(handle) }
}

#[expect(unsafe_code, reason = "no SDK lets anybody forge a handle")]
fn content(handle: u32) -> Content {
    // SAFETY: as above.
    unsafe { Content::from_handle(handle) }
}

fn finish_forged() -> Ended {
    wrong(format!("{:?}", http::finish(pending(4_711)).is_ok()))
}

fn finish_twice() -> Ended {
    let first = http::start(&get("/json"));
    let again = pending(first.handle());
    drop(http::finish(first));
    wrong(format!("{:?}", http::finish(again).is_ok()))
}

fn finish_dropped() -> Ended {
    let first = http::start(&get("/json"));
    let again = pending(first.handle());
    drop(first);
    wrong(format!("{:?}", http::finish(again).is_ok()))
}

fn finish_content() -> Ended {
    let content = answer()?.content;
    wrong(format!("{:?}", http::finish(pending(content.handle())).is_ok()))
}

fn read_pending() -> Ended {
    let pending = http::start(&get("/json"));
    wrong(content(pending.handle()).url())
}

fn read_dropped() -> Ended {
    let first = answer()?.content;
    let again = content(first.handle());
    drop(first);
    wrong(again.url())
}

fn drop_forged() -> Ended {
    drop(pending(u32::MAX >> 4));
    wrong("it could be dropped")
}

fn wait_forged() -> Ended {
    let (own, forged) = (http::start(&get("/json")), pending(4_711));
    wrong(format!("{:?}", waiting::wait_any(&[&own, &forged], None)))
}

fn wait_for_nothing() -> Ended {
    wrong(format!("{:?}", waiting::wait_any(&[], None)))
}

/// Keeps one over the end of its run: the next finds that it was cancelled.
fn keep_pending() -> Ended {
    static KEPT: AtomicU32 = AtomicU32::new(0);
    let kept = KEPT.swap(0, Ordering::Relaxed);
    if kept == 0 {
        let pending = http::start(&get("/hang"));
        KEPT.store(pending.take_handle(), Ordering::Relaxed);
        return Ok(());
    }
    match http::finish(pending(kept)) {
        Err(Error::Cancelled) => Ok(()),
        other => wrong(format!("{:?}", other.map(|answer| answer.status))),
    }
}

/// Holds more answers than it may.
fn keep_answers() -> Ended {
    let mut all = Vec::new();
    loop {
        all.push(answer()?);
        if all.len() > 1_000 {
            return wrong("there is room for more than 1,000");
        }
    }
}

/// Leaves them behind, run after run: its instance is replaced, and no run is short of any.
fn leak_answers() -> Ended {
    for _ in 0..150 {
        std::mem::forget(answer()?);
    }
    Ok(())
}

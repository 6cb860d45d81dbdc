//! Ways not to come to an end.

use crate::bindings::mite::journey::{http, timing, waiting};
use crate::support::{get, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("compute", compute),
    ("call_without_end", call_without_end),
    ("read_without_end", read_without_end),
    ("yield_without_end", yield_without_end),
    ("sleep_for_ever", sleep_for_ever),
    ("sleep_until_the_end", sleep_until_the_end),
    ("sleep_by_itself", sleep_by_itself),
    ("wait_for_ever", wait_for_ever),
    ("poll_without_end", poll_without_end),
    ("send_to_nobody", send_to_nobody),
];

fn compute() -> Ended {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Never long without a call: it isn't computing, and doesn't end.
fn call_without_end() -> Ended {
    loop {
        std::hint::black_box(timing::now());
    }
}

fn read_without_end() -> Ended {
    let content = crate::support::answer()?.content;
    loop {
        std::hint::black_box(content.headers());
    }
}

fn yield_without_end() -> Ended {
    loop {
        timing::sleep(0);
    }
}

fn sleep_for_ever() -> Ended {
    timing::sleep(u64::MAX);
    wrong("it was woken")
}

fn sleep_until_the_end() -> Ended {
    timing::sleep_until(u64::MAX);
    wrong("it was woken")
}

/// By WASI, where mite's timers don't see it.
fn sleep_by_itself() -> Ended {
    std::thread::sleep(std::time::Duration::from_secs(1 << 40));
    wrong("it was woken")
}

fn wait_for_ever() -> Ended {
    let pending = http::start(&get("/hang"));
    wrong(format!("{:?}", waiting::wait_any(&[&pending], Some(u64::MAX))))
}

fn poll_without_end() -> Ended {
    let pending = http::start(&get("/hang"));
    loop {
        waiting::wait_any(&[&pending], Some(0));
    }
}

fn send_to_nobody() -> Ended {
    let mut request = get("/hang");
    request.timeout = Some(u64::MAX);
    wrong(format!("{}", http::send(&request).is_ok()))
}

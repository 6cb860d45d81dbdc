//! Much of what is harmless one by one.

use crate::bindings::mite::journey::http::{self, Error, Request};
use crate::bindings::mite::journey::transaction::{self, Outcome};
use crate::bindings::mite::journey::{messages, timing};
use crate::support::{deep_fields, expect, failure, fields, get, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("send_many", send_many),
    ("send_many_kinds", send_many_kinds),
    ("send_deep", send_deep),
    ("name_many_requests", name_many_requests),
    ("ask_many_urls", ask_many_urls),
    ("name_many_transactions", name_many_transactions),
    ("open_many", open_many),
    ("open_deep", open_deep),
    ("fail_often", fail_often),
    ("annotate_often", annotate_often),
    ("upload_much", upload_much),
    ("download_much", download_much),
    ("download_over", download_over),
    ("follow_without_end", follow_without_end),
    ("print_much", print_much),
    ("print_a_long_line", print_a_long_line),
];

/// A million messages: those over what there is room for are dropped and counted.
fn send_many() -> Ended {
    for number in 0..1_000_000_u32 {
        messages::send("many", &fields(number as usize % 10), 1);
    }
    Ok(())
}

fn send_many_kinds() -> Ended {
    for number in 0..100_000 {
        messages::send(&format!("kind-{number}"), &fields(1), 1);
    }
    Ok(())
}

fn send_deep() -> Ended {
    for _ in 0..10 {
        messages::send("deep", &deep_fields(60_000), 1);
    }
    Ok(())
}

/// A request that no policy lets out, so that it costs no server anything.
fn denied(path: &str) -> Request {
    Request { url: format!("http://169.254.169.254/{path}"), ..get("") }
}

/// Each with a label of its own.
fn name_many_requests() -> Ended {
    for number in 0..3_000 {
        let mut request = denied("");
        request.name = Some(format!("request-{number}-{}", "n".repeat(300)));
        expect(matches!(http::send(&request), Err(Error::Denied(_))), "it was let out")?;
    }
    Ok(())
}

fn ask_many_urls() -> Ended {
    for number in 0..3_000 {
        let request = denied(&format!("{number}/{}", "u".repeat(1_000)));
        expect(matches!(http::send(&request), Err(Error::Denied(_))), "it was let out")?;
    }
    Ok(())
}

fn name_many_transactions() -> Ended {
    for number in 0..30_000 {
        let id = transaction::begin(&format!("transaction-{number}-{}", "n".repeat(300)), 1);
        transaction::end(id, &Outcome::Ok);
    }
    Ok(())
}

fn open_many() -> Ended {
    for _ in 0..2_000 {
        transaction::begin("one of many", 1);
    }
    wrong("there is room for 2,000")
}

fn open_deep() -> Ended {
    (0..100).fold(1, |parent, _| transaction::begin("deeper", parent));
    wrong("it goes 100 deep")
}

/// Tells of many failures, none like the others: the summary has room for some and counts all.
fn fail_often() -> Ended {
    for number in 0..5_000 {
        let id = transaction::begin("fails", 1);
        transaction::end(id, &Outcome::FailedWith(failure(format!("failure {number}"))));
    }
    Ok(())
}

fn annotate_often() -> Ended {
    let content = crate::support::answer()?.content;
    (0..20_000).for_each(|_| content.annotate(&fields(1)));
    Ok(())
}

/// Begins uploads to a server that never takes them: the host holds each of their bodies.
fn upload_much() -> Ended {
    let mut held = Vec::new();
    for number in 0..900 {
        let mut request = get("/hang");
        (request.method, request.body) = ("POST".to_owned(), Some(vec![0; 8 << 20]));
        let pending = http::start(&request);
        // One that can't be made is ready at once.
        if pending.ready() {
            return match http::finish(pending) {
                Err(Error::Invalid(why)) if why.contains("hold") && number > 2 => Ok(()),
                other => wrong(format!("the {number}th: {:?}", other.map(|answer| answer.status))),
            };
        }
        held.push(pending);
    }
    wrong("there is room for all")
}

/// Keeps answers and never looks at them: the host holds each of their bodies.
fn download_much() -> Ended {
    let mut held = Vec::new();
    for number in 0..100 {
        match http::send(&get("/bytes/8388608")) {
            Ok(answer) => held.push(answer),
            Err(Error::Protocol(why)) if why.contains("hold") && number > 2 => return Ok(()),
            Err(other) => return wrong(format!("the {number}th: {other:?}")),
        }
    }
    wrong("there is room for all")
}

/// A body over the limit, as it comes and as it becomes.
fn download_over() -> Ended {
    match http::send(&get("/chunked/100000000")) {
        Err(Error::Protocol(why)) => expect(why.contains("67108864"), &why)?,
        other => return wrong(format!("{:?}", other.map(|answer| answer.status))),
    }
    let bomb = http::send(&get("/gzip/100000000")).map(|answer| answer.content.body());
    match bomb {
        Ok(Err(why)) => expect(why.contains("67108864"), &why),
        other => wrong(format!("{:?}", other.map(|body| body.map(|bytes| bytes.len())))),
    }
}

/// Wants to be sent on as often as a server likes.
fn follow_without_end() -> Ended {
    let mut request = get("/redirect/1000");
    (request.max_redirects, request.timeout) = (u32::MAX, Some(u64::MAX));
    match http::send(&request) {
        Err(Error::Redirects(100)) => Ok(()),
        other => wrong(format!("{:?}", other.map(|answer| answer.status))),
    }
}

fn print_much() -> Ended {
    for number in 0..20_000 {
        println!("line {number} of many");
    }
    timing::sleep(1);
    Ok(())
}

fn print_a_long_line() -> Ended {
    println!("{}", crate::support::huge());
    Ok(())
}

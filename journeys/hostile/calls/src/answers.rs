//! What a run answers, and texts that are none.

use crate::bindings::exports::mite::journey::journeys::Ending;
use crate::bindings::mite::journey::messages::{self, FailureKind};
use crate::bindings::mite::journey::{config, transaction};
use crate::support::{HUGE, failure, fields, huge, many_fields, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("fail_at_length", fail_at_length),
    ("fail_with_no_fields", fail_with_no_fields),
    ("fail_with_many_fields", fail_with_many_fields),
    ("fail_in_colour", fail_in_colour),
    ("fail_as_another", fail_as_another),
    ("report_nothing", || Err(Ending::Reported)),
    ("answer_no_text", answer_no_text),
    ("send_no_text", send_no_text),
    ("send_no_map", send_no_map),
    ("send_a_lie", send_a_lie),
    ("claim_http_metrics", || claim("http_metrics")),
    ("claim_http_error", || claim("http_error")),
    ("claim_txn", || claim("txn")),
    ("claim_controller_report", || claim("controller_report")),
    ("claim_held_back", || claim("held_back")),
];

fn fail_at_length() -> Ended {
    let mut told = failure(huge());
    (told.ex_type, told.location, told.stacktrace) = (huge(), huge(), Some(huge()));
    told.kind = FailureKind::Exception;
    Err(Ending::Failed(told))
}

/// Fields that aren't msgpack: the failure itself is told.
fn fail_with_no_fields() -> Ended {
    let mut told = failure("the fields are none");
    told.fields = b"\xc1\xc1\xc1".to_vec();
    Err(Ending::Failed(told))
}

fn fail_with_many_fields() -> Ended {
    let mut told = failure("the fields are too many");
    told.fields = many_fields(200_000);
    Err(Ending::Failed(told))
}

/// What would spoil a terminal, in all places that have room for it.
fn fail_in_colour() -> Ended {
    const SPOILING: &str = "line\n\x1b[2J\x1b]0;title\x07 \u{202e}turned\u{2066}\u{9b}31m";
    println!("{SPOILING}");
    eprintln!("{SPOILING}");
    messages::send("spoil\x1b[1m\u{202e}", &fields(3), 1);
    let id = transaction::begin(SPOILING, 1);
    let mut told = failure(SPOILING);
    (told.ex_type, told.location) = (SPOILING.to_owned(), SPOILING.to_owned());
    transaction::end(id, &transaction::Outcome::FailedWith(told));
    Err(Ending::Reported)
}

/// Says that it is somebody else: fields of the envelope are the host's.
fn fail_as_another() -> Ended {
    let mut forged = vec![0x87];
    for (key, value) in [
        ("journey", "hostile:paced"),
        ("test", "forged"),
        ("run_id", "forged"),
        ("type", "txn"),
        ("runner_id", "forged"),
        ("transaction", "forged"),
        ("tenant", "forged"),
    ] {
        for text in [key, value] {
            forged.push(0xa0 | u8::try_from(text.len()).unwrap_or(31));
            forged.extend_from_slice(text.as_bytes());
        }
    }
    messages::send("forged", &forged, 1);
    let mut told = failure("it was the other");
    told.fields = forged;
    Err(Ending::Failed(told))
}

#[expect(unsafe_code, reason = "a String that is none can't be made otherwise")]
fn no_text() -> String {
    // SAFETY: it is handed to the host and looked at nowhere else.
    unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe, 0xc0, 0x80]) }
}

fn answer_no_text() -> Ended {
    Err(Ending::Failed(failure(no_text())))
}

fn send_no_text() -> Ended {
    let text = no_text();
    wrong(format!("it got {}", config::get(&text).is_some()))
}

fn send_no_map() -> Ended {
    messages::send("kind", b"\x92\x01\x02", 1);
    wrong("a list was taken")
}

/// A map that says it has four thousand million pairs.
fn send_a_lie() -> Ended {
    let mut fields = fields(HUGE / 1_000);
    fields.splice(0..1, *b"\xdf\xff\xff\xff\xff");
    messages::send("kind", &fields, 1);
    wrong("it was taken")
}

/// Says that mite has measured what it has not.
fn claim(message_type: &str) -> Ended {
    messages::send(message_type, b"\x82\xaatotal_time\xcb\0\0\0\0\0\0\0\0\xadresponse_code\xcc\xc8", 1);
    wrong("it was taken")
}

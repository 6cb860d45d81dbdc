//! Every function that a journey may call, with more than it should take or more often than it should be asked.

use crate::bindings::mite::journey::http::{Cookie, Error};
use crate::bindings::mite::journey::transaction::Outcome;
use crate::bindings::mite::journey::{config, http, messages, secrets, timing, transaction, waiting};
use crate::support::{HUGE, answer, expect, failure, fields, get, huge, invalid, many_fields, refused, wrong};
use crate::{Ended, Journey};

/// Named after the functions of the WIT files; a test sees to it that none is missing.
pub const JOURNEYS: &[Journey] = &[
    ("call_waiting_pending_ready", waiting_pending_ready),
    ("call_waiting_wait_any", waiting_wait_any),
    ("call_http_content_url", http_content_url),
    ("call_http_content_header", http_content_header),
    ("call_http_content_headers", http_content_headers),
    ("call_http_content_body", http_content_body),
    ("call_http_content_text", http_content_text),
    ("call_http_content_history", http_content_history),
    ("call_http_content_primary_ip", http_content_primary_ip),
    ("call_http_content_annotate", http_content_annotate),
    ("call_http_send", http_send),
    ("call_http_start", http_start),
    ("call_http_finish", http_finish),
    ("call_http_identity", http_identity),
    ("call_http_cookies", http_cookies),
    ("call_http_set_cookie", http_set_cookie),
    ("call_http_clear_cookies", http_clear_cookies),
    ("call_timing_now", timing_now),
    ("call_timing_sleep", timing_sleep),
    ("call_timing_sleep_until", timing_sleep_until),
    ("call_timing_intended", timing_intended),
    ("call_timing_should_stop", timing_should_stop),
    ("call_messages_send", messages_send),
    ("call_transaction_begin", transaction_begin),
    ("call_transaction_end", transaction_end),
    ("call_config_get", config_get),
    ("call_config_keys", config_keys),
    ("call_config_set", config_set),
    ("call_secrets_get", secrets_get),
];

const OFTEN: usize = 5_000;

fn often(mut call: impl FnMut()) -> Ended {
    (0..OFTEN).for_each(|_| call());
    Ok(())
}

fn waiting_pending_ready() -> Ended {
    let pending = http::start(&get("/json"));
    often(|| {
        pending.ready();
    })
}

/// A list of 100,000 handles, all of them the same.
fn waiting_wait_any() -> Ended {
    let pending = http::start(&get("/hang"));
    let list = vec![&pending; 100_000];
    let ready = waiting::wait_any(&list, Some(1));
    wrong(format!("{} were ready", ready.len()))
}

fn http_content_url() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.url()))
}

fn http_content_header() -> Ended {
    let content = answer()?.content;
    expect(content.header(&huge()).is_none() && content.header("\r\n\0").is_none(), "there is such a header")
}

fn http_content_headers() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.headers()))
}

fn http_content_body() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.body()))
}

fn http_content_text() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.text()))
}

fn http_content_history() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.history()))
}

fn http_content_primary_ip() -> Ended {
    let content = answer()?.content;
    often(|| drop(content.primary_ip()))
}

/// Fields that are too many, too large and no fields at all: the last traps.
fn http_content_annotate() -> Ended {
    let content = answer()?.content;
    content.annotate(&fields(HUGE));
    content.annotate(&many_fields(100_000));
    content.annotate(b"\xc1");
    wrong("what is no map was taken")
}

fn http_send() -> Ended {
    let with = |change: fn(&mut http::Request)| {
        let mut request = get("/json");
        change(&mut request);
        http::send(&request)
    };
    invalid(with(|request| request.method = huge()), "a method has at most")?;
    invalid(with(|request| request.method = "\u{202e}".repeat(HUGE / 8)), "a method has at most")?;
    invalid(with(|request| request.url += &huge()), "the URL has")?;
    invalid(with(|request| request.headers = vec![("x".to_owned(), "y".to_owned()); 100_000]), "at most 100 headers")?;
    invalid(with(|request| request.headers = vec![(huge(), String::new())]), "at most 65536 bytes")?;
    invalid(with(|request| request.headers = vec![("x".to_owned(), huge())]), "at most 65536 bytes")?;
    invalid(with(|request| request.url = "\0".repeat(60_000)), "is not a URL")?;
    let named = with(|request| request.name = Some(huge())).is_ok();
    expect(named, "a long name is cut")?;
    let late = with(|request| request.timeout = Some(0));
    // Whatever is done at once is done.
    expect(matches!(late, Ok(_) | Err(Error::Timeout(_))), "no time is a time")?;
    expect(with(|request| request.timeout = Some(u64::MAX)).is_ok(), "there was all the time")?;
    match with(|request| request.identity = Some(u32::MAX)) {
        Err(Error::Tls(_) | Error::Invalid(_)) | Ok(_) => {}
        Err(other) => return wrong(format!("an identity that nobody made: {other:?}")),
    }
    expect(with(|request| request.transaction = u32::MAX).is_ok(), "a transaction that isn't there is the root")
}

/// Requests that can't be made are pending like others.
fn http_start() -> Ended {
    for _ in 0..900 {
        let mut request = get("/json");
        request.method = "\r\n".to_owned();
        invalid(http::finish(http::start(&request)), "is not a method")?;
    }
    Ok(())
}

/// The same answer, with a body as large as it may be, again and again.
fn http_finish() -> Ended {
    for _ in 0..3 {
        let answer = http::finish(http::start(&get("/bytes/16777216")));
        expect(answer.is_ok_and(|answer| answer.body_size == 16 << 20), "16 MiB")?;
    }
    Ok(())
}

fn http_identity() -> Ended {
    refused(http::identity(&huge(), &huge()), "certificate")?;
    refused(http::identity("\0\u{202e}\x1b[2J", "\0"), "certificate")
}

fn http_cookies() -> Ended {
    for number in 0..500 {
        let cookie = Cookie {
            name: format!("c{number}"),
            value: "v".repeat(3_000),
            domain: "127.0.0.1".to_owned(),
            path: "/".to_owned(),
        };
        expect(http::set_cookie(&cookie).is_ok(), "it is a cookie")?;
    }
    expect(http::cookies().len() == 200, "there are 200 at most")
}

fn http_set_cookie() -> Ended {
    let cookie = |name: String, value: String, domain: String, path: String| {
        http::set_cookie(&Cookie { name, value, domain, path })
    };
    let (name, here) = (|| "name".to_owned(), || "127.0.0.1".to_owned());
    refused(cookie(huge(), String::new(), here(), "/".to_owned()), "4096 bytes")?;
    refused(cookie(name(), huge(), here(), "/".to_owned()), "4096 bytes")?;
    refused(cookie(name(), String::new(), huge(), "/".to_owned()), "4096 bytes")?;
    refused(cookie(name(), String::new(), here(), huge()), "4096 bytes")?;
    refused(cookie(name(), String::new(), "\u{202e}\0 /".to_owned(), String::new()), "not a cookie's domain")
}

fn http_clear_cookies() -> Ended {
    often(http::clear_cookies)
}

fn timing_now() -> Ended {
    often(|| {
        timing::now();
    })
}

fn timing_sleep() -> Ended {
    (0..1_000).for_each(|_| timing::sleep(0));
    Ok(())
}

fn timing_sleep_until() -> Ended {
    (0..1_000).for_each(timing::sleep_until);
    Ok(())
}

fn timing_intended() -> Ended {
    often(|| {
        timing::intended();
    })
}

fn timing_should_stop() -> Ended {
    often(|| {
        timing::should_stop();
    })
}

/// Eight that are refused.
fn messages_send() -> Ended {
    messages::send(&huge(), &fields(1), 1);
    messages::send("", &fields(1), 1);
    messages::send("kind", &fields(HUGE), 1);
    messages::send("kind", &many_fields(65), 1);
    messages::send("kind", &many_fields(100_000), 1);
    messages::send(&"t".repeat(65), &fields(1), u32::MAX);
    messages::send(&"\u{202e}".repeat(22), &fields(1), 1);
    messages::send("kind", &fields(65_536), 1);
    Ok(())
}

fn transaction_begin() -> Ended {
    for parent in [0, 1, u32::MAX] {
        let id = transaction::begin(&huge(), parent);
        transaction::end(id, &Outcome::Ok);
    }
    Ok(())
}

/// Ends what isn't open, and the root; then tells of a failure with more than anybody will read.
fn transaction_end() -> Ended {
    for id in [0, 1, u32::MAX] {
        transaction::end(id, &Outcome::Ok);
    }
    let id = transaction::begin("huge", 1);
    let mut told = failure(huge());
    (told.ex_type, told.location, told.stacktrace) = (huge(), huge(), Some(huge()));
    told.fields = fields(HUGE);
    transaction::end(id, &Outcome::FailedWith(told));
    Ok(())
}

fn config_get() -> Ended {
    expect(config::get(&huge()).is_none() && config::get("").is_none(), "there is such a key")
}

fn config_keys() -> Ended {
    often(|| drop(config::keys()))
}

fn config_set() -> Ended {
    refused(config::set("key", &fields(HUGE)), "only functions of a scenario")?;
    refused(config::set(&"\u{202e}".repeat(HUGE / 8), b"\xc0"), "only functions of a scenario")
}

fn secrets_get() -> Ended {
    expect(secrets::get(&huge()).is_none() && secrets::get("").is_none(), "there is such a secret")?;
    expect(secrets::get("MITE-SECRET-").is_none() && secrets::get("../token").is_none(), "there is such a secret")
}

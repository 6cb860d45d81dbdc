//! What all of them need: the least of msgpack, requests, and answers that are checked.

use crate::Ended;
use crate::bindings::exports::mite::journey::journeys::Ending;
use crate::bindings::mite::journey::config;
use crate::bindings::mite::journey::http::{self, Error, Request, Response};
use crate::bindings::mite::journey::messages::{Failure, FailureKind};

/// More than anybody has use for.
pub const HUGE: usize = 8 << 20;

pub fn huge() -> String {
    "x".repeat(HUGE)
}

/// A failure of the journey's own.
pub fn failure(message: impl Into<String>) -> Failure {
    Failure {
        kind: FailureKind::Error,
        ex_type: "Unexpected".to_owned(),
        message: message.into(),
        location: String::new(),
        stacktrace: None,
        fields: Vec::new(),
    }
}

pub fn wrong(message: impl Into<String>) -> Ended {
    Err(Ending::Failed(failure(message)))
}

/// Ends well if so.
pub fn expect(so: bool, what: &str) -> Ended {
    if so { Ok(()) } else { wrong(what) }
}

/// Ends well if this was refused in such words, and in few of them.
pub fn refused<T>(answer: Result<T, String>, words: &str) -> Ended {
    match answer {
        Err(why) if why.contains(words) && why.len() < 1_000 => Ok(()),
        Err(why) => wrong(format!("refused, in {} bytes: {:.500}", why.len(), why)),
        Ok(_) => wrong("it was taken"),
    }
}

/// The same for a request that can't be made.
pub fn invalid(answer: Result<Response, Error>, words: &str) -> Ended {
    match answer {
        Err(Error::Invalid(why)) => refused::<()>(Err(why), words),
        Err(other) => wrong(format!("{other:?}")),
        Ok(answer) => wrong(format!("it was answered with {}", answer.status)),
    }
}

/// A text of the config; empty: there is none.
pub fn setting(key: &str) -> String {
    let value = config::get(key).unwrap_or_default();
    let text = match value.as_slice() {
        [0xa0..=0xbf, text @ ..] | [0xd9, _, text @ ..] | [0xda, _, _, text @ ..] => text,
        _ => &[],
    };
    String::from_utf8_lossy(text).into_owned()
}

/// A request to a path of the test's server.
pub fn get(path: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: format!("{}{path}", setting("url")),
        headers: Vec::new(),
        body: None,
        name: None,
        transaction: 1,
        timeout: None,
        max_redirects: 0,
        identity: None,
        insecure: false,
        discard_body: false,
    }
}

/// An answer of the test's server.
pub fn answer() -> Result<Response, Ending> {
    http::send(&get("/json")).map_err(|error| Ending::Failed(failure(format!("{error:?}"))))
}

/// A msgpack map with one pair: `text`, and so many bytes.
pub fn fields(bytes: usize) -> Vec<u8> {
    let mut fields = b"\x81\xa4text\xdb".to_vec();
    fields.extend_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes());
    fields.resize(fields.len() + bytes, b'x');
    fields
}

/// A msgpack map with so many pairs.
pub fn many_fields(count: u32) -> Vec<u8> {
    let mut fields = vec![0xdf];
    fields.extend_from_slice(&count.to_be_bytes());
    for number in 0..count {
        fields.extend_from_slice(b"\xae");
        fields.extend_from_slice(format!("field-{number:08}").as_bytes());
        fields.push(0xc0);
    }
    fields
}

/// A msgpack map whose one value is a list in a list in a list.
pub fn deep_fields(depth: usize) -> Vec<u8> {
    let mut fields = b"\x81\xa4deep".to_vec();
    fields.resize(fields.len() + depth, 0x91);
    fields.push(0xc0);
    fields
}

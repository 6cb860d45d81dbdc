//! Bytes that would make two requests of one, in every place that a request has.

use crate::bindings::mite::journey::http::{self, Cookie, Error, Request};
use crate::support::{expect, get, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("inject_method", inject_method),
    ("inject_url", inject_url),
    ("inject_header_name", inject_header_name),
    ("inject_header_value", inject_header_value),
    ("inject_cookie", inject_cookie),
    ("inject_label", inject_label),
    ("set_hop_by_hop", set_hop_by_hop),
];

const SECOND: &str = "\r\ninjected: yes\r\n\r\nGET /injected HTTP/1.1\r\nhost: x\r\n\r\n";

/// Every control character, and those that begin a line for some.
fn harmful() -> impl Iterator<Item = String> {
    let controls = (0..=0x1f_u8).chain([0x7f]).map(|byte| format!("a{}b", char::from(byte)));
    controls.chain([SECOND, "\n", "\r", "a\u{85}b", "a\u{2028}b", "\u{10a}\u{10d}"].map(str::to_owned))
}

/// Sends it if the host lets it: then the test looks at what has reached the server.
fn tried(change: impl FnOnce(&mut Request)) -> Result<u16, Error> {
    let mut request = get("/injection");
    change(&mut request);
    http::send(&request).map(|answer| answer.status)
}

fn all_invalid(change: impl Fn(&mut Request, String)) -> Ended {
    for text in harmful() {
        match tried(|request| change(request, text.clone())) {
            Err(Error::Invalid(_)) => {}
            other => return wrong(format!("`{}`: {other:?}", text.escape_debug())),
        }
    }
    Ok(())
}

/// Nothing that isn't a token; CONNECT is for proxies; and one without end isn't sent.
fn inject_method() -> Ended {
    all_invalid(|request, text| request.method = text)?;
    for method in ["", "GET /injected", "GET:", "CONNECT", "\u{c4}", &"M".repeat(70_000)] {
        let tried = tried(|request| request.method = method.to_owned());
        expect(matches!(tried, Err(Error::Invalid(_))), &format!("{method:.20}: {tried:?}"))?;
    }
    Ok(())
}

/// A URL may have them, encoded; whatever is sent is one request.
fn inject_url() -> Ended {
    for text in harmful() {
        match tried(|request| request.url += &format!("?{text}#{text}")) {
            Ok(_) | Err(Error::Invalid(_)) => {}
            other => return wrong(format!("`{}`: {other:?}", text.escape_debug())),
        }
        let user = tried(|request| request.url = request.url.replace("://", &format!("://{text}:{text}@")));
        expect(!matches!(user, Err(Error::Protocol(_))), &format!("`{}`: {user:?}", text.escape_debug()))?;
    }
    Ok(())
}

fn inject_header_name() -> Ended {
    all_invalid(|request, text| request.headers.push((text, "value".to_owned())))?;
    for name in ["", " name", "name ", "na:me", ":method", "name\0"] {
        let tried = tried(|request| request.headers.push((name.to_owned(), "value".to_owned())));
        expect(matches!(tried, Err(Error::Invalid(_))), &format!("`{}`: {tried:?}", name.escape_debug()))?;
    }
    Ok(())
}

/// A tab may stand in a value, and so may what isn't ASCII.
fn inject_header_value() -> Ended {
    for text in harmful() {
        let may = text == "a\tb" || text.chars().all(|it| !it.is_ascii_control());
        match tried(|request| request.headers.push(("x-tried".to_owned(), text.clone()))) {
            Ok(_) if may => {}
            Err(Error::Invalid(_)) if !may => {}
            other => return wrong(format!("`{}`: {other:?}", text.escape_debug())),
        }
    }
    Ok(())
}

/// By the session and by a header. What the session takes is sent as one cookie.
fn inject_cookie() -> Ended {
    all_invalid(|request, text| {
        // A tab is no harm in a header.
        let text = if text == "a\tb" { "\0".to_owned() } else { text };
        let text = if text.chars().any(|it| it.is_ascii_control()) { text } else { "\0".to_owned() };
        request.headers.push(("cookie".to_owned(), text));
    })?;
    for text in harmful().chain([";", "a; injected=1", "a=b; c", " ", ""].map(str::to_owned)) {
        let cookie = |name: &str, value: &str| {
            let (domain, path) = ("127.0.0.1".to_owned(), "/".to_owned());
            http::set_cookie(&Cookie { name: name.to_owned(), value: value.to_owned(), domain, path })
        };
        for set in [cookie(&text, "value"), cookie("name", &text)] {
            if set.is_ok() {
                expect(tried(|_| ()).is_ok(), &format!("`{}` was taken and can't be sent", text.escape_debug()))?;
            }
            http::clear_cookies();
        }
    }
    Ok(())
}

/// A label is no part of a request: it is data.
fn inject_label() -> Ended {
    for text in harmful() {
        let tried = tried(|request| request.name = Some(text.clone()));
        expect(tried.is_ok(), &format!("`{}`: {tried:?}", text.escape_debug()))?;
    }
    Ok(())
}

fn set_hop_by_hop() -> Ended {
    for name in [
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Proxy-Connection",
        "HTTP2-Settings",
    ] {
        let tried = tried(|request| request.headers.push((name.to_owned(), "1".to_owned())));
        expect(matches!(tried, Err(Error::Invalid(_))), &format!("{name}: {tried:?}"))?;
    }
    Ok(())
}

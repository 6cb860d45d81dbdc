use super::super::headers::Headers;
use super::super::target::Targets;
use super::*;
use crate::runner::tally::Tally;
use crate::runner::transactions::Names;
use crate::wire::message::run_id_field;

/// A request as `Ask::new` makes it, without a worker.
fn ask(method: &Method, url: &str, given: &[(&str, &str)], body: Option<&[u8]>) -> Ask {
    let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ask {
        method: method.clone(),
        target: target(url),
        headers: headers(&given).unwrap(),
        has_body: body.is_some(),
        body: body.map_or_else(Bytes::new, Bytes::copy_from_slice),
        kept: Kept::default(),
        name: Some("name".into()),
        number: 0,
        timeout: 0,
        max_redirects: 5,
        client_identity: None,
        insecure: false,
        discard_body: false,
        session: Arc::default(),
        run: Arc::new(Identity::new(run_id_field("r"))),
        context_id: 1,
        transaction: Names::new(&mut Tally::default()).root(),
        transaction_id: 1,
        apart: false,
        slot: Cell::new(None),
        has_secrets: true,
    }
}

fn target(url: &str) -> Arc<Target> {
    Targets::default().get(url).unwrap()
}

/// The head as it is sent: its first line, then names and values.
fn head(ask: &Ask) -> (String, Vec<(String, String)>) {
    let head = String::from_utf8_lossy(&ask.head(&AGENT, ask.body.len())).into_owned();
    let mut lines = head.strip_suffix("\r\n\r\n").expect("an empty line at the end").split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    (first, lines.map(|line| pair(line).expect("a name and a value")).collect())
}

/// All values of a header, as they are sent.
fn sent(ask: &Ask, name: &str) -> Vec<String> {
    head(ask).1.into_iter().filter(|(sent, _)| sent == name).map(|(_, value)| value).collect()
}

#[test]
fn headers_that_are_refused() {
    for (name, value, reason) in [
        ("a", "x\r\ny: z", "the value of header `a` can't be sent: `x\\r\\ny: z`"),
        ("a", "x\ry", "can't be sent"),
        ("a", "x\ny", "can't be sent"),
        ("a", "x\0y", "can't be sent"),
        ("a", "x\u{7f}", "can't be sent"),
        ("a", "x\u{1b}[2J", "can't be sent: `x\\u{1b}[2J`"),
        ("", "x", "`` is not a header's name"),
        ("a b", "x", "is not a header's name"),
        ("a:", "x", "is not a header's name"),
        ("a\r\nb", "x", "`a\\r\\nb` is not a header's name"),
        ("a\0", "x", "is not a header's name"),
        ("ä", "x", "is not a header's name"),
        (":authority", "x", "is not a header's name"),
        ("Connection", "close", "the header `connection` is made by mite"),
        ("CONTENT-LENGTH", "5", "made by mite"),
        ("Keep-Alive", "5", "made by mite"),
        ("Proxy-Connection", "close", "made by mite"),
        ("TE", "trailers", "made by mite"),
        ("Trailer", "x", "made by mite"),
        ("Transfer-Encoding", "chunked", "made by mite"),
        ("Upgrade", "websocket", "made by mite"),
        ("HTTP2-Settings", "x", "made by mite"),
    ] {
        let refused = headers(&[(name.to_owned(), value.to_owned())]).expect_err(reason);
        assert!(refused.contains(reason), "{name}: {refused}");
    }
}

#[test]
fn headers_that_are_sent() {
    for (name, value, why) in [
        ("X-Own", "", "empty"),
        ("X-Own", " \t", "white space"),
        ("X-Own", "a\tb", "a tab"),
        ("X-Own", "é", "UTF-8, as it is"),
        ("X_!#$%&'*+-.^`|~9", "x", "all that a name may have"),
        ("Authorization", "Bearer x", "credentials"),
        ("Expect", "x", "ours doesn't know it"),
    ] {
        let given = headers(&[(name.to_owned(), value.to_owned())]).unwrap();
        let (sent_name, sent_value) = &given[0];
        assert_eq!((sent_name.as_str(), sent_value.as_bytes()), (&*name.to_lowercase(), value.as_bytes()), "{why}");
    }
}

#[test]
fn headers_are_bounded() {
    let many = |count, name: usize, value: usize| vec![("n".repeat(name), "v".repeat(value)); count];
    for (given, refused, why) in [
        (many(100, 1, 1), None, "the most"),
        (many(101, 1, 1), Some("at most 100 headers, not 101"), "one more"),
        (many(1, 10, 65_526), None, "the largest"),
        (many(1, 10, 65_527), Some("at most 65536 bytes, not 65537"), "a byte more"),
        (many(64, 24, 1_000), None, "all together"),
        (many(64, 24, 1_001), Some("at most 65536 bytes, not 65600"), "all together"),
        (many(1, 65_536, 0), Some("is not a header's name"), "a name of 64 KiB"),
    ] {
        match (headers(&given), refused) {
            (Ok(sent), None) => assert_eq!(sent.len(), given.len(), "{why}"),
            (Err(error), Some(reason)) => assert!(error.contains(reason), "{why}: {error}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

#[test]
fn headers_that_mite_makes() {
    let get = ask(&Method::GET, "http://a:81/x?y", &[], None);
    let (first, headers) = head(&get);
    assert_eq!(first, "GET /x?y HTTP/1.1");
    assert_eq!(headers[0].0, "host", "before all others (RFC 9112, 3.2)");
    assert_eq!(sent(&get, "host"), ["a:81"]);
    assert_eq!(sent(&get, "accept-encoding"), ["gzip, deflate, br, zstd"]);
    assert!(sent(&get, "user-agent")[0].starts_with("mite/"));
    assert_eq!(headers.len(), 3, "and no more");
    let own = [
        ("Host", "other"),
        ("hOST", "last"),
        ("User-Agent", "me"),
        ("Accept-Encoding", "identity"),
        ("b", "2"),
        ("B", "1"),
    ];
    let own = ask(&Method::GET, "http://a/", &own, None);
    for (name, values, why) in [
        ("host", vec!["last"], "never two hosts"),
        ("user-agent", vec!["me"], "the journey's own"),
        ("accept-encoding", vec!["identity"], "the journey's own"),
        ("b", vec!["2", "1"], "all, in order"),
    ] {
        assert_eq!(sent(&own, name), values, "{why}");
    }
}

#[test]
fn the_length_of_the_body() {
    for (method, body, length, why) in [
        (Method::GET, None, None, "none is usual"),
        (Method::GET, Some(b"".as_slice()), Some("0"), "it was asked for"),
        (Method::POST, None, Some("0"), "RFC 9110, 8.6"),
        (Method::PUT, None, Some("0"), "RFC 9110, 8.6"),
        (Method::PATCH, Some(b"".as_slice()), Some("0"), "once"),
        (Method::DELETE, None, None, "none is usual"),
        (Method::POST, Some(b"x".as_slice()), Some("1"), "the body's"),
        (Method::GET, Some(b"abc".as_slice()), Some("3"), "the body's"),
    ] {
        assert_eq!(sent(&ask(&method, "http://a/", &[], body), "content-length"), Vec::from_iter(length), "{why}");
    }
}

#[test]
fn credentials() {
    for (url, own, want, why) in [
        ("http://u:p@a/", vec![], vec!["Basic dTpw"], "of the URL"),
        ("http://u:p@a/", vec![("Authorization", "Bearer x")], vec!["Bearer x"], "the journey's own header counts"),
        ("http://a/", vec![("Authorization", "Bearer x")], vec!["Bearer x"], "a header"),
        ("http://a/", vec![], vec![], "none"),
    ] {
        assert_eq!(sent(&ask(&Method::GET, url, &own, None), "authorization"), want, "{why}");
    }
}

#[test]
fn cookies_are_one_header() {
    for (own, set, want, why) in [
        (vec![], vec!["s=1"], vec!["s=1"], "the session's"),
        (vec![("Cookie", "o=2")], vec![], vec!["o=2"], "the journey's"),
        (vec![("Cookie", "o=2")], vec!["s=1"], vec!["o=2; s=1"], "both"),
        (vec![("Cookie", "o=2"), ("cookie", "p=3")], vec!["s=1"], vec!["o=2; p=3; s=1"], "several"),
        (vec![], vec!["s=1; Path=/other"], vec![], "of another path"),
    ] {
        let ask = ask(&Method::GET, "http://a/x", &own, None);
        let set: Vec<_> = set.into_iter().map(|cookie| ("set-cookie", cookie.as_bytes())).collect();
        ask.session.lock().unwrap().store(&Headers::of(&set), &ask.target.url);
        assert_eq!(sent(&ask, "cookie"), want, "{why}");
    }
}

#[test]
fn methods_and_bodies_after_redirects() {
    let get = |method| (method, "GET", false);
    let stays = |method: Method| (method.clone(), method.to_string().leak() as &str, true);
    for (status, (method, after, keeps_body), why) in [
        (301, get(Method::POST), "moved"),
        (302, get(Method::POST), "found"),
        (303, get(Method::POST), "see other"),
        (303, get(Method::PUT), "see other"),
        (302, get(Method::DELETE), "found"),
        (301, get(Method::GET), "a GET with a body"),
        (301, stays(Method::HEAD), "HEAD stays"),
        (303, stays(Method::HEAD), "HEAD stays"),
        (307, stays(Method::POST), "the same again"),
        (308, stays(Method::PUT), "the same again"),
        (308, stays(Method::GET), "the same again"),
    ] {
        let given = [("Content-Type", "text/plain"), ("X-Own", "1")];
        let mut ask = ask(&method, "http://a/x", &given, Some(b"body"));
        ask.redirect(status, target("http://a/y?z"));
        assert_eq!(head(&ask).0, format!("{after} /y?z HTTP/1.1"), "{why}");
        assert_eq!(ask.method.as_str(), after, "{status} {method}: {why}");
        assert_eq!(ask.body.as_ref(), if keeps_body { b"body".as_slice() } else { b"" }, "{status} {method}: {why}");
        assert_eq!(sent(&ask, "content-type").len(), usize::from(keeps_body), "{status} {method}: {why}");
        assert_eq!(sent(&ask, "x-own"), ["1"], "{status} {method}: {why}");
        let length = sent(&ask, "content-length");
        assert_eq!(length.len(), usize::from(keeps_body), "{status} {method}: no length of a body that is gone");
    }
}

#[test]
fn credentials_after_redirects() {
    let given = [("Authorization", "Bearer x"), ("Cookie", "o=2"), ("Host", "virtual"), ("X-Own", "1")];
    for (to, stays, host, why) in [
        ("http://a/y", true, "virtual", "the same host"),
        ("http://A:80/y", true, "virtual", "the same host, spelled otherwise"),
        ("http://b/y", false, "b", "another host"),
        ("http://sub.a/y", false, "sub.a", "below it is another"),
        ("http://a:81/y", false, "a:81", "another port"),
        ("https://a/y", false, "a", "another scheme"),
    ] {
        let mut ask = ask(&Method::GET, "http://a/x", &given, None);
        ask.redirect(302, target(to));
        assert_eq!(sent(&ask, "authorization").len(), usize::from(stays), "{why}");
        assert_eq!(sent(&ask, "cookie").len(), usize::from(stays), "{why}");
        assert_eq!((sent(&ask, "host"), sent(&ask, "x-own")), (vec![host.to_owned()], vec!["1".to_owned()]), "{why}");
        ask.redirect(302, target("http://a/x"));
        assert_eq!(sent(&ask, "authorization").len(), usize::from(stays), "{why}: what is gone does not come back");
    }
}

#[test]
fn names_and_passwords_of_urls_after_redirects() {
    for (hops, want, why) in [
        (vec!["http://a/y"], vec!["Basic dTpw"], "they stay with the host, as in curl"),
        (vec!["http://a/y", "http://a/z"], vec!["Basic dTpw"], "all the way"),
        (vec!["http://b/y"], vec![], "another host doesn't get them"),
        (vec!["http://b/y", "http://a/y"], vec![], "nor does the first one when it leads back"),
        (vec!["http://a/y", "http://b/y"], vec![], "another host after some hops"),
        (vec!["http://v:q@a/y"], vec!["Basic djpx"], "a redirect that brings its own"),
        (vec!["http://v:q@b/y"], vec!["Basic djpx"], "a redirect that brings its own elsewhere"),
    ] {
        let mut ask = ask(&Method::GET, "http://u:p@a/x", &[], None);
        hops.into_iter().for_each(|to| ask.redirect(302, target(to)));
        assert_eq!(sent(&ask, "authorization"), want, "{why}");
    }
}

#[test]
fn who_asks() {
    for (run_id, own, why) in [
        ("5f3a-01", true, "the run"),
        ("", false, "none"),
        ("a\r\nx: y", false, "what no header can have"),
        (&"x".repeat(101), false, "too long"),
    ] {
        let agent = agent(run_id);
        let expected = format!("mite/{} (run {run_id})", env!("CARGO_PKG_VERSION"));
        assert_eq!(agent.to_str().is_ok_and(|agent| agent == expected), own, "{why}");
        assert!(own || agent == AGENT, "{why}");
    }
}

#[test]
fn secrets_after_redirects() {
    for (from, to, stays, why) in [
        ("http://a.com/x", "http://a.com/y", true, "the same origin"),
        ("http://a.com/x", "http://b.com/x", false, "another host"),
        ("http://a.com/x", "http://a.com:81/x", false, "another port"),
        ("https://a.com/x", "http://a.com/x", false, "another scheme"),
    ] {
        let given = [("x-key", "MITE-SECRET-0"), ("x-other", "1")];
        let mut ask = ask(&Method::POST, from, &given, Some(b"MITE-SECRET-0"));
        ask.redirect(307, target(to));
        assert_eq!(sent(&ask, "x-key").len(), usize::from(stays), "{why}");
        assert_eq!((ask.has_secrets, sent(&ask, "x-other").len()), (stays, 1), "{why}");
        // Once away it never comes back.
        ask.redirect(307, target(from));
        assert_eq!(ask.has_secrets, stays, "{why}");
    }
}

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn store(session: &mut Session, cookie: &[u8], from: &str) {
    session.store(&Headers::of(&[("Set-Cookie", cookie)]), &url(from));
}

fn sent(session: &Session, to: &str) -> Option<String> {
    session.header(&url(to)).map(|value| value.to_str().unwrap().to_owned())
}

#[test]
fn cookies_go_where_they_belong() {
    const HERE: &str = "http://www.a.example/dir/page";
    for (cookie, to, want, why) in [
        ("k=v", HERE, Some("k=v"), "where it came from"),
        ("k=v", "http://www.a.example/dir/", Some("k=v"), "its directory"),
        ("k=v", "http://www.a.example/dir/sub/x", Some("k=v"), "below it"),
        ("k=v", "http://www.a.example/directory", None, "not what only begins so"),
        ("k=v", "http://www.a.example/", None, "not above it"),
        ("k=v; Path=/", "http://www.a.example/", Some("k=v"), "a path of its own"),
        ("k=v; Path=nonsense", "http://www.a.example/dir/x", Some("k=v"), "no path: the default"),
        ("k=v", "http://www.a.example:81/dir/x", Some("k=v"), "ports are not looked at"),
        ("k=v", "https://www.a.example/dir/x", Some("k=v"), "https too"),
        ("k=v", "http://a.example/dir/x", None, "another host"),
        ("k=v", "http://sub.www.a.example/dir/x", None, "only this host"),
        ("k=v; Domain=a.example; Path=/", "http://b.a.example/", Some("k=v"), "its domain"),
        ("k=v; Domain=.a.example; Path=/", "http://a.example/", Some("k=v"), "a dot before it means nothing"),
        ("k=v; Domain=a.example; Path=/", "http://xa.example/", None, "not what only ends so"),
        ("k=v; Domain=b.example", HERE, None, "not for another's domain"),
        ("k=v; Domain=sub.www.a.example", HERE, None, "not for one below"),
        ("k=v; Secure; Path=/", "http://www.a.example/", None, "secure: not in plain text"),
        ("k=v; Secure; Path=/", "https://www.a.example/", Some("k=v"), "secure: with TLS"),
        ("k=v; HttpOnly; Path=/", "http://www.a.example/", Some("k=v"), "HTTP is what we speak"),
        ("k=v; Max-Age=100", HERE, Some("k=v"), "not over yet"),
        ("k=v; Max-Age=0", HERE, None, "over"),
        ("k=v; Max-Age=-5", HERE, None, "long over"),
        ("k=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT", HERE, None, "over"),
        ("k=v; Expires=Fri, 01 Jan 2100 00:00:00 GMT", HERE, Some("k=v"), "not over yet"),
        ("k=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9", HERE, Some("k=v"), "RFC 6265: Max-Age counts"),
        ("k=v; Expires=nonsense", HERE, Some("k=v"), "as if it wasn't there"),
        ("k=", HERE, Some("k="), "an empty value"),
        ("k=a=b", HERE, Some("k=a=b"), "the first sign counts"),
        ("k=\"v\"", HERE, Some("k=\"v\""), "quotes are the value's"),
        ("=v", HERE, None, "no name"),
        ("nonsense", HERE, None, "no value"),
        ("", HERE, None, "nothing"),
    ] {
        let mut session = Session::default();
        store(&mut session, cookie.as_bytes(), HERE);
        assert_eq!(sent(&session, to).as_deref(), want, "{cookie}: {why}");
    }
}

#[test]
fn cookies_change_and_go() {
    let mut session = Session::default();
    assert_eq!(sent(&session, "http://a/"), None, "none before the first");
    for (cookie, want, why) in [
        ("k=1", Some("k=1"), "set"),
        ("k=2", Some("k=2"), "another value"),
        ("k=x; Max-Age=0", None, "taken back"),
        ("k=3", Some("k=3"), "set again"),
        ("k=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, "taken back, the other way"),
    ] {
        store(&mut session, cookie.as_bytes(), "http://a/");
        assert_eq!(sent(&session, "http://a/").as_deref(), want, "{why}");
        assert_eq!(session.list().len(), usize::from(want.is_some()), "{why}");
    }
    store(&mut session, b"k=4", "http://a/");
    session.clear();
    assert_eq!((sent(&session, "http://a/"), session.list().len()), (None, 0), "a new run has none");
}

#[test]
fn several_cookies_are_one_header() {
    let mut session = Session::default();
    let cookies = [b"a=1".as_slice(), b"b=2", b"c=3; Domain=other"].map(|cookie| ("set-cookie", cookie));
    session.store(&Headers::of(&cookies), &url("http://h/"));
    let header = sent(&session, "http://h/").unwrap();
    let mut pairs: Vec<_> = header.split("; ").collect();
    pairs.sort_unstable();
    assert_eq!(pairs, ["a=1", "b=2"]);
}

#[test]
fn cookies_are_bounded() {
    for (bytes, kept, why) in [(COOKIE_BYTES_MAX, true, "the largest"), (COOKIE_BYTES_MAX + 1, false, "one byte more")]
    {
        let mut session = Session::default();
        store(&mut session, format!("k={}", "v".repeat(bytes - 2)).as_bytes(), "http://a/");
        assert_eq!(sent(&session, "http://a/").is_some(), kept, "{why}");
    }
    let mut session = Session::default();
    for number in 0..300 {
        store(&mut session, format!("k{number}=v").as_bytes(), "http://a/");
        assert!(session.list().len() <= COOKIES_MAX);
    }
    assert_eq!(session.list().len(), COOKIES_MAX);
    for number in 0..300 {
        let (name, value) = (number.to_string(), "v".to_owned());
        session.set(&Cookie { name, value, domain: "b".to_owned(), path: "/".to_owned() }).unwrap();
    }
    assert_eq!(session.list().len(), COOKIES_MAX, "those of the journey count too");
    let cookies: Vec<_> = (0..300).map(|number| format!("c{number}=v")).collect();
    let headers: Vec<_> = cookies.iter().map(|cookie| ("set-cookie", cookie.as_bytes())).collect();
    session.store(&Headers::of(&headers), &url("http://c/"));
    assert_eq!(session.list().len(), COOKIES_MAX, "those of one answer too");
}

#[test]
fn what_is_over_makes_room_first() {
    let mut session = Session::default();
    store(&mut session, b"login=1", "http://a/");
    for number in 0..1_000 {
        store(&mut session, format!("k{number}=v").as_bytes(), "http://a/");
        store(&mut session, format!("k{number}=v; Max-Age=0").as_bytes(), "http://a/");
    }
    assert_eq!(sent(&session, "http://a/").as_deref(), Some("login=1"));
}

#[test]
fn cookies_of_the_journey() {
    let cookie = |name: &str, value: &str, domain: &str, path: &str| Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        domain: domain.to_owned(),
        path: path.to_owned(),
    };
    for (set, to, want, why) in [
        (cookie("k", "v", "a.example", "/"), "http://a.example/x", Ok(Some("k=v")), "as set"),
        (cookie("k", "v", "a.example", ""), "http://a.example/x", Ok(Some("k=v")), "no path is all"),
        (cookie("k", "v", ".a.example", "/"), "http://a.example/x", Ok(Some("k=v")), "a dot before it means nothing"),
        (cookie("k", "v", "a.example", "/y"), "http://a.example/x", Ok(None), "another path"),
        (cookie("k", "v", "127.0.0.1", "/"), "http://127.0.0.1:81/", Ok(Some("k=v")), "an address"),
        (cookie("k", "v", "[::1]", "/"), "http://[::1]/", Ok(Some("k=v")), "an IPv6 address"),
        (cookie("k", "v", "", "/"), "http://a/", Err("`` is not a cookie's domain"), "no domain"),
        (cookie("k", "v", "a b", "/"), "http://a/", Err("`a b` is not a cookie's domain"), "not a name"),
        (
            cookie("k", "v\r\nx: y", "a", "/"),
            "http://a/",
            Err("cookie `k` has characters that"),
            "no header of its own",
        ),
        (cookie("k\n", "v", "a", "/"), "http://a/", Err("cookie `k\\n` has characters that"), "nor in the name"),
        (cookie("k", "v; x=y", "a", "/"), "http://a/", Err("cookie `k` has characters that"), "no second cookie"),
        (cookie("k; x", "v", "a", "/"), "http://a/", Err("cookie `k; x` has characters that"), "nor in the name"),
        (cookie("k=v", "v", "a", "/"), "http://a/", Err("cookie `k=v` has characters that"), "nor another value"),
        (cookie("k", "a=b", "a.example", "/"), "http://a.example/", Ok(Some("k=a=b")), "a value may have one"),
    ] {
        let mut session = Session::default();
        let done = session.set(&set);
        match want {
            Ok(want) => {
                assert_eq!((done, sent(&session, to).as_deref()), (Ok(()), want), "{why}");
                let listed = &session.list()[0];
                assert_eq!((&*listed.name, &*listed.value), (&*set.name, &*set.value), "{why}");
                assert_eq!(listed.domain, set.domain.trim_start_matches('.'), "{why}");
            }
            Err(reason) => {
                let refused = done.expect_err(why);
                assert!(refused.contains(reason), "{why}: {refused}");
                assert!(session.list().is_empty(), "{why}");
            }
        }
    }
}

#[test]
fn what_is_not_text_is_passed_over() {
    let mut session = Session::default();
    let cookies = [b"a=\xff".as_slice(), b"b=2"].map(|cookie| ("set-cookie", cookie));
    session.store(&Headers::of(&cookies), &url("http://h/"));
    assert_eq!(sent(&session, "http://h/").as_deref(), Some("b=2"));
}

proptest! {
    #[test]
    fn no_cookie_panics(cookies in prop::collection::vec("[ -~\t\u{80}-\u{ff}]{0,60}", 0..5)) {
        let mut session = Session::default();
        for cookie in &cookies {
            store(&mut session, cookie.as_bytes(), "http://a.example/x/y");
        }
        if let Some(header) = session.header(&url("http://a.example/x/y")) {
            prop_assert!(!header.is_empty());
        }
    }
}

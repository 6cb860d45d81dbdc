use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn name(name: &str) -> OriginHost {
    OriginHost::Name(name.into())
}

fn v4(a: u8, b: u8, c: u8, d: u8) -> OriginHost {
    OriginHost::Address(Ipv4Addr::new(a, b, c, d).into())
}

fn v6(text: &str) -> OriginHost {
    OriginHost::Address(text.parse::<Ipv6Addr>().unwrap().into())
}

fn get(text: &str) -> Result<Arc<Target>, String> {
    Targets::default().get(text)
}

#[test]
fn urls() {
    type Case = (&'static str, &'static str, &'static str, &'static str, (bool, OriginHost, u16), &'static str);
    let rows: [Case; 17] = [
        ("http://a", "http://a/", "a", "/", (false, name("a"), 80), "the path is never empty"),
        ("HTTPS://A.Example/X", "https://a.example/X", "a.example", "/X", (true, name("a.example"), 443), "case"),
        ("http://a:80/", "http://a/", "a", "/", (false, name("a"), 80), "the usual port is not said"),
        ("https://a:80/", "https://a:80/", "a:80", "/", (true, name("a"), 80), "unless it is another's"),
        ("http://a:08080?q=1", "http://a:8080/?q=1", "a:8080", "/?q=1", (false, name("a"), 8080), "a query alone"),
        ("http://a/x?y#z", "http://a/x?y", "a", "/x?y", (false, name("a"), 80), "the fragment stays here"),
        ("http://a/#", "http://a/", "a", "/", (false, name("a"), 80), "an empty one too"),
        ("http://a/b/../c/./d", "http://a/c/d", "a", "/c/d", (false, name("a"), 80), "dots"),
        ("http://a/../../x", "http://a/x", "a", "/x", (false, name("a"), 80), "no way up"),
        ("http://a//b//", "http://a//b//", "a", "//b//", (false, name("a"), 80), "empty parts stay"),
        ("http:\\\\a\\b", "http://a/b", "a", "/b", (false, name("a"), 80), "as browsers read it"),
        ("  http://a/b\tc\n ", "http://a/bc", "a", "/bc", (false, name("a"), 80), "as browsers read it"),
        ("http://a/b c?d e", "http://a/b%20c?d%20e", "a", "/b%20c?d%20e", (false, name("a"), 80), "spaces"),
        ("http://a/%2e%2E/%41", "http://a/%41", "a", "/%41", (false, name("a"), 80), "escaped dots are dots"),
        (
            "http://BÜCHER.example/ä?ö",
            "http://xn--bcher-kva.example/%C3%A4?%C3%B6",
            "xn--bcher-kva.example",
            "/%C3%A4?%C3%B6",
            (false, name("xn--bcher-kva.example"), 80),
            "IDN",
        ),
        ("http://a%41./", "http://aa./", "aa.", "/", (false, name("aa."), 80), "an escape in a name; the last dot"),
        ("http://a_b/|{}^`\"", "http://a_b/|%7B%7D^%60%22", "a_b", "/|%7B%7D^%60%22", (false, name("a_b"), 80), "odd"),
    ];
    for (text, url, host, path, origin, why) in rows {
        let target = get(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((target.url.as_str(), target.host.to_str().unwrap()), (url, host), "{why}");
        assert_eq!(&*target.path, path, "{why}");
        let Origin { https, host, port, .. } = &*target.origin;
        assert_eq!((*https, host.clone(), *port), origin, "{why}");
        assert!(target.authorization.is_none(), "{why}");
    }
}

#[test]
fn addresses_have_one_spelling() {
    for (text, host, origin, why) in [
        ("http://127.0.0.1/", "127.0.0.1", v4(127, 0, 0, 1), "as it should be"),
        ("http://2130706433/", "127.0.0.1", v4(127, 0, 0, 1), "one number"),
        ("http://0x7f000001/", "127.0.0.1", v4(127, 0, 0, 1), "hexadecimal"),
        ("http://0177.0.0.01/", "127.0.0.1", v4(127, 0, 0, 1), "octal"),
        ("http://127.1/", "127.0.0.1", v4(127, 0, 0, 1), "short"),
        ("http://127.0.0.1./", "127.0.0.1", v4(127, 0, 0, 1), "a last dot"),
        ("http://①②⑦.0.0.1/", "127.0.0.1", v4(127, 0, 0, 1), "other digits"),
        ("http://127%2e0.0.1/", "127.0.0.1", v4(127, 0, 0, 1), "escaped dots"),
        ("http://169。254。169。254/", "169.254.169.254", v4(169, 254, 169, 254), "other dots"),
        ("http://[::1]:8080/", "[::1]:8080", v6("::1"), "IPv6 with a port"),
        ("http://[0:0:0:0:0:0:0:1]/", "[::1]", v6("::1"), "IPv6 at length"),
        ("http://[::FFFF:127.0.0.1]/", "[::ffff:7f00:1]", v6("::ffff:127.0.0.1"), "IPv4 in IPv6"),
    ] {
        let target = get(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((target.host.to_str().unwrap(), &target.origin.host), (host, &origin), "{why}");
    }
}

#[test]
fn what_is_refused_and_why() {
    let long = format!("http://a/{}", "x".repeat(URL_BYTES_MAX));
    for (text, reason) in [
        ("", "is not a URL"),
        ("a/b", "is not a URL: relative URL without a base"),
        ("/x", "is not a URL"),
        ("http://", "empty host"),
        ("http://?x", "empty host"),
        ("http://a b/", "invalid international domain name"),
        ("http://a<b/", "invalid"),
        ("http://a:65536/", "invalid port number"),
        ("http://a:x/", "invalid port number"),
        ("http://a:-1/", "invalid port number"),
        ("http://[::1/", "invalid IPv6 address"),
        ("http://[::1%25eth0]/", "invalid IPv6 address"),
        ("http://[v1.x]/", "invalid IPv6 address"),
        ("http://256.1.1.1/", "invalid IPv4 address"),
        ("http://1.2.3.4.5/", "invalid IPv4 address"),
        ("http://xn--a/", "invalid international domain name"),
        ("http://%00/", "invalid"),
        ("http://a%0d%0ab/", "invalid"),
        ("ftp://a/", "has the scheme ftp; journeys speak http and https"),
        ("ftp://user:pass@a/", "`ftp://a/` has the scheme ftp"),
        ("ws://a/", "scheme ws"),
        ("file:///etc/passwd", "scheme file"),
        ("data:,x", "scheme data"),
        ("javascript:alert(1)", "scheme javascript"),
        ("unix:/run/x.sock", "scheme unix"),
        ("httpx://a/", "scheme httpx"),
        ("mailto:a@b", "scheme mailto"),
        ("http\u{1b}://\n", "`http\\u{1b}://\\n` is not a URL"),
        (&long, "the URL has 65545 bytes; the limit is 65536"),
    ] {
        let refused = get(text).map(|target| target.url.to_string()).expect_err(text);
        assert!(refused.contains(reason), "{text}: {refused}");
    }
}

#[test]
fn names_and_passwords_are_sent_and_not_told() {
    for (text, pair, why) in [
        ("http://user:pass@a/x", Some("user:pass"), "both"),
        ("http://user@a/x", Some("user:"), "a name alone, as curl"),
        ("http://:pass@a/x", Some(":pass"), "a password alone"),
        ("http://us%65r:p%3Aw%40@a/x", Some("user:p:w@"), "escapes are undone"),
        ("http://ü:é@a/x", Some("ü:é"), "as UTF-8"),
        ("http://u@ser:x@a/x", Some("u@ser:x"), "the last @ counts"),
        ("http://user:pa:ss@a/x", Some("user:pa:ss"), "the first colon counts"),
        ("http://u%0d%0a:x@a/x", Some("u\r\n:x"), "no header of its own: base64"),
        ("http://@a/x", None, "nothing"),
        ("http://:@a/x", None, "nothing on both sides"),
    ] {
        let target = get(text).unwrap();
        let want = pair.map(|pair| format!("Basic {}", BASE64_STANDARD.encode(pair)));
        let sent = target.authorization.as_ref().map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent, want, "{why}");
        assert!(target.authorization.as_ref().is_none_or(HeaderValue::is_sensitive), "{why}");
        assert_eq!((target.url.as_str(), target.host.to_str().unwrap()), ("http://a/x", "a"), "{why}");
        assert_eq!(target.number(&Method::GET, &mut Tally::default()), 0, "{why}");
    }
}

#[test]
fn redirects_lead_on_from_where_they_came() {
    for (from, location, want, why) in [
        ("http://a/b/c?d", "e", Ok("http://a/b/e"), "relative"),
        ("http://a/b/c?d", "?e", Ok("http://a/b/c?e"), "a query alone"),
        ("http://a/b/c", "/e", Ok("http://a/e"), "absolute path"),
        ("http://a/b/c", "//b/e", Ok("http://b/e"), "another host"),
        ("https://a/b", "http://a/c", Ok("http://a/c"), "another scheme"),
        ("http://a/b", "", Ok("http://a/b"), "to itself"),
        ("http://a/b", "#top", Ok("http://a/b"), "a fragment alone"),
        ("http://u:p@a/b", "/c", Ok("http://a/c"), "the password was taken out"),
        ("http://a/b", "file:///etc/passwd", Err("scheme file"), "not to files"),
        ("http://a/b", "javascript:1", Err("scheme javascript"), "not to code"),
        ("http://a/b", "http://[", Err("redirect to `http://[`: invalid IPv6 address"), "nonsense"),
        ("http://a/b", "\u{202e}x", Ok("http://a/%E2%80%AEx"), "odd characters"),
    ] {
        let mut targets = Targets::default();
        let start = targets.get(from).unwrap();
        match (targets.redirected(&start, location), want) {
            (Ok(target), Ok(want)) => assert_eq!(target.url.as_str(), want, "{why}"),
            (Err(refused), Err(reason)) => assert!(refused.contains(reason), "{why}: {refused}"),
            (got, want) => panic!("{why}: {:?}, not {want:?}", got.map(|target| target.url.clone())),
        }
    }
}

#[test]
fn origins() {
    let mut targets = Targets::default();
    for (one, other, same, why) in [
        ("http://a/x", "http://A:80/y?z", true, "only the path differs"),
        ("http://u:p@a/", "http://a/", true, "a password is not the host's"),
        ("http://127.0.0.1/", "http://0x7f.1/", true, "another spelling"),
        ("http://a/", "http://b/", false, "host"),
        ("http://a/", "http://a:81/", false, "port"),
        ("http://a/", "https://a/", false, "scheme"),
        ("http://a:443/", "https://a/", false, "scheme with the same port"),
        ("http://a/", "http://a./", false, "the root's dot"),
        ("http://a/", "http://sub.a/", false, "below it"),
    ] {
        let (one, other) = (targets.get(one).unwrap(), targets.get(other).unwrap());
        assert_eq!(one.same_origin(&other), same, "{why}");
        assert_eq!(one.origin.id == other.origin.id, same, "{why}: and so connections are shared or not");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let mut targets = Targets::default();
    let first = targets.get("http://host0/").unwrap();
    assert!(Arc::ptr_eq(&first, &targets.get("http://host0/").unwrap()), "parsed once");
    let mut ids = std::collections::HashSet::from([first.origin.id]);
    for number in 1..10_000 {
        let target = targets.get(&format!("http://host{number}/")).unwrap();
        assert!(ids.insert(target.origin.id), "no origin has the number of another");
        assert!(targets.targets.len() <= TARGETS_MAX && targets.origins.len() <= ORIGINS_MAX);
    }
    let again = targets.get("http://host0/").unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "it was forgotten");
    assert!(first.same_origin(&again));
    let kept = targets.targets.len();
    let long = format!("http://a/{}", "x".repeat(KEPT_BYTES_MAX));
    assert_eq!(targets.get(&long).unwrap().url.as_str(), long);
    assert_eq!(targets.targets.len(), kept, "long ones are not kept");
}

#[test]
fn numbers_are_by_method_and_url_without_query() {
    let (mut targets, mut tally) = (Targets::default(), Tally::default());
    for (method, url, number, name) in [
        (Method::GET, "http://u:p@a:81/x?y=1#z", 0, "GET http://a:81/x"),
        (Method::GET, "http://a:81/x?y=2", 0, "GET http://a:81/x"),
        (Method::POST, "http://a:81/x", 1, "POST http://a:81/x"),
        (Method::from_bytes(b"PURGE").unwrap(), "http://a:81/x", 2, "PURGE http://a:81/x"),
        (Method::GET, "http://a:81/x", 0, "GET http://a:81/x"),
        (Method::TRACE, "http://a", 3, "TRACE http://a/"),
    ] {
        let target = targets.get(url).unwrap();
        for _ in 0..2 {
            assert_eq!(target.number(&method, &mut tally), number, "{name}");
        }
        assert!(tally.totals().requests.contains_key(name), "{name}");
    }
    assert_eq!(tally.totals().requests.len(), 4);
}

proptest! {
    #[test]
    fn whatever_parses_can_be_asked_for(rest in "[ -~äλ\t\u{7f}\u{1}\u{2028}]{0,40}") {
        let target = get(&format!("http://a/{rest}")).map_err(TestCaseError::fail)?;
        let asked = target.path.clone();
        prop_assert!(asked.starts_with('/') && asked.bytes().all(|byte| byte.is_ascii_graphic()), "{}", asked);
        prop_assert!(!asked.contains('#'));
        prop_assert_eq!(target.host.to_str().unwrap(), "a");
    }

    #[test]
    fn no_text_panics_or_leaves_the_two_schemes(text in any::<String>(), scheme in "(http|https|ftp|x):/{0,3}") {
        for text in [text.clone(), scheme + &text] {
            if let Ok(target) = get(&text) {
                prop_assert!(matches!(target.url.scheme(), "http" | "https"));
                prop_assert!(target.url.username().is_empty() && target.url.password().is_none());
            }
        }
    }
}

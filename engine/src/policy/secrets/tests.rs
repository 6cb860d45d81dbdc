use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::super::rule::Host;
use super::*;

const VALUE: &str = "s3cr3t \"value\"/+é";

fn secrets(value: &str, targets: Option<Targets>) -> Result<Secrets, SecretError> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    std::fs::write(&file, value).expect("a file");
    let sources = BTreeMap::from([("token".to_owned(), SecretSource { file, targets })]);
    Secrets::read(&sources, || 7)
}

const GOAL: Goal<'_> = Goal { https: true, host: Host::Name("api.example.com"), port: 443 };

fn filled(secrets: &Secrets, text: &str, place: Place) -> Result<Option<String>, String> {
    let address = "9.9.9.9".parse().ok();
    let filled = secrets.fill(text.as_bytes(), place, &GOAL, address).map_err(|denied| denied.0)?;
    Ok(filled.map(|bytes| String::from_utf8(bytes).expect("text")))
}

#[test]
fn values_are_filled_in() {
    let secrets = secrets(&format!("{VALUE}\n"), None).expect("it is right");
    let stand_in = secrets.stand_in("token").expect("it is known").to_owned();
    assert!(secrets.stand_in("other").is_none());
    assert!(!stand_in.contains("s3cr3t") && stand_in.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let form = "s3cr3t%20%22value%22%2F%2B%C3%A9";
    for (text, place, expected, why) in [
        ("Bearer {}", Place::Head, Some(format!("Bearer {VALUE}")), "behind a word"),
        ("{}{}", Place::Body, Some(format!("{VALUE}{VALUE}")), "twice"),
        (r#"{"a":"{}"}"#, Place::Json, Some(r#"{"a":"s3cr3t \"value\"/+é"}"#.to_owned()), "in JSON"),
        ("a={}&b=c", Place::Form, Some(format!("a={form}&b=c")), "in a form"),
        ("nothing", Place::Body, None, "nothing to do"),
        ("MITE-SECRET-MITE-SECRET-0", Place::Body, Some("MITE-SECRET-MITE-SECRET-0".to_owned()), "no secret's"),
        ("MITE-SECRET-{}", Place::Body, Some(format!("MITE-SECRET-{VALUE}")), "just behind such a beginning"),
    ] {
        let text = text.replace("{}", &stand_in);
        assert_eq!(filled(&secrets, &text, place).expect(why), expected, "{why}");
    }
    for (content_type, place) in [
        ("application/json; charset=utf-8", Place::Json),
        ("Application/Problem+JSON", Place::Json),
        ("application/x-www-form-urlencoded", Place::Form),
        ("text/plain", Place::Body),
        ("", Place::Body),
    ] {
        assert_eq!(Place::of_body(content_type), place, "{content_type}");
    }
}

#[test]
fn a_secret_goes_where_it_may() {
    let bound = |rule: &str| {
        let rules = [rule.parse().expect("a rule")];
        secrets(VALUE, Some(Targets::of_secret("token", &rules))).expect("it is right")
    };
    for (rule, may) in [
        ("https://api.example.com", true),
        ("https://pay.example.com", false),
        ("9.9.9.0/24", true),
        ("8.0.0.0/8", false),
    ] {
        let secrets = bound(rule);
        let stand_in = secrets.stand_in("token").expect("it is known").to_owned();
        let filled = filled(&secrets, &stand_in, Place::Head);
        assert_eq!(filled.is_ok(), may, "{rule}");
        let error = filled.err().unwrap_or_default();
        assert!(may || error.contains("targets of secret `token`") && !error.contains(VALUE), "{error}");
    }
    let with_line_end = secrets("line\nend", None).expect("it is right");
    let stand_in = with_line_end.stand_in("token").expect("it is known").to_owned();
    assert!(filled(&with_line_end, &stand_in, Place::Head).expect_err("two headers").contains("send it in a body"));
    assert_eq!(filled(&with_line_end, &stand_in, Place::Json), Ok(Some("line\\nend".to_owned())));
}

#[test]
fn values_are_covered_in_what_is_shown() {
    let secrets = secrets(VALUE, None).expect("it is right");
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    for shape in [
        VALUE.to_owned(),
        r#"s3cr3t \"value\"/+é"#.to_owned(),
        BASE64_STANDARD.encode(VALUE),
        BASE64_URL_SAFE_NO_PAD.encode(VALUE),
        hex.to_uppercase(),
        hex,
        "s3cr3t%20%22value%22%2F%2B%C3%A9".to_owned(),
        "s3cr3t+%22value%22%2F%2B%C3%A9".to_owned(),
    ] {
        let shown = secrets.covered(&format!("<{shape}> and {shape}{shape}"));
        let stars = "*".repeat(shape.len());
        assert_eq!(shown, format!("<{stars}> and {stars}{stars}"), "{shape}");
    }
    assert_eq!(secrets.covered("nothing of it"), "nothing of it");
    assert!(!format!("{secrets:?}").contains("s3cr3t"));
}

#[test]
fn what_is_no_secret() {
    for (value, why) in [("", "it has 0 bytes"), ("abc\n", "it has 3 bytes; a secret has at least 8")] {
        let error = secrets(value, None).expect_err(why).to_string();
        assert!(error.contains(why) && error.contains("secret `token`: ") && !error.contains("abc"), "{error}");
    }
    let error = secrets(&"x".repeat(70_000), None).expect_err("too long").to_string();
    assert!(error.contains("it has 70000 bytes; the limit is 65536"), "{error}");
    let nowhere = BTreeMap::from([("a".to_owned(), SecretSource { file: "/nowhere/x".into(), targets: None })]);
    assert!(Secrets::read(&nowhere, || 7).is_err_and(|error| error.to_string().contains("/nowhere/x")));
}

#[test]
fn cutting() {
    for (text, most, want, why) in [
        ("abc", 3, "abc", "fits"),
        ("abcd", 3, "abc", "cut"),
        ("aéb", 3, "aé", "between characters"),
        ("aéb", 2, "a", "not inside of one"),
        ("😀", 3, "", "the first doesn't fit"),
        ("", 0, "", "nothing"),
        ("a", 0, "", "no room"),
    ] {
        assert_eq!(cut(text, most), want, "{why}");
    }
}

/// What is left of a value at the end of a cut text would be found by nobody.
#[test]
fn what_is_cut_is_covered_before() {
    let secrets = secrets("canary-7d0f55e1", None).expect("it is right");
    for (text, most, want) in [
        ("a canary-7d0f55e1 b", 100, "a *************** b"),
        ("a canary-7d0f55e1 b", 17, "a ***************"),
        ("a canary-7d0f55e1 b", 8, "a ******"),
        ("a canary-7d0f55e1 b", 2, "a "),
        ("nothing of it", 7, "nothing"),
    ] {
        assert_eq!(secrets.cut(text, most), want, "{text} at {most}");
    }
    assert!(matches!(Secrets::default().cut("as it is", 5), Cow::Borrowed("as it")));
}

/// A part of something larger in Base64 is written in one of three ways, and what can be told from it is only what is at its ends.
#[test]
fn values_within_base64_are_covered() {
    let secrets = secrets(VALUE, None).expect("it is right");
    for before in ["", "a", "ab", "user:", "a user:", "another user:"] {
        for after in ["", "b", "bc", "bcd"] {
            let pair = format!("{before}{VALUE}{after}");
            for (encoded, is) in
                [(BASE64_STANDARD.encode(&pair), "standard"), (BASE64_URL_SAFE_NO_PAD.encode(&pair), "of URLs")]
            {
                let shown = secrets.covered(&encoded);
                // Two characters of eight bits at most are shared with others at each end.
                let hidden = shown.bytes().filter(|byte| *byte == b'*').count();
                assert!(hidden + 2 >= VALUE.len() * 8 / 6, "`{before}` and `{after}`, {is}: {encoded}, {shown}");
                let begins = before.len() * 8 / 6;
                assert!(!shown[begins + 2..].starts_with(|it| it != '*'), "`{before}`: {encoded}, {shown}");
            }
        }
    }
}

#[test]
fn what_writers_of_json_and_html_make_of_it() {
    let value = "a<b>&'c\"/é+😀 d";
    let secrets = secrets(value, None).expect("it is right");
    for (written, by) in [
        (r#"a<b>&'c\"/é+😀 d"#, "most"),
        (r#"a<b>&'c\"/\u00e9+\ud83d\ude00 d"#, "Python"),
        (r#"a<b>&'c\"\/\u00e9+\ud83d\ude00 d"#, "PHP"),
        (r#"a\u003cb\u003e\u0026'c\"/é+😀 d"#, "Go"),
        (r#"a\u003Cb\u003E\u0026\u0027c\u0022/\u00E9\u002B\uD83D\uDE00 d"#, ".NET"),
        ("a&lt;b&gt;&amp;&#x27;c&quot;/é+😀 d", "Python's pages"),
        ("a&lt;b&gt;&amp;&#39;c&#34;/é+😀 d", "Go's pages"),
        ("a<b>&'c\"/Ã©+ð\u{9f}\u{98}\u{80} d", "what reads it as Latin-1"),
        ("a%3cb%3e%26%27c%22%2f%c3%a9%2b%f0%9f%98%80%20d", "URLs, in small digits"),
        ("a%3Cb%3E%26%27c%22%2F%C3%A9%2B%F0%9F%98%80+d", "forms"),
    ] {
        assert_eq!(secrets.covered(written), "*".repeat(written.len()), "{by}");
    }
}

/// The SDKs write name and password in Base64 before the runner knows what stands in it.
#[test]
fn basic_authentication() {
    let bound = ["https://api.example.com".parse().expect("a rule")];
    let secrets = secrets(VALUE, Some(Targets::of_secret("token", &bound))).expect("it is right");
    let stand_in = secrets.stand_in("token").expect("it is known").to_owned();
    let head = |pair: &str, more: &str| {
        let pair = BASE64_STANDARD.encode(pair);
        format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Basic {pair}\r\nx: {more}\r\n\r\n")
    };
    let address = "9.9.9.9".parse().ok();
    for (pair, more, want, why) in [
        (format!("ada:{stand_in}"), "1", Some(head(&format!("ada:{VALUE}"), "1")), "as a password"),
        (format!("{stand_in}:"), "1", Some(head(&format!("{VALUE}:"), "1")), "as a name, as some interfaces want it"),
        (format!("ada:{stand_in}"), &stand_in, Some(head(&format!("ada:{VALUE}"), VALUE)), "beside another header"),
        ("ada:lovelace".to_owned(), &stand_in, Some(head("ada:lovelace", VALUE)), "only in another header"),
        ("ada:lovelace".to_owned(), "1", None, "nothing to fill in"),
    ] {
        let filled = secrets.fill_head(head(&pair, more).as_bytes(), &GOAL, address).expect(why);
        assert_eq!(filled.map(|bytes| String::from_utf8(bytes).expect("text")), want, "{why}");
    }
    let other = Goal { https: true, host: Host::Name("pay.example.com"), port: 443 };
    let denied = secrets.fill_head(head(&format!("ada:{stand_in}"), "1").as_bytes(), &other, address);
    assert!(denied.is_err_and(|denied| denied.0.contains("targets of secret `token`")), "it goes nowhere else");
    let odd = b"GET / HTTP/1.1\r\nauthorization: Basic %%%\r\n\r\n";
    assert_eq!(secrets.fill_head(odd, &GOAL, address).expect("it has none"), None);
}

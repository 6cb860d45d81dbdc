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

use proptest::prelude::*;
use rmpv::{Utf8String, Value};

use super::*;
use crate::wire::value::Raw;

fn to_json(msgpack: &[u8]) -> String {
    let mut out = Vec::new();
    write(&mut out, Raw::whole(msgpack).unwrap());
    String::from_utf8(out).unwrap()
}

fn from_json(json: &str) -> Result<Vec<u8>, Wrong> {
    let mut out = Vec::new();
    read(json.as_bytes(), &mut out).map(|()| out)
}

#[test]
fn each_kind_and_back() {
    for (msgpack, json) in [
        (&b"\xc0"[..], "null"),
        (b"\xc3", "true"),
        (b"\xff", "-1"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xcb\x3f\xf0\0\0\0\0\0\0", "1.0"),
        (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
        (b"\xca\x3f\0\0\0", r#"{"$float32": 0.5}"#),
        (b"\xcb\x7f\xf0\0\0\0\0\0\0", r#"{"$float": "7ff0000000000000"}"#),
        (b"\xca\x7f\xc0\0\0", r#"{"$float": "7fc00000"}"#),
        (b"\xa4\"\n\xc3\xa9", r#""\"\né""#),
        (b"\xa1\xff", r#"{"$text": "/w=="}"#),
        (b"\xc4\x03GET", r#"{"$bytes": "GET"}"#),
        (b"\xc4\x01\xff", r#"{"$base64": "/w=="}"#),
        (b"\xd4\x05\0", r#"{"$ext": [5, "AA=="]}"#),
        (b"\x92\x01\x90", "[1, []]"),
        (b"\x82\xa1b\x01\xa1a\x80", r#"{"b": 1, "a": {}}"#),
        (b"\x82\x01\xa1a\x02\xa1b", r#"{"$map": [[1, "a"], [2, "b"]]}"#),
        (b"\x82\xa1a\x01\xa1a\x02", r#"{"$map": [["a", 1], ["a", 2]]}"#),
        (b"\x81\x91\x01\xc0", r#"{"$map": [[[1], null]]}"#),
        (b"\x81\xa6$bytes\xa1x", r#"{"$map": [["$bytes", "x"]]}"#),
        (b"\x82\xa6$bytes\xa1x\xa1y\x01", r#"{"$bytes": "x", "y": 1}"#),
    ] {
        assert_eq!(to_json(msgpack), json);
        assert_eq!(from_json(json).unwrap(), msgpack, "{json}");
    }
}

#[test]
fn what_is_none() {
    let deep = "[".repeat(40) + &"]".repeat(40);
    for (json, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("1 2", "trailing"),
        ("{'a': 1}", "key must be a string"),
        (r#"{"$bytes": 1}"#, "`$bytes` stands for nothing, or its value"),
        (r#"{"$what": 1}"#, "`$what` stands for nothing"),
        (r#"{"$base64": "?"}"#, "`$base64` has a value that it can't have"),
        (r#"{"$map": [[1]]}"#, "`$map` has a value"),
        (r#"{"$float": "zz"}"#, "`$float` has a value"),
        (r#"{"$ext": [500, ""]}"#, "`$ext` has a value"),
        (&deep, "nested deeper than 32"),
    ] {
        let error = from_json(json).unwrap_err().to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
}

#[test]
fn golden_messages_come_back_to_the_byte() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("zmtp.") && name.ends_with(".bin") {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(from_json(&to_json(&bytes)).unwrap(), bytes, "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen} files of {folder}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        ".{0,8}".prop_map(Value::from),
        "[$]?[a-z0-9]{0,7}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Binary),
        "[a-zA-Z]{0,40}".prop_map(|text: String| Value::Binary(text.into_bytes())),
        (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Value::Ext(kind, bytes)),
        Just(Value::String(Utf8String::from("\u{0}\u{7f}\u{2028}"))),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Value::Map),
            prop::collection::vec(("[$a-c]{1,2}".prop_map(Value::from), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn anything_comes_back(value in value()) {
        let mut msgpack = Vec::new();
        rmpv::encode::write_value(&mut msgpack, &value).unwrap();
        let json = to_json(&msgpack);
        prop_assert!(!json.contains('\n'), "a line");
        prop_assert_eq!(from_json(&json).unwrap(), msgpack, "{}", json);
    }
}

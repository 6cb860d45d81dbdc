use std::fs;

use rmpv::Value;

use super::*;

fn golden(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("golden files are there")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .collect();
    files.sort();
    files.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// Recurses, as far as [`DEPTH_MAX`] lets it.
fn value(raw: Raw<'_>) -> Result<Value, Malformed> {
    Ok(match raw.view()? {
        View::Nil => Value::Nil,
        View::Bool(bool) => Value::from(bool),
        View::Int(int) => Value::from(int),
        View::BigInt(int) => Value::from(int),
        View::Float(float) if raw.bytes()[0] == 0xca => Value::F32(float as f32),
        View::Float(float) => Value::F64(float),
        View::Str(text) => Value::from(text),
        View::Bin(bytes) => Value::from(bytes),
        View::Array(items) => Value::Array(items.map(value).collect::<Result<_, _>>()?),
        View::Map(pairs) => {
            Value::Map(pairs.map(|(key, of)| Ok((value(key)?, value(of)?))).collect::<Result<_, Malformed>>()?)
        }
        View::Ext(kind, bytes) => Value::Ext(kind, bytes.to_vec()),
    })
}

#[test]
fn golden_messages_are_walked_as_rmpv_reads_them() {
    let files = golden("bus.");
    assert!(files.len() >= 20);
    for (name, bytes) in files {
        let expected = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
        assert_eq!(value(Raw::whole(&bytes).unwrap()).unwrap(), expected, "{name}");
        let fields: Vec<_> = Fields::new(&bytes)
            .unwrap()
            .map(|field| field.map(|field| (Value::from(field.key), value(field.value).unwrap())).unwrap())
            .collect();
        assert_eq!(Value::Map(fields), expected, "{name}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let deep = |levels: usize| [vec![0x91; levels], vec![0xc0]].concat();
    let rows: &[(&[u8], Result<(), Malformed>, &str)] = &[
        (b"", Err(Malformed::Truncated), "nothing"),
        (b"\xc1", Err(Malformed::Reserved), "the byte that is never used"),
        (b"\xa3ab", Err(Malformed::Truncated), "text cut short"),
        (b"\xdf\xff\xff\xff\xff", Err(Malformed::Truncated), "a map that says it is huge"),
        (b"\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff", Err(Malformed::Truncated), "and one in it"),
        (b"\xdb\xff\xff\xff\xffa", Err(Malformed::Truncated), "text that says it is huge"),
        (b"\xc9\xff\xff\xff\xff\x01", Err(Malformed::Truncated), "an ext that says it is huge"),
        (b"\xc0\xc0", Err(Malformed::Trailing), "two values"),
        (b"\xa1\xff", Err(Malformed::Utf8), "text that is none"),
        (b"\xd6\xff\x00\x00\x00\x01", Ok(()), "a timestamp"),
        (&deep(DEPTH_MAX), Ok(()), "as deep as can be"),
        (&deep(DEPTH_MAX + 1), Err(Malformed::Deep), "one deeper"),
        (&deep(1_000_000), Err(Malformed::Deep), "a bomb"),
    ];
    for (bytes, expected, why) in rows {
        let got = Raw::whole(bytes).and_then(|raw| raw.view()).map(drop);
        assert_eq!(got, *expected, "{why}");
    }
    let fields = |bytes: &'static [u8]| Fields::new(bytes).and_then(|fields| fields.collect::<Result<Vec<_>, _>>());
    assert_eq!(fields(b"\x90"), Err(Malformed::NotMap));
    assert_eq!(fields(b"\x81\xa1a\x01\x01"), Err(Malformed::Trailing));
    assert_eq!(fields(b"\x82\xa1a\x01"), Err(Malformed::Truncated));
    assert_eq!(fields(b"\x82\x01\x02\xc4\x01a\x07").unwrap()[0].key, "a", "a bin is a key, a number is passed over");
    assert_eq!(Fields::new(b"\x82\xa1a\x01").unwrap().count(), 2, "an error is the last item");
}

#[test]
fn numbers_of_any_width_are_the_same() {
    for (bytes, expected) in [
        (&b"\x05"[..], 5),
        (b"\xcc\x05", 5),
        (b"\xcd\x00\x05", 5),
        (b"\xce\x00\x00\x00\x05", 5),
        (b"\xcf\x00\x00\x00\x00\x00\x00\x00\x05", 5),
        (b"\xd0\x05", 5),
        (b"\xff", -1),
        (b"\xd0\xff", -1),
        (b"\xd1\xff\xff", -1),
        (b"\xd2\xff\xff\xff\xff", -1),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", -1),
    ] {
        assert_eq!(Raw::whole(bytes).unwrap().view(), Ok(View::Int(expected)), "{bytes:?}");
    }
    let big = Raw::whole(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
    assert_eq!((big.as_u64(), big.as_f64()), (Some(u64::MAX), Some(u64::MAX as f64)));
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn any_bytes_are_safe_and_agree_with_rmpv() {
    let mut random = Random(0x5eed);
    let files = golden("");
    for round in 0..100_000 {
        let mut bytes: Vec<u8> = if round % 2 == 0 {
            files[random.next() as usize % files.len()].1.iter().copied().take(700).collect()
        } else {
            (0..random.next() % 64).map(|_| random.next() as u8).collect()
        };
        for _ in 0..random.next() % 4 {
            let length = bytes.len().max(1) as u64;
            if let Some(byte) = bytes.get_mut((random.next() % length) as usize) {
                *byte = random.next() as u8;
            }
        }
        let ours = Raw::split(&bytes).and_then(|(raw, rest)| Ok((value(raw)?, rest.len())));
        for field in Fields::new(&bytes).into_iter().flatten().flatten() {
            let _ = field.value.view();
        }
        let mut cursor = &bytes[..];
        // It reads 0xc1 as nil and text that is not UTF-8 as it is: so only what we take is compared.
        if let Ok((ours, rest)) = ours {
            let theirs = rmpv::decode::read_value(&mut cursor).expect("rmpv reads what we do");
            assert_eq!((ours.to_string(), rest), (theirs.to_string(), cursor.len()), "{bytes:02x?}");
        }
    }
}

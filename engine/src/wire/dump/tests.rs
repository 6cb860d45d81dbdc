use super::*;

fn golden() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    (1..=3).map(|number| std::fs::read(format!("{folder}/stats.dump.{number}.bin")).unwrap()).collect()
}

/// Numbers as floats: Python sends some bins as ints.
fn plain(value: rmpv::Value) -> rmpv::Value {
    match value {
        rmpv::Value::Integer(int) => rmpv::Value::F64(int.as_f64().unwrap()),
        rmpv::Value::Array(items) => rmpv::Value::Array(items.into_iter().map(plain).collect()),
        rmpv::Value::Map(pairs) => {
            rmpv::Value::Map(pairs.into_iter().map(|(key, value)| (plain(key), plain(value))).collect())
        }
        other => other,
    }
}

#[test]
fn pythons_dumps_come_back_as_they_were() {
    for bytes in golden() {
        let decoded = decode(&bytes).unwrap();
        assert_eq!((decoded.dump.len(), decoded.refused.len()), (32, 0));
        let again = encode(&decoded.dump);
        let read = |bytes: &[u8]| plain(rmpv::decode::read_value(&mut &bytes[..]).unwrap());
        // Map order counts here: rmpv keeps it.
        assert_eq!(read(&again), read(&bytes));
        assert_eq!(decode(&again).unwrap(), decoded);
    }
}

fn stat(name: &str, labels: &[&str], values: Values) -> StatDump {
    StatDump { name: name.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect(), values }
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let mut key = Vec::new();
    for value in [View::Str("T"), View::Str("J"), View::Nil, View::Bool(false)] {
        write_label(&mut key, value);
    }
    let series = vec![(LabelValues::new(&key, 4), Number::Int(1))];
    let labels = ["test", "journey", "transaction", "had_error"];
    let bytes = encode(&[stat("mite_transaction_total", &labels, Values::Counter(series))]);
    let expected =
        b"\x91\x84\xa4type\xa7Counter\xa4name\xb6mite_transaction_total\xa7metrics\x81\x94\xa1T\xa1J\xc0\xc2\x01\
        \xa6labels\x94\xa4test\xa7journey\xabtransaction\xa9had_error";
    assert_eq!(bytes, expected);
}

#[test]
fn a_series_over_the_last_bin_has_no_bins() {
    let over = Observations { counts: vec![], sum: 9.0, total: 1 };
    let series = vec![(LabelValues::new(b"\xa1x", 1), over)];
    let dump = vec![stat("h", &["l"], Values::Histogram { bins: vec![1.0], series })];
    let bytes = encode(&dump);
    assert!(bytes.windows(12).any(|window| window == b"\xaabin_counts\x80"));
    assert_eq!(decode(&bytes).unwrap().dump, dump);
}

#[test]
fn what_is_wrong_is_refused_and_the_rest_is_kept() {
    let counter = |name: &str, labels: &[&str]| stat(name, labels, Values::Counter(vec![]));
    let histogram = |bins: &[f64], counts: &[u64], total| {
        let seen = Observations { counts: counts.to_vec(), sum: 0.0, total };
        stat(
            "h",
            &["l"],
            Values::Histogram { bins: bins.to_vec(), series: vec![(LabelValues::new(b"\xa1x", 1), seen)] },
        )
    };
    let many: Vec<String> = (0..=LABELS_MAX).map(|number| format!("l{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (bad, expected) in [
        (counter("a b", &[]), DumpError::Name("a b".into())),
        (counter("", &[]), DumpError::Name(String::new())),
        (counter("1a", &[]), DumpError::Name("1a".into())),
        (counter("a", &["x\"y"]), DumpError::Name("x\"y".into())),
        (counter("a", &["x:y"]), DumpError::Name("x:y".into())),
        (counter("a", &["__name__"]), DumpError::Name("__name__".into())),
        (counter("a", &["le"]), DumpError::Name("le".into())),
        (counter("a", &["x", "x"]), DumpError::Name("x".into())),
        (counter("a", &many), DumpError::Limit("labels")),
        (histogram(&[2.0, 1.0], &[0, 0], 1), DumpError::Bins),
        (histogram(&[1.0, f64::INFINITY], &[0, 0], 1), DumpError::Bins),
        (histogram(&[1.0, 2.0], &[1], 1), DumpError::Series),
        (histogram(&[1.0, 2.0], &[1, 0], 1), DumpError::Series),
        (histogram(&[1.0, 2.0], &[1, 2], 1), DumpError::Series),
        (stat("a", &["x"], Values::Gauge(vec![(LabelValues::new(b"\x01\x02", 2), Number::Int(1))])), DumpError::Series),
    ] {
        let decoded = decode(&encode(&[bad, counter("good", &[])])).unwrap();
        assert_eq!(decoded.refused, [expected]);
        assert_eq!(decoded.dump, [counter("good", &[])]);
    }
    assert_eq!(decode(b"\x80"), Err(DumpError::NotStats));
    assert_eq!(decode(b"\x91"), Err(DumpError::Malformed(Malformed::Truncated)));
    assert_eq!(decode(b"\x91\x01").unwrap().refused, [DumpError::NotStats]);
    let strange = b"\x91\x84\xa4type\xa5Other\xa4name\xa1n\xa7metrics\x80\xa6labels\x90";
    assert_eq!(decode(strange).unwrap().refused, [DumpError::Type("Other".into())]);
}

#[test]
fn any_bytes_are_safe() {
    let files = golden();
    let mut random = 0x5eed_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    for round in 0..2_000 {
        let mut bytes = files[round % 3].clone();
        for _ in 0..=next() % 8 {
            let at = next() % bytes.len();
            bytes[at] = next() as u8;
        }
        if let Ok(decoded) = decode(&bytes) {
            assert_eq!(decode(&encode(&decoded.dump)).unwrap().refused, [], "what was taken can be sent on");
        }
    }
}

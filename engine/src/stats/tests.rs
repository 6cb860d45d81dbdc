use std::collections::BTreeMap;

use rmpv::Value;

use crate::wire::dump::{Observations, StatDump, Values, decode, encode};

use super::*;

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn stats(settings: &Settings) -> Stats<fn(&Dump) -> bool> {
    Stats::new(settings, |_| None, (|_| true) as fn(&Dump) -> bool).unwrap()
}

fn message(fields: &[(&str, Value)]) -> Vec<u8> {
    let fields = fields.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(fields)).unwrap();
    bytes
}

fn batch(messages: impl IntoIterator<Item = Vec<u8>>) -> Batch {
    let mut batch = Batch::default();
    messages.into_iter().for_each(|message| batch.push(&message));
    batch
}

fn find<'a>(dump: &'a Dump, name: &str) -> &'a StatDump {
    dump.iter().find(|stat| stat.name == name).unwrap()
}

/// Series as text: `("T", nil, 200)` -> value.
fn series(dump: &Dump, name: &str) -> BTreeMap<String, f64> {
    let text = |labels: &crate::wire::dump::LabelValues| {
        let values: Vec<_> =
            labels.iter().map(|raw| rmpv::decode::read_value(&mut raw.bytes()).unwrap().to_string()).collect();
        values.join(" ")
    };
    match &find(dump, name).values {
        Values::Counter(series) | Values::Gauge(series) => {
            series.iter().map(|(labels, value)| (text(labels), value.as_f64())).collect()
        }
        Values::Histogram { series, .. } => series.iter().map(|(labels, seen)| (text(labels), seen.sum)).collect(),
    }
}

#[test]
fn shape_of_a_dump_is_pythons() {
    let ours = stats(&Settings::default()).dump();
    let python = decode(&golden("stats.dump.1.bin")).unwrap().dump;
    for stat in PROCESSORS[..2].iter().flat_map(|processor| processor.stats) {
        assert_eq!(find(&ours, stat.name), find(&python, stat.name), "empty ones are the same");
    }
    let order = |dump: &Dump| -> Vec<String> {
        let ours = |stat: &&StatDump| PROCESSORS[..2].iter().flat_map(|one| one.stats).any(|row| row.name == stat.name);
        dump.iter().filter(ours).map(|stat| stat.name.clone()).collect()
    };
    assert_eq!(order(&ours), order(&python));
}

#[test]
fn captured_messages_give_pythons_maps() {
    let mut stats = stats(&Settings::default());
    let names = ["controller_report", "error", "exception", "http_metrics", "txn", "data_created", "test_message"];
    let messages = names.iter().flat_map(|name| (1..=3).map(move |number| golden(&format!("bus.{name}.{number}.bin"))));
    stats.take(&batch(messages)).unwrap();
    let dump = decode(&encode(&stats.dump())).unwrap().dump;
    let rows: &[(&str, &[(&str, f64)])] = &[
        (
            "mite_http_response_total",
            &[(r#""wscen:scenario" "wscen:http_j" "__root__ :: get it" [71, 69, 84] 200"#, 3.0)],
        ),
        ("mite_runner_count", &[(r#""wscen:scenario""#, 2.0)]),
        (
            "mite_required_count",
            &[
                (r#""wscen:scenario" 1"#, 3.0),
                (r#""wscen:scenario" 2"#, 1.0),
                (r#""wscen:scenario" 3"#, 1.0),
                (r#""wscen:scenario" 4"#, 1.0),
                (r#""wscen:scenario" 5"#, 2.0),
                (r#""wscen:scenario" 7"#, 1.0),
            ],
        ),
        ("mite_http_response_time_seconds", &[(r#""__root__ :: get it""#, 0.115074 + 0.114898 + 0.114746)]),
        ("mite_messages_malformed_total", &[]),
    ];
    for (name, expected) in rows {
        let expected: BTreeMap<_, _> = expected.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        assert_eq!(series(&dump, name), expected, "{name}");
    }
    assert_eq!(series(&dump, "mite_transaction_total").values().sum::<f64>(), 3.0);
    assert_eq!(series(&dump, "mite_journey_error_total").values().copied().collect::<Vec<_>>(), [3.0, 1.0, 2.0]);
    let Values::Histogram { series, .. } = &find(&dump, "mite_http_response_time_seconds").values else { panic!() };
    assert_eq!(series[0].1.counts, [[0; 5].as_slice(), &[3; 10]].concat());
}

/// Messages that would make Python send this series.
fn messages_for(stat: &table::Stat, labels: &[Value], seen: &Observations, bins: &[f64]) -> Vec<Vec<u8>> {
    let Source::Messages(types) = stat.source else { panic!() };
    let mut fields: Vec<_> = stat.labels.iter().copied().zip(labels.iter().cloned()).collect();
    fields.push(("type", Value::from(types[0])));
    let mut below = 0;
    let mut messages = Vec::new();
    for number in 0..seen.total {
        // Each value stands on the upper bound of its bin, which still counts there.
        while seen.counts.get(below).is_some_and(|count| *count <= number) {
            below += 1;
        }
        let value = bins.get(below).copied().unwrap_or(1e6);
        messages.push(message(&[&fields[..], &[("total_time", Value::from(value))]].concat()));
    }
    messages
}

#[test]
fn pythons_dump_comes_out_of_the_messages_behind_it() {
    let python = decode(&golden("stats.dump.3.bin")).unwrap().dump;
    for name in ["mite_journey_error_total", "mite_transaction_total", "mite_http_response_total"] {
        let stat = PROCESSORS.iter().flat_map(|one| one.stats).find(|stat| stat.name == name).unwrap();
        let Values::Counter(expected) = &find(&python, name).values else { panic!() };
        let mut stats = stats(&Settings::default());
        for (labels, count) in expected {
            let labels: Vec<_> = labels.iter().map(|raw| rmpv::decode::read_value(&mut raw.bytes()).unwrap()).collect();
            let seen = Observations { counts: vec![], sum: 0.0, total: count.as_f64() as u64 };
            stats.take(&batch(messages_for(stat, &labels, &seen, &[]))).unwrap();
        }
        assert_eq!(find(&stats.dump(), name), find(&python, name), "{name}");
    }
    let name = "mite_http_response_time_seconds";
    let stat = PROCESSORS.iter().flat_map(|one| one.stats).find(|stat| stat.name == name).unwrap();
    let Values::Histogram { bins, series } = &find(&python, name).values else { panic!() };
    let mut stats = stats(&Settings::default());
    for (labels, seen) in series {
        let labels: Vec<_> = labels.iter().map(|raw| rmpv::decode::read_value(&mut raw.bytes()).unwrap()).collect();
        stats.take(&batch(messages_for(stat, &labels, seen, bins))).unwrap();
    }
    let dump = stats.dump();
    let Values::Histogram { series: ours, .. } = &find(&dump, name).values else { panic!() };
    let plain = |series: &[(crate::wire::dump::LabelValues, Observations)]| -> Vec<_> {
        series.iter().map(|(labels, seen)| (labels.clone(), seen.counts.clone(), seen.total)).collect()
    };
    assert_eq!(plain(ours), plain(series));
}

#[test]
fn labels_are_pythons() {
    let mut stats = stats(&Settings::default());
    let long = "é".repeat(150);
    stats
        .take(&batch([
            message(&[("type", "txn".into()), ("test", Value::Nil), ("had_error", true.into())]),
            b"\x82\xa4type\xacnot_a_metric\xa1x\x01".to_vec(),
            message(&[("type", "http_error".into()), ("error_class", "dns".into())]),
            message(&[("type", "error".into()), ("message", long.as_str().into()), ("ex_type", Value::Array(vec![]))]),
        ]))
        .unwrap();
    let dump = stats.dump();
    let keys = |name| series(&dump, name).into_keys().collect::<Vec<_>>();
    assert_eq!(keys("mite_transaction_total"), [r#"nil "" "" true"#], "nil stays, what is missing is empty");
    assert_eq!(keys("mite_http_error_total"), [r#""" "" "" "dns""#]);
    let cut = format!(r#""" "" "" "" "other" "{}""#, "é".repeat(100));
    assert_eq!(keys("mite_journey_error_total"), [cut]);
    // The same number in other widths is the same series.
    let wide = |code: &[u8]| [b"\x83\xa4type\xachttp_metrics\xaatotal_time\x01\xadresponse_code", code].concat();
    stats.take(&batch([wide(b"\x05"), wide(b"\xcd\x00\x05"), wide(b"\xd3\0\0\0\0\0\0\0\x05")])).unwrap();
    assert_eq!(series(&stats.dump(), "mite_http_response_total").into_values().collect::<Vec<_>>(), [3.0]);
}

#[test]
fn malformed_messages_are_counted_once_and_do_no_harm() {
    let mut stats = stats(&Settings::default());
    for (bytes, why) in [
        (&b""[..], "empty"),
        (b"\xc1", "not msgpack"),
        (b"\x90", "no map"),
        (b"\x80", "no type"),
        (b"\x81\xa4type\x01", "a type that is no text"),
        (b"\x81\xa4type\xa3txn\x00", "something after it"),
        (b"\x82\xa4type\xa3txn\xa4test\xa1\xff", "a label that is no text"),
        (b"\x81\xa4type\xachttp_metrics", "no total_time"),
        (b"\x82\xa4type\xachttp_metrics\xaatotal_time\xcb\x7f\xf8\0\0\0\0\0\0", "not a number"),
        (b"\x81\xa4type\xb1controller_report", "no figures in it"),
    ] {
        let before = stats.malformed();
        stats.take(&batch([bytes.to_vec()])).unwrap();
        assert_eq!(stats.malformed(), before + 1, "{why}");
    }
    let malformed = series(&stats.dump(), "mite_messages_malformed_total");
    assert_eq!(malformed.into_values().collect::<Vec<_>>(), [10.0]);
    assert_eq!(series(&stats.dump(), "mite_transaction_total").len(), 0);
    assert_eq!(encode(&decode(&encode(&stats.dump())).unwrap().dump), encode(&stats.dump()));
}

#[test]
fn past_the_limit_series_are_folded() {
    let mut stats = stats(&Settings { series_max: 10, ..Settings::default() });
    let txn = |test: String, journey: String| {
        message(&[("type", "txn".into()), ("test", test.into()), ("journey", journey.into())])
    };
    stats.take(&batch((0..30).map(|number| txn("T".into(), format!("j{number}"))))).unwrap();
    let transactions = series(&stats.dump(), "mite_transaction_total");
    assert_eq!((transactions.len(), transactions[r#""T" "other" "other" "other""#]), (11, 20.0));
    assert_eq!(series(&stats.dump(), "mite_stats_series_folded_total")[r#""mite_transaction_total""#], 20.0);
    stats.take(&batch((0..500).map(|number| txn(format!("T{number}"), "j".into())))).unwrap();
    let transactions = series(&stats.dump(), "mite_transaction_total");
    assert!(transactions.len() <= 10 + super::series::FOLDS_MAX + 1);
    assert_eq!(transactions.values().sum::<f64>(), 530.0, "nothing is lost");
    let ids = (0..30).map(|number| (Value::from(number), Value::from(1))).collect();
    let report = [("type", "controller_report".into()), ("actual", Value::Map(ids)), ("num_runners", 1.into())];
    stats.take(&batch([message(&report)])).unwrap();
    assert_eq!(series(&stats.dump(), "mite_actual_count").len(), 10, "gauges are dropped");
}

#[test]
fn a_dump_is_sent_when_there_is_news_and_kept_until_it_is_taken() {
    let sent = std::rc::Rc::new(std::cell::RefCell::new((false, Vec::<f64>::new())));
    let output = sent.clone();
    let output = move |dump: &Dump| {
        let mut output = output.borrow_mut();
        output.1.push(series(dump, "mite_transaction_total").values().sum());
        output.0
    };
    let mut stats = Stats::new(&Settings::default(), |_| None, output).unwrap();
    let txn = batch([message(&[("type", "txn".into())])]);
    stats.tick().unwrap();
    for take in [false, false, true, true] {
        sent.borrow_mut().0 = take;
        stats.take(&txn).unwrap();
        stats.tick().unwrap();
    }
    stats.tick().unwrap();
    stats.take(&txn).unwrap();
    stats.close().unwrap();
    assert_eq!(sent.borrow().1, [1.0, 2.0, 3.0, 1.0, 1.0], "the tail is sent as well");
}

#[test]
fn a_full_metric_forgets_idle_series() {
    let mut stats = stats(&Settings { series_max: 2, ..Settings::default() });
    let http = |transaction: &str| {
        let fields = [("type", "http_metrics".into()), ("transaction", transaction.into()), ("total_time", 2.into())];
        batch([message(&fields)])
    };
    stats.take(&http("a")).unwrap();
    stats.take(&http("b")).unwrap();
    for tick in 0..5_000 {
        if tick % 1_000 == 0 {
            stats.take(&http("b")).unwrap();
        }
        stats.tick().unwrap();
    }
    stats.take(&http("c")).unwrap();
    stats.take(&http("b")).unwrap();
    let seen = series(&stats.dump(), "mite_http_response_time_seconds");
    assert_eq!(seen, [(r#""b""#.to_owned(), 2.0), (r#""c""#.to_owned(), 2.0)].into());
}

#[test]
fn what_a_user_says_is_checked() {
    let make = |settings: &Settings, bins: Option<&str>| {
        let bins = bins.map(str::to_owned);
        Stats::new(settings, |_| bins.clone(), |_: &Dump| true).map(|stats| stats.dump())
    };
    let names = |include: &[&str], exclude: &[&str]| {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let settings = Settings { include: own(include), exclude: own(exclude), ..Settings::default() };
        make(&settings, None).map(|dump| dump.len()).map_err(|error| error.to_string())
    };
    let wrong = "there is no processor `x` of stats: use some of mite, mite_http, mite_more".to_owned();
    for (got, expected) in [
        (names(&[], &[]), Ok(10)),
        (names(&["mite", "mite_http"], &["mite"]), Ok(2)),
        (names(&[], &["mite_more"]), Ok(7)),
        (names(&["x"], &[]), Err(wrong.clone())),
        (names(&[], &["x"]), Err(wrong)),
    ] {
        assert_eq!(got, expected);
    }
    let dump = make(&Settings::default(), Some("1, 0.5,2")).unwrap();
    let Values::Histogram { bins, .. } = &find(&dump, "mite_http_response_time_seconds").values else { panic!() };
    assert_eq!(bins, &[0.5, 1.0, 2.0]);
    for bad in ["", "1,", "a", "inf", "1;2"] {
        let error = make(&Settings::default(), Some(bad)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("MITE_HTTP_HISTOGRAM_BUCKETS={bad} is not a list of bins")), "{error}");
    }
}

//! Messages as they are in the collector's files, against those of the Python framework: keys, order and msgpack types.

use rmpv::Value;
use serde_json::json;
use tests::files::{decode, field, number, text};
use tests::program::root;
use tests::raw::{Raw, answer};
use tests::servers::{Playground, free_port};
use tests::trial::{Tested, Trial};

/// A message of the Python framework.
fn golden(name: &str) -> Value {
    let bytes = std::fs::read(root().join("tests/wire").join(name)).expect("a captured message");
    decode(&bytes).remove(0)
}

/// Keys and types, in order: `start_time int`, `method bin`.
fn shape(message: &Value) -> Vec<String> {
    let pairs = message.as_map().expect("a map");
    pairs.iter().map(|(key, value)| format!("{} {}", key.as_str().expect("text keys"), type_of(value))).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "bool",
        Value::Integer(_) => "int",
        Value::F32(_) => "f32",
        Value::F64(_) => "f64",
        Value::String(_) => "str",
        Value::Binary(_) => "bin",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        Value::Ext(..) => "ext",
    }
}

/// That of Python's message; ours has one key more, and `scenario_data_id` is nil without a datapool.
#[track_caller]
fn same_shape(ours: &Value, name: &str, without: &[&str]) {
    let python = shape(&golden(name));
    let keys = |shape: &[String]| -> Vec<String> {
        let kept = shape.iter().filter(|field| !field.starts_with("scenario_data_id "));
        kept.filter(|field| !without.iter().any(|key| field.starts_with(key))).cloned().collect()
    };
    let mut wanted = keys(&python);
    wanted.push("run_id str".to_owned());
    assert_eq!(keys(&shape(ours)), wanted, "{name}: {ours}");
}

fn run(journey: &str) -> Tested {
    Trial::new(&["journey", "run", &format!("probe:{journey}")]).run()
}

#[test]
fn requests() {
    let playground = Playground::start();
    let steps = json!([{ "url": format!("{}/bytes/7", playground.url) }]);
    let tested = Trial::visit(&steps).run().expect(0);
    let message = tested.of_type("http_metrics")[0];
    for name in ["bus.http_metrics.1.bin", "bus.http_metrics.2.bin", "bus.http_metrics.3.bin"] {
        same_shape(message, name, &[]);
    }
    assert_eq!(field(message, "method"), Some(&Value::Binary(b"GET".to_vec())));
    assert_eq!(field(message, "response_code"), Some(&Value::from(200)));
    assert_eq!((text(message, "test"), text(message, "journey")), ("probe:visit", "probe:visit"));
    assert_eq!((text(message, "transaction"), number(message, "transaction_id")), ("__root__ :: step", 2.0));
    assert_eq!(
        (number(message, "runner_id"), number(message, "context_id"), number(message, "scenario_id")),
        (1.0, 1.0, 1.0)
    );
    assert_eq!((number(message, "download_size"), text(message, "primary_ip")), (7.0, "127.0.0.1"));
    assert_eq!(text(message, "effective_url"), format!("{}/bytes/7", playground.url));
    let steps = ["dns_time", "connect_time", "transfer_start_time", "first_byte_time", "total_time"];
    let times: Vec<f64> = steps.iter().map(|key| number(message, key)).collect();
    assert!(times.is_sorted() && times[1] > 0.0, "cumulative, as curl's: {message}");
    assert!((number(message, "dns_time"), number(message, "tls_time")) == (0.0, 0.0), "an address, and no TLS");
    let ends = number(message, "start_time") + 1.0 + number(message, "total_time");
    assert!((number(message, "start_time")..ends).contains(&number(message, "time")), "unix seconds: {message}");
}

#[test]
fn transactions() {
    let tested = run("message").expect(0);
    let names: Vec<_> =
        tested.of_type("txn").iter().map(|txn| (text(txn, "transaction"), number(txn, "transaction_id"))).collect();
    assert_eq!(names, [("__root__ :: a :: b", 3.0), ("__root__ :: a", 2.0), ("__root__", 1.0)], "inner first");
    for txn in tested.of_type("txn") {
        same_shape(txn, "bus.txn.1.bin", &[]);
        assert_eq!(field(txn, "had_error"), Some(&Value::Boolean(false)));
        assert!(number(txn, "start_time") <= number(txn, "end_time"), "{txn}");
    }
}

#[test]
fn errors_and_exceptions() {
    let tested = run("errs").expect(99);
    let errors = tested.of_type("error");
    assert_eq!((errors.len(), tested.of_type("exception").len()), (1, 0), "told once, by the innermost");
    same_shape(errors[0], "bus.error.1.bin", &[]);
    assert_eq!((text(errors[0], "message"), text(errors[0], "ex_type")), ("MiteError: bad thing", "MiteError"));
    assert_eq!((number(errors[0], "code"), text(errors[0], "why")), (42.0, "since"));
    assert_eq!(text(errors[0], "transaction"), "__root__ :: outer :: inner");
    located(errors[0], "errs");
    let failed =
        tested.of_type("txn").iter().filter(|txn| field(txn, "had_error") == Some(&Value::Boolean(true))).count();
    assert_eq!(failed, 3, "the error went through all of them");

    let tested = run("raises").expect(99);
    let exceptions = tested.of_type("exception");
    assert_eq!((exceptions.len(), tested.of_type("error").len()), (1, 0));
    same_shape(exceptions[0], "bus.exception.1.bin", &[]);
    assert_eq!(text(exceptions[0], "ex_type"), "ParseIntError");
    assert_eq!(text(exceptions[0], "message"), "ParseIntError: invalid digit found in string");
    assert_eq!(text(exceptions[0], "transaction"), "__root__ :: outer");
    located(exceptions[0], "raises");
}

/// `file:line:function`, of the journey's source.
#[track_caller]
fn located(message: &Value, function: &str) {
    let parts: Vec<_> = text(message, "location").rsplitn(3, ':').collect();
    let [name, line, file] = parts[..] else { panic!("{message}") };
    assert!(name == function && line.parse::<u32>().is_ok() && file.ends_with("probe/src/lib.rs"), "{message}");
}

#[test]
fn messages_of_the_journey() {
    let tested = run("message").expect(0);
    let message = tested.of_type("test_message")[0];
    let ours = shape(message);
    let own = ["text str", "int int", "float f64", "yes bool", "nothing nil", "list array", "map map"];
    assert_eq!(ours[..own.len()], own.map(str::to_owned), "own fields first, as the journey has them");
    let envelope = shape(&golden("bus.test_message.1.bin"))[2..].to_vec();
    let ours: Vec<_> = ours[own.len()..].iter().filter(|field| *field != "run_id str").cloned().collect();
    let without_data = |shape: Vec<String>| {
        shape.into_iter().filter(|field| !field.starts_with("scenario_data_id")).collect::<Vec<_>>()
    };
    assert_eq!(without_data(ours), without_data(envelope), "then the envelope");
}

#[test]
fn controller_reports() {
    let tested = Trial::plan("nap").config("seconds", 1.2).run().expect(0);
    let reports = tested.of_type("controller_report");
    assert!(reports.len() >= 2, "one a second: {reports:?}");
    for report in &reports {
        same_shape(report, "bus.controller_report.1.bin", &[]);
        assert_eq!(number(report, "num_runners"), 1.0);
        for counts in ["required", "actual"] {
            let counts = field(report, counts).and_then(Value::as_map).expect("a map");
            assert!(counts.iter().all(|(id, count)| id.is_u64() && count.is_u64()), "{report}");
        }
    }
    let running =
        |report: &Value| field(report, "actual").and_then(|map| map.as_map()?.first().map(|pair| pair.1.clone()));
    assert!(reports.iter().any(|report| running(report) == Some(Value::from(2))), "two were running: {reports:?}");
}

/// Items of one pool are told apart by `scenario_data_id`, whoever has them.
#[test]
fn data_of_a_pool_has_a_number() {
    let trial = Trial::plan("take").config("datapool", "letters").config("seconds", 0.5).config("volume", 3);
    let tested = trial.config("pause", 0.02).run().expect(0);
    let mut numbers = std::collections::BTreeMap::new();
    for message in tested.of_type("item") {
        let id = number(message, "scenario_data_id");
        let known = *numbers.entry(text(message, "item")).or_insert(id);
        assert_eq!(id, known, "an item keeps its number: {message}");
    }
    let mut ids: Vec<f64> = numbers.values().copied().collect();
    ids.dedup();
    assert_eq!((numbers.len(), ids.len()), (5, 5), "five items: {numbers:?}");
}

#[test]
fn a_redirect_is_a_message_of_its_own() {
    let playground = Playground::start();
    let url = format!("{}/redirect/2", playground.url);
    let tested = Trial::visit(&json!([{ "url": url, "annotate": { "basket": 7, "status": "x" }, "name": "hop" }]))
        .run()
        .expect(0);
    let hops: Vec<_> = tested.of_type("http_metrics");
    let seen: Vec<_> = hops
        .iter()
        .map(|hop| (number(hop, "response_code"), text(hop, "effective_url").replace(&playground.url, "")))
        .collect();
    assert_eq!(
        seen,
        [(302.0, "/redirect/2".to_owned()), (302.0, "/redirect/1".to_owned()), (200.0, "/redirect/0".to_owned())]
    );
    assert!(hops.iter().all(|hop| text(hop, "transaction") == "__root__ :: step" && text(hop, "name") == "hop"));
    let annotated: Vec<_> = hops.iter().filter(|hop| field(hop, "basket").is_some()).collect();
    assert_eq!(annotated.len(), 1, "the answer's own message");
    assert_eq!((number(annotated[0], "basket"), number(annotated[0], "response_code")), (7.0, 200.0));
    let history = &tested.seen()[0]["history"];
    assert_eq!((history[0][0].as_u64(), history.as_array().map(Vec::len)), (Some(302), Some(2)));
    assert_eq!(tested.count("by_request/hop/requests"), 3);
}

/// What answers wrongly, by path.
fn nonsense() -> Raw {
    Raw::start(|request| match request.path() {
        "/noise" => b"\x00\xff this is not HTTP at all\r\n\r\n".to_vec(),
        "/half" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf".to_vec(),
        "/chunk" => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n".to_vec(),
        "/status" => b"HTTP/1.1 99999 What\r\n\r\n".to_vec(),
        "/headers" => [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 1 << 20], b"\r\n\r\n".to_vec()].concat(),
        "/two" => answer("200 OK\r\ncontent-length: 3", b"xx"),
        "/elsewhere" => answer("302 Found\r\nlocation: ftp://127.0.0.1/x", b""),
        _ => Vec::new(),
    })
}

#[test]
fn requests_without_a_response() {
    let (playground, raw) = (Playground::start(), nonsense());
    let nobody = free_port();
    let at = |path: &str| format!("{}{path}", playground.url);
    for (url, timeout, class, words, why) in [
        (format!("http://127.0.0.1:{nobody}/"), 9.0, "connect", "refused", "nobody listens"),
        ("http://nonexistent.invalid/".to_owned(), 20.0, "dns", "nonexistent.invalid", "no such name"),
        (at("/hang"), 0.05, "timeout", "", "no answer in time"),
        (at("/stall"), 0.05, "timeout", "response", "not all of it"),
        (at("/close"), 9.0, "protocol", "", "closed without an answer"),
        (raw.url("/noise"), 9.0, "protocol", "", "that is not HTTP"),
        (raw.url("/half"), 9.0, "protocol", "", "less than announced"),
        (raw.url("/chunk"), 9.0, "protocol", "", "no chunk"),
        (raw.url("/status"), 9.0, "protocol", "", "no status"),
        (raw.url("/headers"), 9.0, "protocol", "", "a megabyte of headers"),
        (raw.url("/two"), 9.0, "protocol", "", "two lengths"),
        (at("/").replace("http:", "https:"), 9.0, "tls", "", "plain HTTP where TLS was meant"),
    ] {
        let steps = json!([{ "url": url, "timeout": timeout, "name": "step", "method": "PUT" }]);
        let tested = Trial::visit(&steps).run().expect(0);
        let (errors, seen) = (tested.of_type("http_error"), tested.seen());
        assert_eq!((errors.len(), tested.of_type("http_metrics").len()), (1, 0), "{why}: {seen:?}");
        let error = errors[0];
        assert_eq!(text(error, "error_class"), class, "{why}: {error}");
        assert_eq!(seen[0]["error"].as_str().map(str::to_lowercase).as_deref(), Some(class), "{why}");
        assert!(text(error, "message").contains(words) && !text(error, "message").is_empty(), "{why}: {error}");
        assert_eq!(field(error, "method"), Some(&Value::Binary(b"PUT".to_vec())), "{why}");
        assert_eq!((text(error, "effective_url"), text(error, "name")), (url.as_str(), "step"), "{why}");
        assert!(number(error, "total_time") > 0.0, "{why}: {error}");
        assert_eq!(tested.count(&format!("errors_by_class/{class}")), 1, "{why}");
        tested.conserved();
    }
}

/// The first exchange had its response; what it points to can't be asked for.
#[test]
fn redirects_to_nowhere() {
    let (playground, raw) = (Playground::start(), nonsense());
    for (step, kind, why) in [
        (json!({ "url": raw.url("/elsewhere") }), "Protocol", "another protocol"),
        (json!({ "url": format!("{}/redirect/6", playground.url) }), "Redirects", "more than five"),
        (
            json!({ "url": format!("{}/redirect/3", playground.url), "redirects": 2 }),
            "Redirects",
            "more than asked for",
        ),
    ] {
        let tested = Trial::visit(&json!([step])).run().expect(0);
        assert_eq!(tested.seen()[0]["error"], kind, "{why}: {:?}", tested.seen());
        assert!(tested.of_type("http_error").is_empty(), "{why}: each exchange had its response");
        tested.conserved();
    }
}

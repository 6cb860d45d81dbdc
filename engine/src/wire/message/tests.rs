use std::collections::BTreeMap;

use rmpv::Value;

use super::*;
use crate::wire::value::Raw;

const RUN: &str = "01J-run";

/// A message that the Python framework has sent.
struct Golden {
    name: String,
    bytes: Vec<u8>,
    fields: Vec<(String, Value)>,
}

fn goldens() -> Vec<Golden> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    let mut goldens: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("bus."))
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            Golden { name, fields: fields(&bytes), bytes }
        })
        .collect();
    goldens.sort_by(|one, other| one.name.cmp(&other.name));
    goldens
}

fn fields(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut rest = bytes;
    let Value::Map(pairs) = rmpv::decode::read_value(&mut rest).unwrap() else { panic!("a message is a map") };
    assert!(rest.is_empty(), "and nothing after it");
    pairs.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), value)).collect()
}

impl Golden {
    fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(there, _)| there == key).map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Value::Binary(bytes)) => std::str::from_utf8(bytes).unwrap(),
            value => value.and_then(Value::as_str).unwrap_or_else(|| panic!("{}: {key}", self.name)),
        }
    }

    fn number(&self, key: &str) -> u64 {
        self.get(key).and_then(Value::as_u64).unwrap_or_else(|| panic!("{}: {key}", self.name))
    }

    fn float(&self, key: &str) -> f64 {
        self.get(key).and_then(Value::as_f64).unwrap_or_else(|| panic!("{}: {key}", self.name))
    }

    fn counts(&self, key: &str) -> Vec<(u32, u32)> {
        let pairs = self.get(key).and_then(Value::as_map).unwrap();
        let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        pairs.iter().map(|(id, count)| (number(id), number(count))).collect()
    }

    fn identity(&self) -> Identity {
        let number = |key| u32::try_from(self.number(key)).unwrap();
        let scenario =
            Scenario::new(self.text("test"), number("runner_id"), self.text("journey"), number("scenario_id"));
        let mut identity = Identity::new(run_id_field(RUN));
        identity.set(&scenario, self.number("context_id"), self.get("scenario_data_id").and_then(Value::as_i64));
        identity
    }

    /// The same message, made by us.
    fn ours(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.text("type") == "controller_report" {
            self.report(&mut out);
            return out;
        }
        let identity = self.identity();
        let place = Place {
            identity: &identity,
            transaction: self.text("transaction"),
            transaction_id: u32::try_from(self.number("transaction_id")).unwrap(),
        };
        let time = self.float("time");
        match self.text("type") {
            "http_metrics" => self.http_metrics(&mut out, place),
            "txn" => {
                let had_error = self.get("had_error").and_then(Value::as_bool).unwrap();
                txn_at(&mut out, [self.float("start_time"), self.float("end_time"), time], had_error, place);
            }
            "error" => self.failure("error", &mut out, place),
            "exception" => self.failure("exception", &mut out, place),
            other => {
                let (extra, extra_fields) = own_pairs(&self.bytes, &[]).unwrap();
                free(&mut out, other, &extra, extra_fields, time, place);
            }
        }
        out
    }

    fn report(&self, out: &mut Vec<u8>) {
        let (required, actual) = (self.counts("required"), self.counts("actual"));
        let runners = u32::try_from(self.number("num_runners")).unwrap();
        let (time, test) = (self.float("time"), self.text("test"));
        controller_report(out, time, test, pairs(&required), pairs(&actual), runners, &run_id_field(RUN));
    }

    fn http_metrics(&self, out: &mut Vec<u8>, place: Place<'_>) {
        let times = Times {
            dns: self.float("dns_time"),
            connect: self.float("connect_time"),
            tls: self.float("tls_time"),
            transfer_start: self.float("transfer_start_time"),
            first_byte: self.float("first_byte_time"),
            total: self.float("total_time"),
        };
        let message = HttpMetrics {
            start: self.number("start_time") as f64 + 0.75,
            end: self.float("time"),
            url: self.text("effective_url"),
            status: u16::try_from(self.number("response_code")).unwrap(),
            times,
            primary_ip: self.text("primary_ip"),
            method: self.text("method"),
            download_bytes: self.float("download_size") as u64,
            name: None,
            extra: &[],
            extra_fields: 0,
        };
        http_metrics(out, &message, place);
    }

    fn failure(&self, message_type: &'static str, out: &mut Vec<u8>, place: Place<'_>) {
        let (extra, extra_fields) = own_pairs(&self.bytes, &["message", "ex_type", "location", "stacktrace"]).unwrap();
        let message = Failure {
            message_type,
            message: self.text("message"),
            ex_type: self.text("ex_type"),
            location: self.text("location"),
            stacktrace: self.get("stacktrace").and_then(Value::as_str),
            extra: &extra,
            extra_fields,
        };
        failure(out, &message, self.float("time"), place);
    }
}

fn pairs(counts: &[(u32, u32)]) -> impl ExactSizeIterator<Item = (&u32, &u32)> {
    counts.iter().map(|(id, count)| (id, count))
}

/// `txn` has one time for its end and for itself; Python takes two, some microseconds apart.
fn txn_at(out: &mut Vec<u8>, [start, end, time]: [f64; 3], had_error: bool, place: Place<'_>) {
    txn(out, start, end, had_error, place);
    let key = b"\xa4time\xcb";
    let at = out.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    assert_eq!(out[at..at + 8], end.to_be_bytes());
    out[at..at + 8].copy_from_slice(&time.to_be_bytes());
}

/// How many pairs a map has, and the bytes after its header.
fn body(message: &[u8]) -> (usize, &[u8]) {
    match message[0] {
        0x80..=0x8f => (usize::from(message[0] & 0x0f), &message[1..]),
        0xde => (usize::from(u16::from_be_bytes([message[1], message[2]])), &message[3..]),
        other => panic!("0x{other:x} is not how a map of this size begins"),
    }
}

#[test]
fn messages_are_pythons_and_a_run_id() {
    let goldens = goldens();
    for golden in &goldens {
        let ours = golden.ours();
        let mut decoded = fields(&ours);
        assert_eq!(decoded.pop(), Some(("run_id".to_owned(), Value::from(RUN))), "{}: ours, last", golden.name);
        assert_eq!(decoded, golden.fields, "{}: the same keys, order, types and values", golden.name);
        let ((pairs, bytes), (golden_pairs, golden_bytes)) = (body(&ours), body(&golden.bytes));
        let without = bytes.strip_suffix(&*run_id_field(RUN)).unwrap();
        assert_eq!((pairs, without), (golden_pairs + 1, golden_bytes), "{}: byte for byte", golden.name);
    }
    let mut types = BTreeMap::<_, u32>::new();
    for golden in &goldens {
        *types.entry(golden.text("type")).or_default() += 1;
    }
    let seen: Vec<_> = types.into_iter().collect();
    let all = ["controller_report", "data_created", "error", "exception", "http_metrics", "purge_data", "test_message"];
    let want = all.into_iter().chain(["txn"]).map(|name| (name, if name == "purge_data" { 1 } else { 3 }));
    assert_eq!(seen, want.collect::<Vec<_>>());
}

fn identity(data_id: Option<i64>) -> Identity {
    let mut identity = Identity::new(run_id_field(RUN));
    identity.set(&Scenario::new("test", 7, "a:b", 300), 70_000, data_id);
    identity
}

fn keys(message: &[u8]) -> Vec<String> {
    fields(message).into_iter().map(|(key, _)| key).collect()
}

const ENVELOPE: &str =
    "type time test runner_id journey context_id scenario_id scenario_data_id transaction transaction_id run_id";

type Encode = fn(&mut Vec<u8>, Place<'_>, &[u8], u32);

/// Every kind with fields of the journey's own where it takes some.
const KINDS: [(Encode, &str, &str); 8] = [
    (|out, place, _, _| txn(out, 1.0, 2.0, false, place), "start_time end_time had_error", "txn"),
    (
        |out, place, extra, fields| http_metrics(out, &metrics(None, extra, fields), place),
        "start_time effective_url response_code dns_time connect_time tls_time transfer_start_time first_byte_time \
         total_time primary_ip method download_size EXTRA",
        "http_metrics",
    ),
    (
        |out, place, extra, fields| http_metrics(out, &metrics(Some("label"), extra, fields), place),
        "start_time effective_url response_code dns_time connect_time tls_time transfer_start_time first_byte_time \
         total_time primary_ip method download_size name EXTRA",
        "http_metrics with a name",
    ),
    (
        |out, place, _, _| http_error(out, &unanswered(None), place),
        "start_time effective_url dns_time connect_time tls_time transfer_start_time first_byte_time total_time method \
         error_class message",
        "http_error",
    ),
    (
        |out, place, _, _| http_error(out, &unanswered(Some("label")), place),
        "start_time effective_url dns_time connect_time tls_time transfer_start_time first_byte_time total_time method \
         error_class message name",
        "http_error with a name",
    ),
    (
        |out, place, extra, fields| failure(out, &wrong(None, extra, fields), 1.0, place),
        "message ex_type location EXTRA",
        "error",
    ),
    (
        |out, place, extra, fields| failure(out, &wrong(Some("trace"), extra, fields), 1.0, place),
        "message ex_type location stacktrace EXTRA",
        "exception",
    ),
    (|out, place, extra, fields| free(out, "own", extra, fields, 1.0, place), "EXTRA", "a journey's own"),
];

fn metrics<'a>(name: Option<&'a str>, extra: &'a [u8], extra_fields: u32) -> HttpMetrics<'a> {
    let times = Times::default();
    let (url, primary_ip, method) = ("http://a/", "::1", "GET");
    let (status, download_bytes) = (200, 5);
    HttpMetrics {
        start: 1.0,
        end: 2.0,
        url,
        status,
        times,
        primary_ip,
        method,
        download_bytes,
        name,
        extra,
        extra_fields,
    }
}

fn unanswered(name: Option<&str>) -> HttpError<'_> {
    let (url, method, class, message) = ("http://a/", "GET", "timeout", "connect");
    HttpError { start: 1.0, end: 2.0, url, method, name, class, message, times: Times::default() }
}

fn wrong<'a>(stacktrace: Option<&'a str>, extra: &'a [u8], extra_fields: u32) -> Failure<'a> {
    let message_type = if stacktrace.is_some() { "exception" } else { "error" };
    Failure { message_type, message: "m", ex_type: "E", location: "l", stacktrace, extra, extra_fields }
}

#[test]
fn every_kind_says_how_many_fields_it_has() {
    let identity = identity(None);
    let place = Place { identity: &identity, transaction: "__root__", transaction_id: 1 };
    for (encode, own, kind) in KINDS {
        for count in [0, 1, 3, 40] {
            let names: Vec<_> = (0..count).map(|number| format!("x{number}")).collect();
            let mut extra = Vec::new();
            for name in &names {
                text(&mut extra, name);
                extra.push(0xc3);
            }
            let mut out = vec![0x01];
            encode(&mut out, place, &extra, count);
            assert_eq!(out.remove(0), 0x01, "{kind}: what was there stays");
            let expanded = own.replace("EXTRA", &names.join(" "));
            let want: Vec<_> = expanded.split_whitespace().chain(ENVELOPE.split(' ')).map(str::to_owned).collect();
            assert_eq!(keys(&out), want, "{kind} with {count}");
            assert!(Raw::whole(&out).is_ok(), "{kind}");
        }
    }
    assert!(ENVELOPE.split(' ').eq(ENVELOPE_KEYS));
    assert_eq!(ENVELOPE_FIELDS as usize, ENVELOPE_KEYS.len());
}

#[test]
fn messages_of_scenario_functions_have_no_run() {
    let (extra, count) = own_pairs(b"\x82\xa1a\x01\xa4time\x02", &[]).unwrap();
    let mut out = Vec::new();
    outside(&mut out, "note", &extra, count, 1.5, "t", &run_id_field(RUN));
    let want = [
        ("a", Value::from(1)),
        ("type", Value::from("note")),
        ("time", Value::from(1.5)),
        ("test", Value::from("t")),
        ("run_id", Value::from(RUN)),
    ];
    assert_eq!(fields(&out), want.map(|(key, value)| (key.to_owned(), value)));
}

#[test]
fn identities() {
    for (data_id, value, why) in [
        (None, Value::Nil, "no data"),
        (Some(0), Value::from(0), "the first"),
        (Some(-1), Value::from(-1), "Python's may be negative"),
        (Some(i64::MAX), Value::from(i64::MAX), "the largest"),
    ] {
        let mut identity = identity(Some(5));
        identity.set(&Scenario::new("test", 7, "a:b", 300), 70_000, data_id);
        let mut out = Vec::new();
        free(&mut out, "own", &[], 0, 1.0, Place { identity: &identity, transaction: "t", transaction_id: 9 });
        let fields: BTreeMap<_, _> = fields(&out).into_iter().collect();
        assert_eq!(fields["scenario_data_id"], value, "{why}");
        let numbers = ["runner_id", "scenario_id", "context_id", "transaction_id"].map(|key| fields[key].as_u64());
        assert_eq!(numbers, [Some(7), Some(300), Some(70_000), Some(9)], "{why}");
    }
}

#[test]
fn pairs_of_a_journeys_own() {
    let deep = [b"\x81\xa1a".as_slice(), &[0x91; 40], b"\x01"].concat();
    type Case<'a> = (&'a [u8], Result<(&'a [u8], u32), Malformed>, &'static str);
    let rows: [Case<'_>; 15] = [
        (b"", Ok((b"", 0)), "nothing at all"),
        (b"\x80", Ok((b"", 0)), "an empty map"),
        (b"\x82\xa1a\x01\xa1b\xc0", Ok((b"\xa1a\x01\xa1b\xc0", 2)), "as they are, in order"),
        (b"\x83\xa4type\x01\xa1a\x02\xa6run_id\x03", Ok((b"\xa1a\x02", 1)), "the envelope's are left out"),
        (b"\x82\xa5taken\x01\xa1a\x02", Ok((b"\xa1a\x02", 1)), "and the message's own"),
        (b"\x82\x01\x02\xa1a\x03", Ok((b"\xa1a\x03", 1)), "a key that is no text is passed over"),
        (b"\x81\xc4\x01a\x03", Ok((b"\xa1a\x03", 1)), "a key of bytes becomes text"),
        (b"\x81\xd9\x01a\x92\x01\x80", Ok((b"\xa1a\x92\x01\x80", 1)), "a value goes as it came"),
        (b"\xde\x00\x01\xa1a\x01", Ok((b"\xa1a\x01", 1)), "a long header"),
        (b"\x91\x01", Err(Malformed::NotMap), "an array"),
        (b"\xc0", Err(Malformed::NotMap), "nil"),
        (b"\x82\xa1a\x01", Err(Malformed::Truncated), "fewer than it says"),
        (b"\x81\xa1a\x01\x02", Err(Malformed::Trailing), "more than it says"),
        (b"\x81\xa1\xff\x01", Err(Malformed::Utf8), "a key that isn't UTF-8"),
        (&deep, Err(Malformed::Deep), "too deep"),
    ];
    for (map, want, why) in rows {
        let own = own_pairs(map, &["taken"]);
        assert_eq!(own.as_ref().map(|(bytes, count)| (bytes.as_slice(), *count)), want.as_ref().copied(), "{why}");
    }
    for key in ENVELOPE_KEYS {
        let map = [&[0x81, 0xa0 + key.len() as u8], key.as_bytes(), b"\x01"].concat();
        assert_eq!(own_pairs(&map, &[]), Ok((Vec::new(), 0)), "{key}");
    }
}

//! Each option of each component with a wrong value: a message that names the thing, and the right exit code. A new option that isn't
//! here fails a test.

use std::collections::BTreeSet;

use tests::program::{command, run};

/// What every component has. Tried with the first of them.
const COMMON: &str = "every component";
/// A directory that can't be made, since it would be in a file.
const NOWHERE: &str = "Cargo.toml/x";

/// A component, what it needs beside, one of its options or arguments (in capitals), a wrong value, the exit code, and a word of the
/// message beside the option's name.
type Case = (&'static str, &'static [&'static str], &'static str, &'static str, i32, &'static str);

const CONTROLLER: &[&str] =
    &["load:load", "--controller-socket=tcp://127.0.0.1:0", "--message-socket=tcp://127.0.0.1:1"];
const OUT: &[&str] = &["--message-socket=tcp://127.0.0.1:0", "tcp://127.0.0.1:0"];
const IN: &[&str] = &["tcp://127.0.0.1:1"];
const SCRATCH: &str = "--collector-dir=target/options";
const EXPORTER: &[&str] = &["--web-address=127.0.0.1:0"];

const CASES: &[Case] = &[
    (COMMON, &[], "--quiet", "x", 2, "unexpected value"),
    (COMMON, &[], "--verbose", "x", 2, "unexpected value"),
    (COMMON, &[], "--log-level", "x", 2, "debug, trace"),
    ("controller", &[], "SPEC", "nothing:x", 104, "no component `nothing`"),
    ("controller", &["load:load"], "--controller-socket", "foo", 104, "tcp://"),
    ("controller", &["load:load", "--controller-socket=tcp://127.0.0.1:0"], "--message-socket", "foo", 104, "tcp://"),
    ("controller", CONTROLLER, "--expect-runners", "0", 2, "zero"),
    ("controller", CONTROLLER, "--logging-webhook", "foo", 2, "http://"),
    ("controller", CONTROLLER, "--add-to-config", "foo", 2, "KEY:VALUE"),
    ("controller", CONTROLLER, "--spawn-rate", "0", 2, "more than 0"),
    ("controller", CONTROLLER, "--delay-start-seconds", "-1", 2, "from 0 on"),
    ("controller", CONTROLLER, "--runner-max-journeys", "0", 2, "zero"),
    ("controller", CONTROLLER, "--grace", "x", 2, "from 0 on"),
    ("controller", CONTROLLER, "--connections", "x", 2, "runner, journey, never"),
    ("controller", CONTROLLER, "--fresh-instances", "x", 2, "unexpected value"),
    ("controller", CONTROLLER, "--request-timeout", "0", 2, "more than 0"),
    ("controller", CONTROLLER, "--journey-timeout", "0", 2, "more than 0"),
    ("controller", CONTROLLER, "--journey-memory", "0", 2, "1..=4096"),
    ("controller", CONTROLLER, "--summary-export", NOWHERE, 104, "cannot write the summary"),
    ("controller", CONTROLLER, "--max-errors-threshold", "x", 2, "digit"),
    ("controller", CONTROLLER, "--max-response-time-threshold", "x", 2, "from 0 on"),
    ("controller", CONTROLLER, "--mean-response-time-threshold", "-1", 2, "from 0 on"),
    ("controller", CONTROLLER, "--standard-deviation-response-time-threshold", "x", 2, "from 0 on"),
    ("controller", CONTROLLER, "--standard-deviation-req-sec-threshold", "x", 2, "from 0 on"),
    ("controller", CONTROLLER, "--benchmark-percentiles", "x", 2, "99:250"),
    ("controller", CONTROLLER, "--component-size", "0", 2, "1..=256"),
    ("controller", CONTROLLER, "--compile-timeout", "0", 2, "1..=3600"),
    ("runner", &[], "--controller-socket", "foo", 104, "tcp://"),
    ("runner", &[], "--message-socket", "udp://127.0.0.1:1", 104, "tcp and ipc"),
    ("runner", &[], "--workers", "0", 2, "--workers"),
    ("runner", &[], "--tenants", NOWHERE, 104, NOWHERE),
    ("runner", &["--tenants=tests/tenant.toml"], "--web-address", "foo", 104, "cannot listen on foo"),
    ("runner", &[], "--allow", "x/", 2, "`x/` is not a rule"),
    ("runner", &[], "--deny", "x/", 2, "`x/` is not a rule"),
    ("runner", &[], "--secret", "foo", 2, "NAME=FILE"),
    ("runner", &[], "--response-size", "64MB", 2, "`64MB` is not a number of bytes"),
    ("runner", &[], "--labels", "0", 2, "0 is not a number from 1"),
    ("runner", &[], "--clock", "5", 2, "`5` is not a duration"),
    ("runner", &[], "--component-size", "0", 2, "1..=256"),
    ("runner", &[], "--compile-timeout", "0", 2, "1..=3600"),
    ("duplicator", &[], "OUT_SOCKET", "tcp://x", 104, "no port"),
    ("duplicator", &["tcp://127.0.0.1:0"], "--message-socket", "foo", 104, "tcp://"),
    ("duplicator", OUT, "--out-queue", "0", 2, "1..=65536"),
    ("stats", &[], "--stats-in-socket", "foo", 104, "tcp://"),
    ("stats", &[], "--stats-out-socket", "tcp://*:5", 104, "not connected to"),
    ("stats", &[], "--stats-include-processors", "nope", 104, "mite_http"),
    ("stats", &[], "--stats-exclude-processors", "mite,nope", 104, "mite_http"),
    ("collector", &[SCRATCH], "--collector-socket", "foo", 104, "tcp://"),
    ("collector", &[], "--collector-dir", NOWHERE, 104, "may be written"),
    ("collector", &[SCRATCH], "--collector-roll", "0", 2, "1.."),
    ("collector", &[SCRATCH], "--collector-filter", "txn", 2, "type=txn,error"),
    ("collector", &[SCRATCH], "--collector-use-json", "x", 2, "unexpected value"),
    ("recorder", &["--recorder-dir=target/options-of-recorder"], "--recorder-socket", "foo", 104, "tcp://"),
    ("recorder", &[], "--recorder-dir", NOWHERE, 104, "may be written"),
    ("receiver", &["--processor=mite:print"], "RECEIVE_SOCKET", "foo", 104, "tcp://"),
    ("receiver", IN, "--processor", "nope", 104, "it needs a colon"),
    ("receiver", IN, "--bind", "x", 2, "unexpected value"),
    ("receiver", &["tcp://127.0.0.1:1", "--processor=mite:print"], "--grant-socket", "foo", 104, "tcp://"),
    (
        "receiver",
        &["tcp://127.0.0.1:1", "--processor=mite:collector"],
        "--collector-dir",
        NOWHERE,
        104,
        "mite:collector",
    ),
    ("receiver", IN, "--collector-roll", "0", 2, "1.."),
    ("receiver", &["tcp://127.0.0.1:1", "--processor=mite:recorder"], "--recorder-dir", NOWHERE, 104, "mite:recorder"),
    ("receiver", &["tcp://127.0.0.1:1", "--processor=mite:stats"], "--stats-out-socket", "foo", 104, "tcp://"),
    ("receiver", IN, "--processor-memory", "0", 2, "1..=4096"),
    ("receiver", IN, "--component-size", "0", 2, "1..=256"),
    ("receiver", IN, "--compile-timeout", "0", 2, "1..=3600"),
    ("prometheus_exporter", EXPORTER, "--stats-out-socket", "foo", 104, "tcp://"),
    ("prometheus_exporter", &["--stats-out-socket=tcp://127.0.0.1:0"], "--web-address", ":1", 104, "no host"),
    ("prometheus_exporter", EXPORTER, "--expire", "-1", 2, "0..="),
];

fn components() -> BTreeSet<&'static str> {
    CASES.iter().map(|case| case.0).filter(|component| *component != COMMON).collect()
}

/// Options and arguments that a help text describes: those at the beginning of a line.
fn described(help: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let line = line.trim_start();
        let line = line
            .split_once(", ")
            .filter(|(short, _)| short.starts_with('-') && short.len() == 2)
            .map_or(line, |it| it.1);
        let word = line.split(' ').next()?;
        let argument = word.strip_prefix('<').and_then(|word| word.split_once('>')).map(|(name, _)| name);
        let option = Some(word).filter(|word| word.starts_with("--") && !word.contains('='));
        argument.or(option).map(str::to_owned)
    };
    help.lines().filter(|line| line.starts_with(' ')).filter_map(name).collect()
}

#[test]
fn none_is_missing() {
    assert_eq!(components().len(), 8);
    for component in components() {
        let help = run(&[component, "--help"]).expect(0).stdout;
        let of = |wanted: &'static str| CASES.iter().filter(move |case| case.0 == wanted).map(|case| case.2.to_owned());
        let known: BTreeSet<String> = of(component).chain(of(COMMON)).chain(["--help".to_owned()]).collect();
        assert_eq!(described(&help), known, "{component}: what `--help` describes, and what is tried here");
    }
}

#[test]
fn each_with_a_wrong_value() {
    let try_one = |(component, beside, option, value, code, word): &Case| {
        let component = if *component == COMMON { "collector" } else { component };
        let mut words = vec![component];
        words.extend(*beside);
        let wrong = if option.starts_with("--") { format!("{option}={value}") } else { (*value).to_owned() };
        words.push(&wrong);
        let ended = tests::program::Running::start(&mut command(&words)).wait();
        let stderr = &ended.stderr;
        assert_eq!(ended.code(), *code, "{words:?}: {stderr}");
        // What a directory, a spec or a processor is wrong for is said of its own name.
        let mut parts = value.split([':', ',']).filter(|part| part.len() > 2);
        let named = stderr.contains(option) || parts.any(|part| stderr.contains(part));
        assert!(named && stderr.contains(word), "{words:?}: not `{option}` and `{word}`: {stderr}");
        assert!(!stderr.contains("panicked"), "{words:?}: {stderr}");
    };
    // A case is a process that ends at once: a few at a time.
    std::thread::scope(|scope| {
        for some in CASES.chunks(CASES.len().div_ceil(4)) {
            scope.spawn(move || some.iter().for_each(try_one));
        }
    });
}

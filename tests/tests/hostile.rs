//! Hostile journeys, each beside a healthy one in the same worker of the same process: what each comes to is in one table
//! (`tests/src/hostile.rs`), and the healthy one goes on at its pace as if there were no others.

use std::collections::{BTreeMap, BTreeSet};

use tests::files::{self, field, text};
use tests::hostile::{self, Hostile, Verdict};
use tests::program::{everywhere, root, run};
use tests::raw::{Raw, answer};
use tests::servers::Playground;
use tests::trial::{Tested, Trial};

/// What the healthy journey's `ensure_fixed_separation` asks for.
const A_SECOND: f64 = 20.0;
/// A machine with much else to do gives it so much less; one that is starved by its neighbours has next to none.
const LOADED: f64 = 20.0;

/// `hostile_calls:beside`: the healthy journey for so many seconds, and each of these so often.
fn beside(harms: &[Hostile], seconds: f64, runs: u32, url: &str) -> Trial {
    let names: Vec<_> = harms.iter().map(|harm| harm.name).collect();
    let trial = Trial::scenario("hostile_calls:beside").config("harms", names.join(",")).config("seconds", seconds);
    let trial = trial.config("runs", runs).config("url", url).option("--journey-memory=64").option("--grace=60");
    trial.option("--workers=1").environment("MITE_PATH", everywhere())
}

fn runs(tested: &Tested, journey: &str, which: &str) -> u64 {
    tested.summary["by_journey"][journey][which].as_u64().unwrap_or_else(|| panic!("{journey}: {}", tested.summary))
}

/// Each has come to what the table says, and the healthy one has not noticed.
#[track_caller]
fn judged(harms: &[Hostile], tested: &Tested, seconds: f64, wanted: u32) {
    let stderr = &tested.ended.stderr;
    let wrong: Vec<_> = harms.iter().filter_map(|harm| surprise(harm, tested, wanted)).collect();
    assert!(wrong.is_empty(), "{}\n{stderr:.3000}", wrong.join("\n\n"));
    let paced = "hostile:paced";
    let (ended, least) = (runs(tested, paced, "ended"), (seconds * A_SECOND / LOADED) as u64);
    assert!(ended >= least, "{ended} healthy runs in {seconds} s, {least} at least\n{stderr}");
    assert_eq!((runs(tested, paced, "failed"), runs(tested, paced, "cancelled")), (0, 0), "{stderr}");
    assert!(!stderr.contains("panicked at engine"), "{stderr}");
    for (said, of) in [(&tested.ended.stdout, "stdout"), (stderr, "stderr")] {
        assert!(!said.contains(['\x1b', '\u{202e}', '\u{9b}', '\x07']), "{of} spoils a terminal: {said}");
    }
}

/// What a journey has come to, if that isn't what the table says.
fn surprise(harm: &Hostile, tested: &Tested, wanted: u32) -> Option<String> {
    let journey = harm.spec();
    let of = |which: &str| runs(tested, &journey, which);
    let told: Vec<_> = ["exception", "error"].iter().flat_map(|kind| tested.of_journey(kind, &journey)).collect();
    let (failed, cancelled) = match harm.verdict {
        Verdict::Borne | Verdict::Tells(..) => (0, 0),
        Verdict::Ends(..) | Verdict::Breaks(..) | Verdict::Fails(..) | Verdict::Silent => (of("started"), 0),
        Verdict::CutOff => (0, of("started")),
    };
    let counted = (of("started"), of("failed"), of("cancelled")) == (u64::from(wanted), failed, cancelled);
    let (kind, ex_type, words) = match harm.verdict {
        Verdict::Borne | Verdict::Silent => ("", "", ""),
        Verdict::CutOff => ("exception", "JourneyTimeout", "cut off"),
        Verdict::Ends(ex_type, words) | Verdict::Breaks(ex_type, words) => ("exception", ex_type, words),
        Verdict::Fails(ex_type, words) => ("error", ex_type, words),
        Verdict::Tells(ex_type, words) => ("e", ex_type, words),
    };
    let often = match harm.verdict {
        Verdict::Borne | Verdict::Silent => told.is_empty(),
        Verdict::Tells(..) => !told.is_empty(),
        Verdict::Breaks(..) => told.len() as u64 >= failed,
        _ => told.len() as u64 == failed + cancelled,
    };
    let said = told.iter().all(|failure| {
        let (of_type, message) = (text(failure, "ex_type"), text(failure, "message"));
        let trace = field(failure, "stacktrace").and_then(rmpv::Value::as_str).unwrap_or_default();
        let bounded = of_type.len() <= 200 && message.len() <= 4_096 && trace.len() <= 32 * 1024;
        bounded && text(failure, "type").starts_with(kind) && of_type.starts_with(ex_type) && message.contains(words)
    });
    (!(counted && often && said)).then(|| {
        let counts = &tested.summary["by_journey"][&journey];
        let told: Vec<_> = told.iter().take(3).map(|failure| format!("{:.1000}", files::json(failure))).collect();
        format!("{journey}: {}: {:?}, {wanted} runs: {counts}\n{}", harm.why, harm.verdict, told.join("\n"))
    })
}

/// Runs them, and answers what came of it, the server's count of requests included.
#[track_caller]
fn tried(harms: &[Hostile], seconds: f64, wanted: u32, options: &[&str], codes: &[i32]) -> Tested {
    let playground = Playground::start();
    let mut trial = beside(harms, seconds, wanted, &playground.url);
    for option in options {
        trial = trial.option(option);
    }
    let tested = trial.run();
    assert!(codes.contains(&tested.ended.code()), "one of {codes:?}: {:?}", tested.ended);
    judged(harms, &tested, seconds, wanted);
    let healthy = tested.of_journey("http_metrics", "hostile:paced").len() as u64;
    assert_eq!(healthy, runs(&tested, "hostile:paced", "ended"), "each healthy run has its answer");
    let routes = &playground.stats()["routes"];
    assert!(routes["/"]["requests"].as_u64() >= Some(healthy), "the server has seen them: {routes:#}");
    tested
}

#[test]
fn calls_of_every_function() {
    let tested = tried(hostile::CALLS, 2.0, 1, &[], &[99]);
    tested.conserved();
    assert_eq!(
        tested.count("messages/refused"),
        8 + 1 + 1 + 1,
        "messages; annotations, too large twice; fields of a failure"
    );
}

/// There is a hostile call for each function that a journey may import, and for no other.
#[test]
fn no_function_is_forgotten() {
    let read = |file: &str| std::fs::read_to_string(root().join("wit").join(file)).expect("a WIT file");
    let world = read("journey.wit");
    let world = world.split("world journey {").nth(1).and_then(|rest| rest.split('}').next()).expect("a world");
    let imports = world.lines().filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    let mut functions = BTreeSet::new();
    for interface in imports {
        let (text, mut resource) = (read(&format!("{interface}.wit")), None);
        for line in text.lines() {
            let words = line.trim();
            if let Some(name) = words.strip_prefix("resource ") {
                resource = name.split([' ', ';']).next().map(str::to_owned);
            } else if line == "  }" {
                resource = None;
            } else if let Some((name, _)) = words.split_once(": func(") {
                let within = resource.as_ref().map_or(String::new(), |resource| format!("{resource}_"));
                functions.insert(format!("call_{interface}_{within}{name}").replace('-', "_"));
            }
        }
    }
    assert!(functions.len() >= 29, "{functions:?}");
    let called: BTreeSet<_> = hostile::CALLS.iter().map(|call| call.name.to_owned()).collect();
    assert_eq!(called, functions, "a function without a hostile call, or a call of none");
    let names: Vec<_> = hostile::all().map(|harm| harm.name).collect();
    let mut counts = BTreeMap::new();
    names.iter().for_each(|name| *counts.entry(*name).or_insert(0) += 1);
    assert!(counts.values().all(|count| *count == 1) && names.len() >= 100, "{} of them: {counts:?}", names.len());
}

#[test]
fn what_is_wrong_is_an_exception_of_its_own() {
    let tested = tried(hostile::WRONG, 3.0, 2, &[], &[99]);
    // Runs that never began have no transaction, so not all of what is asserted elsewhere holds.
    assert_eq!(tested.count("messages/made"), tested.count("messages/received") + tested.count("messages_lost"));
    let forged = tested.of_type("forged");
    assert_eq!(forged.len(), 2, "its own message, with its own identity");
    let told = tested.of_journey("error", "hostile_calls:fail_as_another");
    for message in forged.into_iter().chain(told) {
        assert_eq!(text(message, "journey"), "hostile_calls:fail_as_another");
        assert_eq!(text(message, "run_id"), tested.summary["run_id"].as_str().expect("an id"));
        assert_eq!(text(message, "transaction"), "__root__");
        assert!(field(message, "runner_id").is_some_and(rmpv::Value::is_u64), "{message}");
    }
    assert!(tested.ended.stderr.contains("\\u{1b}[2J"), "what was printed is there, escaped: {}", tested.ended.stderr);
}

#[test]
fn floods_are_bounded() {
    let tested = tried(hostile::FLOODS, 3.0, 1, &[], &[99]);
    let requests = tested.summary["by_request"].as_object().expect("names");
    assert!(requests.len() <= 202 && requests.keys().all(|name| name.len() <= 256), "{} names", requests.len());
    let transactions = tested.summary["by_transaction"].as_object().expect("names");
    assert!(transactions.len() <= 202, "{} names", transactions.len());
    let failures = tested.summary["failures_by_kind"].as_array().expect("a list");
    let told: u64 = failures.iter().filter_map(|failure| failure["count"].as_u64()).sum();
    assert_eq!(told, 5_000 + 3, "each failure is counted somewhere");
    assert!(failures.len() <= 1_002, "{} failures", failures.len());
    assert!(tested.ended.stderr.len() < 1 << 20, "{} bytes of stderr", tested.ended.stderr.len());
    assert_eq!(tested.count("messages/made"), tested.count("messages/received") + tested.count("messages_lost"));
}

#[test]
fn a_million_messages() {
    let tested = tried(hostile::MILLION, 2.0, 1, &[], &[0, 111]);
    let (made, lost) = (tested.count("messages/made"), tested.count("messages_lost"));
    assert!(made >= 1_000_000, "{made}");
    assert_eq!(made, tested.messages.len() as u64 + lost, "each is in the files or counted as lost");
    assert_eq!(tested.ended.code() == 111, lost > 0, "and what is lost is said");
}

#[test]
fn what_has_no_end_is_ended() {
    // Messages without end may be more than there is room for.
    let tested = tried(hostile::ENDLESS, 2.0, 1, &["--journey-timeout=1.5"], &[99, 111]);
    assert_eq!(tested.count("messages/made"), tested.messages.len() as u64 + tested.count("messages_lost"));
}

#[test]
fn what_computes_without_end_is_ended() {
    tried(hostile::COMPUTING, 3.0, 1, &[], &[99]);
}

#[test]
fn other_languages() {
    tried(hostile::JAVASCRIPT, 2.0, 2, &[], &[99]);
    tried(hostile::PYTHON, 2.0, 2, &[], &[99]);
}

/// Whatever bytes a journey puts where: what arrives is one clean request a call.
#[test]
fn nothing_is_injected() {
    let raw = Raw::start(|_| answer("200 OK", b"{}"));
    let url = raw.url("");
    let tested = beside(hostile::INJECTIONS, 2.0, 1, &url).run().expect(0);
    judged(hostile::INJECTIONS, &tested, 2.0, 1);
    tested.conserved();
    let asked = raw.asked();
    assert_eq!(asked.len() as u64, tested.count("requests"), "one request is one request");
    for request in &asked {
        let parts: Vec<_> = request.line.split(' ').collect();
        assert!(matches!(parts.as_slice(), ["GET", _, "HTTP/1.1"]), "{request:?}");
        assert!(["/", "/json"].contains(&request.path()) || request.path().starts_with("/injection"), "{request:?}");
        assert_eq!(request.header("injected"), None, "{request:?}");
        let cookie = request.header("cookie").unwrap_or_default();
        assert!(!cookie.contains("injected") || !cookie.contains(';'), "one cookie is one: {cookie}");
        let clean = |text: &str| !text.chars().any(|it| it.is_ascii_control() && it != '\t');
        assert!(request.headers.iter().all(|(name, value)| clean(name) && clean(value)), "{request:?}");
    }
}

/// What the controller asks has limits as well: a message that names what is wrong, in few words, and an exit code.
#[test]
fn what_the_controller_asks() {
    for (scenario, setting, code, words, why) in [
        ("beside", "describe:traps", 107, "`describe` of hostile_calls failed", "a trap"),
        ("beside", "describe:many", 104, "200000 journeys; the limit is 10000", "200,000 journeys"),
        ("beside", "describe:long", 104, "8388608 bytes; the limit is 256", "a name of 8 MiB"),
        ("beside", "describe:spoils", 104, "has control characters", "a name that would spoil a terminal"),
        ("beside", "describe:spoils sdk", 104, "has control characters", "and the name of an SDK"),
        ("beside", "setup:traps", 107, "`setup` of hostile_calls failed", "a setup that traps"),
        ("beside", "setup:fails", 107, "no setup\\n\\x1b[2Jtoday", "one that fails, in colour"),
        ("beside", "setup:answers much", 104, "the limit is 65536", "one that answers 8 MiB"),
        ("has_many_items", "x:y", 104, "100000 items; the limit is 1000", "100,000 items"),
        ("has_long_names", "x:y", 104, "8388608 bytes; the limit is 256", "names of 8 MiB"),
        ("takes_no_time", "x:y", 104, "NaN seconds", "a time that is none"),
        ("takes_less_than_no_time", "x:y", 104, "-inf seconds", "and less than none"),
        ("reads_elsewhere", "x:y", 104, "outside of the working directory", "a file of somebody else"),
        ("has_much_data", "x:y", 104, "the limit is 1048576", "items of 8 MiB"),
        ("sends_much", "x:y", 107, "the limit is 65536", "messages of 8 MiB"),
    ] {
        let spec = format!("hostile_calls:{scenario}");
        let setting = format!("--add-to-config={setting}");
        let ended = run(&["scenario", "test", &spec, &setting, "--add-to-config=url:http://127.0.0.1:1", "-q"]);
        assert_eq!(ended.code(), code, "{why}: {:.2000}", ended.stderr);
        assert!(ended.stderr.contains(words), "{why}: no `{words}` in {:.2000}", ended.stderr);
        assert!(
            ended.stderr.len() < 2_000 && !ended.stderr.contains(['\x1b', '\u{202e}']),
            "{why}: {:.3000}",
            ended.stderr
        );
    }
}

//! What users give wrong: one clear message that names the thing and the way out, the right exit code, nothing half started.

use std::net::TcpListener;
use std::path::Path;

use tests::files;
use tests::program::{Ended, component, run};
use tests::servers::Playground;
use tests::trial::Trial;

/// One message on standard error, `mite: ...`, with these words in it.
#[track_caller]
fn says(ended: &Ended, code: i32, words: &[&str], why: &str) {
    let Ended { stdout, stderr, .. } = ended;
    assert_eq!(ended.code(), code, "{why}\nstdout:\n{stdout}\nstderr:\n{stderr}");
    assert_eq!(stdout, "", "{why}: nothing but the message");
    let message = stderr.strip_prefix("mite: ").unwrap_or_else(|| panic!("{why}: {stderr}"));
    assert_eq!(message.trim_end().lines().count(), 1, "{why}: one message: {stderr}");
    for word in words {
        assert!(message.contains(word), "{why}: no `{word}` in {stderr}");
    }
    for panicked in ["panicked", "RUST_BACKTRACE", "unwrap", "wasm backtrace"] {
        assert!(!stderr.contains(panicked), "{why}: {stderr}");
    }
}

fn file(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a component")
}

const OTHER_WORLD: &str = r#"(component
    (import "foo:bar/baz@1.0.0" (instance (export "f" (func))))
    (import "mite:journey/http@0.9.0" (instance)))"#;

#[test]
fn files_that_are_no_component_of_ours() {
    let directory = files::directory();
    let here = directory.path();
    let whole = std::fs::read(component("load.wasm")).expect("a component");
    let mite = std::fs::read(tests::program::mite()).expect("the program");
    let cases: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        ("core.wasm", wat("(module)"), &["core", "component", "wasm32-wasip2"], "a core module"),
        ("text.wasm", b"#!/bin/sh\necho no\n".to_vec(), &["not a WebAssembly component", "#!/bin/s"], "a text"),
        ("empty.wasm", Vec::new(), &["not a WebAssembly component", "empty"], "an empty file"),
        ("elf.wasm", mite[..4_096].to_vec(), &["machine code", "mite takes components"], "a program"),
        ("half.wasm", whole[..whole.len() / 2].to_vec(), &["not a valid component"], "one that is cut off"),
        ("head.wasm", whole[..8].to_vec(), &["export", "mite:journey/journeys@0.1.0", "SDK"], "only the head of one"),
        (
            "other.wasm",
            wat(OTHER_WORLD),
            &["foo:bar/baz@1.0.0", "mite:journey/http@0.9.0", "SDK", "mite:journey@0.1.0"],
            "another world, and another version of ours",
        ),
        ("bare.wasm", wat("(component)"), &["mite:journey/journeys@0.1.0", "SDK"], "one that has nothing"),
    ];
    for (name, bytes, words, why) in cases {
        let path = file(here, name, &bytes);
        for command in [&["scenario", "test"], &["journey", "run"], &["journey", "test"]] {
            let ended = run(&[command[0], command[1], &format!("{path}:load")]);
            says(&ended, 104, &[&[path.as_str()], words].concat(), why);
        }
    }
    // One that is broken inside gets as far as the compiler.
    let mut broken = whole;
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xff);
    let path = file(here, "broken.wasm", &broken);
    says(&run(&["journey", "run", &format!("{path}:load")]), 104, &[&path], "bytes that make no sense");
}

#[test]
fn specs() {
    let load = component("load.wasm").display().to_string();
    for (arguments, words, why) in [
        (&["scenario", "test", "nothere.wasm:load"][..], &["no file nothere.wasm", "make build"][..], "no such file"),
        (&["scenario", "test", "./a/b.wasm:load"], &["no file ./a/b.wasm"], "no such directory"),
        (&["scenario", "test", "nothere:load"], &["nothere.wasm", "target/journeys", "MITE_PATH"], "no such package"),
        (&["scenario", "test", "no.there:load"], &["no/there.wasm", "no.there.wasm", "MITE_PATH"], "nor this"),
        (&["scenario", "test", "../etc/x:load"], &["../etc/x"], "a path is not a package"),
        (&["scenario", "test", "target:load"], &["target.wasm"], "a directory is not a component"),
        (&["scenario", "test", "/:load"], &["/ is no source of journeys"], "nor is this one"),
        (&["scenario", "test", "load"], &["`load`", "colon", "journeys.wasm:scenario"], "no colon"),
        (&["scenario", "test", ":load"], &["`:load`", "before the colon"], "nothing before the colon"),
        (&["scenario", "test", "load:"], &["`load:`", "after the colon"], "nothing after the colon"),
        (&["scenario", "test", "load:nope"], &["no scenario `nope`", "load", "pause", "paced"], "no such scenario"),
        (&["journey", "run", "load:nope"], &["no journey `nope`", "load", "empty", "pause"], "no such journey"),
        (&["journey", "test", "load:nope"], &["no journey `nope`", "empty"], "no such journey"),
        (&["journey", "run", "shop:buy", "shop:nope"], &["no datapool `nope`", "users"], "no such datapool"),
        (&["journey", "run", "shop:buy", "nope:users"], &["nope.wasm", "MITE_PATH"], "no such datapool's package"),
        (&["journey", "run", "shop:buy", "users"], &["`users`", "file.wasm:name", ".csv"], "a datapool without colon"),
        (&["journey", "run", "load:load", "load:x"], &["no datapool `x`", "no datapool at all"], "none at all"),
        (&["scenario", "test", "x\x1b[31m:\n\u{202e}y"], &["\\x1b[31m"], "what would spoil a terminal"),
    ] {
        says(&run(arguments), 104, words, why);
    }
    says(&run(&["scenario", "test", &format!("{load}:nope")]), 104, &["no scenario `nope`", "paced"], "a file's");
}

#[test]
fn options() {
    for (arguments, word, why) in [
        (&["scenario", "test"][..], "<SPEC>", "no spec"),
        (&["scenario", "test", "load:load", "--nope"], "--nope", "no such option"),
        (&["nope"], "nope", "no such command"),
        (&["scenario", "test", "load:load", "--add-to-config=url"], "KEY:VALUE", "no colon"),
        (&["scenario", "test", "load:load", "--add-to-config=:x"], "KEY:VALUE", "no key"),
        (&["scenario", "test", "load:load", "--spawn-rate=0"], "--spawn-rate", "nothing would ever start"),
        (&["scenario", "test", "load:load", "--spawn-rate=nan"], "--spawn-rate", "not a number"),
        (&["scenario", "test", "load:load", "--collector-roll=0"], "--collector-roll", "no room for a message"),
        (&["scenario", "test", "load:load", "--workers=0"], "--workers", "nobody to do it"),
        (&["scenario", "test", "load:load", "--workers=x"], "--workers", "not a number"),
        (&["scenario", "test", "load:load", "--connections=maybe"], "never", "says what there is"),
        (&["scenario", "test", "load:load", "--journey-memory=0"], "--journey-memory", "no memory"),
        (&["scenario", "test", "load:load", "--journey-timeout=0"], "--journey-timeout", "no time"),
        (&["scenario", "test", "load:load", "--grace=-1"], "--grace", "less than no time"),
        (&["scenario", "test", "load:load", "--benchmark-percentiles=101:5"], "101", "no such percentile"),
        (&["scenario", "test", "load:load", "-q", "-v"], "--verbose", "both"),
        (&["journey", "test", "load:load", "--duration=0"], "--duration", "over before it begins"),
        (&["journey", "test", "load:load", "--volume=-1"], "--volume", "fewer than none"),
        (&["playground", "--workers=0"], "--workers", "nobody to serve"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code(), 2, "{why}: {ended:?}");
        assert!(ended.stderr.contains(word), "{why}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked") && ended.stdout.is_empty(), "{why}: {ended:?}");
    }
}

#[test]
fn datapools() {
    let bad_json = b"[\"a\", 1]\n\n{\"b\": 2}\n{\"c\": \n".as_slice();
    for (name, bytes, words, why) in [
        ("missing.csv", None, &["missing.csv", "No such file"][..], "not there"),
        ("data.jsonl", Some(bad_json), &["data.jsonl", "row 3", "JSON"], "a bad line, by its row"),
        ("data.csv", Some(b"a,b\n1,2\n3\n".as_slice()), &["data.csv", "row 2"], "a row that lacks a column"),
        ("latin.csv", Some(b"a,b\n1,\xe9\n".as_slice()), &["latin.csv", "row 1", "UTF-8"], "not UTF-8"),
        ("data.msgpack", Some(b"\x91\x01\xc1".as_slice()), &["data.msgpack", "row 2", "msgpack"], "no msgpack"),
        ("cut.msgpack", Some(b"\x91\xa5ab".as_slice()), &["cut.msgpack", "row 1"], "cut off"),
        ("empty.csv", Some(b"".as_slice()), &["empty.csv", "no items"], "nothing at all"),
        ("header.csv", Some(b"a,b\n".as_slice()), &["header.csv", "no items"], "no rows"),
        ("empty.jsonl", Some(b"\n\n".as_slice()), &["empty.jsonl", "no items"], "no lines"),
    ] {
        let trial = Trial::new(&["journey", "test", "probe:take", name]).option("--duration=1");
        let given: Vec<_> = bytes.into_iter().map(|bytes| (name, bytes)).collect();
        says(&trial.files(&given).run().ended, 104, words, why);
    }
    let directory = files::directory();
    let is_directory = directory.path().join("pool.csv");
    std::fs::create_dir(&is_directory).expect("a directory");
    let path = is_directory.display().to_string();
    says(&run(&["journey", "run", "probe:take", &path]), 104, &[&path, "directory"], "a directory");
}

/// A component names files below the working directory and no others.
#[test]
fn datapools_of_components() {
    for (file, words, why) in [
        ("missing.csv", &["missing.csv", "No such file"][..], "not there"),
        ("/etc/passwd", &["/etc/passwd", "outside of the working directory"], "an absolute path"),
        ("../x.csv", &["../x.csv", "outside of the working directory"], "above"),
        ("link.csv", &["link.csv", "outside of the working directory"], "a link that leads away"),
    ] {
        let trial = Trial::plan("take").config("datapool", "rows").config("file", file).files(&[]);
        std::os::unix::fs::symlink("/etc/passwd", trial.directory().join("link.csv")).expect("a link");
        says(&trial.run().ended, 104, words, why);
    }
}

#[test]
fn code_of_the_scenario_that_fails() {
    for (scenario, words, why) in [
        ("panics", &["scenario `panics`", "hostile", "no scenario today"][..], "a panic, in its words"),
        ("fails", &["scenario `fails`", "there is nothing to plan"], "an error of its own"),
        ("pool_panics", &["datapool `pool_panics`", "no pool today"], "a datapool that traps"),
        ("items_panic", &["datapool `items_panic`", "only two items today"], "one that traps on the way"),
        ("beside", &["scenario `beside`", "`harm`", "--add-to-config=harm:"], "a config that lacks a key"),
    ] {
        let ended = run(&["scenario", "test", &format!("hostile:{scenario}")]);
        let message: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("mite: ")).collect();
        assert_eq!((ended.code(), message.len()), (107, 1), "{why}: {ended:?}");
        for word in words {
            assert!(message[0].contains(word), "{why}: no `{word}` in {}", message[0]);
        }
        assert!(!ended.stderr.contains("wasm backtrace"), "{why}: {}", ended.stderr);
    }
    let ended = run(&["scenario", "test", "probe:nothing"]);
    assert_eq!(ended.code(), 107, "a scenario without journeys: {ended:?}");
    assert!(ended.stderr.contains("no journeys"), "{ended:?}");
}

#[test]
fn addresses() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let web = |address: &str| run(&["scenario", "test", "load:empty", &format!("--web-address={address}")]);
    says(&web(&address), 104, &[&address, "--web-address"], "the metrics' address is in use");
    says(&web("127.0.0.1:port"), 104, &["port"], "no port");
    says(&web("8.8.8.8:9301"), 104, &["8.8.8.8:9301"], "not of this machine");
    let play = |address: &str| run(&["playground", "--address", address]);
    says(&play(&address), 104, &[&address, "another program", "--address"], "the playground's is");
    says(&play("nonsense"), 104, &["`nonsense`", "127.0.0.1:14380"], "no address");
    says(&play("8.8.8.8:80"), 104, &["8.8.8.8:80", "--address"], "not of this machine");
}

/// Users may be root, whom no permission stops: these places nobody can write to.
#[test]
fn directories_and_files_that_cannot_be_written() {
    let directory = files::directory();
    let in_the_way = file(directory.path(), "file", b"");
    let below = format!("{in_the_way}/messages");
    for (option, words, why) in [
        (format!("--collector-dir={in_the_way}"), &[in_the_way.as_str()][..], "a file is in its place"),
        (format!("--collector-dir={below}"), &[&below], "a file is above it"),
        ("--collector-dir=/proc/mite".to_owned(), &["/proc/mite"], "the system's"),
        (format!("--summary-export={below}"), &[&below], "a summary without a place"),
    ] {
        says(&run(&["scenario", "test", "load:empty", "--add-to-config=seconds:1", &option]), 104, words, why);
    }
}

#[test]
fn a_collector_directory_is_used_by_one_test_at_a_time() {
    let going = Trial::plan("nap").start();
    tests::program::eventually("it collects", || (!going.messages().is_empty()).then_some(()));
    let there = going.collected();
    let option = format!("--collector-dir={}", there.display());
    let other = run(&["scenario", "test", "load:empty", &option]);
    says(&other, 104, &["another collector", &there.display().to_string()], "one is at work there");
    going.running.signal(rustix::process::Signal::INT);
    going.wait().expect(105).conserved();
}

/// What can be wrong is found before anything begins.
#[test]
fn nothing_is_half_started() {
    let playground = Playground::start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let web = format!("--web-address={}", taken.local_addr().expect("it is bound"));
    for (spec, option, code, why) in [
        ("load:nope", "-q", 104, "no such scenario"),
        ("nope:load", "-q", 104, "no such component"),
        ("hostile:panics", "-q", 107, "a scenario that fails"),
        ("load:load", web.as_str(), 104, "an address in use"),
        ("load:load", "--summary-export=/proc/mite.json", 104, "a summary that can't be written"),
        ("load:load", "--nope", 2, "no such option"),
    ] {
        let directory = files::directory();
        let there = directory.path().join("messages");
        let url = format!("--add-to-config=url:{}/", playground.url);
        let collect = format!("--collector-dir={}", there.display());
        let ended = run(&["scenario", "test", spec, &url, "--add-to-config=seconds:1", &collect, option]);
        assert_eq!(ended.code(), code, "{why}: {ended:?}");
        assert!(!there.exists(), "{why}: no directory is made");
        assert_eq!(playground.requests(), 0, "{why}: no request is made");
    }
}

#[test]
fn less_memory_than_a_journey_begins_with() {
    let test =
        ["scenario", "test", "load:load", "--add-to-config=url:http://127.0.0.1:1/", "--add-to-config=seconds:1"];
    let ended = run(&[&test[..], &["--journey-memory=1"]].concat());
    says(&ended, 104, &["load needs 2 MiB", "--journey-memory"], "17 pages");
}

use proptest::prelude::*;

use super::*;
use crate::component::engine::plain;

/// The inside of a component that exports all it has to.
const ALL: &str = r#"
    (instance $empty)
    (export "mite:journey/journeys@0.1.0" (instance $empty))
    (export "mite:journey/scenarios@0.1.0" (instance $empty))"#;

fn component(inside: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {inside})")).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

fn checked(bytes: &[u8]) -> Result<(), String> {
    check(&JOURNEYS, Path::new("x.wasm"), bytes).map(drop).map_err(|error| error.to_string())
}

fn missing(names: &str) -> String {
    format!(
        "x.wasm is not made for this mite: it doesn't export {names}; build it with this mite's SDK (world mite:journey@0.1.0)"
    )
}

fn unknown(names: &str) -> String {
    format!("x.wasm needs what mite doesn't have: {names}; build it with this mite's SDK (world mite:journey@0.1.0)")
}

#[test]
fn what_is_no_component() {
    let module = wat::parse_str("(module)").unwrap();
    for (bytes, text, why) in [
        (b"".as_slice(), "x.wasm is not a WebAssembly component: it begins with nothing: it is empty", "empty"),
        (b"(component)", "x.wasm is not a WebAssembly component: it begins with `(compone`", "text"),
        (b"#!/bin/sh\n", "x.wasm is not a WebAssembly component: it begins with `#!/bin/s`", "a script"),
        (b"\x1b[2J\0\xff", "begins with `\\x1b[2J\\x00\\xff`", "what would change a terminal"),
        (b"\0as", "begins with `\\x00as`", "too short"),
        (b"PK\x03\x04", "begins with `PK\\x03\\x04`", "an archive"),
        (b"\x7fELF\x02\x01", "x.wasm is compiled machine code: mite takes components", "machine code"),
        (
            &module,
            "x.wasm is a core WebAssembly module, not a component: build it for the target wasm32-wasip2",
            "a module",
        ),
        (b"\0asm", "x.wasm is not a valid component: ", "only the beginning"),
        (b"\0asm\xff\xff\xff\xff", "x.wasm is not a valid component: ", "a version of the future"),
        (b"\0asm\x0d\0\x01\0\x05", "x.wasm is not a valid component: ", "it ends in the middle"),
        (b"\0asm\x0d\0\x01\0\x7f\x01\0", "it doesn't export", "an unknown section is the compiler's to refuse"),
    ] {
        let refused = checked(bytes).expect_err(why);
        assert!(refused.contains(text), "{why}: {refused}");
    }
}

#[test]
fn imports_and_exports() {
    let journeys = "mite:journey/journeys@0.1.0";
    let scenarios = "mite:journey/scenarios@0.1.0";
    let import = |name: &str| format!("(import \"{name}\" (instance))");
    let export = |name: &str| format!("(instance $i) (export \"{name}\" (instance $i))");
    let both = missing(&format!("{journeys} and {scenarios}"));
    for (inside, want, why) in [
        (ALL.to_owned(), Ok(()), "all it needs"),
        (import("mite:journey/http@0.1.0") + &import("wasi:cli/environment@0.2.6") + ALL, Ok(()), "what there is"),
        (String::new(), Err(both.clone()), "nothing"),
        (export(journeys), Err(missing(scenarios)), "one of two"),
        (export(scenarios), Err(missing(journeys)), "the other"),
        (export("mite:journey/journeys@0.2.0"), Err(both.clone()), "another version"),
        (export("journeys"), Err(both), "another name"),
        (
            import(journeys) + &import(scenarios),
            Err(unknown(&format!("{journeys}, {scenarios}"))),
            "the wrong way round",
        ),
        (import("wasi:http/types@0.2.0"), Err(unknown("wasi:http/types@0.2.0")), "HTTP of WASI"),
        (import("wasi:keyvalue/store@0.2.0"), Err(unknown("wasi:keyvalue/store@0.2.0")), "not granted"),
        (import("mite:journey/http@0.2.0"), Err(unknown("mite:journey/http@0.2.0")), "another version"),
        (import("mite:journey/files@0.1.0"), Err(unknown("mite:journey/files@0.1.0")), "not ours"),
        (import("other:journey/http@0.1.0"), Err(unknown("other:journey/http@0.1.0")), "somebody's"),
        ("(import \"f\" (func))".to_owned(), Err(unknown("f")), "a bare function"),
        (
            import("a:b/c") + &import("wasi:io/poll@0.2.0") + &import("d:e/f"),
            Err(unknown("a:b/c, d:e/f")),
            "all at once",
        ),
        (import("a:b/c") + ALL, Err(unknown("a:b/c")), "though it exports all"),
    ] {
        assert_eq!(checked(&component(&inside)), want, "{why}");
    }
}

#[test]
fn each_world_has_its_own_components() {
    const PROCESSOR: &str = r#"(instance $p) (export "mite:processor/processors@0.1.0" (instance $p))"#;
    let import = |name: &str| format!("(import \"{name}\" (instance))");
    let unlike = |has, wanted| {
        let rest = "journeys are for `mite scenario test`, processors for `mite receiver`";
        Err(format!("x.wasm has {has}, not {wanted}: {rest}"))
    };
    let strange = "x.wasm needs what mite doesn't have: mite:journey/http@0.1.0; \
                   build it with this mite's SDK (world mite:processor@0.1.0)";
    for (world, inside, want, why) in [
        (&PROCESSORS, import("mite:processor/sender@0.1.0") + PROCESSOR, Ok(()), "a processor"),
        (&PROCESSORS, ALL.to_owned(), unlike("journeys", "processors"), "journeys"),
        (&JOURNEYS, PROCESSOR.to_owned(), unlike("processors", "journeys"), "the other way round"),
        (&PROCESSORS, format!("{PROCESSOR} {ALL}"), Ok(()), "one that has both"),
        (&PROCESSORS, import("mite:journey/http@0.1.0") + PROCESSOR, Err(strange.to_owned()), "no load from here"),
    ] {
        let checked =
            check(world, Path::new("x.wasm"), &component(&inside)).map(drop).map_err(|error| error.to_string());
        assert_eq!(checked, want, "{why}");
    }
}

#[test]
fn what_is_nested_does_not_count() {
    let both = missing("mite:journey/journeys@0.1.0 and mite:journey/scenarios@0.1.0");
    let inner = "(component (import \"evil\" (func)) (component (import \"worse\" (func))))";
    for (inside, want, why) in [
        (inner.to_owned(), Err(both.clone()), "imports of what is inside are its own matter"),
        (format!("(component {ALL})"), Err(both.clone()), "as are its exports"),
        (
            format!("{inner} (import \"outer\" (func))"),
            Err(unknown("outer")),
            "what comes after is the outer one's again",
        ),
        ("(core module (import \"a\" \"b\" (func)))".to_owned(), Err(both), "modules too"),
        (format!("(core module) {inner} (core module) (import \"x\" (func))"), Err(unknown("x")), "however many"),
    ] {
        assert_eq!(checked(&component(&inside)), want, "{why}");
    }
}

#[test]
fn files() {
    let directory = tempfile::tempdir().unwrap();
    let limit = Bounds { component_size: 1, ..Bounds::default() }.component_bytes();
    let missing = read(&directory.path().join("none.wasm"), limit).unwrap_err();
    assert!(missing.to_string().starts_with("can't read ") && missing.to_string().contains("none.wasm"), "{missing}");
    let large = directory.path().join("large.wasm");
    std::fs::File::create(&large).unwrap().set_len(limit + 1).unwrap();
    let refused = read(&large, limit).unwrap_err().to_string();
    assert!(
        refused.ends_with("large.wasm has 1048577 bytes, and a component may have 1 MiB: see --component-size"),
        "{refused}"
    );
    let good = directory.path().join("good.wasm");
    std::fs::write(&good, b"x").unwrap();
    assert_eq!(read(&good, limit).unwrap(), b"x");
}

#[test]
fn what_the_compiler_refuses_names_the_file() {
    let engine = plain().unwrap();
    // A type that isn't there: its shape is right, so only the compiler sees it.
    let bad = b"\0asm\x0d\0\x01\0\x7f\x01\0";
    let error =
        compile_new(&engine, None, Path::new("bad.wasm"), bad, &Bounds::default()).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("bad.wasm can't be compiled: "), "{error}");
    assert!(compile_new(&engine, None, Path::new("x.wasm"), &component(""), &Bounds::default()).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, header: bool) {
        let header: &[u8] = if header { b"\0asm\x0d\0\x01\0" } else { b"" };
        drop(checked(&[header, &bytes].concat()));
    }

    #[test]
    fn no_change_of_a_component_panics(at: prop::sample::Index, to: u8, end: prop::sample::Index) {
        let mut bytes = component(ALL);
        let at = at.index(bytes.len());
        bytes[at] = to;
        bytes.truncate(end.index(bytes.len()) + 1);
        drop(checked(&bytes));
    }
}

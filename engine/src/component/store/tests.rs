//! Guests that want too much of one thing each: `run(count, bytes)` of a small component.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::*;
use crate::component::limits::Limits;
use crate::component::wasi::{self, Wasi};
use crate::component::{compiler, engine};

struct Host {
    wasi: Wasi,
    limits: Limits,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

/// How it ended; an error in words.
fn run(inside: &str, count: u32, bytes: u32) -> Result<(), String> {
    let component = wat::parse_str(format!("(component {inside})")).unwrap_or_else(|error| panic!("{inside}: {error}"));
    let engine = engine::plain().unwrap();
    let compiled = compiler::compile(&component, &compiler::Bounds::default()).unwrap();
    let component = crate::component::cache::Code::from(compiled).load(&engine).unwrap();
    let mut linker = Linker::<Host>::new(&engine);
    wasi::add_to_linker(&mut linker).unwrap();
    linker.root().func_wrap("take", |_, (_,): (Vec<String>,)| Ok(())).unwrap();
    let host = Host { wasi: Wasi::new(&Arc::from("greedy")), limits: Limits::new(engine::MEMORY_MAX) };
    let mut store = bounded(&engine, host);
    store.limiter(|host| &mut host.limits);
    store.set_epoch_deadline(u64::MAX / 2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ran = runtime.block_on(async {
        let instance = linker.instantiate_async(&mut store, &component).await?;
        let run = instance.get_typed_func::<(u32, u32), ()>(&mut store, "run")?;
        run.call_async(&mut store, (count, bytes)).await
    });
    ran.map_err(|error| format!("{error:#}"))
}

/// Components with a function `run` of this core module, which imports these.
fn with(outside: &str, imports: &str, module: &str) -> String {
    format!(
        r#"{outside} (core module $m {module}) (core instance $i (instantiate $m (with "" (instance {imports}))))
        (func (export "run") (param "count" u32) (param "bytes" u32) (canon lift (core func $i "run")))"#
    )
}

/// Hands over a list of so many strings of so many bytes, all of them the same ones: they cost the guest nothing.
fn strings() -> String {
    with(
        r#"(import "take" (func $take (param "all" (list string))))
        (core module $mem (memory (export "memory") 300)) (core instance $mem (instantiate $mem))
        (core func $low (canon lower (func $take) (memory (core memory $mem "memory"))))"#,
        r#"(export "take" (func $low)) (export "memory" (memory $mem "memory"))"#,
        r#"(import "" "take" (func $take (param i32 i32))) (import "" "memory" (memory 1))
        (func (export "run") (param $count i32) (param $bytes i32) (local $n i32)
          (loop $next
            (i32.store offset=0x200004 (i32.mul (local.get $n) (i32.const 8)) (local.get $bytes))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (local.get $count))))
          (call $take (i32.const 0x200000) (local.get $count)))"#,
    )
}

/// Makes so many resources of its own, which no host function sees.
fn resources() -> String {
    with(
        "(type $r (resource (rep i32))) (core func $new (canon resource.new $r))",
        r#"(export "new" (func $new))"#,
        r#"(import "" "new" (func $new (param i32) (result i32))) (func (export "run") (param $count i32) (param i32)
          (loop $next
            (drop (call $new (i32.const 1)))
            (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))"#,
    )
}

/// Asks for so many things to wait for.
fn pollables() -> String {
    with(
        r#"(import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (alias outer 1 $pollable (type $p))
          (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
        (core func $low (canon lower (func $clock "subscribe-duration")))"#,
        r#"(export "wait" (func $low))"#,
        r#"(import "" "wait" (func $wait (param i64) (result i32))) (func (export "run") (param $count i32) (param i32)
          (loop $next
            (drop (call $wait (i64.const 1000000000)))
            (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))"#,
    )
}

/// Asks for so many random bytes.
fn random() -> String {
    with(
        r#"(import "wasi:random/random@0.2.0" (instance $random
          (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
        (core module $mem (memory (export "memory") 100)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $mem (instantiate $mem))
        (core func $low
          (canon lower (func $random "get-random-bytes") (memory (core memory $mem "memory")) (realloc (core func $mem "realloc"))))"#,
        r#"(export "random" (func $low))"#,
        r#"(import "" "random" (func $random (param i64 i32))) (func (export "run") (param i32) (param $bytes i32)
          (call $random (i64.extend_i32_u (local.get $bytes)) (i32.const 8)))"#,
    )
}

/// Grows a table to so many elements.
fn elements() -> String {
    let module = r#"(table $t 0 funcref) (func (export "run") (param $count i32) (param i32)
        (if (i32.eq (table.grow $t (ref.null func) (local.get $count)) (i32.const -1)) (then unreachable)))"#;
    with("", "", module)
}

/// Has so many of something in all its modules together.
fn many(module: &str, count: usize) -> String {
    let instances = "(core instance (instantiate $one))".repeat(count);
    with(&format!("(core module $one {module}) {instances}"), "", r#"(func (export "run") (param i32 i32))"#)
}

#[test]
fn each_thing_has_its_bound() {
    const MIB: u32 = 1 << 20;
    let (strings, resources, pollables, random, elements) = (strings(), resources(), pollables(), random(), elements());
    let one_more = INSTANCES_MAX - 1;
    for (inside, count, bytes, want, why) in [
        (&strings, 60, MIB, Ok(()), "as much as a body may have"),
        (&strings, 2_000_000, 0, Ok(()), "many that are empty"),
        (&strings, 70, MIB, Err("fuel"), "more, though it is one megabyte in its own memory"),
        (&strings, 200_000, MIB, Err("fuel"), "two hundred gigabytes are asked for and not made"),
        (&resources, 9_000, 0, Ok(()), "handles"),
        (&resources, 11_000, 0, Err("handle"), "more of them"),
        (&pollables, 490, 0, Ok(()), "things to wait for: two handles of WASI each"),
        (&pollables, 510, 0, Err("table has no free keys"), "more of them"),
        (&random, 0, MIB, Ok(()), "random bytes"),
        (&random, 0, MIB + 1, Err("exceeds limit 1048576"), "a byte more"),
        (&elements, 90_000, 0, Ok(()), "a large table"),
        (&elements, 110_000, 0, Err("unreachable"), "a larger one can't be had, and the guest is told"),
        (&many("(memory 1)", MEMORIES_MAX), 0, 0, Ok(()), "memories"),
        (&many("(memory 1)", MEMORIES_MAX + 1), 0, 0, Err("memory count too high"), "one more"),
        (&many("(table 1 funcref)", one_more), 0, 0, Ok(()), "tables and instances"),
        (&many("", one_more + 1), 0, 0, Err("instance count too high"), "an instance more"),
        (&many("(table 1 funcref) (table 1 funcref)", 101), 0, 0, Err("table count too high"), "more tables"),
    ] {
        match (run(inside, count, bytes), want) {
            (Ok(()), Ok(())) => {}
            (Err(got), Err(want)) => assert!(got.to_lowercase().contains(want), "{why}: {got}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

//! Asking a component of processors what it has. What processors may use isn't there while it is asked: a call of it is a trap.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lift, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::Error;
use super::compile::Compiled;
use super::engine::MEMORY_MAX;
use super::limits::Limits;
use super::wasi::Wasi;
use super::{store, wasi};

const INTERFACE: &str = "mite:processor/processors@0.1.0";
/// Its start and its answer together; a tick is a millisecond.
const TICKS_MAX: u64 = 10_000;

/// What a component of processors says it has.
#[derive(Clone, Debug, ComponentType, Lift)]
#[component(record)]
pub struct Contents {
    pub processors: Vec<String>,
    /// What it was written with, `rust 0.1.0`.
    pub sdk: String,
}

struct Host {
    wasi: Wasi,
    limits: Limits,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

/// Asks it. `engine` must be ticking (see [`super::ticker`]), else an endless loop is never ended.
pub async fn contents(engine: &Engine, compiled: &Compiled) -> Result<Contents, Error> {
    let host = Host { wasi: Wasi::new(&Arc::from(compiled.package.as_str())), limits: Limits::new(MEMORY_MAX) };
    let mut store = store::bounded(engine, host);
    store.limiter(|host| &mut host.limits);
    store.set_epoch_deadline(TICKS_MAX);
    ask(engine, compiled, &mut store).await.map_err(|error| Error::Failed {
        package: compiled.package.clone(),
        what: "`describe`".to_owned(),
        reason: error.root_cause().to_string(),
    })
}

async fn ask(engine: &Engine, compiled: &Compiled, store: &mut Store<Host>) -> wasmtime::Result<Contents> {
    let component = compiled.code.load(engine)?;
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    linker.define_unknown_imports_as_traps(&component)?;
    let instance = linker.instantiate_async(&mut *store, &component).await?;
    let interface = instance.get_export_index(&mut *store, None, INTERFACE);
    let describe = interface.and_then(|it| instance.get_export_index(&mut *store, Some(&it), "describe"));
    let describe = describe.ok_or_else(|| wasmtime::format_err!("it has no {INTERFACE}"))?;
    let describe = instance.get_typed_func::<(), (Contents,)>(&mut *store, &describe)?;
    let (contents,) = describe.call_async(&mut *store, ()).await?;
    Ok(contents)
}

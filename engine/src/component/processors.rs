//! Asking a component of processors what it has. What processors may use isn't there while it is asked: a call of it is a trap.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lift, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::Error;
use super::compile::Compiled;
use super::engine::MEMORY_MAX;
use super::output::Output;
use super::script::{self, Scripted};
use super::traps;

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
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
    script: Arc<[u8]>,
}

impl Scripted for Host {
    fn script(&self) -> Arc<[u8]> {
        self.script.clone()
    }

    /// It isn't counted here: a tick ends it.
    fn left(&self) -> u32 {
        u32::MAX
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Asks it. `engine` must be ticking (see [`super::ticker`]), else an endless loop is never ended.
pub async fn contents(engine: &Engine, compiled: &Compiled) -> Result<Contents, Error> {
    let package = Arc::<str>::from(compiled.package.as_str());
    let (out, err) = (Output::new(package.clone(), "stdout"), Output::new(package, "stderr"));
    let host = Host {
        wasi: WasiCtx::builder().stdout(out).stderr(err.clone()).build(),
        table: ResourceTable::new(),
        limits: StoreLimitsBuilder::new().memory_size(MEMORY_MAX).instances(200).build(),
        script: compiled.code.script(),
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| &mut host.limits);
    store.set_epoch_deadline(TICKS_MAX);
    ask(engine, compiled, &mut store).await.map_err(|error| Error::Failed {
        package: compiled.package.clone(),
        what: "`describe`".to_owned(),
        reason: said(&err).unwrap_or_else(|| error.root_cause().to_string()),
    })
}

/// What it wrote to stderr last, which says more than a trap does.
fn said(stderr: &Output) -> Option<String> {
    let said = stderr.take_tail();
    let lines: Vec<_> =
        said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:")).collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

async fn ask(engine: &Engine, compiled: &Compiled, store: &mut Store<Host>) -> wasmtime::Result<Contents> {
    let component = compiled.code.load(engine)?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    script::add_to_linker(&mut linker)?;
    traps::define(&mut linker, engine, &component)?;
    let instance = linker.instantiate_async(&mut *store, &component).await?;
    let interface = instance.get_export_index(&mut *store, None, INTERFACE);
    let describe = interface.and_then(|it| instance.get_export_index(&mut *store, Some(&it), "describe"));
    let describe = describe.ok_or_else(|| wasmtime::format_err!("it has no {INTERFACE}"))?;
    let describe = instance.get_typed_func::<(), (Contents,)>(&mut *store, &describe)?;
    let (contents,) = describe.call_async(&mut *store, ()).await?;
    Ok(contents)
}

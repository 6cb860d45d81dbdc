//! The engine as it is once it has started: its memory after that is the memory its instances begin with, so that none of
//! them starts it again.

use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Instance, Lift, WasmList};
use wasmtime::{Engine, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::component::cache::{Cache, Code, made_name};
use crate::component::carried;
use crate::component::compiler::{self, Bounds};
use crate::component::definition::{Host, surroundings};
use crate::component::engine::MEMORY_MAX;
use crate::component::processors;
use crate::wire::config::Config;

/// What the engine calls its start: `wit/journey.wit`.
const START: &str = "wizer-initialize";
/// How a snapshot is made. Counted up with every change of that, and with wasmtime's version: what was kept before is then not taken.
const HOW: &str = "wizer 48, its functions kept: 1";

/// The started engine, from the cache if it was started before; where no snapshot can be taken the engine as it is, which
/// every instance starts for itself.
pub async fn of(wasm: &Engine, engine: &[u8], cache: Option<&Cache>) -> Vec<u8> {
    let kept = cache.and_then(|cache| cache.made_of(engine, HOW));
    if let Some(kept) = kept.or_else(|| carried::find(&made_name(engine, HOW))) {
        return kept;
    }
    let made = match make(wasm, engine).await {
        Ok(made) => made,
        Err(error) => {
            tracing::warn!("the JavaScript engine is started anew in each instance: no snapshot of it: {error:#}");
            return engine.to_vec();
        }
    };
    if let Some(Err(error)) = cache.map(|cache| cache.put_made_of(engine, HOW, &made)) {
        tracing::warn!("the engine can't be kept for the next time: {error}");
    }
    made
}

/// The started engine and its code, for the program to carry. Nothing that was kept is used.
pub async fn to_carry(wasm: &Engine, engine: &[u8]) -> wasmtime::Result<[(String, Vec<u8>); 2]> {
    let made = make(wasm, engine).await?;
    let compiled = compiler::compile(&made, &Bounds::default()).map_err(wasmtime::Error::msg)?;
    let code = Code::from(compiled).to_carry(wasm, &made);
    let code = code.ok_or_else(|| wasmtime::format_err!("it was just compiled"))?;
    Ok([(made_name(engine, HOW), made), code])
}

async fn make(wasm: &Engine, engine: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Without it the core module would lack what the component around it exports.
    wizer.keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(engine)?;
    let compiled = compiler::compile(&instrumented, &Bounds::default()).map_err(wasmtime::Error::msg)?;
    let component = Code::from(compiled).load(wasm)?;
    let host = Host::new(Arc::from("engine"), Arc::default(), Config::default(), MEMORY_MAX);
    let (mut store, mut linker) = surroundings(wasm, host)?;
    processors::absent(&mut linker, wasm, &component)?;
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let start = instance.get_typed_func::<(), ()>(&mut store, START)?;
    start.call_async(&mut store, ()).await?;
    wizer.snapshot_component(&context, &mut Started { store, instance }).await
}

/// An instrumented instance, which tells about its memory and globals.
struct Started {
    store: Store<Host>,
    instance: Instance,
}

impl Started {
    /// # Panics
    /// If it isn't instrumented: wizer itself has just done so.
    async fn ask<R: Lift + Send + Sync + 'static>(&mut self, interface: &str, function: &str) -> R
    where
        (R,): ComponentNamedList + Lift + Send + Sync,
    {
        let exports = self.instance.get_export_index(&mut self.store, None, interface).expect("instrumented");
        let function = self.instance.get_export_index(&mut self.store, Some(&exports), function).expect("instrumented");
        let function = self.instance.get_typed_func::<(), (R,)>(&mut self.store, function).expect("instrumented");
        function.call_async(&mut self.store, ()).await.expect("it only reads").0
    }
}

impl ComponentInstanceState for Started {
    async fn call_func_ret_list_u8(&mut self, interface: &str, function: &str, contents: impl FnOnce(&[u8]) + Send) {
        let list: WasmList<u8> = self.ask(interface, function).await;
        contents(list.as_le_slice(&self.store));
    }

    async fn call_func_ret_s32(&mut self, interface: &str, function: &str) -> i32 {
        self.ask(interface, function).await
    }

    async fn call_func_ret_s64(&mut self, interface: &str, function: &str) -> i64 {
        self.ask(interface, function).await
    }

    async fn call_func_ret_f32(&mut self, interface: &str, function: &str) -> u32 {
        self.ask::<f32>(interface, function).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, interface: &str, function: &str) -> u64 {
        self.ask::<f64>(interface, function).await.to_bits()
    }
}

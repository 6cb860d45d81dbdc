//! The engine as it is once it has started: its memory after that is the memory its instances begin with, so that none of
//! them starts it again.

use std::sync::Arc;

use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, WasmList};
use wasmtime::{Engine, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::component::cache::Cache;
use crate::component::definition::{Host, surroundings};
use crate::component::engine::MEMORY_MAX;
use crate::component::traps;
use crate::wire::config::Config;

/// What the engine calls its start: `wit/journey.wit`.
const START: &str = "wizer-initialize";

/// The started engine, from the cache if it was started before; where no snapshot can be taken the engine as it is, which
/// every instance starts for itself.
pub async fn of(wasm: &Engine, engine: &[u8], cache: Option<&Cache>) -> Vec<u8> {
    if let Some(kept) = cache.and_then(|cache| cache.made_of(engine)) {
        return kept;
    }
    let made = match make(wasm, engine).await {
        Ok(made) => made,
        Err(error) => {
            tracing::warn!("the JavaScript engine is started anew in each instance: no snapshot of it: {error:#}");
            return engine.to_vec();
        }
    };
    if let Some(Err(error)) = cache.map(|cache| cache.put_made_of(engine, &made)) {
        tracing::warn!("the engine can't be kept for the next time: {error}");
    }
    made
}

async fn make(wasm: &Engine, engine: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Without it the core module would lack what the component around it exports.
    wizer.keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(engine)?;
    let component = Component::new(wasm, &instrumented)?;
    let host = Host::new(Arc::from("engine"), Arc::default(), Config::default(), MEMORY_MAX);
    let (mut store, mut linker) = surroundings(wasm, host)?;
    // Whatever it is the engine of: its start calls nothing of mite's.
    traps::define(&mut linker, wasm, &component)?;
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

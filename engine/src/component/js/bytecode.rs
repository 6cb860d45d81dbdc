//! A script's modules, compiled once by the engine that is to run them, so that no instance of it parses them again.

use std::sync::Arc;

use wasmtime::Engine;

use crate::component::compile::Compiled;
use crate::component::definition::{Host, surroundings};
use crate::component::engine::MEMORY_MAX;
use crate::wire::config::Config;

/// What the engine calls it: `wit/journey.wit`.
const COMPILE: &str = "compile";

/// The script of a component as its engine has compiled it, none of it evaluated; empty where the engine can't: what is wrong is told
/// where the script is opened as it is.
pub async fn of(wasm: &Engine, compiled: &Compiled) -> wasmtime::Result<Vec<u8>> {
    let component = compiled.code.load(wasm)?;
    let package = Arc::from(compiled.package.as_str());
    let host = Host::new(package, compiled.code.script(), Config::default(), MEMORY_MAX);
    let (mut store, linker) = surroundings(wasm, host)?;
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let compile = instance.get_typed_func::<(), (Vec<u8>,)>(&mut store, COMPILE)?;
    Ok(compile.call_async(&mut store, ()).await?.0)
}

//! From JavaScript and TypeScript to a component: the modules of a script, behind the engine that runs them.
//!
//! ```text
//! graph      the modules that an entry leads to
//! resolve    which file a specifier means
//! package    what a package's own file says of that
//! strip      TypeScript to JavaScript, and what a module imports
//! commonjs   modules of the older kind, and how they are imported
//! snapshot   the engine, started already
//! bytecode   the modules, compiled already
//! ```

mod bytecode;
mod commonjs;
mod error;
mod graph;
mod package;
mod resolve;
mod snapshot;
mod strip;

use std::path::Path;

pub use error::Error;

use super::cache::Cache;
use super::compile::{compile_bytes, compile_processor_bytes};
use super::compiler::Bounds;
use super::definition::Definition;
use super::ticker::Ticker;
use super::{engine, processors, script};
use crate::wire::config::Config;

/// The engine, if this program was built with it: see `engine/build.rs`.
#[cfg(js_engine)]
const ENGINE: &[u8] = include_bytes!(env!("MITE_JS_ENGINE"));
#[cfg(not(js_engine))]
const ENGINE: &[u8] = &[];
/// That of processors.
#[cfg(js_engine)]
const PROCESSORS: &[u8] = include_bytes!(env!("MITE_JS_PROCESSORS"));
#[cfg(not(js_engine))]
const PROCESSORS: &[u8] = &[];
/// Whether this program can build and so run JavaScript.
pub const IS_THERE: bool = !ENGINE.is_empty();

/// Builds the component of a module and all that it imports. No other program is needed. The component is started once, so
/// that what is wrong with the script is known.
///
/// The first build on a machine takes seconds, since it compiles the engine; what it made is kept in the user's cache.
pub fn build(entry: &Path) -> Result<Vec<u8>, Error> {
    if ENGINE.is_empty() {
        return Err(Error::NoEngine);
    }
    let script = graph::read(entry)?;
    // A thread of its own, since the caller may be in a runtime already.
    let built = std::thread::scope(|scope| scope.spawn(|| built(entry, &script)).join());
    built.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The modules of a script for the SDK's local host, as JSON: see `sdk/js/local/modules.js`. What Node runs is what a component would.
pub fn modules(entry: &Path) -> Result<String, Error> {
    let script = graph::read(entry)?;
    let base = entry.canonicalize().map_err(|source| Error::Read { path: entry.to_owned(), source })?;
    let base = base.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let list = |modules: &[graph::Module]| -> Vec<_> {
        let parts = |it: &graph::Module| {
            serde_json::json!([it.name, it.source, graph::pairs(&it.imports), graph::pairs(&it.refused)])
        };
        modules.iter().map(parts).collect()
    };
    let (modules, commonjs) = (list(&script.modules), list(&script.commonjs));
    Ok(serde_json::json!({ "base": base, "modules": modules, "commonjs": commonjs }).to_string())
}

/// Writes a copy of this program that carries the engines, started and compiled: nothing has to be compiled any more to build and run
/// journeys in JavaScript on a machine with such a processor. Without engines there is nothing to do. `to` may be the program's own file.
pub fn carry(to: &Path) -> Result<(), Error> {
    if ENGINE.is_empty() {
        // It runs no JavaScript, so nothing is missing.
        return Ok(());
    }
    let carried = std::thread::scope(|scope| scope.spawn(|| carried(to)).join());
    carried.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn carried(to: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Run { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let wasm = engine::plain()?;
    let _ticker = Ticker::start(&wasm, || {}).map_err(failed)?;
    let mut things = Vec::new();
    for engine in [ENGINE, PROCESSORS] {
        let made = runtime.block_on(snapshot::to_carry(&wasm, engine));
        things.extend(made.map_err(|error| Error::Run { reason: format!("{error:#}") })?);
    }
    super::carried::write(to, &things).map_err(failed)
}

fn built(entry: &Path, script: &graph::Script) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| Error::Run { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let wasm = engine::plain()?;
    let _ticker = Ticker::start(&wasm, || {}).map_err(failed)?;
    runtime.block_on(async {
        let of = if script.processors { PROCESSORS } else { ENGINE };
        let started = snapshot::of(&wasm, of, Cache::open().as_ref()).await;
        let package = entry.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let with = |script: &[u8]| (package.clone(), entry.to_owned(), script::join(&started, script));
        let bounds = Bounds::default();
        if script.processors {
            let (package, path, component) = with(&script.packed());
            let compiled = compile_processor_bytes(&wasm, package, path, component, &bounds)?;
            processors::contents(&wasm, &compiled).await?;
            return Ok(compiled.bytes);
        }
        let (package, path, component) = with(&script.packed());
        let mut compiled = compile_bytes(&wasm, package, path, component, &bounds)?;
        match bytecode::of(&wasm, &compiled).await {
            Ok(script) if !script.is_empty() => {
                let (package, path, component) = with(&script);
                compiled = compile_bytes(&wasm, package, path, component, &bounds)?;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("the script is parsed anew in each instance: it can't be compiled: {error:#}"),
        }
        Definition::open(&wasm, &compiled, Config::default()).await?;
        Ok(compiled.bytes)
    })
}

#[cfg(test)]
mod tests;

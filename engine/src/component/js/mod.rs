//! From JavaScript and TypeScript to a component: the modules of a script, behind the engine that runs them.
//!
//! ```text
//! graph      the modules that an entry leads to
//! resolve    which file a specifier means
//! strip      TypeScript to JavaScript, and what a module imports
//! snapshot   the engine, started already
//! ```

mod error;
mod graph;
mod resolve;
mod snapshot;
mod strip;

use std::path::Path;

pub use error::Error;

use super::cache::Cache;
use super::compile::compile_bytes;
use super::compiler::Bounds;
use super::definition::Definition;
use super::ticker::Ticker;
use super::{engine, script};
use crate::wire::config::Config;

/// The engine, if this program was built with it: see `engine/build.rs`.
#[cfg(js_engine)]
const ENGINE: &[u8] = include_bytes!(env!("MITE_JS_ENGINE"));
#[cfg(not(js_engine))]
const ENGINE: &[u8] = &[];
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
    let built = std::thread::scope(|scope| scope.spawn(|| built(entry, &script.packed())).join());
    built.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn built(entry: &Path, script: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| Error::Run { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let wasm = engine::plain()?;
    let _ticker = Ticker::start(&wasm, || {}).map_err(failed)?;
    runtime.block_on(async {
        let component = script::join(&snapshot::of(&wasm, ENGINE, Cache::open().as_ref()).await, script);
        let package = entry.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let compiled = compile_bytes(&wasm, package, entry.to_owned(), component, &Bounds::default())?;
        Definition::open(&wasm, &compiled, Config::default()).await?;
        Ok(compiled.bytes)
    })
}

#[cfg(test)]
mod tests;

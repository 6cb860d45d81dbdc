//! From a file to compiled code: read, check, compile or take from the cache.

use std::path::{Path, PathBuf};

use wasmparser::{Parser, Payload};
use wasmtime::Engine;

use super::Error;
use super::cache::{Cache, Code};
use super::script;
use super::spec::{self, SearchPath};

/// The largest component: a Python one has 22 MB.
pub const COMPONENT_BYTES_MAX: u64 = 256 << 20;
/// Those of WASI that grant nothing (no files, no sockets, no environment: they link, and every call that would need one of
/// those fails).
const WASI: &[&str] = &["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/", "wasi:sockets/"];

/// What a component is for: the interfaces it may import, beside WASI's, and those it has to export.
#[derive(Debug)]
struct World {
    name: &'static str,
    /// What a component of this world has.
    has: &'static str,
    imports: &'static [&'static str],
    exports: &'static [&'static str],
}

const JOURNEYS: World = World {
    name: "mite:journey@0.1.0",
    has: "journeys",
    imports: &[
        "mite:journey/waiting@0.1.0",
        "mite:journey/http@0.1.0",
        "mite:journey/timing@0.1.0",
        "mite:journey/messages@0.1.0",
        "mite:journey/transaction@0.1.0",
        "mite:journey/config@0.1.0",
        "mite:journey/secrets@0.1.0",
        "mite:journey/script@0.1.0",
    ],
    exports: &["mite:journey/journeys@0.1.0", "mite:journey/scenarios@0.1.0"],
};
const PROCESSORS: World = World {
    name: "mite:processor@0.1.0",
    has: "processors",
    imports: &[
        "mite:processor/sender@0.1.0",
        "mite:processor/stats@0.1.0",
        "mite:processor/collector@0.1.0",
        "mite:processor/print@0.1.0",
        "mite:processor/progress@0.1.0",
    ],
    exports: &["mite:processor/processors@0.1.0"],
};

/// A component, compiled.
pub struct Compiled {
    /// Its name in messages, metrics and reports.
    pub package: String,
    pub path: PathBuf,
    /// The component itself.
    pub bytes: Vec<u8>,
    pub code: Code,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// Whether the code was there already.
    pub cached: bool,
}

/// Reads, checks and compiles a component with journeys.
pub fn compile(engine: &Engine, component: &spec::Component, path: &SearchPath) -> Result<Compiled, Error> {
    compile_for(&JOURNEYS, engine, component, path)
}

/// Reads, checks and compiles a component with processors.
pub fn compile_processors(engine: &Engine, component: &spec::Component, path: &SearchPath) -> Result<Compiled, Error> {
    compile_for(&PROCESSORS, engine, component, path)
}

fn compile_for(
    world: &World,
    engine: &Engine,
    component: &spec::Component,
    path: &SearchPath,
) -> Result<Compiled, Error> {
    let file = component.find(path)?;
    let bytes = read(&file)?;
    compile_read(world, engine, component.package(), file, bytes)
}

/// Checks and compiles a component with journeys that is there already; `path` is what it is called if something is wrong with it.
pub fn compile_bytes(engine: &Engine, package: String, path: PathBuf, bytes: Vec<u8>) -> Result<Compiled, Error> {
    compile_read(&JOURNEYS, engine, package, path, bytes)
}

fn compile_read(
    world: &World,
    engine: &Engine,
    package: String,
    path: PathBuf,
    bytes: Vec<u8>,
) -> Result<Compiled, Error> {
    let imports = check(world, &path, &bytes)?;
    let cache = Cache::open();
    // Code is kept under what it is made of, so that all journeys in JavaScript share their engine's.
    let (own, script) = script::split(&bytes);
    let kept = cache.as_ref().and_then(|cache| cache.get(engine, own));
    let cached = kept.is_some();
    let code = match kept {
        Some(code) => code,
        None => compile_new(engine, cache.as_ref(), &path, own)?,
    }
    .with_script(script);
    Ok(Compiled { package, path, bytes, code, imports, cached })
}

fn compile_new(engine: &Engine, cache: Option<&Cache>, file: &Path, bytes: &[u8]) -> Result<Code, Error> {
    let code = Code::compile(engine, bytes)
        .map_err(|error| Error::Compile { path: file.to_owned(), reason: format!("{error:#}") })?;
    match cache.map(|cache| cache.put(engine, bytes, &code)) {
        Some(Err(error)) => tracing::warn!("compiled code can't be kept for the next time: {error}"),
        Some(Ok(())) => {}
        None => tracing::warn!("no directory to keep compiled code in: set MITE_CACHE_DIR to one of your own"),
    }
    Ok(code)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > COMPONENT_BYTES_MAX {
        return Err(Error::TooLarge { path: path.to_owned(), bytes, limit: COMPONENT_BYTES_MAX });
    }
    std::fs::read(path).map_err(failed)
}

/// Whether this is a component for that world: before anything is compiled, so that the answer says what is wrong with it. Answers
/// what it imports.
fn check(world: &World, path: &Path, bytes: &[u8]) -> Result<Vec<String>, Error> {
    let path = path.to_owned();
    if bytes.starts_with(b"\x7fELF") {
        return Err(Error::Compiled { path });
    }
    if !bytes.starts_with(b"\0asm") {
        let start = &bytes[..bytes.len().min(8)];
        let found =
            if start.is_empty() { "nothing: it is empty".to_owned() } else { format!("`{}`", start.escape_ascii()) };
        return Err(Error::NotWasm { path, found });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Error::CoreModule { path });
    }
    let (imports, exports) =
        names(bytes).map_err(|error| Error::Invalid { path: path.clone(), reason: error.message().to_owned() })?;
    let lacks = |world: &World| -> Vec<String> {
        let missing = world.exports.iter().filter(|name| !exports.iter().any(|export| export == *name));
        missing.map(|name| (*name).to_owned()).collect()
    };
    let missing = lacks(world);
    let other = [JOURNEYS, PROCESSORS].into_iter().find(|other| other.name != world.name && lacks(other).is_empty());
    if let (false, Some(other)) = (missing.is_empty(), other) {
        return Err(Error::OtherWorld { path, has: other.has, wanted: world.has });
    }
    let unknown: Vec<_> = imports.iter().filter(|name| !world.knows(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownImports { path, imports: unknown, world: world.name });
    }
    if missing.is_empty() { Ok(imports) } else { Err(Error::MissingExports { path, missing, world: world.name }) }
}

impl World {
    fn knows(&self, import: &str) -> bool {
        self.imports.contains(&import) || WASI.iter().any(|prefix| import.starts_with(prefix))
    }
}

/// The names of a component's own imports and exports, those of what is nested in it left out.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), wasmparser::BinaryReaderError> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests;

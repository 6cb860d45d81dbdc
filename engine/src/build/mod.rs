//! `mite build`: from sources to a component, with the toolchain of their language. Specs that name a source are built here too.
//!
//! ```text
//! kind      which language a path is of
//! rust, python, javascript     a language each
//! sdk       the SDK inside of a project
//! tool      other programs, with patience
//! inputs    one hash of all that a component is made of
//! parts     what a Python component is made of
//! store     what is kept in the user's cache
//! ```

mod error;
mod inputs;
pub mod javascript;
pub mod kind;
mod parts;
pub mod python;
pub mod rust;
pub mod sdk;
pub mod store;
pub mod tool;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::component::spec::{Component, SOURCES, Spec};
pub use error::Error;
use kind::Source;
use store::Store;

/// Options of `mite build`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A Cargo package, a .py file or Python package, a .js or .ts file or npm package
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Where to put the component [default: NAME.wasm, here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Install what is missing of the toolchain: a Rust target, or a Python environment of mite's own in the cache
    #[arg(long)]
    pub install: bool,
}

/// A component that was built.
#[derive(Debug)]
pub struct Made {
    pub path: PathBuf,
    /// Now, and not before.
    pub fresh: bool,
}

/// Builds a source and says where its component is.
pub fn run(args: &Args) -> Result<(), Error> {
    let start = Instant::now();
    let source = Source::of(&args.path)?;
    let made = build(&source, args.install)?;
    let name = made.path.file_name().map_or_else(|| "journeys.wasm".into(), PathBuf::from);
    let output = args.output.clone().unwrap_or(name);
    let failed = |source| Error::Write { path: output.clone(), source };
    let bytes = std::fs::read(&made.path).map_err(failed)?;
    if std::fs::read(&output).is_ok_and(|there| there == bytes) {
        return say(&format!("{} is up to date", output.display()));
    }
    // Whole or not at all: a test may be about to read it.
    let draft = output.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&draft, &bytes).and_then(|()| std::fs::rename(&draft, &output)).map_err(failed)?;
    let (seconds, kib) = (start.elapsed().as_secs_f64(), bytes.len().div_ceil(1_024));
    say(&format!("{} built from {} in {seconds:.1} s, {kib} KiB", output.display(), args.path.display()))
}

fn say(text: &str) -> Result<(), Error> {
    let failed = |source| Error::Write { path: "standard output".into(), source };
    writeln!(std::io::stdout(), "{}", crate::console::text::escape(text)).map_err(failed)
}

/// Said before a build that takes a while.
fn announce(source: &Source) {
    tracing::info!("building {} ({})", source.path().display(), source.language());
}

/// The component of a source, up to date.
pub fn build(source: &Source, install: bool) -> Result<Made, Error> {
    match source {
        Source::Rust(package) => {
            let start = std::time::SystemTime::now();
            let path = rust::build(package, install)?;
            let changed = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            Ok(Made { path, fresh: changed.is_ok_and(|changed| changed >= start) })
        }
        Source::Python(_) => python::build(source, &Store::open()?, install),
        Source::JavaScript(_) => javascript::build(source, &Store::open()?),
    }
}

/// Reads a spec. Where it names a source, the component that is built from it now.
pub fn spec(text: &str) -> Result<Spec, Error> {
    let Spec { component, name } = text.parse()?;
    Ok(Spec { component: self::component(component)?, name })
}

/// The component that is built from a source now; all others as they are.
pub fn component(component: Component) -> Result<Component, Error> {
    let Component::File(path) = &component else { return Ok(component) };
    if !is_source(path) {
        return Ok(component);
    }
    let start = Instant::now();
    let source = Source::of(path)?;
    let made = build(&source, false)?;
    if made.fresh {
        tracing::info!("built {} in {:.1} s", path.display(), start.elapsed().as_secs_f64());
    }
    Ok(Component::File(made.path))
}

/// The same for whoever names components: see [`crate::component::spec::build_sources_by`].
pub fn named(component: Component) -> Result<Component, crate::component::Error> {
    self::component(component).map_err(|error| match error {
        Error::Component(error) => error,
        error => crate::component::Error::Source { reason: error.to_string() },
    })
}

pub fn is_source(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    path.is_dir() || SOURCES.contains(&ending)
}

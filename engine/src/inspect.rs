//! `mite inspect`: what is in a component, and what it may do.

use std::io::{self, Write};

use serde::Serialize;

use crate::component::cache::sha256;
use crate::component::compile::{self, Compiled};
use crate::component::compiler::Bounds;
use crate::component::definition::Definition;
use crate::component::limits::PAGE_BYTES;
use crate::component::spec::{Component, SearchPath};
use crate::component::ticker::Ticker;
use crate::component::{self, engine};
use crate::console::text::escape;
use crate::wire::config::Config;

/// Options of `mite inspect`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  mite inspect shop.wasm --json")]
pub struct Args {
    /// `file.wasm`, `package.name` looked up on MITE_PATH, or a source, which is built first
    pub component: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub components: Bounds,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error(transparent)]
    Build(#[from] crate::build::Error),
    #[error("can't write to standard output: {0}")]
    Write(#[source] io::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Component(component::Error::Failed { .. }) => 107,
            Self::Component(_) => 104,
            Self::Build(error) => error.exit_code(),
            Self::Write(_) => 1,
        }
    }
}

/// What is known of a component.
#[derive(Debug, Default, Serialize)]
struct Found {
    file: String,
    package: String,
    language: String,
    sdk_version: String,
    bytes: usize,
    sha256: String,
    journeys: Vec<String>,
    scenarios: Vec<String>,
    datapools: Vec<String>,
    volume_models: Vec<String>,
    processors: Vec<String>,
    memory: Memory,
    /// Interfaces that it imports, and what they let it do.
    imports: Vec<Import>,
}

/// What one journey of it needs.
#[derive(Debug, Default, Serialize)]
struct Memory {
    /// Linear memories of an instance.
    memories: u32,
    /// Bytes of the largest of them when a journey begins.
    initial_bytes: u64,
    /// Bytes that all together may grow to, unless a test says otherwise.
    limit_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Import {
    interface: String,
    /// `send HTTP requests`; none: calls of it fail.
    may: Option<&'static str>,
}

/// Prints what is in a component.
pub async fn run(args: &Args) -> Result<(), Error> {
    let component = crate::build::component(Component::from(args.component.as_str()))?;
    let engine = engine::plain()?;
    // An endless loop in its start is ended.
    let _ticker =
        Ticker::start(&engine, || ()).map_err(|error| component::Error::Room { reason: error.to_string() })?;
    let path = SearchPath::from_environment();
    let found = match compile::compile(&engine, &component, &path, &args.components) {
        Ok(compiled) => journeys(&engine, &compiled).await?,
        Err(component::Error::OtherWorld { .. }) => {
            processors(&engine, &compile::compile_processors(&engine, &component, &path, &args.components)?).await?
        }
        Err(error) => return Err(error.into()),
    };
    let text = if args.json { json(&found).map_err(Error::Write)? } else { text(&found) };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough: that is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

/// Asks a component of journeys.
async fn journeys(engine: &wasmtime::Engine, compiled: &Compiled) -> Result<Found, Error> {
    let definition = Definition::open(engine, compiled, Config::default()).await?;
    let contents = definition.contents();
    Ok(Found {
        journeys: contents.journeys.clone(),
        scenarios: contents.scenarios.clone(),
        datapools: contents.datapools.clone(),
        volume_models: contents.volume_models.clone(),
        ..found(engine, compiled, &contents.sdk)?
    })
}

/// Asks a component of processors.
async fn processors(engine: &wasmtime::Engine, compiled: &Compiled) -> Result<Found, Error> {
    let contents = component::processors::contents(engine, compiled).await?;
    Ok(Found { processors: contents.processors, ..found(engine, compiled, &contents.sdk)? })
}

/// What can be seen without asking it, and its SDK.
fn found(engine: &wasmtime::Engine, compiled: &Compiled, sdk: &str) -> Result<Found, Error> {
    let path = compiled.path.clone();
    let code = compiled.code.load(engine);
    let code = code.map_err(|error| component::Error::Invalid { path, reason: format!("{error:#}") })?;
    let needs = code.resources_required();
    let (language, version) = sdk.split_once(' ').unwrap_or((sdk, ""));
    Ok(Found {
        file: compiled.path.display().to_string(),
        package: compiled.package.clone(),
        language: language.to_owned(),
        sdk_version: version.to_owned(),
        bytes: compiled.bytes.len(),
        sha256: sha256(&compiled.bytes),
        memory: Memory {
            memories: needs.as_ref().map_or(0, |needs| needs.num_memories),
            initial_bytes: needs.and_then(|needs| needs.max_initial_memory_size).unwrap_or(0) * PAGE_BYTES,
            limit_bytes: engine::MEMORY_MAX as u64,
        },
        imports: compiled.imports.iter().map(|it| Import { interface: it.clone(), may: may(it) }).collect(),
        ..Found::default()
    })
}

/// What an interface lets a component do; none: it may be imported, as toolchains do without asking, and grants nothing. All others
/// have been refused by now.
fn may(interface: &str) -> Option<&'static str> {
    let name = interface.split('@').next().unwrap_or(interface);
    Some(match name {
        "mite:journey/http" | "mite:journey/flat" => "send HTTP requests",
        "mite:journey/waiting" => "wait for several requests at once",
        "mite:journey/timing" => "read the clock and wait",
        "mite:journey/messages" => "send messages",
        "mite:journey/transaction" => "time transactions",
        "mite:processor/sender" => "send messages to other components",
        "mite:processor/collector" => "write messages to files of its receiver",
        "mite:processor/stats" => "make figures and send them on",
        "mite:processor/print" => "write to standard output",
        "mite:processor/progress" => "say how far it is",
        "mite:journey/secrets" => "send secrets that it can't read",
        "mite:journey/config" => "read and set the test's config",
        _ if name.starts_with("wasi:random/") => "draw random numbers",
        _ if name.starts_with("wasi:clocks/") => "read the clock",
        "wasi:cli/stdout" | "wasi:cli/stderr" => "write to the log",
        _ => return None,
    })
}

fn json(found: &Found) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(found)? + "\n")
}

fn text(found: &Found) -> String {
    let Memory { memories, initial_bytes, limit_bytes } = &found.memory;
    let memory = format!(
        "{} KiB when a journey begins ({memories} linear), {} MiB at most unless --journey-memory says otherwise",
        initial_bytes >> 10,
        limit_bytes >> 20
    );
    let mut lines = vec![
        ("file", found.file.clone()),
        ("package", found.package.clone()),
        ("language", found.language.clone()),
        ("SDK", found.sdk_version.clone()),
        ("size", format!("{} bytes", found.bytes)),
        ("sha256", found.sha256.clone()),
    ];
    let contents = [
        ("journeys", &found.journeys),
        ("scenarios", &found.scenarios),
        ("datapools", &found.datapools),
        ("volume models", &found.volume_models),
        ("processors", &found.processors),
    ];
    // A component of one kind has nothing of the other.
    lines.extend(
        contents.iter().filter(|(_, there)| !there.is_empty()).map(|(label, there)| (*label, there.join(", "))),
    );
    lines.push(("memory", memory));
    let granted = found.imports.iter().filter_map(|import| Some(format!("{} ({})", import.may?, import.interface)));
    let labels = std::iter::once("may").chain(std::iter::repeat(""));
    lines.extend(labels.zip(granted));
    let nothing = found.imports.iter().filter(|import| import.may.is_none()).count();
    lines.push((
        "",
        format!("nothing else: no files, sockets or environment (imports of WASI whose calls fail: {nothing})"),
    ));
    // Names are the component's own: a terminal must not act on them.
    lines.iter().map(|(label, value)| format!("{label:<14} {}\n", escape(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_all_and_hides_nothing() {
        let text = text(&Found {
            file: "shop.wasm".into(),
            package: "shop".into(),
            language: "rust".into(),
            sdk_version: "0.1.0".into(),
            bytes: 7,
            sha256: "ab".into(),
            journeys: vec!["buy".into(), "look\x1b[2J".into()],
            datapools: vec!["users".into()],
            memory: Memory { memories: 1, initial_bytes: 1 << 20, limit_bytes: 256 << 20 },
            imports: ["mite:journey/http@0.1.0", "wasi:sockets/tcp@0.2.0"]
                .map(|it| Import { interface: it.into(), may: may(it) })
                .into(),
            ..Found::default()
        });
        for line in [
            "journeys       buy, look\\x1b[2J",
            "datapools      users",
            "memory         1024 KiB when a journey begins (1 linear), 256 MiB at most",
            "may            send HTTP requests (mite:journey/http@0.1.0)",
            "               nothing else: no files, sockets or environment (imports of WASI whose calls fail: 1)",
        ] {
            assert!(text.lines().any(|it| it.starts_with(line)), "{line} in\n{text}");
        }
    }
}

//! JavaScript and TypeScript, by the engine and the bundler that are part of the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::kind::Source;
use super::store::Store;
use super::tool::{self, command};
use super::{Error, Made, sdk};
use crate::component::js;

/// What runs it.
pub const ENGINE: Option<&str> = if js::IS_THERE { Some("QuickJS") } else { None };
/// The oldest Node that the local host runs under, by its major version.
pub const NODE_MIN: u32 = 20;
/// The module of a package whose package.json names none.
const ENTRIES: [&str; 6] = ["index.ts", "index.js", "journeys.ts", "journeys.js", "src/index.ts", "src/index.js"];

/// Builds the component of a module or package. That takes milliseconds, so it is done each time.
pub fn build(source: &Source, store: &Store) -> Result<Made, Error> {
    sdk::refresh(&sdk::JAVASCRIPT, &source.directory())?;
    let entry = entry(source.path())?;
    let wrong = |why: String| Error::Wrong { path: source.path().to_owned(), why };
    let component = js::build(&entry).map_err(|error| wrong(error.to_string()))?;
    let name = match source.path().is_dir() {
        true => source.path().canonicalize().unwrap_or_else(|_| source.path().to_owned()),
        false => entry,
    };
    let kept = store.entry(source.path(), &name.file_stem().unwrap_or_default().to_string_lossy())?;
    if std::fs::read(kept.component()).is_ok_and(|there| there == component) {
        return Ok(Made { path: kept.component(), fresh: false });
    }
    std::fs::write(kept.draft(), &component).map_err(|source| Error::Write { path: kept.draft(), source })?;
    kept.finish(None)?;
    Ok(Made { path: kept.component(), fresh: true })
}

/// The SDK's local host, to be told what to run: the entry's file is the first argument that it has. None: there is no Node here that runs it,
/// which is no mistake, since a component needs none.
pub fn local(source: &Source, store: &Store, journey: &str) -> Result<Option<Command>, Error> {
    if node().is_none_or(|version| version < NODE_MIN) {
        return Ok(None);
    }
    sdk::refresh(&sdk::JAVASCRIPT, &source.directory())?;
    let entry = entry(source.path())?;
    let wrong = |why: String| Error::Wrong { path: source.path().to_owned(), why };
    let modules = js::modules(&entry).map_err(|error| wrong(error.to_string()))?;
    let kept = store.entry(source.path(), "local")?.draft();
    std::fs::write(&kept, modules).map_err(|source| Error::Write { path: kept.clone(), source })?;
    let mut host = Command::new("node");
    host.arg(store.sources(sdk::JAVASCRIPT.folders)?.join("sdk/js/local/cli.js"));
    host.arg(format!("{}:{journey}", entry.display())).arg("--modules").arg(kept);
    Ok(Some(host))
}

/// The major version of Node that is here.
pub fn node() -> Option<u32> {
    let said = tool::ask(command("node", Path::new(".")).arg("--version"))?;
    said.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The first module: a file itself; of a package what its package.json says.
fn entry(path: &Path) -> Result<PathBuf, Error> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let text = std::fs::read_to_string(path.join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let named = ["source", "module", "main"].iter().find_map(|key| package.get(*key)?.as_str());
    let mut candidates = named.into_iter().chain(ENTRIES).map(|name| path.join(name));
    candidates.find(|candidate| candidate.is_file()).ok_or_else(|| Error::NoSource {
        path: path.to_owned(),
        why: "its package.json names no `main` that is there, and it has no index.ts or index.js".to_owned(),
    })
}

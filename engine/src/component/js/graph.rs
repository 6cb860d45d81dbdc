//! The modules of a script: its entry and all that it imports, each once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::resolve::{Meant, resolve};
use super::strip::{self, Place};

/// A script with more is no script of journeys.
const MODULES_MAX: usize = 2_000;
const BYTES_MAX: usize = 16 << 20;

/// A module as the engine gets it.
#[derive(Debug)]
pub struct Module {
    /// Its path from the entry's directory, with slashes: it stands in stacks.
    pub name: String,
    pub source: String,
    /// Specifiers and the names of the modules they mean; those of the SDK are left out.
    pub imports: BTreeMap<String, String>,
}

/// All modules, the entry first.
#[derive(Debug)]
pub struct Script {
    pub modules: Vec<Module>,
    /// Whether it has processors, and not journeys: only those import what processors have.
    pub processors: bool,
}

impl Script {
    /// As `sdk/js/engine` reads it.
    pub fn packed(&self) -> Vec<u8> {
        let modules: Vec<_> =
            self.modules.iter().map(|module| (&module.name, &module.source, pairs(&module.imports))).collect();
        let entry = self.modules.first().map_or("", |module| module.name.as_str());
        let map = BTreeMap::from([("entry", serde_json::json!(entry)), ("modules", serde_json::json!(modules))]);
        // Texts in lists and maps can always be written.
        rmp_serde::to_vec_named(&map).unwrap_or_default()
    }
}

fn pairs(imports: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    imports.iter().collect()
}

/// Reads an entry and all that it leads to.
pub fn read(entry: &Path) -> Result<Script, Error> {
    let failed = |source| Error::Read { path: entry.to_owned(), source };
    let entry = entry.canonicalize().map_err(failed)?;
    let base = entry.parent().map(Path::to_owned).unwrap_or_default();
    let (mut files, mut modules, mut bytes) = (vec![entry], Vec::new(), 0);
    let (mut at, mut uses) = (0, Uses::default());
    while let Some(file) = files.get(at).cloned() {
        let (module, found) = module(&file, &base, &mut uses)?;
        bytes += module.source.len();
        modules.push(module);
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        if files.len() > MODULES_MAX || bytes > BYTES_MAX {
            let what = format!("{} modules of {} KiB", files.len(), bytes >> 10);
            return Err(Error::TooMuch { what, limit: format!("{MODULES_MAX} of {} KiB", BYTES_MAX >> 10) });
        }
        at += 1;
    }
    Ok(Script { modules, processors: uses.processor })
}

/// What of the SDK is imported so far.
#[derive(Default)]
struct Uses {
    sdk: bool,
    processor: bool,
}

impl Uses {
    fn add(&mut self, meant: &Meant) -> Result<(), String> {
        self.sdk |= *meant == Meant::Sdk;
        self.processor |= *meant == Meant::Processor;
        let both = "journeys (of `@mite/sdk`) and processors (of `@mite/sdk/processor`) are components of their own";
        if self.sdk && self.processor { Err(both.to_owned()) } else { Ok(()) }
    }
}

/// One module, and the files it imports.
fn module(file: &Path, base: &Path, uses: &mut Uses) -> Result<(Module, Vec<PathBuf>), Error> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::Read { path: file.to_owned(), source })?;
    let name = name(file, base);
    if file.extension().is_some_and(|ending| ending == "json") {
        return Ok((Module { source: json(&name, &text)?, name, imports: BTreeMap::new() }, Vec::new()));
    }
    let stripped = strip::strip(file, &name, &text)?;
    let (mut imports, mut files) = (BTreeMap::new(), Vec::new());
    for import in stripped.imports {
        let meant = resolve(&import.specifier, file).and_then(|meant| uses.add(&meant).map(|()| meant));
        match meant {
            Ok(Meant::Sdk | Meant::Processor) => {}
            Ok(Meant::File(found)) => {
                imports.insert(import.specifier, self::name(&found, base));
                files.push(found);
            }
            Err(what) => return Err(Place::of(&text, import.start).error(&name, &what)),
        }
    }
    Ok((Module { name, source: stripped.source, imports }, files))
}

fn json(name: &str, text: &str) -> Result<String, Error> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(format!("export default {text};")),
        Err(error) => {
            Err(Error::Source { place: format!("{name}:{}:{}", error.line(), error.column()), what: error.to_string() })
        }
    }
}

/// The path from one to the other: `lib/a.js`, `../shared/b.js`.
fn name(file: &Path, base: &Path) -> String {
    let mut up = Vec::new();
    for ancestor in base.ancestors() {
        if let Ok(below) = file.strip_prefix(ancestor) {
            let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
            return up.into_iter().chain(parts).collect::<Vec<_>>().join("/");
        }
        up.push("..".to_owned());
    }
    file.display().to_string()
}

//! The modules of a script: its entry and all that it imports, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::commonjs::{self, CommonJs, Imported};
use super::error::Error;
use super::package;
use super::resolve::{By, Meant, resolve};
use super::strip::{self, Place, Wanted};

/// A script with more is no script of journeys.
const MODULES_MAX: usize = 2_000;
const BYTES_MAX: usize = 16 << 20;
/// What stands for a module that a package has only under Node.
const EMPTY: &str = "(empty)";

/// A module as the engine gets it.
#[derive(Debug)]
pub struct Module {
    /// Its path from the entry's directory, with slashes: it stands in stacks.
    pub name: String,
    pub source: String,
    /// Specifiers and the names of the modules they mean; those of the SDK are left out.
    pub imports: BTreeMap<String, String>,
    /// Specifiers that mean nothing here, and why: whoever asks for one while the script runs is told.
    pub refused: BTreeMap<String, String>,
}

/// All modules, the entry first.
#[derive(Debug)]
pub struct Script {
    pub modules: Vec<Module>,
    /// Those of CommonJS. Where ES modules import one of them, a module of its name stands for it.
    pub commonjs: Vec<Module>,
    /// Whether it has processors, and not journeys: only those import what processors have.
    pub processors: bool,
}

impl Script {
    /// As `sdk/js/engine` reads it.
    pub fn packed(&self) -> Vec<u8> {
        let list = |modules: &[Module]| -> Vec<_> {
            modules
                .iter()
                .map(|module| {
                    serde_json::json!([module.name, module.source, pairs(&module.imports), pairs(&module.refused)])
                })
                .collect()
        };
        let entry = self.modules.first().map_or("", |module| module.name.as_str());
        let map = BTreeMap::from([
            ("commonjs", serde_json::json!(list(&self.commonjs))),
            ("entry", serde_json::json!(entry)),
            ("modules", serde_json::json!(list(&self.modules))),
        ]);
        // Texts in lists and maps can always be written.
        rmp_serde::to_vec_named(&map).unwrap_or_default()
    }
}

pub fn pairs(imports: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    imports.iter().collect()
}

/// Reads an entry and all that it leads to.
pub fn read(entry: &Path) -> Result<Script, Error> {
    let failed = |source| Error::Read { path: entry.to_owned(), source };
    let entry = entry.canonicalize().map_err(failed)?;
    let base = entry.parent().map(Path::to_owned).unwrap_or_default();
    let mut reader = Reader { base, files: vec![entry], ..Reader::default() };
    let (mut at, mut bytes) = (0, 0);
    while let Some(file) = reader.files.get(at).cloned() {
        bytes += reader.module(&file)?;
        if reader.files.len() > MODULES_MAX || bytes > BYTES_MAX {
            let what = format!("{} modules of {} KiB", reader.files.len(), bytes >> 10);
            return Err(Error::TooMuch { what, limit: format!("{MODULES_MAX} of {} KiB", BYTES_MAX >> 10) });
        }
        at += 1;
    }
    reader.script()
}

#[derive(Default)]
struct Reader {
    /// The entry's directory.
    base: PathBuf,
    files: Vec<PathBuf>,
    modules: Vec<Module>,
    commonjs: Vec<Module>,
    /// What those seem to export, by name.
    exports: BTreeMap<String, CommonJs>,
    /// What is required whatever happens, and what is wrong if that is an ES module.
    required: Vec<(String, Error)>,
    /// What is imported of modules, by name.
    imported: BTreeMap<String, Imported>,
    uses: Uses,
}

impl Reader {
    /// Reads one, and notes the files it leads to. Answers how many bytes it has.
    fn module(&mut self, file: &Path) -> Result<usize, Error> {
        if file.as_os_str() == EMPTY {
            self.add(Some(CommonJs::default()), EMPTY.to_owned(), String::new(), BTreeMap::new(), BTreeMap::new());
            return Ok(0);
        }
        let text = std::fs::read_to_string(file).map_err(|source| Error::Read { path: file.to_owned(), source })?;
        let name = name(file, &self.base);
        if file.extension().is_some_and(|ending| ending == "json") {
            let source = json(&name, &text)?;
            self.add(Some(CommonJs::default()), name, source, BTreeMap::new(), BTreeMap::new());
            return Ok(text.len());
        }
        let stripped = strip::strip(file, &name, &text, package::is_esm(file))?;
        let (mut imports, mut refused) = (BTreeMap::new(), BTreeMap::new());
        let wrong = |at: u32, what: String| Place::of(&text, at).error(&name, &what);
        for import in stripped.imports {
            let meant = resolve(&import.specifier, file, By::Import).and_then(|meant| self.uses.add(meant));
            if let Some(meant) = meant.map_err(|what| wrong(import.start, what))? {
                let meant = self.meant(meant);
                let place = |at: u32| Place::of(&text, at).in_module(&name);
                self.imported.entry(meant.clone()).or_default().add(import.wanted, place);
                imports.insert(import.specifier, meant);
            }
        }
        for require in stripped.commonjs.iter().flat_map(|it| &it.requires) {
            match required(&require.specifier, file) {
                Ok(meant) => {
                    let meant = self.meant(meant);
                    if require.is_certain {
                        let what =
                            format!("`{}` is an ES module, which can't be required: import it", require.specifier);
                        self.required.push((meant.clone(), wrong(require.start, what)));
                    }
                    imports.insert(require.specifier.clone(), meant);
                }
                Err(what) if require.is_certain => return Err(wrong(require.start, what)),
                Err(what) => drop(refused.insert(require.specifier.clone(), what)),
            }
        }
        self.add(stripped.commonjs, name, stripped.source, imports, refused);
        Ok(text.len())
    }

    fn add(
        &mut self,
        commonjs: Option<CommonJs>,
        name: String,
        source: String,
        imports: BTreeMap<String, String>,
        refused: BTreeMap<String, String>,
    ) {
        let list = if commonjs.is_some() { &mut self.commonjs } else { &mut self.modules };
        if let Some(commonjs) = commonjs {
            self.exports.insert(name.clone(), commonjs);
        }
        list.push(Module { name, source, imports, refused });
    }

    /// The name of the module that is meant, which is read later.
    fn meant(&mut self, file: Option<PathBuf>) -> String {
        let file = file.unwrap_or_else(|| PathBuf::from(EMPTY));
        let name = if file.as_os_str() == EMPTY { EMPTY.to_owned() } else { name(&file, &self.base) };
        if !self.files.contains(&file) {
            self.files.push(file);
        }
        name
    }

    /// With an ES module for each of CommonJS that is imported.
    fn script(mut self) -> Result<Script, Error> {
        let entry = name(&self.files[0], &self.base);
        if self.exports.contains_key(&entry) {
            let what = "a script exports its journeys: write `export const visit = journey(..)`, not `exports.visit`";
            return Err(Place::of("", 0).error(&entry, what));
        }
        let mut required = std::mem::take(&mut self.required).into_iter();
        if let Some((_, wrong)) = required.find(|(name, _)| !self.exports.contains_key(name)) {
            return Err(wrong);
        }
        for (name, mut imported) in std::mem::take(&mut self.imported) {
            if !self.exports.contains_key(&name) {
                continue;
            }
            if imported.all {
                self.names(&name, &mut Vec::new(), &mut imported.loose);
            }
            let source = commonjs::facade(&name, &imported);
            self.modules.push(Module { name, source, imports: BTreeMap::new(), refused: BTreeMap::new() });
        }
        Ok(Script { modules: self.modules, commonjs: self.commonjs, processors: self.uses.processor })
    }

    /// The names a module of CommonJS seems to export, with those of the modules whose exports are its own too.
    fn names(&self, name: &str, seen: &mut Vec<String>, names: &mut BTreeSet<String>) {
        let Some(exports) = self.exports.get(name).filter(|_| !seen.iter().any(|one| one == name)) else { return };
        seen.push(name.to_owned());
        names.extend(exports.names.iter().cloned());
        let module = self.commonjs.iter().find(|module| module.name == name);
        for other in exports.all_of.iter().filter_map(|specifier| module?.imports.get(specifier)) {
            self.names(other, seen, names);
        }
    }
}

impl Imported {
    fn add(&mut self, wanted: Wanted, place: impl Fn(u32) -> String) {
        for (name, at) in wanted.names {
            self.names.entry(name).or_insert_with(|| place(at));
        }
        self.loose.extend(wanted.loose);
        self.all |= wanted.all;
    }
}

/// The file that is required; none: there is nothing of it here.
fn required(specifier: &str, from: &Path) -> Result<Option<PathBuf>, String> {
    match resolve(specifier, from, By::Require)? {
        Meant::File(file) => Ok(Some(file)),
        _ => Ok(None),
    }
}

/// What of the SDK is imported so far.
#[derive(Default)]
struct Uses {
    sdk: bool,
    processor: bool,
}

impl Uses {
    /// The file of a module that isn't the SDK's; the inner none: there is nothing of it here.
    fn add(&mut self, meant: Meant) -> Result<Option<Option<PathBuf>>, String> {
        self.sdk |= meant == Meant::Sdk;
        self.processor |= meant == Meant::Processor;
        let both = "journeys (of `@mite/sdk`) and processors (of `@mite/sdk/processor`) are components of their own";
        if self.sdk && self.processor {
            return Err(both.to_owned());
        }
        Ok(match meant {
            Meant::Sdk | Meant::Processor => None,
            Meant::File(file) => Some(Some(file)),
            Meant::Empty => Some(None),
        })
    }
}

fn json(name: &str, text: &str) -> Result<String, Error> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(format!("module.exports = {text};")),
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

//! TypeScript to JavaScript, by spaces: what only types have is blanked, so that every line and column stays where it was. Enums and
//! namespaces with values become functions where they stand, and parameter properties assignments, in as many lines.
//!
//! What else is more than a type (decorators, `import a = require(..)`) is an error that says what to write instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast_visit::Visit;
use oxc_parser::{Parser, ParserReturn};
use oxc_span::{SourceType, Span};

use super::commonjs::{self, CommonJs};
use super::error::Error;

mod edits;
mod enums;
mod namespaces;
mod parameters;
mod types;

/// A module without its types.
#[derive(Debug)]
pub struct Stripped {
    pub source: String,
    pub imports: Vec<Import>,
    /// None: it is an ES module.
    pub commonjs: Option<CommonJs>,
}

/// A module that is imported.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub specifier: String,
    /// Where it stands, in bytes.
    pub start: u32,
    pub wanted: Wanted,
}

/// What of a module is wanted, beside its `default`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names, each with where it stands.
    pub names: BTreeMap<String, u32>,
    /// Names of which nobody minds if they aren't there.
    pub loose: BTreeSet<String>,
    /// Whatever there is.
    pub all: bool,
}

impl Wanted {
    fn name(&mut self, name: String, start: u32) {
        self.names.entry(name).or_insert(start);
    }

    fn all(&mut self, asked: Option<&BTreeSet<String>>) {
        self.all = true;
        self.loose.extend(asked.into_iter().flatten().cloned());
    }
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: usize,
    column: usize,
}

impl Place {
    /// Of an offset in bytes.
    pub fn of(text: &str, offset: u32) -> Self {
        let before = text.get(..offset as usize).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }

    pub fn error(self, name: &str, what: &str) -> Error {
        Error::Source { place: self.in_module(name), what: what.to_owned() }
    }

    /// As `name:line:column`.
    pub fn in_module(self, name: &str) -> String {
        format!("{name}:{}:{}", self.line, self.column)
    }
}

/// Parses a module, `name` in errors. `package_is_esm`: its package says that all of it is ES modules.
pub fn strip(file: &Path, name: &str, text: &str, package_is_esm: bool) -> Result<Stripped, Error> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let typed = matches!(ending, "ts" | "mts");
    let kind = match ending {
        "ts" | "mts" => SourceType::ts(),
        "js" | "mjs" | "cjs" => SourceType::mjs(),
        _ => {
            let what = "only .js, .mjs, .cjs, .ts, .mts and .json are modules of a script";
            return Err(Place { line: 1, column: 1 }.error(name, what));
        }
    };
    let allocator = Allocator::default();
    if ending == "cjs" {
        return stripped(&Parser::new(&allocator, text, kind.with_commonjs(true)).parse(), name, text, typed, true);
    }
    let parsed = Parser::new(&allocator, text, kind).parse();
    let may_be_commonjs = ending.len() == 2 && !package_is_esm && commonjs::is_likely(text);
    if may_be_commonjs && !parsed.module_record.has_module_syntax {
        let other = Parser::new(&allocator, text, kind.with_commonjs(true)).parse();
        if other.diagnostics.is_empty() {
            return stripped(&other, name, text, typed, true);
        }
    }
    stripped(&parsed, name, text, typed, false)
}

fn stripped(parsed: &ParserReturn, name: &str, text: &str, typed: bool, is_commonjs: bool) -> Result<Stripped, Error> {
    if let Some(wrong) = parsed.diagnostics.first() {
        let at = wrong.labels.first().map_or(0, |label| label.offset());
        return Err(Place::of(text, at).error(name, &format!("SyntaxError: {}", wrong.message)));
    }
    let mut types = types::Types::new(text, typed);
    types.visit_program(&parsed.program);
    let stripped = types.finish();
    let (source, imports) =
        stripped.map_err(|(span, what): (Span, String)| Place::of(text, span.start).error(name, &what))?;
    Ok(Stripped { source, imports, commonjs: is_commonjs.then(|| CommonJs::of(&parsed.program)) })
}

#[cfg(test)]
mod tests;

//! TypeScript to JavaScript, by spaces: what only types have is blanked, so that every line and column stays where it was.
//!
//! What isn't erasable (enums, namespaces with values, parameter properties) is an error that says what to write instead.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::{SourceType, Span};

use super::error::Error;

mod types;

/// A module without its types.
#[derive(Debug)]
pub struct Stripped {
    pub source: String,
    pub imports: Vec<Import>,
}

/// A module that is imported.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub specifier: String,
    /// Where it stands, in bytes.
    pub start: u32,
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
        Error::Source { place: format!("{name}:{}:{}", self.line, self.column), what: what.to_owned() }
    }
}

/// Parses a module, `name` in errors.
pub fn strip(file: &Path, name: &str, text: &str) -> Result<Stripped, Error> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let typed = matches!(ending, "ts" | "mts");
    let kind = match ending {
        "ts" | "mts" => SourceType::ts(),
        "js" | "mjs" => SourceType::mjs(),
        _ => {
            let what = "only .js, .mjs, .ts, .mts and .json are modules of a script";
            return Err(Place { line: 1, column: 1 }.error(name, what));
        }
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    if let Some(wrong) = parsed.diagnostics.first() {
        let at = wrong.labels.first().map_or(0, |label| label.offset());
        return Err(Place::of(text, at).error(name, &format!("SyntaxError: {}", wrong.message)));
    }
    if !parsed.module_record.has_module_syntax && ["module.exports", "require("].iter().any(|word| text.contains(word))
    {
        let what = "this is a CommonJS module: take an ES module of the package, or make one by a bundler";
        return Err(Place { line: 1, column: 1 }.error(name, what));
    }
    let mut types = types::Types::new(text, typed);
    types.visit_program(&parsed.program);
    types.finish().map_err(|(span, what): (Span, String)| Place::of(text, span.start).error(name, &what))
}

#[cfg(test)]
mod tests;

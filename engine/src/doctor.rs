//! `mite doctor`: which languages journeys can be built from here, and what to install for the others.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::build::store::Store;
use crate::build::{javascript, python, rust, tool};
use crate::console::text::escape;

/// Options of `mite doctor`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mite doctor\n\nEnds with 0 if journeys can be built from at least one language, else with 104."
)]
pub struct Args {}

/// A toolchain as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Toolchain {
    language: &'static str,
    /// What there is, with versions.
    found: Vec<String>,
    /// What is missing, and how to get it; none: it works.
    missing: Option<(String, String)>,
}

/// Looks at every toolchain and says what it found.
pub fn run(_: &Args) -> std::io::Result<ExitCode> {
    let store = Store::open();
    let place = match &store {
        Ok(store) => store.place().display().to_string(),
        Err(error) => error.to_string(),
    };
    let toolchains = [rust(), python(store.as_ref().ok()), javascript()];
    let mut out = std::io::stdout().lock();
    writeln!(out, "mite        {}, cache: {}", env!("CARGO_PKG_VERSION"), escape(&place))?;
    out.write_all(text(&toolchains).as_bytes())?;
    Ok(ExitCode::from(exit_code(&toolchains)))
}

fn exit_code(toolchains: &[Toolchain]) -> u8 {
    if toolchains.iter().any(|toolchain| toolchain.missing.is_none()) { 0 } else { 104 }
}

fn text(toolchains: &[Toolchain]) -> String {
    let mut text = String::new();
    for Toolchain { language, found, missing } in toolchains {
        let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
        let works = if missing.is_none() { "works" } else { "does not work" };
        text += &format!("{language:<11} {works}: {}\n", escape(&found));
        if let Some((what, way_out)) = missing {
            text += &format!("{:<11} missing: {}; {}\n", "", escape(what), escape(way_out));
        }
    }
    text
}

fn rust() -> Toolchain {
    let here = Path::new(".");
    let mut found: Vec<_> = ["cargo", "rustc"]
        .into_iter()
        .filter_map(|program| tool::ask(tool::command(program, here).arg("--version")))
        .map(|version| version.split(" (").next().unwrap_or_default().to_owned())
        .collect();
    let missing = match (found.len(), rust::has_target(here)) {
        (2, true) => {
            found.push(format!("target {}", rust::TARGET));
            None
        }
        (2, false) => {
            Some((format!("the target {}", rust::TARGET), format!("run `rustup target add {}`", rust::TARGET)))
        }
        _ => Some(("cargo".to_owned(), rust::NO_CARGO.to_owned())),
    };
    Toolchain { language: "Rust", found, missing }
}

fn python(store: Option<&Store>) -> Toolchain {
    let Some(store) = store else {
        let missing = ("a directory to build in".to_owned(), "set MITE_CACHE_DIR to one of your own".to_owned());
        return Toolchain { language: "Python", found: Vec::new(), missing: Some(missing) };
    };
    let named = |python: &python::Python| format!("Python {} ({})", python.version, python.program.display());
    match python::find(Path::new("."), store) {
        Ok(python) => {
            let componentize = format!("{} {}", python::COMPONENTIZE, python::COMPONENTIZE_VERSION);
            Toolchain { language: "Python", found: vec![named(&python), componentize], missing: None }
        }
        Err(others) => {
            let lacks = others.first().and_then(python::Python::lacks).unwrap_or_else(|| "Python".to_owned());
            let missing = Some((lacks, python::way_out(&others)));
            Toolchain { language: "Python", found: others.iter().map(named).collect(), missing }
        }
    }
}

fn javascript() -> Toolchain {
    let (found, missing) = match javascript::ENGINE {
        Some(engine) => {
            // Only the local host needs it.
            let node = javascript::node().map(|version| format!("Node {version}"));
            (std::iter::once(engine.to_owned()).chain(node).collect(), None)
        }
        None => (Vec::new(), Some(("its engine".to_owned(), "this mite has none yet".to_owned()))),
    };
    Toolchain { language: "JavaScript", found, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_works_is_enough() {
        let works = Toolchain { language: "Rust", found: vec!["cargo 1.95.0".into()], missing: None };
        let missing = Some(("Python 3.11 or newer".to_owned(), "install python3".to_owned()));
        let broken = Toolchain { language: "Python", found: Vec::new(), missing };
        assert_eq!(exit_code(&[works.clone(), broken.clone()]), 0);
        assert_eq!(exit_code(std::slice::from_ref(&broken)), 104);
        let want = "Rust        works: cargo 1.95.0\nPython      does not work: nothing found\n            missing: Python 3.11 \
                    or newer; install python3\n";
        assert_eq!(text(&[works, broken]), want);
    }
}

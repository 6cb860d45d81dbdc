//! `mite new`: a project that builds and runs at once. All of it is in the program; nothing is fetched.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::build::sdk::{self, Sdk};
use crate::sources;

/// Options of `mite new`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  mite new shop --lang python\n  cd shop\n  mite journey run .:search .:users")]
pub struct Args {
    /// The directory to make; its last part is the project's name
    pub name: PathBuf,
    /// What to write journeys in
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub lang: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    Python,
    /// JavaScript
    Js,
    /// TypeScript
    Ts,
}

impl Language {
    /// The folder of its files.
    fn template(self) -> &'static str {
        match self {
            Self::Rust => "sdk/templates/rust",
            Self::Python => "sdk/templates/python",
            Self::Js => "sdk/templates/js",
            Self::Ts => "sdk/templates/ts",
        }
    }

    fn sdk(self) -> &'static Sdk {
        match self {
            Self::Rust => &sdk::RUST,
            Self::Python => &sdk::PYTHON,
            Self::Js | Self::Ts => &sdk::JAVASCRIPT,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{name}` can't be a project's name: take letters a to z, digits, `-` and `_`, a letter first, at most {NAME_MAX}"
    )]
    Name { name: String },
    #[error("{} is there already and not empty: take another name", path.display())]
    Exists { path: PathBuf },
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Sdk(#[from] crate::build::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Name { .. } | Self::Exists { .. } => 104,
            Self::Write { .. } => 1,
            Self::Sdk(error) => error.exit_code(),
        }
    }
}

/// The longest name.
const NAME_MAX: usize = 64;
/// Taken from the names of files that tools would take for their own in mite's repository.
const SUFFIX: &str = ".in";

/// Writes a project.
pub fn run(args: &Args) -> Result<(), Error> {
    let name = name(&args.name)?;
    let is_taken =
        args.name.exists() && std::fs::read_dir(&args.name).map_or(true, |mut entries| entries.next().is_some());
    if is_taken {
        return Err(Error::Exists { path: args.name.clone() });
    }
    for (file, text) in files(args.lang, &name) {
        let path = args.name.join(file);
        let write = || {
            std::fs::create_dir_all(path.parent().unwrap_or(&args.name))?;
            std::fs::write(&path, text)
        };
        write().map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    sdk::write(args.lang.sdk(), &args.name)?;
    let said =
        format!("{0}: README.md says how to go on; `cd {0} && mite journey run .:search .:users`", args.name.display());
    let written = writeln!(std::io::stdout(), "{}", crate::console::text::escape(&said));
    written.map_err(|source| Error::Write { path: "standard output".into(), source })
}

fn name(path: &Path) -> Result<String, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_good = name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_good { Ok(name) } else { Err(Error::Name { name }) }
}

/// The files of a project by their paths in it.
fn files(language: Language, name: &str) -> impl Iterator<Item = (&'static str, String)> {
    sources::files(language.template()).map(move |(file, bytes)| {
        let text = String::from_utf8_lossy(bytes).replace("{{name}}", name);
        (file.strip_suffix(SUFFIX).unwrap_or(file), text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_all_languages_take() {
        for good in ["shop", "a/b/shop-2", "Shop_x"] {
            assert!(name(Path::new(good)).is_ok(), "{good}");
        }
        let long = "x".repeat(NAME_MAX + 1);
        for bad in ["2shop", "sh op", "-x", "..", "/", "shöp", &long] {
            assert!(name(Path::new(bad)).unwrap_err().to_string().contains("letters"), "{bad}");
        }
    }

    #[test]
    fn every_language_has_a_whole_project() {
        for language in Language::value_variants() {
            let files: Vec<_> = files(*language, "shop").collect();
            assert!(
                files.iter().any(|(file, text)| *file == "README.md" && text.starts_with("# shop\n")),
                "{language:?}"
            );
            assert!(files.iter().any(|(file, _)| *file == ".gitignore"), "{language:?}");
            assert!(files.iter().any(|(file, _)| file.contains("test")), "{language:?}: a test");
            assert!(files.iter().all(|(file, text)| !file.ends_with(SUFFIX) && !text.contains("{{")), "{language:?}");
        }
    }
}

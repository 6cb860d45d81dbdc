//! What a path is the source of.

use std::path::{Path, PathBuf};

use super::Error;
use crate::component::spec::SOURCES;

/// A source of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The directory of a Cargo package.
    Rust(PathBuf),
    /// A module, or the directory of a package.
    Python(PathBuf),
    /// A module (JavaScript or TypeScript), or the directory of an npm package.
    JavaScript(PathBuf),
}

/// The module of a Python project that has its journeys.
const PYTHON_MODULE: &str = "journeys.py";

impl Source {
    /// A directory is a Cargo package, an npm package or a Python package, whichever it says; a Python project is built from
    /// its `journeys.py`.
    pub fn of(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::NoPath { path: path.to_owned() });
        }
        let not = |why: &str| Error::NoSource { path: path.to_owned(), why: why.to_owned() };
        if path.is_dir() {
            return Self::of_directory(path).ok_or_else(|| {
                not("a directory with journeys has a Cargo.toml, a package.json, an __init__.py or a journeys.py")
            });
        }
        match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "py" => Ok(Self::Python(path.to_owned())),
            "wasm" => Err(not("it is built already")),
            "rs" => Err(not("give the directory of its Cargo package")),
            "toml" if path.ends_with("Cargo.toml") => Ok(Self::Rust(directory(path))),
            "json" if path.ends_with("package.json") => Ok(Self::JavaScript(directory(path))),
            known if SOURCES.contains(&known) => Ok(Self::JavaScript(path.to_owned())),
            _ => Err(not("give a directory, or a .py, .js or .ts file")),
        }
    }

    fn of_directory(path: &Path) -> Option<Self> {
        let has = |name: &str| path.join(name).is_file();
        if has("Cargo.toml") {
            Some(Self::Rust(path.to_owned()))
        } else if has("package.json") {
            Some(Self::JavaScript(path.to_owned()))
        } else if has("__init__.py") {
            Some(Self::Python(path.to_owned()))
        } else {
            has(PYTHON_MODULE).then(|| Self::Python(path.join(PYTHON_MODULE)))
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Rust(path) | Self::Python(path) | Self::JavaScript(path) => path,
        }
    }

    /// Where its toolchain runs: the directory, or that of the file.
    pub fn directory(&self) -> PathBuf {
        match self.path() {
            path if path.is_dir() => path.to_owned(),
            path => directory(path),
        }
    }

    /// What its component is called: the file's stem or the directory's name. Of a Cargo package only cargo knows.
    pub fn name(&self) -> String {
        let path = self.path().canonicalize().unwrap_or_else(|_| self.path().to_owned());
        let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
        name.map_or("journeys".into(), |name| name.to_string_lossy().into_owned())
    }

    pub fn language(&self) -> &'static str {
        match self {
            Self::Rust(_) => "Rust",
            Self::Python(_) => "Python",
            Self::JavaScript(_) => "JavaScript",
        }
    }
}

/// The directory that a file is in.
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_language() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        for file in ["rust/Cargo.toml", "js/package.json", "package/__init__.py", "project/journeys.py", "none/x.txt"] {
            std::fs::create_dir_all(at(file).parent().unwrap()).unwrap();
            std::fs::write(at(file), "").unwrap();
        }
        for file in ["a.py", "a.js", "a.mts", "a.rs", "a.wasm", "a.txt"] {
            std::fs::write(at(file), "").unwrap();
        }
        for (path, want) in [
            ("rust", Source::Rust(at("rust"))),
            ("rust/Cargo.toml", Source::Rust(at("rust"))),
            ("js", Source::JavaScript(at("js"))),
            ("package", Source::Python(at("package"))),
            ("project", Source::Python(at("project/journeys.py"))),
            ("a.py", Source::Python(at("a.py"))),
            ("a.js", Source::JavaScript(at("a.js"))),
            ("a.mts", Source::JavaScript(at("a.mts"))),
        ] {
            assert_eq!(Source::of(&at(path)).unwrap(), want, "{path}");
        }
        for (path, want) in [
            ("a.rs", "its Cargo package"),
            ("a.wasm", "built already"),
            ("a.txt", ".py, .js or .ts"),
            ("none", "Cargo.toml"),
            ("gone.py", "there is no"),
        ] {
            let error = Source::of(&at(path)).unwrap_err().to_string();
            assert!(error.contains(want) && error.contains(path), "{error}");
        }
        assert_eq!(Source::of(&at("package")).unwrap().name(), "package");
        assert_eq!(Source::of(&at("a.py")).unwrap().name(), "a");
    }
}

//! What a person names a journey, scenario or datapool by: `file.wasm:name`, `package.name:name` or
//! `https://host/file.wasm@sha256:DIGEST:name`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use super::Error;

/// What the files end in that components are built from: `mite build` says more of them.
pub const SOURCES: [&str; 10] = ["py", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "rs"];

/// Makes the component of a source, and leaves all others as they are.
pub type Build = fn(Component) -> Result<Component, Error>;

/// What builds sources, set once by the program: a component knows of no compilers.
static BUILD: OnceLock<Build> = OnceLock::new();

/// Lets sources be named wherever components are.
pub fn build_sources_by(build: Build) {
    // Whoever was first has said the same: there is one program.
    let _ = BUILD.set(build);
}

/// A component and a name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub component: Component,
    pub name: String,
}

/// How the component was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// `./a/load.wasm`, or a source that one is built from: `journeys.py`, a directory.
    File(PathBuf),
    /// `mite.example`: looked up on the search path.
    Package(String),
    /// `https://host/load.wasm@sha256:DIGEST`
    Remote(Remote),
}

/// A component elsewhere. Whoever has the address need not be trusted: the digest says what is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Always https.
    pub url: reqwest::Url,
    /// SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

impl Remote {
    fn parse(text: &str, spec: &str) -> Result<Self, Error> {
        let wrong = |why| Error::Remote { spec: spec.to_owned(), why };
        let (url, sha256) = text.rsplit_once("@sha256:").ok_or_else(|| wrong("it has no digest"))?;
        let url = reqwest::Url::parse(url).map_err(|_| wrong("its address is not a URL"))?;
        if url.scheme() != "https" {
            return Err(wrong("only https:// is fetched"));
        }
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong("a SHA-256 digest has 64 hexadecimal digits"));
        }
        Ok(Self { url, sha256: sha256.to_ascii_lowercase() })
    }

    /// The last part of the path without its ending, or the host.
    fn stem(&self) -> &str {
        let file = self.url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        match file.rsplit_once('.').map_or(file, |(stem, _)| stem) {
            "" => self.url.host_str().unwrap_or("component"),
            stem => stem,
        }
    }
}

impl FromStr for Spec {
    type Err = Error;

    /// Splits at the last colon, so that paths may have some.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (component, name) = text.rsplit_once(':').ok_or_else(|| Error::NoColon { spec: text.to_owned() })?;
        let empty = |part| Error::EmptyPart { spec: text.to_owned(), part };
        if component.is_empty() {
            return Err(empty("the part before the colon"));
        }
        if name.is_empty() {
            return Err(empty("the part after the colon"));
        }
        let is_remote = ["https://", "http://"].iter().any(|scheme| component.starts_with(scheme));
        let component = match is_remote {
            true => Component::Remote(Remote::parse(component, text)?),
            false => Component::from(component),
        };
        Ok(Self { component, name: name.to_owned() })
    }
}

impl From<&str> for Component {
    /// What ends in `.wasm` or as a source does, has a slash or is `.` is a file, all else a package.
    fn from(text: &str) -> Self {
        let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_file =
            ending == "wasm" || SOURCES.contains(&ending) || text.contains(['/', '\\']) || [".", ".."].contains(&text);
        if is_file { Self::File(text.into()) } else { Self::Package(text.to_owned()) }
    }
}

impl Component {
    /// The name in messages, metrics and reports: the file's stem or the package.
    pub fn package(&self) -> String {
        match self {
            Self::File(path) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Package(package) => package.clone(),
            Self::Remote(remote) => remote.stem().to_owned(),
        }
    }

    /// The component that is built from a source now; all others as they are. Takes as long as a compiler does.
    pub fn built(self) -> Result<Self, Error> {
        match BUILD.get() {
            Some(build) => (*build)(self),
            None => Ok(self),
        }
    }

    /// Where the file is, of one that is here. A package `a.b` is `a/b.wasm` or `a.b.wasm` in the first directory of `path` that has one of them.
    pub fn find(&self, path: &SearchPath) -> Result<PathBuf, Error> {
        match self {
            Self::File(file) if file.is_file() => Ok(file.clone()),
            Self::File(file) => Err(Error::NoFile { path: file.clone() }),
            Self::Package(package) => path.find(package),
            Self::Remote(remote) => Err(Error::NotFetched { url: remote.url.to_string() }),
        }
    }
}

impl Spec {
    /// `load:scenario`: the same for every way of naming the same thing.
    pub fn canonical(&self) -> String {
        format!("{}:{}", self.component.package(), self.name)
    }
}

/// The directories where packages are looked for.
#[derive(Clone, Debug)]
pub struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// From `MITE_PATH` (directories with colons between); without it the working directory, then `target/journeys`.
    pub fn from_environment() -> Self {
        match std::env::var_os("MITE_PATH").filter(|path| !path.is_empty()) {
            Some(path) => Self(std::env::split_paths(&path).collect()),
            None => Self(vec![PathBuf::from("."), Path::new("target").join("journeys")]),
        }
    }

    pub fn new(directories: Vec<PathBuf>) -> Self {
        Self(directories)
    }

    fn find(&self, package: &str) -> Result<PathBuf, Error> {
        let names = [format!("{}.wasm", package.replace('.', "/")), format!("{package}.wasm")];
        // A package is a name and not a path: nothing outside of the directories can be meant by it.
        let is_name = package.split('.').all(|part| !part.is_empty() && !part.contains(['/', '\\', '\0']));
        let mut candidates = self.0.iter().flat_map(|directory| names.iter().map(move |name| directory.join(name)));
        candidates.find(|path| is_name && path.is_file()).ok_or_else(|| Error::NotFound {
            package: package.to_owned(),
            names: if names[0] == names[1] { vec![names[1].clone()] } else { names.to_vec() },
            directories: self.0.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str) -> String {
        format!("{url}@sha256:{}:x", "aB".repeat(32))
    }

    #[test]
    fn one_thing_has_one_canonical_form() {
        for (text, want, why) in [
            ("load.wasm:load", "load:load", "the stem of a file"),
            ("./a/load.wasm:load", "load:load", "whatever its directory"),
            ("load:load", "load:load", "a package"),
            ("mite.example:journey", "mite.example:journey", "a package with a dot"),
            ("journeys.py:visit", "journeys:visit", "a source is a file"),
            ("a:b/load.wasm:x", "load:x", "split at the last colon"),
            (&remote("https://host:8443/a/load.wasm?v=1"), "load:x", "the stem of a file elsewhere"),
            (&remote("https://host/"), "host:x", "a host where there is no file"),
        ] {
            assert_eq!(text.parse::<Spec>().expect(why).canonical(), want, "{why}");
        }
    }

    #[test]
    fn bad_specs_say_what_is_missing() {
        for (text, want) in [
            ("load.wasm", "needs a colon"),
            (":load", "the part before the colon"),
            ("load.wasm:", "the part after the colon"),
            ("https://host/load.wasm:x", "no digest"),
            ("https://host/load.wasm@sha256:abc:x", "64 hexadecimal digits"),
            (&remote("http://host/load.wasm"), "only https"),
            (&remote("https://"), "not a URL"),
        ] {
            let error = text.parse::<Spec>().expect_err(text).to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn packages_are_looked_up_in_order() {
        let root = std::env::temp_dir().join(format!("mite-spec-{}", std::process::id()));
        let make = |name: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("a directory");
            std::fs::write(&path, b"").expect("a file");
            path
        };
        let (second, nested) = (make("two/load.wasm"), make("two/mite/example.wasm"));
        let flat = make("one/mite.example.wasm");
        let path = SearchPath::new(vec![root.join("one"), root.join("two")]);
        let find = |package: &str| Component::from(package).find(&path);
        assert_eq!(find("load").expect("is there"), second);
        assert_eq!(find("mite.example").expect("is there"), flat, "the first directory wins");
        let path = SearchPath::new(vec![root.join("two")]);
        assert_eq!(Component::from("mite.example").find(&path).expect("is there"), nested);
        let error = Component::from("shop").find(&path).expect_err("is not there").to_string();
        assert!(error.contains("shop.wasm") && error.contains("MITE_PATH"), "{error}");
        std::fs::remove_dir_all(&root).expect("was made here");
    }
}

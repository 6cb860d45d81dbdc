//! What can be wrong with a component or its spec: always something a person can mend, so every text names the thing and
//! the way out.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{spec}` is not a spec: it needs a colon, as in `journeys.wasm:scenario` or `package.name:scenario`")]
    NoColon { spec: String },
    #[error(
        "`{spec}` names nothing: `{part}` may not be empty; write `journeys.wasm:scenario` or `package.name:scenario`"
    )]
    EmptyPart { spec: String, part: &'static str },
    #[error(
        "`{text}` is not a datapool: give `file.wasm:name`, `package.name:name`, or a .csv, .jsonl or .msgpack file"
    )]
    NoDatapool { text: String },
    #[error(
        "`{spec}`: {why}; write `https://host/journeys.wasm@sha256:DIGEST:scenario`, DIGEST as `sha256sum` prints it"
    )]
    Remote { spec: String, why: &'static str },
    #[error("{url} is not fetched here: give a file or a package")]
    NotFetched { url: String },
    #[error("can't fetch {url}: {reason}")]
    Fetch { url: String, reason: String },
    #[error("{url} is not what was asked for: its SHA-256 is {found}, not {wanted}")]
    Digest { url: String, found: String, wanted: String },
    /// What a compiler has to say has been said.
    #[error("{reason}")]
    Source { reason: String },
    #[error("there is no file {}{}", path.display(), hint(path))]
    NoFile { path: PathBuf },
    #[error(
        "there is no component `{package}`: looked for {} in {}; build it, or name its directory in MITE_PATH",
        names.join(" and "), directories.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound { package: String, names: Vec<String>, directories: Vec<PathBuf> },
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} has {bytes} bytes, and a component may have {limit} MiB: see --component-size", path.display())]
    TooLarge { path: PathBuf, bytes: u64, limit: u64 },
    #[error("{} is a core WebAssembly module, not a component: build it for the target wasm32-wasip2", path.display())]
    CoreModule { path: PathBuf },
    #[error("{} is compiled machine code: mite takes components (`.wasm`) and compiles them itself", path.display())]
    Compiled { path: PathBuf },
    #[error("{} is not a WebAssembly component: it begins with {found}", path.display())]
    NotWasm { path: PathBuf, found: String },
    #[error("{} is not a valid component: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
    #[error(
        "{} needs what mite doesn't have: {}; build it with this mite's SDK (world {world})",
        path.display(), listed(imports)
    )]
    UnknownImports { path: PathBuf, imports: Vec<String>, world: &'static str },
    #[error(
        "{} is not made for this mite: it doesn't export {}; build it with this mite's SDK (world {world})",
        path.display(), missing.join(" and ")
    )]
    MissingExports { path: PathBuf, missing: Vec<String>, world: &'static str },
    #[error(
        "{} has {has}, not {wanted}: journeys are for `mite scenario test`, processors for `mite receiver`",
        path.display()
    )]
    OtherWorld { path: PathBuf, has: &'static str, wanted: &'static str },
    #[error("{} can't be compiled: {reason}", path.display())]
    Compile { path: PathBuf, reason: String },
    #[error("{package} has no {kind} `{name}`; {}", has(kind, there))]
    NoSuch { package: String, kind: &'static str, name: String, there: Vec<String> },
    #[error("{what} of {package} failed: {reason}")]
    Failed { package: String, what: String, reason: String },
    #[error("{what} of {package} is wrong: {reason}")]
    Wrong { package: String, what: String, reason: String },
    #[error("can't make room for journeys: {reason}")]
    Room { reason: String },
}

/// Names that a list of them may have: a component may import as many as it likes.
const NAMES_MAX: usize = 100;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 100;

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    let cut = |name: &String| name.chars().take(NAME_CHARS_MAX).collect::<String>();
    let names = names.iter().take(NAMES_MAX).map(cut).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn hint(path: &std::path::Path) -> String {
    match path.extension() {
        Some(extension) if extension == "wasm" => "; `make build` builds the examples into target/journeys".to_owned(),
        _ => "; a spec is `file.wasm:name` or `package.name:name`".to_owned(),
    }
}

fn has(kind: &str, there: &[String]) -> String {
    match there {
        [] => format!("it has no {kind} at all"),
        names => format!("it has {}", names.join(", ")),
    }
}

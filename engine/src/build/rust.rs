//! Cargo packages. Whether anything has changed is cargo's to know.

use std::path::{Path, PathBuf};

use super::tool::{self, command};
use super::{Error, sdk};

pub const TARGET: &str = "wasm32-wasip2";
pub const NO_CARGO: &str = "install Rust, see https://rustup.rs";
/// Small, and without anything that a trap can't stand for; whatever the package's own release profile says.
const PROFILE: [&str; 6] =
    ["inherits=\"release\"", "debug=false", "lto=true", "codegen-units=1", "panic=\"abort\"", "strip=true"];
const PROFILE_NAME: &str = "guest";

/// Where cargo has put the component of a package, up to date.
pub fn build(package: &Path, install: bool) -> Result<PathBuf, Error> {
    look(package, install)?;
    sdk::refresh(&sdk::RUST, package)?;
    let mut cargo = command("cargo", package);
    cargo.args(["build", "--target", TARGET, "--profile", PROFILE_NAME, "--message-format=json-render-diagnostics"]);
    for setting in PROFILE {
        cargo.arg("--config").arg(format!("profile.{PROFILE_NAME}.{setting}"));
    }
    let (status, said) = tool::run(&mut cargo)?;
    if !status.success() {
        return Err(Error::Failed { path: package.to_owned() });
    }
    let no = |why: String| Error::NoComponent { path: package.to_owned(), why };
    match artifacts(&said).as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(no("say `crate-type = [\"cdylib\"]` below `[lib]` in its Cargo.toml".to_owned())),
        several => {
            let names: Vec<_> = several.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy())).collect();
            Err(no(format!("it has several, {}: give the directory of one package", names.join(", "))))
        }
    }
}

/// Looks for cargo and the target.
fn look(package: &Path, install: bool) -> Result<(), Error> {
    let missing = |what: &str, way_out: String| Error::Missing { path: package.to_owned(), what: what.into(), way_out };
    if tool::ask(command("cargo", package).arg("--version")).is_none() {
        return Err(missing("cargo", NO_CARGO.to_owned()));
    }
    let is_there = || has_target(package);
    if is_there() {
        return Ok(());
    }
    let (program, words) = ("rustup", ["target", "add", TARGET]);
    let by_hand = format!("{program} {}", words.join(" "));
    if !install {
        let way_out = format!("run `{by_hand}` (or say --install and mite does)");
        return Err(missing(&format!("the target {TARGET} of Rust"), way_out));
    }
    let (status, _) = tool::run(command(program, package).args(words))?;
    if status.success() && is_there() { Ok(()) } else { Err(Error::Install { command: by_hand }) }
}

/// Whether the toolchain of this directory can build components.
pub fn has_target(directory: &Path) -> bool {
    let place = tool::ask(command("rustc", directory).args(["--print", "target-libdir", "--target", TARGET]));
    place.is_some_and(|place| Path::new(&place).is_dir())
}

/// The `.wasm` files of libraries that cargo says it has made, or found made already.
fn artifacts(said: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for message in said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let kinds = message["target"]["crate_types"].as_array();
        let is_component = message["reason"] == "compiler-artifact"
            && kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
        let files = message["filenames"].as_array().filter(|_| is_component);
        let files = files.into_iter().flatten().filter_map(|file| file.as_str());
        found.extend(files.filter(|file| file.ends_with(".wasm")).map(PathBuf::from));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_a_component_is() {
        let line = |reason: &str, kind: &str, file: &str| {
            format!(r#"{{"reason":"{reason}","target":{{"crate_types":["{kind}"]}},"filenames":["{file}"]}}"#)
        };
        let said = [
            line("compiler-artifact", "lib", "/t/libserde.rlib"),
            line("compiler-artifact", "cdylib", "/t/shop.wasm"),
            line("compiler-artifact", "bin", "/t/tool.wasm"),
            "not JSON".to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        assert_eq!(artifacts(&said.join("\n")), [PathBuf::from("/t/shop.wasm")]);
        assert!(artifacts("").is_empty());
    }
}

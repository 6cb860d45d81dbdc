//! The SDK inside of a project: `mite new` writes it there, since nobody knows a path to it that holds elsewhere, and
//! `mite build` keeps it that of the mite that builds.

use std::path::Path;

use super::Error;
use crate::sources;

/// A language's SDK.
#[derive(Debug)]
pub struct Sdk {
    /// The folders of the program's sources that it consists of.
    pub folders: &'static [&'static str],
    /// The file of a project that names it.
    manifest: &'static str,
}

pub const RUST: Sdk = Sdk { folders: &["wit", "sdk/rust"], manifest: "Cargo.toml" };
pub const PYTHON: Sdk = Sdk { folders: &["wit", "sdk/python"], manifest: "pyproject.toml" };
pub const JAVASCRIPT: Sdk = Sdk { folders: &["sdk/js"], manifest: "package.json" };

/// The directory in a project.
const FOLDER: &str = ".mite";
const DIGEST: &str = "digest";

/// Writes the SDK of this mite into a project whose manifest names it there, if it isn't there already. Others are left alone.
pub fn refresh(sdk: &Sdk, project: &Path) -> Result<(), Error> {
    let manifest = std::fs::read_to_string(project.join(sdk.manifest)).unwrap_or_default();
    if manifest.contains(&format!("{FOLDER}/sdk/")) { write(sdk, project) } else { Ok(()) }
}

/// Writes the SDK into a project.
pub fn write(sdk: &Sdk, project: &Path) -> Result<(), Error> {
    let place = project.join(FOLDER);
    let digest = format!("{} {}\n", env!("CARGO_PKG_VERSION"), sources::digest(sdk.folders));
    let note = place.join(DIGEST);
    if std::fs::read_to_string(&note).is_ok_and(|there| there == digest) {
        return Ok(());
    }
    let unpack = || {
        // What an older one had and this one hasn't must not stay; only what is ours goes.
        for folder in ["wit", "sdk"] {
            match std::fs::remove_dir_all(place.join(folder)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        for folder in sdk.folders {
            sources::unpack(folder, &place.join(folder))?;
        }
        if sdk.manifest == RUST.manifest {
            std::fs::write(place.join("Cargo.toml"), workspace())?;
        }
        std::fs::write(place.join(".gitignore"), "*\n")?;
        std::fs::write(&note, &digest)
    };
    unpack().map_err(|source| Error::Write { path: place.clone(), source })
}

/// What the packages of the Rust SDK inherit: `.mite` is a workspace of its own.
fn workspace() -> String {
    format!(
        "# Written by `mite build`: the SDK of mite {version}.\n[workspace]\nresolver = \"3\"\nmembers = [\"sdk/rust\", \
         \"sdk/rust/macros\"]\n\n[workspace.package]\nversion = \"{version}\"\nedition = \"2024\"\nrust-version = \
         \"{rust}\"\nlicense = \"Apache-2.0\"\n\n[workspace.lints]\n",
        version = env!("CARGO_PKG_VERSION"),
        rust = env!("CARGO_PKG_RUST_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_sdk_of_the_mite_that_builds_it() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        std::fs::write(at("Cargo.toml"), "mite-sdk = { path = \"../mite/sdk/rust\" }").unwrap();
        refresh(&RUST, desk.path()).unwrap();
        assert!(!at(".mite").exists(), "it has its SDK from elsewhere");
        std::fs::write(at("Cargo.toml"), "mite-sdk = { path = \".mite/sdk/rust\" }").unwrap();
        refresh(&RUST, desk.path()).unwrap();
        for file in ["Cargo.toml", "wit/http.wit", "sdk/rust/src/lib.rs", "sdk/rust/macros/src/lib.rs"] {
            assert!(at(".mite").join(file).is_file(), "{file}");
        }
        std::fs::write(at(".mite/sdk/rust/old.rs"), "").unwrap();
        refresh(&RUST, desk.path()).unwrap();
        assert!(at(".mite/sdk/rust/old.rs").exists(), "the same: nothing is written");
        std::fs::write(at(".mite/digest"), "another mite's").unwrap();
        refresh(&RUST, desk.path()).unwrap();
        assert!(!at(".mite/sdk/rust/old.rs").exists(), "another: all of it is");
    }
}

//! What `mite new` and `mite build` need of this repository becomes part of the program: the WIT, the SDKs, the templates.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folders of the repository. One that isn't there is empty.
const FOLDERS: [&str; 5] = ["wit", "sdk/rust", "sdk/python", "sdk/js", "sdk/templates"];
/// Leavings of other tools.
const LEFT_OUT: [&str; 3] = ["target", "__pycache__", "node_modules"];
/// What no project needs.
const NOT_THESE: [&str; 4] = ["sdk/rust/processor", "sdk/python/tests", "sdk/js/engine", "sdk/js/tests"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("run by cargo"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("run by cargo"))?);
    let root = here.parent().unwrap_or(&here);
    let not_these = NOT_THESE.map(|folder| root.join(folder));
    let mut files = Vec::new();
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
        if root.join(folder).is_dir() {
            find(&root.join(folder), &mut files)?;
        }
    }
    files.retain(|file| !not_these.iter().any(|folder| file.starts_with(folder)));
    files.sort();
    engine(root);
    let mut table = "static FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(root).map_err(io::Error::other)?.display().to_string();
        let path = file.display().to_string();
        writeln!(table, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    fs::write(out.join("sources.rs"), table + "];\n")
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if LEFT_OUT.contains(&name.as_str()) || name.ends_with(".egg-info") || name.ends_with(".pyc") {
            continue;
        }
        match path.is_dir() {
            true => find(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// The engines of JavaScript, of journeys and of processors, if they are there: `make build` makes them first.
fn engine(root: &Path) {
    // A directory that is always there, so that cargo looks again when the engine comes.
    let built = root.join("sdk/js/engine/built");
    println!("cargo:rerun-if-changed={}", built.display());
    println!("cargo:rustc-check-cfg=cfg(js_engine)");
    let (engine, processors) = (built.join("engine.wasm"), built.join("processors.wasm"));
    if engine.is_file() && processors.is_file() {
        println!("cargo:rustc-cfg=js_engine");
        println!("cargo:rustc-env=MITE_JS_ENGINE={}", engine.display());
        println!("cargo:rustc-env=MITE_JS_PROCESSORS={}", processors.display());
    }
}

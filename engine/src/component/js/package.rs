//! What a package's `package.json` says of its modules.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::resolve::{Meant, file};

/// The one in a directory; null where there is none.
pub fn read(directory: &Path) -> Value {
    let text = std::fs::read_to_string(directory.join("package.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The package that a file belongs to.
fn of(file: &Path) -> Option<(&Path, Value)> {
    let directory = file.ancestors().skip(1).find(|directory| directory.join("package.json").is_file())?;
    Some((directory, read(directory)))
}

/// Whether all modules of a file's package are ES modules.
pub fn is_esm(file: &Path) -> bool {
    of(file).is_some_and(|(_, package)| package.get("type").and_then(Value::as_str) == Some("module"))
}

/// The name of the package a file belongs to, if it is one of `node_modules`.
pub fn name_of(file: &Path) -> Option<String> {
    let (directory, package) = of(file)?;
    let is_installed = directory.components().any(|part| part.as_os_str() == "node_modules");
    package.get("name").and_then(Value::as_str).filter(|_| is_installed).map(str::to_owned)
}

/// A file, or what its package has instead of it where there is no Node (`browser` in package.json).
pub fn instead(found: PathBuf) -> Result<Meant, String> {
    let found = found.canonicalize().map_err(|error| error.to_string())?;
    let Some((directory, package)) = of(&found) else { return Ok(Meant::File(found)) };
    let within = found.strip_prefix(directory).unwrap_or(&found).to_string_lossy();
    let plain = within.strip_suffix(".js").unwrap_or(&within);
    let names = [format!("./{within}"), format!("./{plain}"), within.to_string(), plain.to_owned()];
    let other = names.iter().find_map(|name| package.get("browser")?.get(name));
    other.and_then(|other| meant(other, directory)).unwrap_or(Ok(Meant::File(found.clone())))
}

/// What a file's package has instead of another package, or of a module of Node.
pub fn instead_of(specifier: &str, from: &Path) -> Option<Result<Meant, String>> {
    let (directory, package) = of(from)?;
    meant(package.get("browser")?.get(specifier)?, directory)
}

fn meant(other: &Value, directory: &Path) -> Option<Result<Meant, String>> {
    match other {
        Value::Bool(false) => Some(Ok(Meant::Empty)),
        Value::String(path) => {
            let found = file(&directory.join(path.trim_start_matches("./")))?;
            Some(found.canonicalize().map(Meant::File).map_err(|error| error.to_string()))
        }
        _ => None,
    }
}

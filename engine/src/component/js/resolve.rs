//! Which file a specifier means, as Node and bundlers find it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::package;

/// The SDK is part of the engine.
const SDK: &str = "@mite/sdk";
const PROCESSOR: &str = "@mite/sdk/processor";
/// Modules that only Node has.
const OF_NODE: &str = " assert async_hooks buffer child_process cluster crypto dgram dns events fs http http2 https module net os path \
                       perf_hooks process readline stream string_decoder timers tls tty url util v8 vm worker_threads zlib ";
const ENDINGS: [&str; 11] =
    ["", ".ts", ".js", ".mts", ".mjs", ".cjs", ".json", "/index.ts", "/index.js", "/index.cjs", "/index.json"];
/// What of a package's `exports` is meant here, in any order they come.
const CONDITIONS: [&str; 4] = ["import", "module", "browser", "default"];
/// The same where a module of CommonJS asks.
const CONDITIONS_OF_REQUIRE: [&str; 3] = ["require", "browser", "default"];

/// What a specifier means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meant {
    Sdk,
    /// What only processors import.
    Processor,
    File(PathBuf),
    /// What a package has only under Node: an empty module stands for it.
    Empty,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Import,
    Require,
}

/// The error says what is wrong, and the way out.
pub fn resolve(specifier: &str, from: &Path, by: By) -> Result<Meant, String> {
    match (specifier, by) {
        (SDK, By::Import) => return Ok(Meant::Sdk),
        (PROCESSOR, By::Import) => return Ok(Meant::Processor),
        (SDK | PROCESSOR, By::Require) => {
            return Err(format!("`{specifier}` can't be required: write `import {{ .. }} from \"{specifier}\"`"));
        }
        _ => {}
    }
    if specifier.starts_with('.') || specifier.starts_with('/') {
        let path = from.parent().unwrap_or(from).join(specifier);
        let found = file(&path).ok_or_else(|| format!("there is no module `{specifier}`"))?;
        return package::instead(found);
    }
    if let Some(instead) = package::instead_of(specifier, from) {
        return instead;
    }
    let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
    let (package, sub) = parts(bare);
    match package_directory(package, from) {
        Some(directory) if !specifier.starts_with("node:") => {
            let found = in_package(&directory, sub, by).ok_or_else(|| not_there(package, sub, &directory, by))?;
            package::instead(found)
        }
        _ if specifier.starts_with("node:") || OF_NODE.contains(&format!(" {package} ")) => Err(format!(
            "{}`{specifier}` is a module of Node: journeys run without it; what they have stands in docs/javascript.md",
            package::name_of(from).map(|name| format!("the package `{name}` needs Node: ")).unwrap_or_default()
        )),
        _ => Err(format!("there is no package `{package}` in any node_modules: run `npm install {package}`")),
    }
}

fn not_there(package: &str, sub: &str, directory: &Path, by: By) -> String {
    let what = if sub.is_empty() { "a module".to_owned() } else { format!("`{}`", sub.trim_start_matches('/')) };
    let by = if by == By::Import { "import" } else { "require" };
    format!("the package `{package}` in {} doesn't offer {what} to `{by}`", directory.display())
}

/// `@a/b/c/d` is `@a/b` and `/c/d`.
fn parts(bare: &str) -> (&str, &str) {
    let slashes = if bare.starts_with('@') { 2 } else { 1 };
    match bare.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => bare.split_at(at),
        None => (bare, ""),
    }
}

/// The file that a path without its ending means; `./a.js` may be `a.ts` in TypeScript.
pub(super) fn file(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let typed = text.strip_suffix(".js").map(|stem| PathBuf::from(format!("{stem}.ts")));
    let mut candidates = ENDINGS.iter().map(|ending| PathBuf::from(format!("{text}{ending}"))).chain(typed);
    candidates.find(|candidate| candidate.is_file())
}

fn package_directory(package: &str, from: &Path) -> Option<PathBuf> {
    let mut above = from.ancestors().skip(1).map(|directory| directory.join("node_modules").join(package));
    above.find(|directory| directory.is_dir())
}

/// The module of a package; `sub` begins with a slash or is empty.
fn in_package(directory: &Path, sub: &str, by: By) -> Option<PathBuf> {
    let package = package::read(directory);
    if let Some(exports) = package.get("exports") {
        return exported(exports, sub, by).and_then(|path| within(directory, &path));
    }
    if !sub.is_empty() {
        return within(directory, sub.trim_start_matches('/'));
    }
    let keys: &[&str] = if by == By::Import { &["module", "browser", "main"] } else { &["browser", "main"] };
    let main = keys.iter().find_map(|key| package.get(*key)?.as_str());
    within(directory, main.unwrap_or("index.js")).or_else(|| within(directory, "index.js"))
}

fn within(directory: &Path, path: &str) -> Option<PathBuf> {
    file(&directory.join(path.trim_start_matches("./")))
}

/// What a package's `exports` say of a path in it.
fn exported(exports: &Value, sub: &str, by: By) -> Option<String> {
    let wanted = format!(".{sub}");
    match exports {
        Value::Object(map) if map.keys().any(|key| key.starts_with('.')) => {
            if let Some(target) = map.get(&wanted) {
                return conditional(target, by);
            }
            map.iter().find_map(|(key, target)| {
                let (before, after) = key.split_once('*')?;
                let star = wanted.strip_prefix(before)?.strip_suffix(after)?;
                Some(conditional(target, by)?.replace('*', star))
            })
        }
        target if sub.is_empty() => conditional(target, by),
        _ => None,
    }
}

fn conditional(target: &Value, by: By) -> Option<String> {
    let conditions: &[&str] = if by == By::Import { &CONDITIONS } else { &CONDITIONS_OF_REQUIRE };
    match target {
        Value::String(path) => Some(path.clone()),
        Value::Array(list) => list.iter().find_map(|target| conditional(target, by)),
        Value::Object(map) => conditions.iter().find_map(|condition| conditional(map.get(*condition)?, by)),
        _ => None,
    }
}

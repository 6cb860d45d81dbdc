//! The shape of the source: who may use whom, and the limits that keep it readable.

use std::path::{Path, PathBuf};

use tests::program::root;

/// A module of the engine, and the other modules it may use. `local`, `distributed`, `steer`, `up` and `cli` see several; nobody else
/// sees a neighbour.
const MAY_USE: &[(&str, &[&str])] = &[
    ("scenario", &[]),
    ("sources", &[]),
    ("build", &["component", "console", "sources"]),
    ("new", &["build", "console", "sources"]),
    ("doctor", &["build", "console"]),
    ("watch", &["wire", "shutdown", "component", "console", "build"]),
    ("inspect", &["wire", "component", "console", "build"]),
    ("wire", &[]),
    ("shutdown", &[]),
    ("sink", &["wire"]),
    ("component", &["wire", "policy"]),
    ("duplicator", &["wire", "sink"]),
    ("stats", &["wire", "sink"]),
    ("collector", &["wire", "sink"]),
    ("recorder", &["wire", "sink", "descriptors"]),
    ("cat", &["wire"]),
    ("web", &["wire"]),
    ("exporter", &["wire", "sink", "web"]),
    ("console", &["wire"]),
    ("playground", &["web"]),
    ("policy", &[]),
    ("controller", &["wire", "scenario", "component", "policy"]),
    ("descriptors", &[]),
    ("runner", &["wire", "scenario", "component", "policy", "web", "descriptors"]),
    // Its processors are other components of the pipeline, and those of users have them as capabilities.
    ("receiver", &["wire", "sink", "component", "stats", "collector", "recorder"]),
    (
        "local",
        &[
            "wire",
            "shutdown",
            "sink",
            "scenario",
            "component",
            "policy",
            "controller",
            "runner",
            "stats",
            "collector",
            "exporter",
            "console",
            "steer",
        ],
    ),
    (
        "cli",
        &[
            "local",
            "build",
            "inspect",
            "new",
            "doctor",
            "watch",
            "component",
            "console",
            "playground",
            "shutdown",
            "duplicator",
            "stats",
            "exporter",
            "collector",
            "recorder",
            "receiver",
            "cat",
            "distributed",
            "runner",
            "up",
            "descriptors",
        ],
    ),
    (
        "up",
        &[
            "shutdown",
            "component",
            "collector",
            "recorder",
            "exporter",
            "runner",
            "policy",
            "console",
            "steer",
            "distributed",
        ],
    ),
    ("steer", &["wire", "shutdown", "scenario", "component", "controller", "runner", "console"]),
    ("distributed", &["policy", "wire", "shutdown", "scenario", "component", "controller", "steer", "console"]),
    ("main", &[]),
    ("lib", &[]),
];

/// The one file of the engine with `unsafe`.
const UNSAFE: &str = "component/cache.rs";
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 60;

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a source directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The engine's files by their path below `engine/src`, with their text.
fn engine() -> Vec<(String, String)> {
    let base = root().join("engine/src");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&base).expect("below it").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("a source file"))
    };
    sources(&base).into_iter().map(read).collect()
}

fn module(file: &str) -> &str {
    file.split('/').next().expect("a path has a part").trim_end_matches(".rs")
}

/// Names after `crate::` in code, not in comments.
fn used(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            if at > 0 && line.as_bytes()[at - 1] == b'$' {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            used.push(rest[..end].to_owned());
        }
    }
    used
}

#[test]
fn modules_use_only_what_they_may() {
    for (file, text) in engine() {
        let module = module(&file);
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{file}: say in this test what module `{module}` may use"));
        for name in used(&text) {
            assert!(
                name == module || allowed.contains(&name.as_str()),
                "{file} uses {name}: {module} may use {allowed:?}"
            );
        }
    }
}

#[test]
fn the_core_knows_no_clock_socket_or_runtime() {
    for (file, text) in engine().into_iter().filter(|(file, _)| module(file) == "scenario") {
        for word in ["tokio", "Instant::now", "SystemTime", "std::net", "std::fs", "std::thread"] {
            assert!(!text.contains(word), "{file} has {word}: time and the world are arguments there");
        }
    }
}

#[test]
fn unsafe_stands_in_one_file() {
    let mut with: Vec<_> = engine()
        .into_iter()
        .filter(|(_, text)| {
            text.lines().any(|line| line.trim_start().starts_with("unsafe ") || line.contains(" unsafe {"))
        })
        .map(|(file, _)| file)
        .collect();
    with.sort();
    assert_eq!(with, [UNSAFE]);
    // The engine of JavaScript is a guest, in a sandbox, and has one as well.
    let guest = sources(&root().join("sdk/js/engine/src"));
    let is_unsafe = |path: &&PathBuf| std::fs::read_to_string(path).expect("a source").contains("unsafe ");
    let with: Vec<_> = guest.iter().filter(is_unsafe).filter_map(|path| path.file_name()).collect();
    assert_eq!(with, ["promises.rs"]);
}

/// What would open the sandbox if it were done elsewhere, or at all.
#[test]
fn each_door_of_the_sandbox_is_in_one_file() {
    let all = engine();
    for (word, file) in [
        ("WasiCtx::builder", Some("component/wasi.rs")),
        ("add_to_linker_async", Some("component/wasi.rs")),
        ("Store::new(", Some("component/store.rs")),
        ("precompile_component", Some("component/compiler/inside.rs")),
        ("component::Component::new(", None),
        (".inherit_", None),
        ("allow_tcp(true", None),
        ("preopened_dir", None),
    ] {
        let with: Vec<_> = all.iter().filter(|(_, text)| text.contains(word)).map(|(file, _)| file.as_str()).collect();
        assert_eq!(with, file.into_iter().collect::<Vec<_>>(), "`{word}`");
    }
}

#[test]
fn files_and_functions_fit() {
    let folders = [
        "engine/src",
        "engine/core/src",
        "sdk/rust",
        "sdk/js/engine/src",
        "journeys/hostile",
        "journeys/rust",
        "tests/src",
        "tests/tests",
        "benches/src",
    ];
    let mut over = Vec::new();
    for path in folders.iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let lines: Vec<&str> = text.lines().collect();
        let code = lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(lines.len());
        if code > FILE_LINES_MAX {
            over.push(format!("{}: {code} lines", path.display()));
        }
        over.extend(long_functions(&lines[..code]).into_iter().map(|long| format!("{}: {long}", path.display())));
    }
    assert!(over.is_empty(), "too long:\n{}", over.join("\n"));
}

/// Functions longer than may be: from `fn` to the brace at the same depth.
fn long_functions(lines: &[&str]) -> Vec<String> {
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_fn = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn ", "pub(crate) fn ", "const fn "];
        // One without a body is a trait's; one in a line is short.
        if !is_fn.iter().any(|prefix| code.starts_with(prefix)) || code.ends_with([';', '}']) {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[start..].iter().position(|line| *line == close).map_or(1, |length| length + 1);
        if length > FUNCTION_LINES_MAX {
            long.push(format!("line {}: a function of {length} lines", start + 1));
        }
    }
    long
}

#[test]
fn every_interface_has_its_file_in_the_host() {
    for (wit, host, given) in [
        // Beside the world: what guests give instead of use.
        ("wit", "engine/src/runner/host", ["journey", "journeys", "scenarios", "hooks"].as_slice()),
        ("wit/processor", "engine/src/receiver/host", &["processor", "processors"]),
    ] {
        for entry in std::fs::read_dir(root().join(wit)).expect("the WIT") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            if path.is_dir() || given.contains(&name.as_str()) {
                continue;
            }
            assert!(
                root().join(host).join(format!("{name}.rs")).is_file(),
                "interface {name} has no file {host}/{name}.rs"
            );
        }
    }
}

//! Whether the files of a source have been saved: by looking at their times.

use std::path::Path;
use std::time::SystemTime;

/// The most files that are looked at, and folders within folders. Changes of others aren't seen.
const FILES_MAX: usize = 5_000;
const DEPTH_MAX: u32 = 16;
/// What tools leave behind, beside all names with a dot in front and virtual environments.
const LEFT_OUT: [&str; 3] = ["__pycache__", "node_modules", "target"];
const ENDINGS: [&str; 15] =
    ["rs", "toml", "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "csv", "jsonl", "msgpack"];

/// How the files of a directory are at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Each one's path, time and size.
    files: Vec<(std::path::PathBuf, SystemTime, u64)>,
}

impl Files {
    pub fn of(directory: &Path) -> Self {
        let mut files = Vec::new();
        walk(directory, DEPTH_MAX, &mut files);
        files.sort();
        Self { files }
    }

    /// When the newest of what has changed since then was saved; none: nothing has changed. What is gone was saved now.
    pub fn saved_since(&self, before: &Self, now: SystemTime) -> Option<SystemTime> {
        if self == before {
            return None;
        }
        let changed = self.files.iter().filter(|file| !before.files.contains(file)).map(|(_, time, _)| *time);
        // A file may have a time from elsewhere, older or in the future.
        Some(changed.max().filter(|time| *time <= now).unwrap_or(now))
    }
}

fn walk(directory: &Path, depth: u32, files: &mut Vec<(std::path::PathBuf, SystemTime, u64)>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') || LEFT_OUT.contains(&&*name) || files.len() >= FILES_MAX {
            continue;
        }
        // One that has just gone is seen as gone.
        let Ok(about) = std::fs::metadata(&path) else { continue };
        if about.is_dir() {
            if depth > 0 && !path.join("pyvenv.cfg").exists() {
                walk(&path, depth - 1, files);
            }
        } else if path.extension().and_then(|it| it.to_str()).is_some_and(|it| ENDINGS.contains(&it)) {
            files.push((path, about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_saved_is_seen_and_nothing_else() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        let write = |name: &str, seconds: u64| {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "x").unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            std::fs::File::options().append(true).open(at(name)).unwrap().set_modified(time).unwrap();
            time
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        write("journeys.py", 10);
        let before = Files::of(desk.path());
        assert_eq!(Files::of(desk.path()).saved_since(&before, now), None);
        for other in ["journeys.wasm", ".git/x.py", "target/x.rs", "env/pyvenv.cfg", "env/x.py"] {
            write(other, 20);
            assert_eq!(Files::of(desk.path()).saved_since(&before, now), None, "{other}");
        }
        let saved = write("lib/more.py", 30);
        assert_eq!(Files::of(desk.path()).saved_since(&before, now), Some(saved), "a new one");
        let saved = write("journeys.py", 40);
        assert_eq!(Files::of(desk.path()).saved_since(&before, now), Some(saved), "the newest");
        let before = Files::of(desk.path());
        std::fs::remove_file(at("lib/more.py")).unwrap();
        assert_eq!(Files::of(desk.path()).saved_since(&before, now), Some(now), "one that is gone");
        write("journeys.py", 500);
        assert_eq!(Files::of(desk.path()).saved_since(&before, now), Some(now), "one of the future");
    }
}

//! Names of data, which are never paths.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Bytes of a name.
const BYTES_MAX: usize = 200;

/// A name that is a file's name in one directory whatever somebody sends: no separators, nothing hidden, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    pub fn path(&self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.msgpack", self.0))
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = || text.chars().take(BYTES_MAX).collect::<String>().escape_debug().to_string();
        let bad = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
        if text.is_empty() {
            Err("a name that is empty or no text".to_owned())
        } else if text.len() > BYTES_MAX {
            Err(format!("the name `{}...`, which has more than {BYTES_MAX} bytes", shown()))
        } else if text.starts_with('.') || text.contains(bad) {
            Err(format!("the name `{}`, which is no plain name: without / \\ : and no dot in front", shown()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_paths() {
        for (text, good) in [
            ("users", true),
            ("users.v2", true),
            ("new users é", true),
            ("a".repeat(200).as_str(), true),
            ("a".repeat(201).as_str(), false),
            ("", false),
            (".", false),
            ("..", false),
            (".lock", false),
            ("../users", false),
            ("/etc/passwd", false),
            ("a/b", false),
            ("a\\b", false),
            ("c:users", false),
            ("a\0b", false),
            ("a\nb", false),
        ] {
            let name = text.parse::<Name>();
            assert_eq!(name.is_ok(), good, "{text:?}: {name:?}");
            if let Ok(name) = name {
                assert_eq!(name.path(Path::new("dir")).parent(), Some(Path::new("dir")));
            }
        }
    }
}

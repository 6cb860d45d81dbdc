//! One hash of all that a component is made of: built again only if it has changed.

use std::path::Path;

use sha2::{Digest, Sha256};

/// The most files and bytes of a source that are looked at. One that has more is built each time.
const FILES_MAX: usize = 5_000;
const BYTES_MAX: u64 = 256 << 20;

/// What a hash is of.
pub struct Inputs {
    digest: Sha256,
    files: usize,
    bytes: u64,
    /// Something could not be read, or was too much: nobody can say whether it has changed.
    unknown: bool,
}

impl Inputs {
    /// Begins with the toolchain's versions and whatever else counts.
    pub fn new(words: &[&str]) -> Self {
        let mut inputs = Self { digest: Sha256::new(), files: 0, bytes: 0, unknown: false };
        words.iter().for_each(|word| inputs.add(word.as_bytes()));
        inputs
    }

    fn add(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_le_bytes());
        self.digest.update(bytes);
    }

    /// Adds a file: its name in the component and its content.
    pub fn file(&mut self, name: &str, path: &Path) {
        let bytes = std::fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.files > FILES_MAX || self.bytes > BYTES_MAX {
            self.unknown = true;
            return;
        }
        match std::fs::read(path) {
            Ok(content) => {
                self.add(name.as_bytes());
                self.add(&content);
            }
            Err(_) => self.unknown = true,
        }
    }

    /// Adds the names in a directory: what is installed in an environment, without reading it all. One that isn't there has none.
    pub fn names(&mut self, directory: &Path) {
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        self.add(directory.as_os_str().as_encoded_bytes());
        names.iter().for_each(|name| self.add(name.as_encoded_bytes()));
    }

    /// None: something could not be read, or it is more than is looked at.
    pub fn hash(self) -> Option<String> {
        let hash = || self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (!self.unknown).then(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_changes_with_all_that_counts() {
        let desk = tempfile::tempdir().unwrap();
        let (file, packages) = (desk.path().join("journeys.py"), desk.path().join("packages"));
        std::fs::create_dir(&packages).unwrap();
        std::fs::write(&file, "a = 1").unwrap();
        let hash = |version: &str, name: &str| {
            let mut inputs = Inputs::new(&[version]);
            inputs.file(name, &file);
            inputs.names(&packages);
            inputs.hash().unwrap()
        };
        let first = hash("1", "journeys.py");
        assert_eq!(hash("1", "journeys.py"), first);
        assert_ne!(hash("2", "journeys.py"), first, "the toolchain");
        assert_ne!(hash("1", "other.py"), first, "a name");
        std::fs::write(packages.join("attrs-1.dist-info"), "").unwrap();
        let second = hash("1", "journeys.py");
        assert_ne!(second, first, "what is installed");
        std::fs::write(&file, "a = 2").unwrap();
        assert_ne!(hash("1", "journeys.py"), second, "a file's content");
    }

    #[test]
    fn what_can_not_be_read_is_never_unchanged() {
        let mut inputs = Inputs::new(&[]);
        inputs.file("x", Path::new("/nowhere/at/all"));
        assert_eq!(inputs.hash(), None);
        let mut inputs = Inputs::new(&[]);
        (0..=FILES_MAX).for_each(|_| inputs.file("x", Path::new("/dev/null")));
        assert_eq!(inputs.hash(), None, "too many");
    }
}

//! What is kept in the user's cache: components that were built, the program's own sources, private environments.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Error;
use crate::component::cache::Cache;
use crate::sources;

/// So many built components are kept; a Python one has 22 MB. The one that was built longest ago goes first.
const BUILT_MAX: usize = 16;
/// So many versions of the program's sources.
const SOURCES_MAX: usize = 4;
const HASH: &str = "inputs";
const PARTS: &str = "parts";

/// The directory, which nobody else can write to.
pub struct Store(PathBuf);

impl Store {
    pub fn open() -> Result<Self, Error> {
        // Programs are run in other directories than this one.
        let directory = Cache::open().and_then(|cache| std::path::absolute(cache.directory()).ok());
        directory.map(Self).ok_or(Error::NoCache)
    }

    /// Where all of it is.
    pub fn place(&self) -> &Path {
        &self.0
    }

    /// Where the private environment of this name is, whether it is there or not.
    pub fn environment(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The directory with these folders of the program's sources.
    pub fn sources(&self, folders: &[&str]) -> Result<PathBuf, Error> {
        let (all, digest) = (self.0.join("sources"), sources::digest(folders));
        let place = all.join(&digest[..16]);
        if place.is_dir() {
            return Ok(place);
        }
        let written = |path: &Path, done: std::io::Result<()>| {
            done.map_err(|source| Error::Write { path: path.to_owned(), source })
        };
        let fresh = all.join(format!("{}.{}.tmp", &digest[..16], std::process::id()));
        for folder in folders {
            written(&fresh, sources::unpack(folder, &fresh.join(folder)))?;
        }
        keep_newest(&all, SOURCES_MAX);
        match std::fs::rename(&fresh, &place) {
            // Another one was quicker.
            Err(_) if place.is_dir() => {
                // Nobody looks there again; what is left goes with the oldest.
                let _ = std::fs::remove_dir_all(&fresh);
                Ok(place)
            }
            renamed => written(&place, renamed).map(|()| place),
        }
    }

    /// Where the component of a source is kept.
    pub fn entry(&self, source: &Path, name: &str) -> Result<Entry, Error> {
        let source = source.canonicalize().unwrap_or_else(|_| source.to_owned());
        let key = Sha256::digest(source.as_os_str().as_encoded_bytes());
        let key: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let (all, directory) = (self.0.join("built"), self.0.join("built").join(key));
        if !directory.is_dir() {
            std::fs::create_dir_all(&directory).map_err(|source| Error::Write { path: directory.clone(), source })?;
            keep_newest(&all, BUILT_MAX);
        }
        Ok(Entry { directory, name: name.to_owned() })
    }
}

/// A built component, with the hash of what it was made of.
#[derive(Debug)]
pub struct Entry {
    directory: PathBuf,
    name: String,
}

impl Entry {
    pub fn component(&self) -> PathBuf {
        self.directory.join(format!("{}.wasm", self.name))
    }

    /// Where it is written first.
    pub fn draft(&self) -> PathBuf {
        self.directory.join(format!("{}.{}.tmp.wasm", self.name, std::process::id()))
    }

    /// Whether it was made of just this.
    pub fn is_of(&self, hash: &str) -> bool {
        let kept = std::fs::read_to_string(self.directory.join(HASH));
        self.component().is_file() && kept.is_ok_and(|kept| kept == format!("{} {hash}", self.name))
    }

    /// What it was made of when somebody was asked last; empty: nobody knows.
    pub fn parts(&self) -> String {
        std::fs::read_to_string(self.directory.join(PARTS)).unwrap_or_default()
    }

    /// Keeps that. What can't be kept is asked for again.
    pub fn keep_parts(&self, parts: &str) {
        let _ = std::fs::write(self.directory.join(PARTS), parts);
    }

    /// Puts the draft in its place. Without a hash it is not taken for anything later.
    pub fn finish(&self, hash: Option<&str>) -> Result<(), Error> {
        let failed = |path: PathBuf| move |source| Error::Write { path, source };
        let note = self.directory.join(HASH);
        match std::fs::remove_file(&note) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(note)(error)),
            _ => {}
        }
        std::fs::rename(self.draft(), self.component()).map_err(failed(self.component()))?;
        match hash {
            Some(hash) => std::fs::write(&note, format!("{} {hash}", self.name)).map_err(failed(note)),
            None => Ok(()),
        }
    }
}

/// Removes all but the newest entries of a directory. What can't be removed is tried again next time.
fn keep_newest(directory: &Path, most: usize) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut entries: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    entries.sort();
    for (_, path) in entries.iter().rev().skip(most) {
        let _ = std::fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_of_one_hash() {
        let desk = tempfile::tempdir().unwrap();
        let store = Store(desk.path().to_owned());
        let entry = store.entry(desk.path(), "journeys").unwrap();
        assert!(!entry.is_of("a"), "there is none");
        std::fs::write(entry.draft(), "x").unwrap();
        entry.finish(Some("a")).unwrap();
        assert!(entry.is_of("a") && !entry.is_of("b"));
        assert!(!store.entry(desk.path(), "other").unwrap().is_of("a"), "of another name");
        std::fs::write(entry.draft(), "y").unwrap();
        entry.finish(None).unwrap();
        assert!(!entry.is_of("a"), "nobody knows what of");
    }

    #[test]
    fn only_so_many_are_kept() {
        let desk = tempfile::tempdir().unwrap();
        let store = Store(desk.path().to_owned());
        for n in 0..BUILT_MAX + 5 {
            store.entry(&desk.path().join(n.to_string()), "journeys").unwrap();
        }
        assert_eq!(std::fs::read_dir(desk.path().join("built")).unwrap().count(), BUILT_MAX);
    }

    #[test]
    fn sources_are_unpacked_once() {
        let desk = tempfile::tempdir().unwrap();
        let store = Store(desk.path().to_owned());
        let place = store.sources(&["wit"]).unwrap();
        assert!(place.join("wit/http.wit").is_file());
        std::fs::write(place.join("mark"), "").unwrap();
        assert_eq!(store.sources(&["wit"]).unwrap(), place);
        assert!(place.join("mark").exists());
        assert_eq!(std::fs::read_dir(desk.path().join("sources")).unwrap().count(), 1, "no leavings");
    }
}

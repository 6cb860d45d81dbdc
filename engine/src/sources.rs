//! Parts of mite's repository that the program carries with it, so that projects are made and built wherever it is: the WIT,
//! the SDKs, the templates of `mite new`. `build.rs` collects them.

use std::path::Path;

use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The files of a folder of the repository, `sdk/rust`, by their paths below it.
pub fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(name, bytes)| Some((name.strip_prefix(folder)?.strip_prefix('/')?, *bytes)))
}

/// One hash of the names and contents of folders, in hexadecimal digits.
pub fn digest(folders: &[&str]) -> String {
    let mut digest = Sha256::new();
    for (name, bytes) in folders.iter().flat_map(|folder| files(folder)) {
        digest.update(name);
        digest.update([0]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the files of a folder below `to`, which need not be there.
pub fn unpack(folder: &str, to: &Path) -> std::io::Result<()> {
    for (name, bytes) in files(folder) {
        let path = to.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_has_what_projects_need() {
        for (folder, file) in [("wit", "http.wit"), ("sdk/rust", "src/lib.rs"), ("sdk/rust", "macros/Cargo.toml")] {
            assert!(files(folder).any(|(name, bytes)| name == file && !bytes.is_empty()), "{folder}/{file}");
        }
        assert!(files("sdk/rus").next().is_none(), "part of a name is no folder");
        assert!(FILES.iter().all(|(name, _)| !name.contains("__pycache__") && !name.contains("target/")));
    }

    #[test]
    fn a_digest_is_of_all_of_it() {
        assert_eq!(digest(&["wit"]), digest(&["wit"]));
        assert_ne!(digest(&["wit"]), digest(&["sdk/rust"]));
        assert_ne!(digest(&["wit"]), digest(&["wit", "sdk/rust"]));
    }
}

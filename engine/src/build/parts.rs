//! What a Python component is made of, as the SDK's builder says it: kept, so that nobody has to be asked again.

use std::path::Path;

use super::inputs::Inputs;

/// Files by name and path; what isn't there and would be one of them if it were; directories whose names count. A NUL behind each, and
/// one more behind each list.
pub struct Parts(String);

impl Parts {
    /// What the SDK has said.
    pub fn told(text: String) -> Self {
        Self(text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    fn lists(&self) -> [Vec<&Path>; 3] {
        let mut lists = [const { Vec::new() }; 3];
        let mut at = 0;
        for part in self.0.split('\0') {
            match (part.is_empty(), lists.get_mut(at)) {
                (true, _) => at += 1,
                (false, Some(list)) => list.push(Path::new(part)),
                (false, None) => break,
            }
        }
        lists
    }

    /// Whether no file has come that would be one of them.
    pub fn are_all(&self) -> bool {
        let [files, absent, _] = self.lists();
        !files.is_empty() && !absent.iter().any(|path| path.is_file())
    }

    pub fn add_to(&self, inputs: &mut Inputs) {
        let [files, _, directories] = self.lists();
        for pair in files.chunks_exact(2) {
            inputs.file(&pair[0].to_string_lossy(), pair[1]);
        }
        directories.iter().for_each(|directory| inputs.names(directory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_or_another_content_counts() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name).to_string_lossy().into_owned();
        std::fs::write(at("visit.py"), "a = 1").unwrap();
        let told = format!("visit.py\0{}\0\0{}\0\0{}\0\0", at("visit.py"), at("helper.py"), at(""));
        let hash = |told: &str| {
            let mut inputs = Inputs::new(&[]);
            Parts::told(told.to_owned()).add_to(&mut inputs);
            inputs.hash()
        };
        let (parts, first) = (Parts::told(told.clone()), hash(&told));
        assert!(parts.are_all() && first.is_some());
        std::fs::write(at("visit.py"), "a = 2").unwrap();
        let second = hash(&told);
        assert_ne!(second, first, "a content");
        std::fs::write(at("other.py"), "").unwrap();
        assert!(parts.are_all(), "nobody imports it");
        assert_ne!(hash(&told), second, "but it is in a directory that counts");
        std::fs::write(at("helper.py"), "").unwrap();
        assert!(!parts.are_all(), "this one is imported now");
        std::fs::remove_file(at("visit.py")).unwrap();
        assert_eq!(hash(&told), None, "one has gone");
        assert!(!Parts::told(String::new()).are_all(), "nobody has said anything");
    }
}

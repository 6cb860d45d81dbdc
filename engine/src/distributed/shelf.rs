//! The test's components, to be fetched piece by piece.

use std::collections::BTreeMap;

use crate::wire::control::ours::{Blob, PIECE, Piece};

/// By SHA-256 in hexadecimal digits.
#[derive(Debug, Default)]
pub struct Shelf(BTreeMap<String, Vec<u8>>);

impl Shelf {
    pub fn put(&mut self, sha256: String, component: Vec<u8>) {
        self.0.insert(sha256, component);
    }

    /// The bytes from an offset on; none at its end. None: there is no such component.
    pub fn piece(&self, sha256: &str, offset: u64) -> Option<Piece> {
        let component = self.0.get(sha256)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(component.len());
        let end = (start + PIECE).min(component.len());
        Some(Piece { bytes: Blob(component[start..end].to_vec()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        let mut shelf = Shelf::default();
        shelf.put("ab".into(), vec![7; PIECE + 10]);
        for (sha256, offset, bytes, why) in [
            ("ab", 0, Some(PIECE), "a whole piece"),
            ("ab", PIECE as u64, Some(10), "the rest"),
            ("ab", 3, Some(PIECE), "from anywhere on"),
            ("ab", PIECE as u64 + 10, Some(0), "its end"),
            ("ab", u64::MAX, Some(0), "far behind its end"),
            ("cd", 0, None, "nobody knows it"),
        ] {
            assert_eq!(shelf.piece(sha256, offset).map(|piece| piece.bytes.0.len()), bytes, "{why}");
        }
    }
}

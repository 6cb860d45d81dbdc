//! What shows that a file was written by this module: BLAKE3 keyed by a secret of the directory. It is looked at before each use of code,
//! of tens of megabytes for Python, so its speed is a component's time to start.

use std::io::Read;

use blake3::{Hash, Hasher};

/// Bytes of a secret and of a seal.
pub const BYTES: usize = blake3::OUT_LEN;
const _: () = assert!(blake3::KEY_LEN == BYTES);

/// Bytes of a file that are looked at together: they stay in the processor's cache.
const PIECE: usize = 256 << 10;

/// The key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

impl Secret {
    /// None: that is none.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The seal of a file's contents, good for that name only: what was compiled of one component is not taken for another's, nor a
    /// component for machine code.
    pub fn seal(&self, name: &str, contents: &[u8]) -> [u8; BYTES] {
        self.begun(name).update(contents).finalize().into()
    }

    /// Whether a file of so many bytes, from where it stands, is contents and behind them their seal. It is read piece by piece; that takes
    /// a time that doesn't tell where a wrong seal differs.
    pub fn is_sealed(&self, name: &str, file: &mut impl Read, bytes: u64) -> std::io::Result<bool> {
        let Some(mut left) = bytes.checked_sub(BYTES as u64) else { return Ok(false) };
        let mut hasher = self.begun(name);
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let read = file.read(&mut piece[..most])?;
            if read == 0 {
                return Ok(false);
            }
            hasher.update(&piece[..read]);
            left -= read as u64;
        }
        let mut seal = [0; BYTES];
        file.read_exact(&mut seal)?;
        // `Hash` compares in the same time whatever differs.
        Ok(hasher.finalize() == Hash::from_bytes(seal))
    }

    /// No name has a zero byte, so no two pairs of name and contents read the same.
    fn begun(&self, name: &str) -> Hasher {
        let mut hasher = Hasher::new_keyed(&self.0);
        hasher.update(name.as_bytes()).update(&[0]);
        hasher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_of_one_name_and_content() {
        let secret = Secret::new(&[1; BYTES]).unwrap();
        let seal = secret.seal("a.code", b"content");
        for (secret, seal, name, contents, good, why) in [
            (&secret, &seal[..], "a.code", &b"content"[..], true, "its own"),
            (&secret, &seal, "b.code", b"content", false, "another name"),
            (&secret, &seal, "a.made", b"content", false, "another kind"),
            (&secret, &seal, "a.code", b"contenu", false, "other contents"),
            (&secret, &seal, "a.codec", b"ontent", false, "the same bytes, parted elsewhere"),
            (&secret, &seal[..31], "a.code", b"content", false, "a part of it"),
            (&secret, b"", "a.code", b"content", false, "nothing"),
            (&Secret([2; BYTES]), &seal, "a.code", b"content", false, "another secret"),
        ] {
            let file = [contents, seal].concat();
            let sealed = secret.is_sealed(name, &mut file.as_slice(), file.len() as u64).unwrap();
            assert_eq!(sealed, good, "{why}");
        }
        assert!(Secret::new(&[1; 31]).is_none() && Secret::new(&[1; 33]).is_none());
    }
}

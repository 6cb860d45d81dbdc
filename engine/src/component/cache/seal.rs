//! What shows that a file was written by this module: HMAC-SHA-256 (RFC 2104), keyed by a secret of the directory.

use std::io::Read;

use sha2::{Digest, Sha256};

/// Bytes of a secret and of a seal.
pub const BYTES: usize = 32;
/// What SHA-256 takes at once.
const BLOCK: usize = 64;

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
        // No name has a zero byte, so no two pairs of name and contents read the same.
        self.hmac(&[name.as_bytes(), &[0], contents])
    }

    /// Whether a file of so many bytes, from where it stands, is contents and behind them their seal. It is read piece by piece; that takes
    /// a time that doesn't tell where a wrong seal differs.
    pub fn is_sealed(&self, name: &str, file: &mut impl Read, bytes: u64) -> std::io::Result<bool> {
        let Some(mut left) = bytes.checked_sub(BYTES as u64) else { return Ok(false) };
        let mut inner = self.inner();
        inner.update(name.as_bytes());
        inner.update([0]);
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let read = file.read(&mut piece[..most])?;
            if read == 0 {
                return Ok(false);
            }
            inner.update(&piece[..read]);
            left -= read as u64;
        }
        let mut seal = [0; BYTES];
        file.read_exact(&mut seal)?;
        let good = self.outer(inner);
        Ok(seal.iter().zip(good).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0)
    }

    fn hmac(&self, parts: &[&[u8]]) -> [u8; BYTES] {
        let mut inner = self.inner();
        parts.iter().for_each(|part| inner.update(part));
        self.outer(inner)
    }

    fn pad(&self, with: u8) -> [u8; BLOCK] {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(self.0).for_each(|(byte, secret)| *byte ^= secret);
        block
    }

    fn inner(&self) -> Sha256 {
        Sha256::new_with_prefix(self.pad(0x36))
    }

    fn outer(&self, inner: Sha256) -> [u8; BYTES] {
        Sha256::new_with_prefix(self.pad(0x5c)).chain_update(inner.finalize()).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1 and 2: a shorter key is one with zeros behind it.
    #[test]
    fn it_is_hmac() {
        for (key, data, want) in [
            (&[0x0b; 20][..], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let mut padded = [0; BYTES];
            padded[..key.len()].copy_from_slice(key);
            assert_eq!(crate::component::cache::hex(&Secret(padded).hmac(&[data])), want);
            assert_eq!(crate::component::cache::hex(&Secret(padded).hmac(&[&data[..3], &data[3..]])), want, "in parts");
        }
    }

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

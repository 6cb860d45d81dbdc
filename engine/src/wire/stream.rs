//! Files of msgpack values back to back, read one by one.

use std::io::{self, Read};

use super::value::{Malformed, Raw};

/// The largest value; a file with a larger one is read up to it.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
const READ_BYTES: usize = 64 << 10;

/// Reads values, each whole. Memory is bound by the largest.
pub struct Stream<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer was given out.
    given: usize,
    /// Where the file is over.
    ended: bool,
    /// Bytes of whole values so far.
    whole: u64,
}

/// Why a file can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The last value isn't all there: whoever wrote it was ended in the middle.
    #[error("it ends in the middle of a value, which begins at byte {at}")]
    Torn { at: u64 },
    #[error("at byte {at}: {why}")]
    Malformed { at: u64, why: Malformed },
    #[error("at byte {at}: a value has more than {VALUE_BYTES_MAX} bytes")]
    Large { at: u64 },
}

impl<R: Read> Stream<R> {
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), given: 0, ended: false, whole: 0 }
    }

    /// Bytes of the whole values that were read.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// The next value; none: that was all.
    pub fn value(&mut self) -> Result<Option<Raw<'_>>, Broken> {
        let size = loop {
            let rest = &self.buffer[self.given..];
            match Raw::split(rest) {
                Ok((value, _)) => break value.bytes().len(),
                Err(Malformed::Truncated) if self.ended && rest.is_empty() => return Ok(None),
                Err(Malformed::Truncated) if self.ended => return Err(Broken::Torn { at: self.whole }),
                Err(Malformed::Truncated) if rest.len() > VALUE_BYTES_MAX => {
                    return Err(Broken::Large { at: self.whole });
                }
                Err(Malformed::Truncated) => self.fill()?,
                Err(why) => return Err(Broken::Malformed { at: self.whole, why }),
            }
        };
        let from = self.given;
        self.given += size;
        self.whole += size as u64;
        Raw::whole(&self.buffer[from..from + size]).map(Some).map_err(|why| Broken::Malformed { at: self.whole, why })
    }

    /// Reads more: as much again as there is, so that a large value isn't looked at too often.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.given);
        self.given = 0;
        let more = self.buffer.len().max(READ_BYTES) as u64;
        self.ended = self.from.by_ref().take(more).read_to_end(&mut self.buffer)? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Result<(), String>) {
        let mut stream = Stream::new(bytes);
        let mut values = Vec::new();
        loop {
            match stream.value() {
                Ok(Some(value)) => values.push(value.bytes().to_vec()),
                Ok(None) => return (values, Ok(())),
                Err(broken) => return (values, Err(broken.to_string())),
            }
        }
    }

    #[test]
    fn values_whole_and_torn() {
        let long = [&b"\xc6\0\x10\0\0"[..], &vec![7; 1 << 20]].concat();
        for (bytes, values, end, why) in [
            (b"".to_vec(), 0, Ok(()), "nothing"),
            (b"\x01\xa1a\x80".to_vec(), 3, Ok(()), "some"),
            ([&long[..], b"\xc0", &long].concat(), 3, Ok(()), "large ones"),
            (b"\x01\xa5ab".to_vec(), 1, Err("it ends in the middle of a value, which begins at byte 1"), "torn"),
            (b"\x01\x02\xc1\x03".to_vec(), 2, Err("at byte 2: it has the byte 0xc1, which msgpack never uses"), "bad"),
        ] {
            let (got, ended) = read(&bytes);
            assert_eq!((got.len(), ended), (values, end.map_err(str::to_owned)), "{why}");
            assert!(bytes.starts_with(&got.concat()), "{why}");
        }
    }
}

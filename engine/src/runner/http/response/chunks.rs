//! Reading a chunked body (RFC 9112, 7.1).

use super::{Malformed, malformed, split};

/// Bytes around the data that say nothing: extensions and trailers of all chunks.
pub(super) const CHUNK_NOISE_MAX: usize = 16 * 1024;
/// Digits of a chunk's size.
const CHUNK_DIGITS_MAX: u32 = 15;

/// Where in such a body its reader is.
#[derive(Default)]
pub(super) struct Chunks {
    at: At,
    /// Of the chunk going on: its size while it is read, then what is to come.
    size: u64,
    digits: u32,
    noise: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    /// After the size, before the end of the line.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The beginning of a line of the trailer.
    Trailer,
    TrailerLine,
    TrailerLf,
    EndLf,
    Done,
}

impl Chunks {
    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Goes on by one piece of data or one byte of what is around it: bytes used, and the data among them.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, &'a [u8]), Malformed> {
        if self.at == At::Data {
            let (data, _) = split(bytes, self.size);
            self.size -= data.len() as u64;
            if self.size == 0 {
                self.at = At::DataCr;
            }
            return Ok((data.len(), data));
        }
        let Some(byte) = bytes.first() else { return Ok((0, &[])) };
        self.at = self.after(*byte)?;
        Ok((1, &[]))
    }

    fn after(&mut self, byte: u8) -> Result<At, Malformed> {
        if matches!(self.at, At::Extension | At::Trailer | At::TrailerLine) {
            self.noise += 1;
            if self.noise > CHUNK_NOISE_MAX {
                return Err(malformed(format!(
                    "extensions and trailers of the body have more than {CHUNK_NOISE_MAX} bytes"
                )));
            }
        }
        Ok(match (self.at, byte) {
            (At::Size, b'\r' | b';' | b' ' | b'\t') if self.digits > 0 => {
                if byte == b'\r' {
                    At::SizeLf
                } else {
                    At::Extension
                }
            }
            (At::Size, _) => {
                let digit = char::from(byte).to_digit(16).filter(|_| self.digits < CHUNK_DIGITS_MAX);
                let digit = digit.ok_or_else(|| malformed("a chunk of the body has no size"))?;
                self.size = self.size * 16 + u64::from(digit);
                self.digits += 1;
                At::Size
            }
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension, b'\n') | (At::TrailerLine, b'\n') => {
                return Err(malformed("a line of the chunked body ends in LF alone"));
            }
            (At::Extension, _) => At::Extension,
            (At::SizeLf, b'\n') => {
                self.digits = 0;
                if self.size == 0 { At::Trailer } else { At::Data }
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            (At::Trailer, b'\r') => At::EndLf,
            (At::TrailerLine, b'\r') => At::TrailerLf,
            (At::Trailer | At::TrailerLine, _) => At::TrailerLine,
            (At::TrailerLf, b'\n') => At::Trailer,
            (At::EndLf, b'\n') => At::Done,
            _ => return Err(malformed("a chunk of the body doesn't end where it should")),
        })
    }
}

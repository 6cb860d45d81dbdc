//! Frames: a byte of flags, a size of one or eight bytes, and as many bytes.

use super::{COMMAND_BYTES_MAX, Limits, Violation};

/// More frames of this message follow.
pub const MORE: u8 = 1;
/// The size takes eight bytes.
const LONG: u8 = 2;
/// A command, no frame of a message.
pub const COMMAND: u8 = 4;
/// The longest header, in bytes.
pub const HEADER_BYTES_MAX: usize = 9;

/// What stands before the bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub more: bool,
    pub command: bool,
    /// Of the header itself.
    pub header_bytes: usize,
    /// Of what follows it.
    pub body_bytes: usize,
}

impl Header {
    /// Of the frame that begins with these bytes; none: its header isn't all there yet. Flags are looked at as soon as they are
    /// there, so nonsense is seen before a size is waited for.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Option<Self>, Violation> {
        let Some(&flags) = bytes.first() else { return Ok(None) };
        if flags & !(MORE | LONG | COMMAND) != 0 || flags & (MORE | COMMAND) == MORE | COMMAND {
            return Err(Violation::Flags { flags });
        }
        let (header_bytes, size) = if flags & LONG == 0 {
            let Some(&size) = bytes.get(1) else { return Ok(None) };
            (2, u64::from(size))
        } else {
            let Some(size) = bytes.get(1..HEADER_BYTES_MAX).and_then(|size| size.try_into().ok()) else {
                return Ok(None);
            };
            (HEADER_BYTES_MAX, u64::from_be_bytes(size))
        };
        let command = flags & COMMAND != 0;
        let (what, limit) =
            if command { ("a command", COMMAND_BYTES_MAX) } else { ("a frame", limits.frame_bytes_max) };
        match usize::try_from(size).ok().filter(|size| *size <= limit) {
            Some(body_bytes) => Ok(Some(Self { more: flags & MORE != 0, command, header_bytes, body_bytes })),
            None => Err(Violation::TooLarge { what, bytes: size, limit }),
        }
    }

    /// Header and body together.
    pub fn frame_bytes(&self) -> usize {
        self.header_bytes + self.body_bytes
    }
}

/// What a frame with so many bytes takes.
pub fn frame_bytes(body_bytes: usize) -> usize {
    body_bytes + if body_bytes <= u8::MAX.into() { 2 } else { HEADER_BYTES_MAX }
}

/// Writes a frame; `flags` are [`MORE`], [`COMMAND`] or 0.
pub fn put(out: &mut Vec<u8>, flags: u8, body: &[u8]) {
    put_header(out, flags, body.len());
    out.extend_from_slice(body);
}

/// Writes what stands before a body of so many bytes.
pub fn put_header(out: &mut Vec<u8>, flags: u8, body_bytes: usize) {
    match u8::try_from(body_bytes) {
        Ok(size) => out.extend_from_slice(&[flags, size]),
        Err(_) => {
            let [a, b, c, d, e, f, g, h] = (body_bytes as u64).to_be_bytes();
            out.extend_from_slice(&[flags | LONG, a, b, c, d, e, f, g, h]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let ok = |more, command, header_bytes, body_bytes| Ok(Some(Header { more, command, header_bytes, body_bytes }));
        let large = |what, bytes, limit| Err(Violation::TooLarge { what, bytes, limit });
        for (bytes, want, why) in [
            (&b""[..], Ok(None), "nothing yet"),
            (b"\0", Ok(None), "no size yet"),
            (b"\0\0", ok(false, false, 2, 0), "an empty frame"),
            (b"\x01\xff", ok(true, false, 2, 255), "the longest short one"),
            (b"\x02\0\0\0\0\0\0\x01", Ok(None), "a part of a size"),
            (b"\x02\0\0\0\0\0\0\x01\0", ok(false, false, 9, 256), "the shortest long one"),
            (b"\x02\0\0\0\0\0\0\0\x05", ok(false, false, 9, 5), "long without need"),
            (b"\x04\x05", ok(false, true, 2, 5), "a command"),
            (b"\x06\0\0\0\0\0\x01\0\0", ok(false, true, 9, 65_536), "the largest command"),
            (b"\x06\0\0\0\0\0\x01\0\x01", large("a command", 65_537, 65_536), "a command too large"),
            (b"\x02\0\0\0\0\x01\0\0\0", ok(false, false, 9, 16 << 20), "the largest frame"),
            (b"\x02\0\0\0\0\x01\0\0\x01", large("a frame", (16 << 20) + 1, 16 << 20), "a byte more"),
            (b"\x03\xff\xff\xff\xff\xff\xff\xff\xff", large("a frame", u64::MAX, 16 << 20), "absurd"),
            (b"\x05", Err(Violation::Flags { flags: 5 }), "a command has no more"),
            (b"\x08", Err(Violation::Flags { flags: 8 }), "a flag that doesn't exist"),
            (b"GET / HTTP/1.1", Err(Violation::Flags { flags: b'G' }), "another protocol"),
        ] {
            assert_eq!(Header::read(bytes, &Limits::default()), want, "{why}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for size in [0, 1, 255, 256, 65_536, 1 << 20] {
            for flags in [0, MORE] {
                let mut out = Vec::new();
                put(&mut out, flags, &vec![7; size]);
                let header = Header::read(&out, &Limits::default()).unwrap().unwrap();
                assert_eq!((header.more, header.command, header.body_bytes), (flags == MORE, false, size));
                assert_eq!(header.frame_bytes(), out.len(), "{size}");
            }
        }
    }
}

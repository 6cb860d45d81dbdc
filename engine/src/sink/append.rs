//! A file that only grows, and only by whole things.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::wire::stream::{Broken, Stream};

/// What is pushed is on its way to the disk after the next [`flush`](Append::flush). If that fails, the file keeps no half of anything and
/// what was pushed is kept for the next try.
#[derive(Debug)]
pub struct Append {
    file: File,
    /// Bytes of the file that are good.
    good: u64,
    buffer: Vec<u8>,
}

impl Append {
    /// A file that must not be there yet.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        Ok(Self::of(file, 0))
    }

    /// A file that may be there; it goes on behind what is in it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let good = file.seek(io::SeekFrom::End(0))?;
        Ok(Self::of(file, good))
    }

    fn of(file: File, good: u64) -> Self {
        Self { file, good, buffer: Vec::new() }
    }

    /// Where to write what comes next; whole things only.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Bytes that wait for [`Self::flush`].
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes in all: in the file, and waiting.
    pub fn len(&self) -> u64 {
        self.good + self.buffer.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands to the system what waits.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.buffer) {
            // A device has no length; and if this fails too, the next try cuts off what is left of this one or fails as well.
            drop(self.file.set_len(self.good));
            return Err(error);
        }
        self.good += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// What was wrong with the end of a file, and was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// What is left: whole messages.
    pub whole: u64,
    /// Bytes cut off.
    pub cut: u64,
}

/// Cuts off what a process that was killed has left half written: the last msgpack value, or the last line of a file that begins with
/// `{`. A file that is wrong elsewhere stays as it is.
pub fn mend(path: &Path) -> io::Result<Option<Torn>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut first = [0];
    let lines = file.read(&mut first)? == 1 && first == *b"{";
    file.rewind()?;
    let whole = if lines { end_of_lines(&mut file)? } else { end_of_values(&mut file)? };
    let Some(whole) = whole.filter(|whole| *whole < length) else { return Ok(None) };
    file.set_len(whole)?;
    Ok(Some(Torn { whole, cut: length - whole }))
}

/// Where the torn value begins, if there is one.
fn end_of_values(file: &mut File) -> io::Result<Option<u64>> {
    let mut stream = Stream::new(file);
    loop {
        match stream.value() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(Broken::Torn { at }) => return Ok(Some(at)),
            Err(Broken::Read(error)) => return Err(error),
            Err(Broken::Malformed { .. } | Broken::Large { .. }) => return Ok(None),
        }
    }
}

/// Behind the last line feed.
fn end_of_lines(file: &mut File) -> io::Result<Option<u64>> {
    let (mut at, mut end) = (0, 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Some(end));
        }
        if let Some(last) = buffer[..read].iter().rposition(|byte| *byte == b'\n') {
            end = at + last as u64 + 1;
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (before, after, why) in [
            (&b""[..], &b""[..], "nothing"),
            (b"\x81\xa1a\x01\x80", b"\x81\xa1a\x01\x80", "whole"),
            (b"\x81\xa1a\x01\x81\xa1a", b"\x81\xa1a\x01", "the last is torn"),
            (b"\x82\xa1a", b"", "the only one is torn"),
            (b"\x80\xc1\x81", b"\x80\xc1\x81", "wrong in the middle: not ours to mend"),
            (b"{\"a\": 1}\n{\"b\": 2}\n", b"{\"a\": 1}\n{\"b\": 2}\n", "whole lines"),
            (b"{\"a\": 1}\n{\"b\"", b"{\"a\": 1}\n", "the last line is torn"),
        ] {
            std::fs::write(&path, before).unwrap();
            let mended = mend(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), after, "{why}");
            let cut = (before.len() - after.len()) as u64;
            let want = Torn { whole: after.len() as u64, cut };
            assert_eq!(mended, Some(want).filter(|want| want.cut > 0), "{why}");
        }
    }

    #[test]
    fn a_failed_write_loses_and_tears_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut append = Append::create(&path).unwrap();
        append.buffer().extend_from_slice(b"one");
        append.flush().unwrap();
        let good = std::mem::replace(&mut append.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
        append.buffer().extend_from_slice(b"two");
        append.flush().unwrap_err();
        assert_eq!((append.waiting(), append.len()), (3, 6));
        // As if a part of it had been written.
        (&good).write_all(b"tw").unwrap();
        good.set_len(append.good).unwrap();
        append.file = good;
        append.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"onetwo");
        assert!(Append::create(&path).is_err(), "it is there");
        assert_eq!(Append::open(&path).unwrap().len(), 6);
    }
}

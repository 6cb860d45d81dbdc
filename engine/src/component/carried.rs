//! What a program carries behind itself: the engine of JavaScript journeys, started and compiled, so that the first of them on a machine
//! loads as fast as the second.
//!
//! `make build` lets the program write a copy of itself that carries it, since only the finished program can make it. It stands behind
//! the end of the executable, where no loader looks:
//!
//! ```text
//! executable, what is carried ..., index (msgpack: name, offset, length of each), length of the index (u64, little endian), MARK
//! ```
//!
//! It is trusted as the program itself is: whoever could change it could change the program.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a file that carries something ends with.
const MARK: &[u8; 16] = b"mite carries it!";
/// Bytes of an index; a longer one is none.
const INDEX_MAX: u64 = 64 << 10;
/// Bytes of one thing; a larger one is none.
const THING_MAX: u64 = 256 << 20;
/// The program that runs, even if its file was replaced meanwhile.
const SELF: &str = "/proc/self/exe";

type Index = Vec<(String, u64, u64)>;

/// What this program carries under that name.
pub fn find(name: &str) -> Option<Vec<u8>> {
    find_in(&mut File::open(SELF).ok()?, name)
}

fn find_in(file: &mut (impl Read + Seek), name: &str) -> Option<Vec<u8>> {
    let (index, _) = index(file)?;
    let (_, offset, length) = index.into_iter().find(|(known, ..)| known == name)?;
    if length > THING_MAX {
        return None;
    }
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut thing = Vec::new();
    file.take(length).read_to_end(&mut thing).ok()?;
    (thing.len() as u64 == length).then_some(thing)
}

/// The index of a file, and where the executable itself ends.
fn index(file: &mut (impl Read + Seek)) -> Option<(Index, u64)> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let tail = end.checked_sub(24)?;
    let (mut length, mut mark) = ([0; 8], [0; 16]);
    file.seek(SeekFrom::Start(tail)).ok()?;
    file.read_exact(&mut length).ok()?;
    file.read_exact(&mut mark).ok()?;
    let length = u64::from_le_bytes(length);
    if mark != *MARK || length > INDEX_MAX {
        return None;
    }
    file.seek(SeekFrom::Start(tail.checked_sub(length)?)).ok()?;
    let mut packed = Vec::new();
    file.take(length).read_to_end(&mut packed).ok()?;
    let index: Index = rmp_serde::from_slice(&packed).ok()?;
    let first = index.iter().map(|(_, offset, _)| *offset).min()?;
    Some((index, first))
}

/// Writes a copy of this program that carries these things, and nothing that this one carries. Whole or not at all; `to` may be the
/// program's own file.
pub fn write(to: &Path, things: &[(String, Vec<u8>)]) -> io::Result<()> {
    let mut program = File::open(SELF)?;
    let end = match index(&mut program) {
        Some((_, end)) => end,
        None => program.metadata()?.len(),
    };
    program.seek(SeekFrom::Start(0))?;
    let temporary = to.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o755).open(&temporary)?;
        io::copy(&mut program.take(end), &mut out)?;
        out.write_all(&tail(end, things)?)?;
        std::fs::rename(&temporary, to)
    })();
    if written.is_err() {
        // There may be none.
        drop(std::fs::remove_file(&temporary));
    }
    written
}

/// What follows an executable of that length.
fn tail(mut offset: u64, things: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let (mut tail, mut index) = (Vec::new(), Index::new());
    for (name, thing) in things {
        tail.extend_from_slice(thing);
        index.push((name.clone(), offset, thing.len() as u64));
        offset += thing.len() as u64;
    }
    let packed = rmp_serde::to_vec(&index).map_err(io::Error::other)?;
    tail.extend_from_slice(&packed);
    tail.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    tail.extend_from_slice(MARK);
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn carrying(things: &[(&str, &[u8])]) -> Vec<u8> {
        let things: Vec<_> = things.iter().map(|(name, thing)| ((*name).to_owned(), thing.to_vec())).collect();
        [&b"\x7fELF and more"[..], &tail(13, &things).unwrap()].concat()
    }

    #[test]
    fn what_is_carried_is_found() {
        let mut file = Cursor::new(carrying(&[("a.code", b"compiled"), ("empty", b""), ("b.made", b"made")]));
        for (name, thing) in
            [("a.code", Some(&b"compiled"[..])), ("empty", Some(b"")), ("b.made", Some(b"made")), ("c", None)]
        {
            assert_eq!(find_in(&mut file, name).as_deref(), thing, "{name}");
        }
        assert_eq!(index(&mut file).unwrap().1, 13, "where the executable ends");
    }

    #[test]
    fn what_is_not_whole_carries_nothing() {
        let whole = carrying(&[("a", b"thing")]);
        for cut in 0..whole.len() {
            assert_eq!(find_in(&mut Cursor::new(&whole[..cut]), "a"), None, "{cut} bytes of it");
        }
        for at in 18..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x80;
            let found = find_in(&mut Cursor::new(broken), "a");
            assert!(found.is_none_or(|thing| thing.len() == 5), "byte {at}: never more than there is");
        }
        assert_eq!(find("a"), None, "the program of the tests carries nothing");
    }
}

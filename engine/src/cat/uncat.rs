//! `mite uncat`: lines of JSON on standard input, msgpack on standard output.

use std::io::{self, BufRead, BufWriter, Read, Write};

use super::{Error, written};
use crate::wire::json;
use crate::wire::stream::VALUE_BYTES_MAX;

/// Options of `mite uncat`: none.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Writes a value for each line that isn't empty. A line that is none ends it, and nothing of it is written.
pub fn run() -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let packed = pack(io::stdin().lock(), &mut out);
    let flushed = out.flush();
    match packed {
        Err(Error::Write(error)) => written(Err(error)),
        Err(error) => written(flushed).and(Err(error)),
        Ok(()) => written(flushed),
    }
}

fn pack(mut lines: impl BufRead, out: &mut impl Write) -> Result<(), Error> {
    let (mut line, mut value) = (Vec::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let wrong = |why| Error::Line { line: number, why };
        let read = lines.by_ref().take(2 * VALUE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        if read.map_err(|error| wrong(error.to_string()))? == 0 {
            break;
        }
        if line.len() >= 2 * VALUE_BYTES_MAX {
            return Err(wrong(format!("it has {} bytes or more", line.len())));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        value.clear();
        json::read(&line, &mut value).map_err(|error| wrong(error.to_string()))?;
        out.write_all(&value).map_err(Error::Write)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_values() {
        let mut out = Vec::new();
        pack(&b"{\"type\": \"txn\"}\n\n  7  \n{\"$bytes\": \"hi\"}"[..], &mut out).unwrap();
        assert_eq!(out, b"\x81\xa4type\xa3txn\x07\xc4\x02hi");
        out.clear();
        let error = pack(&b"1\n{2}\n3\n"[..], &mut out).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of standard input: it is not JSON"), "{error}");
        assert_eq!(out, b"\x01", "what was good before it");
    }
}

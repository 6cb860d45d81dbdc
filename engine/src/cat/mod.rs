//! `mite cat` and `mite uncat`: files of msgpack as lines of JSON, and back.

mod clock;
pub mod uncat;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;

use crate::wire::json;
use crate::wire::stream::{Broken, Stream};
use crate::wire::value::Raw;

/// Fields that are Unix seconds.
const TIMES: [&str; 3] = ["time", "start_time", "end_time"];

/// Options of `mite cat`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A file of a collector or recorder; `-` is standard input
    #[arg(value_name = "MSGPACK_FILE")]
    pub file: PathBuf,
    /// Show `time`, `start_time` and `end_time` as text such as 2026-11-22T07:51:12.500000Z (`mite uncat` leaves that text)
    #[arg(long)]
    pub prettify_timestamps: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no file of messages: after {count} of them, {why}", path.display())]
    Broken { path: PathBuf, count: u64, why: Broken },
    #[error("line {line} of standard input: {why}")]
    Line { line: u64, why: String },
    #[error("can't write to standard output: {0}")]
    Write(#[source] io::Error),
}

impl Error {
    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Write(_)) { 1 } else { 104 }
    }
}

/// Prints a line for each value; what is whole is printed even if the file is torn.
pub fn run(args: &Args) -> Result<(), Error> {
    let path = args.file.clone();
    let read = |source| Error::Read { path: path.clone(), source };
    let from: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&path).map_err(read)?;
        if file.metadata().map_err(read)?.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        Box::new(file)
    };
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let printed = print(Stream::new(from), args.prettify_timestamps, &mut out);
    let flushed = out.flush();
    match printed {
        Err(Stop::Write(error)) => written(Err(error)),
        Err(Stop::Broken { why: Broken::Read(source), .. }) => Err(read(source)),
        Err(Stop::Broken { count, why }) => written(flushed).and(Err(Error::Broken { path, count, why })),
        Ok(()) => written(flushed),
    }
}

/// Whoever reads has seen enough: that is no error.
fn written(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

#[derive(Debug)]
enum Stop {
    Write(io::Error),
    Broken { count: u64, why: Broken },
}

fn print<R: Read>(mut stream: Stream<R>, prettify: bool, out: &mut impl Write) -> Result<(), Stop> {
    let mut line = Vec::new();
    let mut count = 0;
    while let Some(value) = stream.value().map_err(|why| Stop::Broken { count, why })? {
        count += 1;
        line.clear();
        if prettify {
            json::write_with(&mut line, value, time);
        } else {
            json::write(&mut line, value);
        }
        line.push(b'\n');
        out.write_all(&line).map_err(Stop::Write)?;
    }
    Ok(())
}

/// Writes a time as text, if this is one.
fn time(out: &mut Vec<u8>, key: &str, value: Raw<'_>) -> bool {
    let Some(text) = value.as_f64().filter(|_| TIMES.contains(&key)).and_then(clock::utc) else { return false };
    out.extend_from_slice(format!("\"{text}\"").as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cat(bytes: &[u8], prettify: bool) -> (String, Result<(), Stop>) {
        let mut out = Vec::new();
        let ended = print(Stream::new(bytes), prettify, &mut out);
        (String::from_utf8(out).unwrap(), ended)
    }

    #[test]
    fn a_line_for_each() {
        let (text, ended) = cat(b"\x81\xa4type\xa3txn\x07\xc4\x02hi", false);
        assert_eq!(text, "{\"type\": \"txn\"}\n7\n{\"$bytes\": \"hi\"}\n");
        ended.unwrap();
        let (text, ended) = cat(b"\x01\xa5ab", false);
        assert_eq!(text, "1\n", "what is whole");
        assert!(matches!(ended, Err(Stop::Broken { count: 1, why: Broken::Torn { at: 1 } })), "{ended:?}");
    }

    #[test]
    fn times_as_text() {
        let message = b"\x84\xa4time\xcb\x41\xda\xc0\xa7\xbc\x20\x00\x00\xaastart_time\x07\xa8end_time\xc0\xa1x\x07";
        let (text, ended) = cat(message, true);
        ended.unwrap();
        let want = r#"{"time": "2026-11-22T07:51:12.500000Z", "start_time": "1970-01-01T00:00:07.000000Z", "end_time": null, "x": 7}"#;
        assert_eq!(text.trim_end(), want);
        assert_eq!(cat(b"\x07\x90", true).0, "7\n[]\n", "what is no map is no trouble");
    }
}

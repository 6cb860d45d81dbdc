//! Where data of datapools comes from: a component, or a file next to the test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::component::definition::Definition;
use crate::scenario::POOL_MAX;
use crate::wire::value::Raw;

/// The largest row of a file; a longer one is an error that names it.
const ROW_BYTES_MAX: usize = 1 << 20;
/// The largest msgpack file: it is read whole.
const MSGPACK_BYTES_MAX: u64 = 1 << 30;
/// All items of a pool that is kept whole.
const POOL_BYTES_MAX: usize = 1 << 30;

/// What can be wrong with data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't read datapool {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("datapool {} row {row}: {reason}", path.display())]
    Row { path: PathBuf, row: u64, reason: String },
    #[error(
        "datapool {} is outside of the working directory: a component may only name files below it; give the file on the \
         command line instead", path.display()
    )]
    Outside { path: PathBuf },
    #[error("datapool {} has a name that doesn't say what it is: it must end in .csv, .jsonl or .msgpack", path.display())]
    Kind { path: PathBuf },
    #[error("datapool {} is empty", path.display())]
    Empty { path: PathBuf },
    #[error(
        "a recyclable datapool is kept whole and has at most {POOL_BYTES_MAX} bytes: give it fewer items, or make it iterable"
    )]
    TooLarge,
    #[error(transparent)]
    Component(#[from] crate::component::Error),
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    JsonLines,
    Msgpack,
}

/// A source of items, read in blocks.
pub enum Source {
    /// A datapool of the component, by name.
    Component(String),
    File(Rows),
}

impl Source {
    /// The next items, at most so many; fewer: that was all. Each is a msgpack array of arguments.
    pub async fn next(&mut self, definition: &mut Definition, most: u32) -> Result<Vec<Arc<[u8]>>, Error> {
        match self {
            Self::Component(name) => {
                let items = definition.items(name, most).await?;
                Ok(items.into_iter().map(Arc::from).collect())
            }
            Self::File(rows) => {
                let mut items = Vec::new();
                while items.len() < most as usize
                    && let Some(item) = rows.next()?
                {
                    items.push(Arc::from(item));
                }
                Ok(items)
            }
        }
    }

    /// All there is, up to the limit of a pool; one more shows that it is over.
    pub async fn all(&mut self, definition: &mut Definition) -> Result<Vec<Arc<[u8]>>, Error> {
        const BLOCK: u32 = 10_000;
        let (mut items, mut bytes) = (Vec::new(), 0);
        while items.len() <= POOL_MAX {
            let block = self.next(definition, BLOCK).await?;
            let last = block.len() < BLOCK as usize;
            bytes += block.iter().map(|item| item.len()).sum::<usize>();
            if bytes > POOL_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            items.extend(block);
            if last {
                break;
            }
        }
        Ok(items)
    }
}

/// The rows of a file.
pub struct Rows {
    path: PathBuf,
    row: u64,
    reader: Reader,
}

enum Reader {
    Csv(Box<csv::Reader<File>>),
    JsonLines(BufReader<File>),
    Msgpack { bytes: Vec<u8>, at: usize },
}

impl Rows {
    /// A file that a component names: only below the working directory, so that a component from elsewhere can't have
    /// whatever this user can read.
    pub fn of_component(path: &str, format: Format) -> Result<Self, Error> {
        let path = PathBuf::from(path);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        let below = match (path.canonicalize(), here) {
            (Ok(path), Ok(here)) => path.starts_with(here),
            // It isn't there: reading it says so.
            _ => true,
        };
        if inside && below { Self::open(&path, format) } else { Err(Error::Outside { path }) }
    }

    /// A file that the user names; its ending says what it is.
    pub fn of_user(path: &Path) -> Result<Self, Error> {
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Format::Csv,
            Some("jsonl" | "ndjson") => Format::JsonLines,
            Some("msgpack") => Format::Msgpack,
            _ => return Err(Error::Kind { path: path.to_owned() }),
        };
        Self::open(path, format)
    }

    fn open(path: &Path, format: Format) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        let reader = match format {
            Format::Csv => Reader::Csv(Box::new(csv::ReaderBuilder::new().from_reader(file))),
            Format::JsonLines => Reader::JsonLines(BufReader::new(file)),
            Format::Msgpack => {
                let mut bytes = Vec::new();
                file.take(MSGPACK_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
                Reader::Msgpack { bytes, at: 0 }
            }
        };
        Ok(Self { path: path.to_owned(), row: 0, reader })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next item; none: that was all.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.row += 1;
        let next = match &mut self.reader {
            Reader::Csv(reader) => csv_row(reader),
            Reader::JsonLines(reader) => json_row(reader),
            Reader::Msgpack { bytes, at } => msgpack_row(bytes, at),
        };
        let failed = |reason| Error::Row { path: self.path.clone(), row: self.row, reason };
        let next = next.map_err(failed)?;
        match next {
            Some(item) if item.len() > ROW_BYTES_MAX => Err(failed(format!("it has more than {ROW_BYTES_MAX} bytes"))),
            next => Ok(next),
        }
    }
}

/// A row is one argument: a map from the header's names to texts.
fn csv_row(reader: &mut csv::Reader<File>) -> Result<Option<Vec<u8>>, String> {
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut record = csv::StringRecord::new();
    if !reader.read_record(&mut record).map_err(|error| error.to_string())? {
        return Ok(None);
    }
    let row: std::collections::BTreeMap<&str, &str> = header.iter().zip(&record).collect();
    rmp_serde::to_vec(&(row,)).map(Some).map_err(|error| error.to_string())
}

/// An array is spread over the parameters, anything else is one argument. Empty lines are passed over.
fn json_row(reader: &mut BufReader<File>) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(ROW_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(None);
        }
        if line.len() > ROW_BYTES_MAX {
            return Err(format!("it has more than {ROW_BYTES_MAX} bytes"));
        }
        if !line.trim_ascii().is_empty() {
            break;
        }
    }
    let value: serde_json::Value = serde_json::from_slice(&line).map_err(|error| format!("it is not JSON: {error}"))?;
    let packed = if value.is_array() { rmp_serde::to_vec(&value) } else { rmp_serde::to_vec(&(value,)) };
    packed.map(Some).map_err(|error| error.to_string())
}

/// As JSON lines, without lines.
fn msgpack_row(bytes: &[u8], at: &mut usize) -> Result<Option<Vec<u8>>, String> {
    let rest = &bytes[*at..];
    if rest.is_empty() {
        return Ok(None);
    }
    let (value, _) = Raw::split(rest).map_err(|error| format!("it is not msgpack: {error}"))?;
    *at += value.bytes().len();
    let is_array = matches!(value.bytes()[0], 0x90..=0x9f | 0xdc | 0xdd);
    let mut item = Vec::with_capacity(value.bytes().len() + 1);
    if !is_array {
        item.push(0x91);
    }
    item.extend_from_slice(value.bytes());
    Ok(Some(item))
}

#[cfg(test)]
mod tests;

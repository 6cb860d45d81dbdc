//! Writes every message to files, as it came: what is on the wire is what is in the file.
//!
//! The file being written is `current`; `current_start_time` says since when (Unix seconds). After so many messages it becomes
//! `<start>_<end>_<number>`, numbers from 0 in each process, and a new `current` begins. Nothing is ever written over, and what
//! a process before left behind as `current` is kept the same way.

mod files;
pub mod process;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use self::files::{CURRENT, NAMES_MAX, begin, disk, keep_leftover, lock, rename};
use crate::sink::Sink;
use crate::sink::append::Append;
use crate::wire::batch::Batch;
use crate::wire::json;
use crate::wire::value::{Fields, Raw};

/// Messages in a file unless told otherwise.
pub const ROLL: u64 = 10_000;
/// Bytes that wait for the next tick at most; more are written at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes that wait at most while the disk takes nothing; what comes then is lost and counted.
const HELD_BYTES_MAX: usize = 16 << 20;
/// Ticks (1 s) from one complaint about the disk to the next.
const COMPLAIN_TICKS: u64 = 4;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another collector writes to {}: give this one a --collector-dir of its own", directory.display())]
    Taken { directory: PathBuf },
    #[error("cannot {action} {}: make sure there is room and that it may be written", path.display())]
    Disk {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("--collector-roll is 0: a file has to take one message at least")]
    Roll,
    #[error("{} is full of files of this second: there are {NAMES_MAX} already", directory.display())]
    Names { directory: PathBuf },
}

/// How a collector writes.
#[derive(Clone, Debug)]
pub struct Settings {
    pub directory: PathBuf,
    /// Messages in a file.
    pub roll: u64,
    /// Types of messages to keep; none means all.
    pub types: Vec<String>,
    /// A line of JSON for each message (see [`wire::json`](crate::wire::json)) instead of its bytes.
    pub json: bool,
    /// When the disk takes nothing: hold what comes, up to 16 MiB, count what is lost beyond, and go on when there is room. Otherwise
    /// that is an error, which is final.
    pub patient: bool,
}

impl Settings {
    /// Every message, as it came.
    pub fn new(directory: &Path, roll: u64) -> Self {
        Self { directory: directory.to_owned(), roll, types: Vec::new(), json: false, patient: false }
    }
}

/// The sink.
#[derive(Debug)]
pub struct Collector {
    settings: Settings,
    /// Unix seconds.
    now: fn() -> u64,
    current: Append,
    /// When `current` began.
    start: u64,
    /// Messages in `current`, those of this process.
    count: u64,
    /// The next file's number.
    number: u64,
    /// `current` has its name already, and the next one isn't there yet.
    named: bool,
    counts: Counts,
    /// Why the disk takes nothing, and for how many ticks now.
    trouble: Option<(Error, u64)>,
    /// Unlocked when dropped.
    _lock: File,
}

/// Messages of a collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken: kept, or of a type that isn't wanted.
    pub messages: u64,
    /// Those not wanted.
    pub unwanted: u64,
    /// Those there was no room for. They were not taken.
    pub lost: u64,
}

impl Collector {
    /// Makes the directory if it is missing and keeps what is in it.
    pub fn open(directory: &Path, roll: u64) -> Result<Self, Error> {
        Self::with(Settings::new(directory, roll))
    }

    pub fn with(settings: Settings) -> Result<Self, Error> {
        Self::with_clock(settings, unix_seconds)
    }

    fn with_clock(settings: Settings, now: fn() -> u64) -> Result<Self, Error> {
        if settings.roll == 0 {
            return Err(Error::Roll);
        }
        let directory = &settings.directory;
        fs::create_dir_all(directory).map_err(disk("make the directory", directory))?;
        let lock = lock(directory)?;
        let mut number = 0;
        keep_leftover(directory, now(), &mut number)?;
        let (current, start) = begin(directory, now())?;
        let (count, counts) = (0, Counts::default());
        Ok(Self { settings, now, current, start, count, number, named: false, counts, trouble: None, _lock: lock })
    }

    /// Messages taken so far.
    pub fn messages(&self) -> u64 {
        self.counts.messages
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the disk takes nothing at the moment.
    pub fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    fn take_message(&mut self, message: &[u8]) -> Result<(), Error> {
        if !self.wants(message) {
            self.counts.messages += 1;
            self.counts.unwanted += 1;
            return Ok(());
        }
        if self.trouble.is_some() && self.current.waiting() + message.len() > HELD_BYTES_MAX {
            self.counts.lost += 1;
            return Ok(());
        }
        let buffer = self.current.buffer();
        if self.settings.json {
            line(buffer, message);
        } else {
            buffer.extend_from_slice(message);
        }
        self.counts.messages += 1;
        self.count += 1;
        if self.count >= self.settings.roll || self.current.waiting() >= BUFFER_BYTES { self.write() } else { Ok(()) }
    }

    fn wants(&self, message: &[u8]) -> bool {
        self.settings.types.is_empty()
            || type_of(message).is_some_and(|own| self.settings.types.iter().any(|wanted| wanted.as_bytes() == own))
    }

    /// Writes what waits; begins a new file if this one is full. A patient one that is in trouble waits for the next tick.
    fn write(&mut self) -> Result<(), Error> {
        if self.trouble.is_some() {
            return Ok(());
        }
        let written = self.try_write();
        self.bear(written)
    }

    fn try_write(&mut self) -> Result<(), Error> {
        let directory = &self.settings.directory;
        self.current.flush().map_err(|error| disk("write to", &directory.join(CURRENT))(error))?;
        if self.count < self.settings.roll {
            return Ok(());
        }
        let now = (self.now)();
        if !self.named {
            rename(directory, self.start, now, &mut self.number)?;
            self.named = true;
        }
        (self.current, self.start) = begin(directory, now)?;
        (self.count, self.named) = (0, false);
        Ok(())
    }

    /// An error is trouble for a patient one, and final for others.
    fn bear(&mut self, written: Result<(), Error>) -> Result<(), Error> {
        match written {
            Ok(()) => {
                if self.trouble.take().is_some() {
                    tracing::info!("writing again; {} messages were lost so far", self.counts.lost);
                }
                Ok(())
            }
            Err(error) if self.settings.patient => {
                let ticks = self.trouble.as_ref().map_or(0, |(_, ticks)| ticks + 1);
                if ticks.is_multiple_of(COMPLAIN_TICKS) {
                    let (held, lost) = (self.current.waiting(), self.counts.lost);
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    tracing::error!("{error}{cause}; {held} bytes wait, {lost} messages are lost so far");
                }
                self.trouble = Some((error, ticks));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Sink for Collector {
    type Error = Error;

    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        batch.messages().try_for_each(|message| self.take_message(message))
    }

    fn tick(&mut self) -> Result<(), Error> {
        let written = self.try_write();
        self.bear(written)
    }

    /// The last file stays `current`, as Python leaves it; the next collector gives it its name.
    fn close(&mut self) -> Result<(), Error> {
        self.try_write()
    }
}

/// The value of `type`, if it is text.
fn type_of(message: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields::new(message).ok()?;
    while let Some((key, value)) = fields.next_bytes().ok()? {
        if key == b"type" {
            return value.text_bytes();
        }
    }
    None
}

/// A message as a line; one that is no msgpack as its bytes.
fn line(buffer: &mut Vec<u8>, message: &[u8]) {
    match Raw::whole(message) {
        Ok(value) => json::write(buffer, value),
        Err(_) => json::write_bytes(buffer, message),
    }
    buffer.push(b'\n');
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;

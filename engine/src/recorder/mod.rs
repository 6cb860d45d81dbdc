//! Keeps data that journeys create: `data_created` messages append to `NAME.msgpack`, `purge_data` removes it. Such a file is a
//! datapool of a later test.

mod name;
pub mod process;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use self::name::Name;
use crate::descriptors;
use crate::sink::Sink;
use crate::sink::append::{Append, Torn, mend};
use crate::wire::batch::Batch;
use crate::wire::value::{Fields, Raw};

/// Files that are open at once, or a quarter of those that may be open in this process; the one not used for longest is closed for another.
const OPEN_MAX: u64 = 64;
/// Bytes that wait for the next tick in a file; more are written at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes that wait in all files while the disk takes nothing; data that comes then is lost and counted.
const HELD_BYTES_MAX: usize = 16 << 20;
/// Ticks (1 s) from one complaint to the next.
const COMPLAIN_TICKS: u64 = 4;
const LOCK: &str = ".lock";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another recorder writes to {}: give this one a --recorder-dir of its own", directory.display())]
    Taken { directory: PathBuf },
    #[error("cannot {action} {}: make sure there is room and that it may be written", path.display())]
    Disk {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All, of whatever type.
    pub messages: u64,
    /// Data appended to a file.
    pub recorded: u64,
    /// Files removed.
    pub purged: u64,
    /// Messages for the recorder that it can't use: no `data`, or a name that is none.
    pub refused: u64,
    /// Data there was no room for.
    pub lost: u64,
}

/// The sink.
pub struct Recorder {
    directory: PathBuf,
    open: HashMap<Name, Held>,
    open_max: usize,
    /// Grows with each use of a file.
    use_number: u64,
    counts: Counts,
    complained: Counts,
    /// For how many ticks the disk has taken nothing.
    trouble_ticks: Option<u64>,
    /// Why the last message was refused, until the next tick says it.
    refusal: Option<String>,
    /// Unlocked when dropped.
    _lock: File,
}

struct Held {
    file: Append,
    used: u64,
}

/// What a message asks for.
enum Wish<'a> {
    Record { name: &'a str, data: Option<Raw<'a>> },
    Purge { name: &'a str },
}

impl Recorder {
    /// Makes the directory if it is missing; what is in it stays.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(disk("make the directory", directory))?;
        let lock = lock(directory)?;
        let open_max = usize::try_from(OPEN_MAX.min(descriptors::limit() / 4)).unwrap_or(1).max(1);
        let (directory, open, counts) = (directory.to_owned(), HashMap::new(), Counts::default());
        Ok(Self {
            directory,
            open,
            open_max,
            use_number: 0,
            counts,
            complained: counts,
            trouble_ticks: None,
            refusal: None,
            _lock: lock,
        })
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn take_message(&mut self, message: &[u8]) {
        self.counts.messages += 1;
        let (name, wish) = match wish(message) {
            None => return,
            Some(wish @ (Wish::Record { name, .. } | Wish::Purge { name })) => (name.parse::<Name>(), wish),
        };
        let done = match (name, wish) {
            (Err(why), _) => Err(why),
            (Ok(_), Wish::Record { data: None, .. }) => Err("a data_created without data".to_owned()),
            (Ok(name), Wish::Record { data: Some(data), .. }) => self.record(name, data),
            (Ok(name), Wish::Purge { .. }) => self.purge(&name),
        };
        if let Err(why) = done {
            self.counts.refused += 1;
            self.refusal = Some(why);
        }
    }

    fn record(&mut self, name: Name, data: Raw<'_>) -> Result<(), String> {
        if self.trouble_ticks.is_some() {
            let waiting: usize = self.open.values().map(|held| held.file.waiting()).sum();
            // A file can't be opened or closed while the disk takes nothing.
            if waiting + data.bytes().len() > HELD_BYTES_MAX || !self.open.contains_key(&name) {
                self.counts.lost += 1;
                return Ok(());
            }
        }
        self.use_number += 1;
        let used = self.use_number;
        if let Err(error) = self.make_room(&name) {
            self.counts.lost += 1;
            return self.bear(Err(error));
        }
        let file = match self.open.get_mut(&name) {
            Some(held) => held,
            None => match open_file(&name.path(&self.directory)) {
                Ok(file) => self.open.entry(name).or_insert(Held { file, used }),
                Err(error) => {
                    self.counts.lost += 1;
                    return self.bear(Err(error));
                }
            },
        };
        file.used = used;
        file.file.buffer().extend_from_slice(data.bytes());
        self.counts.recorded += 1;
        if file.file.waiting() >= BUFFER_BYTES && self.trouble_ticks.is_none() {
            let written = self.flush();
            return self.bear(written);
        }
        Ok(())
    }

    /// Closes a file if this one has no place otherwise.
    fn make_room(&mut self, name: &Name) -> Result<(), Error> {
        if self.open.len() < self.open_max || self.open.contains_key(name) {
            return Ok(());
        }
        self.flush()?;
        let oldest = self.open.iter().min_by_key(|(_, held)| held.used).map(|(name, _)| name.clone());
        oldest.into_iter().for_each(|name| drop(self.open.remove(&name)));
        Ok(())
    }

    fn purge(&mut self, name: &Name) -> Result<(), String> {
        self.open.remove(name);
        let path = name.path(&self.directory);
        match fs::remove_file(&path) {
            Ok(()) => self.counts.purged += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::info!("there is no {} to purge", path.display());
            }
            Err(error) => return Err(format!("cannot remove {}: {error}", path.display())),
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        for (name, held) in &mut self.open {
            held.file.flush().map_err(|error| disk("write to", &name.path(&self.directory))(error))?;
        }
        Ok(())
    }

    /// Trouble with the disk is said, and tried again at the next tick.
    fn bear(&mut self, done: Result<(), Error>) -> Result<(), String> {
        match done {
            Ok(()) if self.trouble_ticks.take().is_some() => {
                tracing::info!("writing again; {} items of data were lost so far", self.counts.lost);
            }
            Ok(()) => {}
            Err(error) => {
                let ticks = self.trouble_ticks.map_or(0, |ticks| ticks + 1);
                if ticks.is_multiple_of(COMPLAIN_TICKS) {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    tracing::error!("{error}{cause}; {} items of data are lost so far", self.counts.lost);
                }
                self.trouble_ticks = Some(ticks);
            }
        }
        Ok(())
    }
}

impl Sink for Recorder {
    type Error = Error;

    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        batch.messages().for_each(|message| self.take_message(message));
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Error> {
        let written = self.flush();
        drop(self.bear(written));
        if let Some(why) = self.refusal.take() {
            let refused = self.counts.refused - self.complained.refused;
            tracing::warn!("{refused} messages refused, the last for: {why}");
            self.complained = self.counts;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.flush()
    }
}

/// What a message asks the recorder for; nothing: it isn't meant for it.
fn wish(message: &[u8]) -> Option<Wish<'_>> {
    let (mut kind, mut name, mut data) = (None, None, None);
    for field in Fields::new(message).ok()? {
        let field = field.ok()?;
        match field.key {
            "type" => kind = field.value.text(),
            // Nil is no name, as Python has it.
            "name" => name = Some(field.value).filter(|name| name.bytes() != [0xc0]),
            "data" => data = Some(field.value),
            _ => {}
        }
    }
    let name = name?.text().unwrap_or_default();
    match kind? {
        "data_created" => Some(Wish::Record { name, data }),
        "purge_data" => Some(Wish::Purge { name }),
        _ => None,
    }
}

fn open_file(path: &Path) -> Result<Append, Error> {
    if path.exists()
        && let Some(Torn { cut, .. }) = mend(path).map_err(disk("mend", path))?
    {
        tracing::warn!("{}: its last item was half written: {cut} bytes cut off", path.display());
    }
    Append::open(path).map_err(disk("open", path))
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(disk("make", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Taken { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(disk("lock", &path)(error)),
    }
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Disk { action, path, source }
}

#[cfg(test)]
mod tests;

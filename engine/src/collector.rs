//! Writes every message to files, as it came: what is on the wire is what is in the file.
//!
//! The file being written is `current`; `current_start_time` says since when (Unix seconds). After so many messages it becomes
//! `<start>_<end>_<number>`, numbers from 0 in each process, and a new `current` begins. Nothing is ever written over, and what
//! a process before left behind as `current` is kept the same way.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sink::Sink;
use crate::wire::batch::Batch;

/// Messages in a file unless told otherwise.
pub const ROLL: u64 = 10_000;
/// Bytes that wait for the next tick at most; more are written at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// How many names are tried for a file before giving up.
const NAMES_MAX: u64 = 100_000;

const CURRENT: &str = "current";
const START_TIME: &str = "current_start_time";
/// Locked as long as a collector writes here. It stays, so that there is never a moment without it.
const LOCK: &str = ".lock";

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

/// The sink. An error is final: what was not yet written then is lost, and the error says where.
#[derive(Debug)]
pub struct Collector {
    directory: PathBuf,
    roll: u64,
    /// Unix seconds.
    now: fn() -> u64,
    current: BufWriter<File>,
    /// When `current` began.
    start: u64,
    /// Messages in `current`, those of this process.
    count: u64,
    /// The next file's number.
    number: u64,
    messages: u64,
    /// Unlocked when dropped.
    _lock: File,
}

impl Collector {
    /// Makes the directory if it is missing and keeps what is in it.
    pub fn open(directory: &Path, roll: u64) -> Result<Self, Error> {
        Self::open_at(directory, roll, unix_seconds)
    }

    fn open_at(directory: &Path, roll: u64, now: fn() -> u64) -> Result<Self, Error> {
        if roll == 0 {
            return Err(Error::Roll);
        }
        fs::create_dir_all(directory).map_err(disk("make the directory", directory))?;
        let lock = lock(directory)?;
        let mut number = 0;
        keep_leftover(directory, now(), &mut number)?;
        let (current, start) = begin(directory, now())?;
        let directory = directory.to_owned();
        Ok(Self { directory, roll, now, current, start, count: 0, number, messages: 0, _lock: lock })
    }

    /// Messages taken so far.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Self { current, directory, .. } = self;
        current.write_all(bytes).map_err(|error| disk("write to", &directory.join(CURRENT))(error))
    }

    fn flush(&mut self) -> Result<(), Error> {
        let Self { current, directory, .. } = self;
        current.flush().map_err(|error| disk("write to", &directory.join(CURRENT))(error))
    }

    fn rotate(&mut self) -> Result<(), Error> {
        self.flush()?;
        let now = (self.now)();
        rename(&self.directory, self.start, now, &mut self.number)?;
        (self.current, self.start) = begin(&self.directory, now)?;
        self.count = 0;
        Ok(())
    }
}

impl Sink for Collector {
    type Error = Error;

    /// One write for all messages that go into the same file.
    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        let (mut from, mut to) = (0, 0);
        for message in batch.messages() {
            to += message.len();
            self.count += 1;
            self.messages += 1;
            if self.count >= self.roll {
                self.write(&batch.bytes()[from..to])?;
                self.rotate()?;
                from = to;
            }
        }
        if from < to { self.write(&batch.bytes()[from..to]) } else { Ok(()) }
    }

    fn tick(&mut self) -> Result<(), Error> {
        self.flush()
    }

    /// The last file stays `current`, as Python leaves it; the next collector gives it its name.
    fn close(&mut self) -> Result<(), Error> {
        self.flush()
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Disk { action, path, source }
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(disk("make", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Taken { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(disk("lock", &path)(error)),
    }
}

/// A new `current`. Its time is written first: whoever finds the file finds its time.
fn begin(directory: &Path, now: u64) -> Result<(BufWriter<File>, u64), Error> {
    let path = directory.join(START_TIME);
    fs::write(&path, now.to_string()).map_err(disk("write", &path))?;
    let path = directory.join(CURRENT);
    let file = OpenOptions::new().create_new(true).append(true).open(&path).map_err(disk("make", &path))?;
    Ok((BufWriter::with_capacity(BUFFER_BYTES, file), now))
}

/// Gives the `current` of a process before its name. An empty one goes.
fn keep_leftover(directory: &Path, now: u64, number: &mut u64) -> Result<(), Error> {
    let path = directory.join(CURRENT);
    let about = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        about => about.map_err(disk("read", &path))?,
    };
    if about.is_file() && about.len() == 0 {
        return fs::remove_file(&path).map_err(disk("remove", &path));
    }
    // A time that is missing or no number is not worth losing the messages: then it began when it was last written.
    let written = || about.modified().ok()?.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    let said = || fs::read_to_string(directory.join(START_TIME)).ok()?.trim().parse().ok();
    let start = said().or_else(written).unwrap_or(now);
    rename(directory, start, now, number)
}

/// The lock keeps other collectors away, so a name that is free stays free.
fn rename(directory: &Path, start: u64, end: u64, number: &mut u64) -> Result<(), Error> {
    let from = directory.join(CURRENT);
    for _ in 0..NAMES_MAX {
        let to = directory.join(format!("{start}_{end}_{number}"));
        *number += 1;
        // A broken symbolic link is there too.
        match fs::symlink_metadata(&to) {
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(disk("look for", &to)(error)),
        }
        return fs::rename(&from, &to).map_err(disk("rename to", &to));
    }
    Err(Error::Names { directory: directory.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("mite-collector-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn files(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name != LOCK)
                .collect();
            names.sort();
            names
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.0.join(name)).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(folder: &Folder, roll: u64) -> Collector {
        Collector::open_at(&folder.0, roll, || 1_000).unwrap()
    }

    fn batch(text: &str) -> Batch {
        let mut batch = Batch::default();
        text.split(' ').for_each(|message| batch.push(message.as_bytes()));
        batch
    }

    #[test]
    fn files_roll_after_so_many_messages_wherever_a_batch_ends() {
        let folder = Folder::new("roll");
        let mut collector = open(&folder, 3);
        for text in ["a", "b cc", "d e f g h i jjj", "k"] {
            collector.take(&batch(text)).unwrap();
        }
        collector.tick().unwrap();
        assert_eq!(folder.files(), ["1000_1000_0", "1000_1000_1", "1000_1000_2", CURRENT, START_TIME]);
        let contents: Vec<_> = folder.files().iter().map(|name| folder.read(name)).collect();
        assert_eq!(contents, ["abcc", "def", "ghi", "jjjk", "1000"]);
        assert_eq!(collector.messages(), 11);
    }

    #[test]
    fn the_tail_is_on_disk_after_a_tick_and_after_the_end() {
        let folder = Folder::new("tail");
        let mut collector = open(&folder, 100);
        collector.take(&batch("a b")).unwrap();
        collector.tick().unwrap();
        assert_eq!(folder.read(CURRENT), "ab");
        collector.take(&batch("c")).unwrap();
        collector.close().unwrap();
        assert_eq!(folder.read(CURRENT), "abc");
    }

    #[test]
    fn what_was_left_is_kept_and_nothing_is_written_over() {
        let folder = Folder::new("left");
        for (left, start, expected, why) in [
            ("one", Some("900"), "900_1000_0", "as its start time says"),
            ("two", Some("900"), "900_1000_1", "the name before is taken"),
            ("three", Some("../../900"), "_1000_0", "a start time that is none"),
            ("four", None, "_1000_1", "no start time: Python dies of it"),
        ] {
            fs::create_dir_all(&folder.0).unwrap();
            fs::write(folder.0.join(CURRENT), left).unwrap();
            let _ = fs::remove_file(folder.0.join(START_TIME));
            start.iter().for_each(|start| fs::write(folder.0.join(START_TIME), start).unwrap());
            drop(open(&folder, 10));
            let kept: Vec<_> = folder.files().into_iter().filter(|name| folder.read(name) == left).collect();
            assert_eq!(kept.len(), 1, "{why}");
            assert!(kept[0].contains("_1000_") && (start != Some("900") || kept[0] == expected), "{why}: {kept:?}");
        }
        assert_eq!(folder.read("900_1000_0"), "one");
        let before = folder.files();
        drop(open(&folder, 10));
        assert_eq!(folder.files(), before, "an empty one leaves nothing");
    }

    #[test]
    fn a_second_one_in_the_same_directory_is_refused() {
        let folder = Folder::new("second");
        let first = open(&folder, 10);
        let error = Collector::open(&folder.0, 10).unwrap_err().to_string();
        assert!(error.starts_with("another collector writes to ") && error.contains("--collector-dir"), "{error}");
        drop(first);
        open(&folder, 10);
        assert!(matches!(Collector::open(&folder.0, 0), Err(Error::Roll)));
    }

    #[test]
    fn errors_of_the_disk_name_the_path() {
        let folder = Folder::new("errors");
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.0.join("file"), "").unwrap();
        let error = Collector::open(&folder.0.join("file/inside"), 10).unwrap_err().to_string();
        assert!(error.contains("mite-collector-") && error.contains("file/inside"), "{error}");
        let mut collector = open(&folder, 1);
        fs::remove_file(folder.0.join(CURRENT)).unwrap();
        let error = collector.take(&batch("a")).unwrap_err();
        assert!(matches!(&error, Error::Disk { path, .. } if path.ends_with("1000_1000_0")), "{error}");
        // A device that is always full.
        if let Ok(full) = OpenOptions::new().write(true).open("/dev/full") {
            let mut collector = Collector { current: BufWriter::new(full), ..open(&Folder::new("full"), 10) };
            let error = collector.take(&batch("a")).and_then(|()| collector.tick()).unwrap_err();
            assert!(matches!(&error, Error::Disk { path, .. } if path.ends_with(CURRENT)), "{error}");
        }
    }
}

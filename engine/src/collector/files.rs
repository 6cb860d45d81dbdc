//! The files of a collector and their names.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::Error;
use crate::sink::append::{Append, Torn, mend};

/// How many names are tried for a file before giving up.
pub const NAMES_MAX: u64 = 100_000;

pub const CURRENT: &str = "current";
pub const START_TIME: &str = "current_start_time";
/// Locked as long as a collector writes here. It stays, so that there is never a moment without it.
pub const LOCK: &str = ".lock";

pub fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Disk { action, path, source }
}

pub fn lock(directory: &Path) -> Result<File, Error> {
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
pub fn begin(directory: &Path, now: u64) -> Result<(Append, u64), Error> {
    let path = directory.join(START_TIME);
    fs::write(&path, now.to_string()).map_err(disk("write", &path))?;
    let path = directory.join(CURRENT);
    Ok((Append::create(&path).map_err(disk("make", &path))?, now))
}

/// Gives the `current` of a process before its name, without a message that process left half written. An empty one goes.
pub fn keep_leftover(directory: &Path, now: u64, number: &mut u64) -> Result<(), Error> {
    let path = directory.join(CURRENT);
    let about = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        about => about.map_err(disk("read", &path))?,
    };
    if about.is_file() && about.len() == 0 {
        return fs::remove_file(&path).map_err(disk("remove", &path));
    }
    if let Some(Torn { whole, cut }) = mend(&path).map_err(disk("mend", &path))? {
        tracing::warn!("{}: its last message was half written: {cut} bytes cut off behind {whole}", path.display());
    }
    // A time that is missing or no number is not worth losing the messages: then it began when it was last written.
    let written = || about.modified().ok()?.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    let said = || fs::read_to_string(directory.join(START_TIME)).ok()?.trim().parse().ok();
    let start = said().or_else(written).unwrap_or(now);
    rename(directory, start, now, number)
}

/// The lock keeps other collectors away, so a name that is free stays free.
pub fn rename(directory: &Path, start: u64, end: u64, number: &mut u64) -> Result<(), Error> {
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

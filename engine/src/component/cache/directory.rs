//! A directory in which this user keeps files, and believes only what nobody else could have written.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Modes that let others write.
const OTHERS_WRITE: u32 = 0o022;
/// Modes that let others do anything.
const OTHERS: u32 = 0o077;

/// It stays the same one, whatever its path leads to later.
pub struct Directory {
    path: PathBuf,
    handle: OwnedFd,
}

/// Why something is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    #[error("it is a symbolic link")]
    Link,
    #[error("it is no {0}")]
    Kind(&'static str),
    #[error("it belongs to another user")]
    Owner,
    #[error("others may write to it")]
    Writable,
    #[error("others may read it")]
    Readable,
    #[error("it is larger than anything that is kept here")]
    Size,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<Errno> for Distrust {
    fn from(error: Errno) -> Self {
        match error {
            Errno::LOOP | Errno::MLINK => Self::Link,
            error => Self::Io(error.into()),
        }
    }
}

/// Who may see a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its contents are no secret.
    ByAll,
    ByItsUserOnly,
}

impl Directory {
    /// Opens it; one that isn't there is made, for this user only.
    pub fn open(path: &Path) -> Result<Self, Distrust> {
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.is_symlink() => return Err(Distrust::Link),
            Ok(_) => {}
            Err(_) => make(path)?,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR) => return Err(Distrust::Kind("directory")),
            other => other?,
        };
        own(&handle, FileType::Directory, Seen::ByAll)?;
        Ok(Self { path: path.to_owned(), handle })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The contents of a file. None: it isn't there.
    pub fn read(&self, name: &str, most: u64, seen: Seen) -> Result<Option<Vec<u8>>, Distrust> {
        let Some((file, bytes)) = self.open_file(name, most, seen)? else { return Ok(None) };
        let mut contents = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        file.take(most).read_to_end(&mut contents)?;
        Ok(Some(contents))
    }

    /// A file and how many bytes it has. None: it isn't there.
    pub fn open_file(&self, name: &str, most: u64, seen: Seen) -> Result<Option<(File, u64)>, Distrust> {
        // A pipe in its place must not be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            other => other?,
        };
        let bytes = own(&handle, FileType::RegularFile, seen)?;
        if bytes > most {
            return Err(Distrust::Size);
        }
        Ok(Some((File::from(handle), bytes)))
    }

    /// Writes a file, whole or not at all. What has that name is replaced, whatever it is.
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> std::io::Result<()> {
        let temporary = self.write_beside(name, parts)?;
        rustix::fs::renameat(&self.handle, &temporary, &self.handle, name)
            .map_err(|error| self.give_up(&temporary, error))
    }

    /// Writes a file of a name that nothing has; false: something has it.
    pub fn write_first(&self, name: &str, parts: &[&[u8]]) -> std::io::Result<bool> {
        let temporary = self.write_beside(name, parts)?;
        let linked = rustix::fs::linkat(&self.handle, &temporary, &self.handle, name, AtFlags::empty());
        self.remove(&temporary);
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write_beside(&self, name: &str, parts: &[&[u8]]) -> std::io::Result<String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("{name}.{}-{number}.tmp", std::process::id());
        // What an earlier process of this number has left is nobody's any more.
        self.remove(&temporary);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.handle, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(handle);
        match parts.iter().try_for_each(|part| file.write_all(part)) {
            Ok(()) => Ok(temporary),
            Err(error) => Err(self.give_up(&temporary, error)),
        }
    }

    fn give_up(&self, temporary: &str, error: impl Into<std::io::Error>) -> std::io::Error {
        self.remove(temporary);
        error.into()
    }

    /// Removes a file, if it is there and can be removed.
    pub fn remove(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.handle, name, AtFlags::empty());
    }

    /// Notes that a file was of use now.
    pub fn touch(&self, name: &str) {
        let now = rustix::fs::Timestamps {
            last_access: rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
            last_modification: rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        };
        // Where it can't be noted the file only goes sooner.
        let _ = rustix::fs::utimensat(&self.handle, name, &now, AtFlags::SYMLINK_NOFOLLOW);
    }

    /// Removes the files that were of no use for longest, until those with names of this kind have no more bytes than this.
    pub fn shrink(&self, most: u64, is_kept: impl Fn(&str) -> bool) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            // One that another process has just removed needs no removing.
            let (Ok(metadata), Ok(name)) = (entry.metadata(), entry.file_name().into_string()) else { continue };
            if metadata.is_file() && is_kept(&name) {
                files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), name));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, its, name) in files {
            if bytes <= most {
                break;
            }
            self.remove(&name);
            bytes -= its;
        }
        Ok(())
    }
}

/// Makes a directory that only its user may enter, and those above it as they usually are.
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        // Another process was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether nobody but this user can have written it; answers its bytes.
fn own(handle: &OwnedFd, kind: FileType, seen: Seen) -> Result<u64, Distrust> {
    let stat = rustix::fs::fstat(handle)?;
    let mode = stat.st_mode;
    if FileType::from_raw_mode(mode) != kind {
        return Err(Distrust::Kind(if kind == FileType::Directory { "directory" } else { "file" }));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Distrust::Owner);
    }
    if mode & OTHERS_WRITE != 0 {
        return Err(Distrust::Writable);
    }
    if seen == Seen::ByItsUserOnly && mode & OTHERS != 0 {
        return Err(Distrust::Readable);
    }
    Ok(u64::try_from(stat.st_size).unwrap_or(0))
}

//! `collector`: messages into files, as `mite collector` writes them.

use std::path::{Path, PathBuf};

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Host;
use crate::collector::{Collector, Error};
use crate::receiver::bindings::{self, collector};
use crate::sink::Sink;
use crate::wire::batch::Batch;

/// Collectors of a processor. One more is an error.
const COLLECTORS_MAX: usize = 16;
/// Bytes of an id.
const ID_BYTES_MAX: usize = 64;

/// All collectors of a processor; they outlive its instances.
pub struct Collectors {
    directory: PathBuf,
    roll: u64,
    open: Vec<One>,
}

struct One {
    id: String,
    /// Or why it has given up.
    collector: Result<Collector, String>,
}

impl Collectors {
    pub fn new(directory: &Path, roll: u64) -> Self {
        Self { directory: directory.to_owned(), roll, open: Vec::new() }
    }

    /// The number of the collector with that id, which is made if it isn't there yet.
    fn open(&mut self, id: String) -> Result<u32, String> {
        if let Some(at) = self.open.iter().position(|one| one.id == id) {
            return Ok(at as u32);
        }
        if !is_id(&id) {
            let allowed = "1 to 64 of a-z, A-Z, 0-9, `_`, `.` and `-`, with no dot first";
            return Err(format!("`{}` is no id of a collector: it has {allowed}", id.escape_debug()));
        }
        if self.open.len() >= COLLECTORS_MAX {
            return Err(format!("a processor has {COLLECTORS_MAX} collectors at most"));
        }
        let collector = Collector::open(&self.directory.join(&id), self.roll).map_err(|error| text(&error))?;
        self.open.push(One { id, collector: Ok(collector) });
        Ok(self.open.len() as u32 - 1)
    }

    fn write(&mut self, number: u32, messages: &[Vec<u8>]) -> Result<(), String> {
        let mut batch = Batch::default();
        messages.iter().for_each(|message| batch.push(message));
        match self.open.get_mut(number as usize) {
            Some(one) => one.with(|collector| collector.take(&batch)),
            None => Err("there is no such collector".to_owned()),
        }
    }

    pub fn tick(&mut self) {
        self.open.iter_mut().for_each(|one| one.say(Sink::tick));
    }

    pub fn close(&mut self) {
        self.open.iter_mut().for_each(|one| one.say(Sink::close));
    }
}

impl One {
    /// Does something with it, unless it has given up. An error is its last.
    fn with(&mut self, act: impl FnOnce(&mut Collector) -> Result<(), Error>) -> Result<(), String> {
        let done = match &mut self.collector {
            Ok(collector) => act(collector).map_err(|error| text(&error)),
            Err(reason) => return Err(reason.clone()),
        };
        if let Err(reason) = &done {
            self.collector = Err(reason.clone());
        }
        done
    }

    /// As [`Self::with`], where nobody else would say it.
    fn say(&mut self, act: impl FnOnce(&mut Collector) -> Result<(), Error>) {
        let worked = self.collector.is_ok();
        if let (true, Err(reason)) = (worked, self.with(act)) {
            tracing::error!("collector `{}`: messages are not kept any more: {reason}", self.id);
        }
    }
}

/// With its cause.
fn text(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Whether it can be the name of a directory and nothing else.
fn is_id(id: &str) -> bool {
    let fits = (1..=ID_BYTES_MAX).contains(&id.len()) && !id.starts_with('.');
    fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

impl collector::Host for Host {}

impl collector::HostCollector for Host {
    fn open(&mut self, id: String) -> Result<Result<Resource<bindings::Collector>, String>> {
        Ok(self.collectors.open(id).map(Resource::new_own))
    }

    fn write(
        &mut self,
        collector: Resource<bindings::Collector>,
        messages: Vec<Vec<u8>>,
    ) -> Result<Result<(), String>> {
        Ok(self.collectors.write(collector.rep(), &messages))
    }

    /// The files stay open: whoever opens the same id goes on in them.
    fn drop(&mut self, _: Resource<bindings::Collector>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_names_and_never_paths() {
        for (id, want) in [
            ("mine", true),
            ("My_own-2.x", true),
            ("", false),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("a/b", false),
            ("../up", false),
            ("/etc", false),
            ("a\\b", false),
            ("a b", false),
            ("ä", false),
            ("a\0", false),
        ] {
            assert_eq!(is_id(id), want, "{id:?}");
        }
        assert!(is_id(&"x".repeat(ID_BYTES_MAX)) && !is_id(&"x".repeat(ID_BYTES_MAX + 1)));
    }

    #[test]
    fn one_id_is_one_collector() {
        let directory = tempfile::tempdir().unwrap();
        let mut collectors = Collectors::new(directory.path(), 10);
        assert_eq!(collectors.open("a".to_owned()), Ok(0));
        assert_eq!(collectors.open("b".to_owned()), Ok(1));
        assert_eq!(collectors.open("a".to_owned()), Ok(0), "the same again");
        collectors.write(0, &[b"x".to_vec(), b"yy".to_vec()]).unwrap();
        collectors.close();
        assert_eq!(std::fs::read(directory.path().join("a/current")).unwrap(), b"xyy");
        assert!(collectors.write(9, &[]).is_err());
        let refused = collectors.open("../c".to_owned()).unwrap_err();
        assert!(refused.contains("`../c` is no id"), "{refused}");
        let other = Collectors::new(directory.path(), 10).open("a".to_owned()).unwrap_err();
        assert!(other.starts_with("another collector writes to "), "{other}");
        let opened = (2..20).filter(|number| collectors.open(format!("n{number}")).is_ok()).count();
        assert_eq!(opened + 2, COLLECTORS_MAX);
    }
}

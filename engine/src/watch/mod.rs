//! `mite watch`: on each save runs a journey once, first in its language's own local host where there is one, then as a component.

mod files;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::build::kind::Source;
use crate::build::store::Store;
use crate::build::{self, javascript, python, tool};
use crate::component::spec::{Component, Spec};
use crate::shutdown::Signals;
use crate::wire::stream::Stream;
use crate::wire::value::{Fields, Raw};
use files::Files;

/// Options of `mite watch`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mite watch journeys.py:search journeys.py:users --add-to-config=url:http://127.0.0.1:14380"
)]
pub struct Args {
    /// A journey of a source: `journeys.py:name`, `.:name`
    pub spec: String,
    /// Its data, of which the first item is used
    pub datapool: Option<String>,
    /// Set a config value, as in `--add-to-config=url:http://127.0.0.1:8080/`
    #[arg(long = "add-to-config", value_name = "KEY:VALUE")]
    pub added: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Build(#[from] build::Error),
    #[error("`{spec}` is no journey of a source: there is nothing to save; give `journeys.py:name` or `.:name`")]
    NoSource { spec: String },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Build(error) => error.exit_code(),
            Self::NoSource { .. } => 104,
            Self::Io(_) => 1,
        }
    }
}

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the journey now and after each save, until told to stop.
pub async fn run(args: &Args) -> Result<(), Error> {
    let watch = Watch::new(args)?;
    let mut signals = Signals::new()?;
    let rounds = tokio::task::spawn_blocking(move || watch.rounds());
    tokio::select! {
        // What is running is of the same group, and ends by the same signal.
        _ = signals.next() => Ok(()),
        ended = rounds => ended.unwrap_or_else(|panic| Err(std::io::Error::other(panic).into())),
    }
}

/// What is watched.
struct Watch {
    args: Args,
    source: Source,
    journey: String,
}

impl Watch {
    fn new(args: &Args) -> Result<Self, Error> {
        let Spec { component, name } = args.spec.parse().map_err(build::Error::Component)?;
        match component {
            Component::File(path) if build::is_source(&path) => {
                Ok(Self { args: args.clone(), source: Source::of(&path)?, journey: name })
            }
            _ => Err(Error::NoSource { spec: args.spec.clone() }),
        }
    }

    fn rounds(&self) -> Result<(), Error> {
        let directory = self.source.directory();
        let (mut before, mut saved) = (Files::of(&directory), SystemTime::now());
        loop {
            self.round(saved)?;
            say(&format!("waiting for {} to be saved", directory.display()));
            saved = loop {
                std::thread::sleep(LOOK);
                let files = Files::of(&directory);
                if let Some(saved) = files.saved_since(&before, SystemTime::now()) {
                    before = files;
                    break saved;
                }
            };
        }
    }

    /// What is wrong with the source is said by whoever finds it; the next save may have mended it.
    fn round(&self, saved: SystemTime) -> Result<(), Error> {
        let host = match self.host() {
            Ok(host) => host,
            Err(error @ build::Error::Wrong { .. }) => {
                say(&error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(host) = host
            && !self.local(host, saved)?
        {
            return Ok(());
        }
        let made = match build::build(&self.source, false) {
            Ok(made) => made,
            Err(error) => {
                say(&error.to_string());
                return Ok(());
            }
        };
        self.component(&made.path, saved)
    }

    /// The language's own local host, with the journey to run; none: it has none, or it isn't here.
    fn host(&self) -> Result<Option<Command>, build::Error> {
        let store = Store::open()?;
        match &self.source {
            Source::Python(path) => {
                let mut host = python::local(&self.source, &store)?;
                host.arg(format!("{}:{}", path.display(), self.journey));
                Ok(Some(host))
            }
            Source::JavaScript(_) => javascript::local(&self.source, &store, &self.journey),
            Source::Rust(_) => Ok(None),
        }
    }

    /// Answers whether the journey went well.
    fn local(&self, mut host: Command, saved: SystemTime) -> Result<bool, Error> {
        host.args(self.args.datapool.as_ref().map(|spec| spec.rsplit(':').next().unwrap_or(spec).to_owned()));
        host.args(self.config());
        let (status, said) = tool::run(&mut host)?;
        said.lines().for_each(say);
        let first = said.lines().filter(|line| line.starts_with("http_metrics ")).find_map(start_time);
        let language = if matches!(self.source, Source::JavaScript(_)) { "Node" } else { self.source.language() };
        say(&format!("in {language} itself: {}, {}", outcome(status.success()), after(first, saved)));
        Ok(status.success())
    }

    fn component(&self, component: &Path, saved: SystemTime) -> Result<(), Error> {
        let messages = Store::open()?.environment(&format!("watch-{}", std::process::id()));
        let mut run = Command::new(std::env::current_exe()?);
        run.args(["journey", "run"]).arg(format!("{}:{}", component.display(), self.journey));
        run.args(&self.args.datapool).args(self.config());
        run.arg("--collector-dir").arg(&messages).arg(format!("--parent={}", std::process::id()));
        let ran = tool::run(&mut run);
        let first = first_request(&messages);
        // It is the cache's: what can't be removed now is overwritten by the next of this number.
        let _ = std::fs::remove_dir_all(&messages);
        let (status, said) = ran?;
        said.lines().for_each(say);
        say(&format!("as a component: {}, {}", outcome(status.success()), after(first, saved)));
        Ok(())
    }

    fn config(&self) -> impl Iterator<Item = String> {
        self.args.added.iter().map(|added| format!("--add-to-config={added}"))
    }
}

fn outcome(well: bool) -> &'static str {
    if well { "went well" } else { "failed" }
}

/// `first request 0.41 s after the save`
fn after(first: Option<f64>, saved: SystemTime) -> String {
    let saved = saved.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    match first {
        Some(first) => format!("first request {:.2} s after the save", (first - saved).max(0.0)),
        None => "no request".to_owned(),
    }
}

/// The value of ` start_time=1763.5` in a line of the local host.
fn start_time(line: &str) -> Option<f64> {
    line.split_whitespace().find_map(|word| word.strip_prefix("start_time=")?.parse().ok())
}

/// When the first request of a run was sent, in seconds of Unix time, as its messages say.
fn first_request(messages: &Path) -> Option<f64> {
    let entries = std::fs::read_dir(messages).ok()?;
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.iter().filter_map(|file| first_in(file)).min_by(f64::total_cmp)
}

fn first_in(file: &Path) -> Option<f64> {
    let mut stream = Stream::new(std::fs::File::open(file).ok()?);
    let mut first: Option<f64> = None;
    while let Ok(Some(message)) = stream.value() {
        if let Some(start) = request_start(message) {
            first = Some(first.map_or(start, |first| first.min(start)));
        }
    }
    first
}

fn request_start(message: Raw<'_>) -> Option<f64> {
    let mut fields = Fields::new(message.bytes()).ok()?;
    let (mut is_request, mut start) = (false, None);
    while let Ok(Some((key, value))) = fields.next_bytes() {
        match key {
            b"type" => is_request = value.text() == Some("http_metrics"),
            b"start_time" => start = value.as_f64(),
            _ => {}
        }
    }
    start.filter(|_| is_request)
}

/// A line that is seen at once. Whoever doesn't read any more has stopped watching, and ends this by a signal.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{}", crate::console::text::escape(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_is_found_in_what_a_host_says() {
        let line = "http_metrics method='GET' start_time=1763.5 total_time=0.1";
        assert_eq!(start_time(line), Some(1763.5));
        assert_eq!(start_time("http_metrics start_time='x'"), None);
        let saved = UNIX_EPOCH + Duration::from_millis(1_763_000);
        assert_eq!(after(Some(1763.5), saved), "first request 0.50 s after the save");
        assert_eq!(after(None, saved), "no request");
    }

    #[test]
    fn the_first_request_is_found_in_messages() {
        let message = |kind: &str, start: u8| {
            let mut bytes = vec![0x82, 0xa4];
            bytes.extend_from_slice(b"type");
            bytes.push(0xa0 | u8::try_from(kind.len()).unwrap());
            bytes.extend_from_slice(kind.as_bytes());
            bytes.push(0xaa);
            bytes.extend_from_slice(b"start_time");
            bytes.push(start);
            bytes
        };
        let desk = tempfile::tempdir().unwrap();
        assert_eq!(first_request(desk.path()), None);
        let messages = [message("txn", 1), message("http_metrics", 7), message("http_metrics", 5)];
        std::fs::write(desk.path().join("current"), messages.concat()).unwrap();
        assert_eq!(first_request(desk.path()), Some(5.0));
    }
}

//! Standard output and standard error as the one terminal that they usually are: what is logged appears above the live block.

use std::io::{self, IsTerminal, Stdout, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::live::Live;
use super::look::Look;
use super::{Progress, Report, Verbosity, summary};

/// A handle; clones share the screen. Made before logging is set up, and given to it as its writer.
#[derive(Clone)]
pub struct Screen {
    verbosity: Verbosity,
    /// Logging happens on every thread, so this can't belong to one task.
    live: Arc<Mutex<Live<Stdout>>>,
}

impl Screen {
    pub fn new(verbosity: Verbosity) -> Self {
        let live = Live::new(io::stdout(), Look::of_stdout(), verbosity);
        Self { verbosity, live: Arc::new(Mutex::new(live)) }
    }

    /// See [`Live::update`].
    pub fn update(&self, progress: &Progress) -> io::Result<()> {
        let mut live = self.lock();
        live.set_look(Look::of_stdout());
        live.update(progress)
    }

    /// Puts the summary where the live block was.
    pub fn finish(&self, report: &Report) -> io::Result<()> {
        let mut live = self.lock();
        let printed = live.clear().and_then(|()| summary::print(report, Look::of_stdout(), self.verbosity, live.out()));
        printed.map_err(|error| io::Error::new(error.kind(), format!("can't write to standard output: {error}")))
    }

    /// Takes the live block away, for a program that ends without a summary.
    pub fn clear(&self) -> io::Result<()> {
        self.lock().clear()
    }

    /// A panic while drawing leaves nothing that could be wrong but a few lines on a screen.
    fn lock(&self) -> MutexGuard<'_, Live<Stdout>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes to standard error, above the live block.
pub struct LogWriter(Screen);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr();
        if !stderr.is_terminal() {
            return stderr.write(bytes);
        }
        self.0.lock().suspend(|| stderr.write_all(bytes))??;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        LogWriter(self.clone())
    }
}

//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// SIGINT and SIGTERM, one after the other.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Counts as a signal, once.
    other: Option<(CancellationToken, &'static str)>,
}

impl Signals {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            other: None,
        })
    }

    /// When `other` is cancelled that counts as a signal of this name.
    #[must_use]
    pub fn or(self, other: CancellationToken, name: &'static str) -> Self {
        Self { other: Some((other, name)), ..self }
    }

    /// The name of the next signal.
    pub async fn next(&mut self) -> &'static str {
        let name = tokio::select! {
            _ = self.interrupt.recv() => return "SIGINT",
            _ = self.terminate.recv() => return "SIGTERM",
            name = cancelled(self.other.as_ref()) => name,
        };
        self.other = None;
        name
    }
}

async fn cancelled(other: Option<&(CancellationToken, &'static str)>) -> &'static str {
    match other {
        Some((token, name)) => {
            token.cancelled().await;
            name
        }
        None => std::future::pending().await,
    }
}

/// For a process that another started: from now on it ends at once when that one does, however that ends. Where the system
/// can't do this (it is not Linux) it only looks whether that one is still there.
pub fn end_with(parent: i32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have ended before we asked.
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()) == Some(parent) {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("process {parent}, to which this one belongs, has ended")))
    }
}

/// For components that run until told: the first signal cancels what this answers, so that they drain and end with 0; the
/// second ends the program at once, with 1.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        let first = signals.next().await;
        tracing::info!("{first}: draining; a second one ends it at once");
        told.cancel();
        let second = signals.next().await;
        tracing::warn!("{second}: ended at once, what was under way is lost");
        std::process::exit(1);
    });
    Ok(shutdown)
}

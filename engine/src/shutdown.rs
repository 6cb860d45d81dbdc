//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// SIGINT and SIGTERM, one after the other.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The name of the next signal.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
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

//! What a program says while it runs.

use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::program::{Running, eventually};

/// The lines on standard error of a running program, and when each came. What it says at its end isn't in [`Ended`] then.
///
/// [`Ended`]: crate::program::Ended
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<(Instant, String)>>>);

impl Heard {
    pub fn of(running: &Running) -> Self {
        let heard = Self::default();
        let kept = heard.clone();
        let stderr = running.stderr();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), line));
            }
        });
        heard
    }

    /// Waits for a line with one of these in it, and answers when it came.
    #[track_caller]
    pub fn any(&self, words: &[&str]) -> Instant {
        let found = |line: &str| words.iter().any(|word| line.contains(word));
        eventually(&format!("a line with one of {words:?}"), || {
            let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().find(|(_, line)| found(line)).map(|(when, _)| *when)
        })
    }

    /// Waits until it says that it is there: bound, or trying to connect.
    #[track_caller]
    pub fn up(&self) -> Instant {
        self.any(&["listening on tcp", "connecting to tcp", "asking tcp", "are answered at tcp"])
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

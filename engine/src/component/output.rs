//! What a guest prints: log lines, and the last of its stderr for when it traps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longer lines are cut here.
const LINE_BYTES_MAX: usize = 1_000;
/// What is kept of stderr.
const TAIL_BYTES: usize = 2_000;
/// Lines a second from all guests of a process together; what is over is counted and said once a second.
const LINES_PER_SECOND: u64 = 100;

/// A guest's stdout or stderr.
#[derive(Clone)]
pub struct Output {
    package: Arc<str>,
    stream: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    line: Vec<u8>,
    tail: VecDeque<u8>,
}

impl Output {
    pub fn new(package: Arc<str>, stream: &'static str) -> Self {
        Self { package, stream, state: Arc::default() }
    }

    /// Takes the last bytes written since this was asked before.
    pub fn take_tail(&self) -> String {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tail: Vec<u8> = std::mem::take(&mut state.tail).into();
        String::from_utf8_lossy(&tail).into_owned()
    }

    fn take(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let over = (state.tail.len() + bytes.len()).saturating_sub(TAIL_BYTES).min(state.tail.len());
        state.tail.drain(..over);
        state.tail.extend(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut state.line);
                self.log(&line);
            } else if state.line.len() < LINE_BYTES_MAX {
                state.line.push(*byte);
            }
        }
    }

    fn log(&self, line: &[u8]) {
        if let Some(held) = permit() {
            let text: String = String::from_utf8_lossy(line).chars().flat_map(escape).collect();
            tracing::info!(target: "guest", package = %self.package, stream = self.stream, "{text}");
            if held > 0 {
                tracing::warn!(target: "guest", "{held} lines of guests were left out (limit: {LINES_PER_SECOND} a second)");
            }
        }
    }
}

/// Control characters never reach a log or terminal raw.
fn escape(character: char) -> impl Iterator<Item = char> {
    let plain = !character.is_control() && !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = (!plain).then(|| character.escape_default()).into_iter().flatten();
    plain.then_some(character).into_iter().chain(escaped)
}

/// Whether one more line may be logged in this second, and how many were held back since the last that was.
fn permit() -> Option<u64> {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    static SECOND: AtomicU64 = AtomicU64::new(0);
    static LINES: AtomicU64 = AtomicU64::new(0);
    static HELD: AtomicU64 = AtomicU64::new(0);
    let second = START.get_or_init(Instant::now).elapsed().as_secs() + 1;
    if SECOND.swap(second, Ordering::Relaxed) != second {
        LINES.store(0, Ordering::Relaxed);
    }
    if LINES.fetch_add(1, Ordering::Relaxed) >= LINES_PER_SECOND {
        HELD.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    Some(HELD.swap(0, Ordering::Relaxed))
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this, which isn't linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

//! What a guest prints: log lines, and the last of its stderr for when it traps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::policy::Secrets;

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
    secrets: Arc<Secrets>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    line: Vec<u8>,
    tail: VecDeque<u8>,
}

impl Output {
    pub fn new(package: Arc<str>, stream: &'static str) -> Self {
        Self { package, stream, secrets: Arc::default(), state: Arc::default() }
    }

    /// In which none of these is shown.
    pub fn without(self, secrets: Arc<Secrets>) -> Self {
        Self { secrets, ..self }
    }

    /// Takes the last bytes written since this was asked before.
    pub fn take_tail(&self) -> String {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tail: Vec<u8> = std::mem::take(&mut state.tail).into();
        self.secrets.cover(&mut tail);
        // What is more than is kept is there only so that nothing of a secret is left by cutting it.
        String::from_utf8_lossy(&tail[tail.len().saturating_sub(TAIL_BYTES)..]).into_owned()
    }

    /// Forgets them.
    pub fn forget_tail(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tail.clear();
    }

    fn take(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tail_max, line_max) = (TAIL_BYTES + self.secrets.longest(), LINE_BYTES_MAX + self.secrets.longest());
        let over = (state.tail.len() + bytes.len()).saturating_sub(tail_max).min(state.tail.len());
        state.tail.drain(..over);
        state.tail.extend(&bytes[bytes.len().saturating_sub(tail_max)..]);
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut state.line);
                self.log(&line);
            } else if state.line.len() < line_max {
                state.line.push(*byte);
            }
        }
    }

    fn log(&self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if let Some(held) = permit() {
            let line = String::from_utf8_lossy(line);
            let text: String = self.secrets.cut(&line, LINE_BYTES_MAX).chars().flat_map(escape).collect();
            tracing::info!(target: "guest", "{} {}: {text}", self.package, self.stream);
            if held > 0 {
                tracing::warn!(target: "guest", "{held} lines of guests were left out (limit: {LINES_PER_SECOND} a second)");
            }
        }
    }
}

/// Control characters never reach a log or terminal raw.
pub(super) fn escape(character: char) -> impl Iterator<Item = char> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> Output {
        Output::new("package".into(), "stderr")
    }

    #[test]
    fn characters_that_would_change_a_terminal_are_escaped() {
        for (line, want, why) in [
            ("plain text", "plain text", "as it is"),
            ("é 漢字 😀", "é 漢字 😀", "as it is"),
            ("a\\n\"b\"", "a\\n\"b\"", "backslashes and quotes are plain"),
            ("\u{1b}[31mred", "\\u{1b}[31mred", "colours"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}", "titles"),
            ("a\rb\tc\0", "a\\rb\\tc\\u{0}", "control characters"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m", "the other control characters"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c", "those that turn text around"),
            ("a\nb", "a\\nb", "a line stays one"),
        ] {
            assert_eq!(line.chars().flat_map(escape).collect::<String>(), want, "{why}");
        }
    }

    #[test]
    fn the_tail_is_the_last_that_was_written() {
        let digits =
            |from: usize, to: usize| (from..to).map(|at| char::from(b'0' + (at % 10) as u8)).collect::<String>();
        for (writes, want, why) in [
            (vec![], String::new(), "nothing"),
            (vec!["a".to_owned(), "b".to_owned()], "ab".to_owned(), "all of it"),
            (vec![digits(0, 2_000)], digits(0, 2_000), "just all of it"),
            (vec![digits(0, 2_001)], digits(1, 2_001), "a byte more"),
            (vec![digits(0, 2_000), digits(2_000, 2_003)], digits(3, 2_003), "the oldest go"),
            (vec![digits(0, 10), digits(10, 100_000)], digits(98_000, 100_000), "a large write"),
            (vec![digits(0, 1_999), String::new(), digits(1_999, 2_000)], digits(0, 2_000), "an empty write"),
            (vec!["é".repeat(1_001)], "é".repeat(1_000), "characters"),
            (vec!["é".repeat(1_000) + "a"], "\u{fffd}".to_owned() + &"é".repeat(999) + "a", "half a character"),
        ] {
            let output = output();
            for write in writes {
                output.take(write.as_bytes());
                assert!(output.state.lock().unwrap().tail.len() <= TAIL_BYTES, "{why}");
            }
            assert_eq!(output.take_tail(), want, "{why}");
            assert_eq!(output.take_tail(), "", "{why}: taken once");
        }
    }

    #[test]
    fn a_line_is_bounded() {
        let output = output();
        for _ in 0..100 {
            output.take(&[b'x'; 10_000]);
            assert_eq!(output.state.lock().unwrap().line.len(), LINE_BYTES_MAX);
        }
        output.take(b"\nnext");
        assert_eq!(output.state.lock().unwrap().line, b"next");
    }

    #[test]
    fn clones_write_to_the_same() {
        let (output, mut stream) = (output(), output().p2_stream());
        let mut clone = output.clone();
        clone.write(Bytes::from_static(b"seen")).unwrap();
        stream.write(Bytes::from_static(b"elsewhere")).unwrap();
        assert_eq!(output.take_tail(), "seen");
    }

    #[test]
    fn lines_are_permitted_at_a_rate() {
        let permitted = (0..10_000).filter(|_| permit().is_some()).count() as u64;
        // The second may change meanwhile, and other tests print too.
        assert!(permitted <= 3 * LINES_PER_SECOND, "{permitted}");
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert!(permit().is_some_and(|held| held >= 10_000 - 3 * LINES_PER_SECOND), "what was held back is said");
    }
}

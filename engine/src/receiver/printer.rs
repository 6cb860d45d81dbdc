//! Lines on standard output.

use std::borrow::Cow;
use std::io::Write;

/// Bytes of a line. Longer ones are cut.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Lines are written when so many bytes are there, with every batch and with every tick.
const BUFFER_BYTES: usize = 64 * 1024;

/// Gathers lines and writes whole ones, so that those of several processors don't mix.
pub struct Printer<W = std::io::Stdout> {
    out: W,
    buffer: Vec<u8>,
    lines: u64,
    /// Lines that could not be written.
    lost: u64,
}

impl Printer {
    pub fn new() -> Self {
        Self::to(std::io::stdout())
    }
}

impl<W: Write> Printer<W> {
    fn to(out: W) -> Self {
        Self { out, buffer: Vec::new(), lines: 0, lost: 0 }
    }

    /// Adds a line. What could change a terminal or look like another line is escaped.
    pub fn line(&mut self, text: &str) {
        let end = text.floor_char_boundary(LINE_BYTES_MAX);
        self.buffer.extend_from_slice(escape(&text[..end]).as_bytes());
        self.buffer.push(b'\n');
        self.lines += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    /// Writes what there is. Waits for as long as nobody reads it.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if let Err(error) = self.out.write_all(&self.buffer).and_then(|()| self.out.flush()) {
            if self.lost == 0 {
                tracing::warn!("lines are lost: standard output: {error}");
            }
            self.lost += self.lines;
        }
        self.buffer.clear();
        self.lines = 0;
    }
}

impl<W> Printer<W> {
    /// Says how many lines were lost.
    pub fn close(&self) {
        if self.lost > 0 {
            tracing::warn!("{} lines were lost: standard output was closed", self.lost);
        }
    }
}

/// Text of a guest or a peer, so that it is one line and can't change a terminal.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let escaped = |character: char| {
        let plain = is_plain(character);
        let escape = (!plain).then(|| character.escape_default()).into_iter().flatten();
        plain.then_some(character).into_iter().chain(escape)
    };
    Cow::Owned(text.chars().flat_map(escaped).collect())
}

/// Whether it is neither a control character nor one that turns the direction of text.
fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        for (text, want, why) in [
            ("plain café", "plain café\n", "as it is"),
            ("", "\n", "an empty one"),
            ("a\nb\x1b[2J", "a\\nb\\u{1b}[2J\n", "what would be two lines or change a terminal"),
            ("\u{202e}x", "\\u{202e}x\n", "what would turn it round"),
        ] {
            let mut printer = Printer::to(Vec::new());
            printer.line(text);
            assert!(printer.out.is_empty(), "{why}: with others");
            printer.flush();
            assert_eq!(String::from_utf8_lossy(&printer.out), want, "{why}");
        }
    }

    #[test]
    fn lines_and_what_waits_are_bounded() {
        let mut printer = Printer::to(Vec::new());
        printer.line(&"é".repeat(LINE_BYTES_MAX));
        assert_eq!(printer.out.len(), LINE_BYTES_MAX + 1, "cut at a whole character, and written at once");
        (0..100_000).for_each(|_| printer.line("0123456789"));
        assert!(printer.buffer.capacity() < 4 * BUFFER_BYTES, "{}", printer.buffer.capacity());
    }

    #[test]
    fn a_closed_output_is_no_end() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut printer = Printer::to(Closed);
        for _ in 0..3 {
            printer.line("x");
            printer.line("y");
            printer.flush();
        }
        assert_eq!((printer.lost, printer.buffer.len()), (6, 0));
    }
}

//! Text on a terminal: what may be written, how wide it is, where it is cut.

use std::fmt::Write;

/// Makes visible what a terminal would act on or hide: control characters (escape sequences begin with one), marks that
/// turn the direction of text, and those without any width. Everything printed comes through here ([`Line`] sees to that).
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c if is_hidden(c) => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

/// Characters of no width that change how others look, and separators that some terminals take for a new line.
fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x61c | 0x115f | 0x1160 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164
        | 0xfeff | 0xfff0..=0xfffb | 0xe0000..=0xe0fff)
}

/// Columns of a terminal: near enough for alignment, without a table of all of Unicode.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x483..=0x489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115e
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// At most `room` columns; what is too long loses its middle, since both ends of a URL tell more.
pub(super) fn cut_middle(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let Some(room) = room.checked_sub(1) else { return String::new() };
    let head = prefix(text.chars(), room.div_ceil(2));
    let tail = prefix(text.chars().rev(), room - width(&head));
    format!("{head}…{}", tail.chars().rev().collect::<String>())
}

fn prefix(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|&c| {
            used += char_width(c);
            used <= room
        })
        .collect()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    #[default]
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
}

impl Style {
    fn sequence(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("\x1b[1m"),
            Self::Dim => Some("\x1b[2m"),
            Self::Good => Some("\x1b[1;32m"),
            Self::Bad => Some("\x1b[1;31m"),
            Self::Warn => Some("\x1b[33m"),
        }
    }
}

/// One line of output. Text is escaped as it comes in, so only [`Line::render`] makes control characters: our own.
#[derive(Clone, Debug, Default)]
pub struct Line(Vec<(Style, String)>);

impl Line {
    pub fn new() -> Self {
        Self::default()
    }

    /// The line and this text behind it.
    pub fn with(mut self, style: Style, text: &str) -> Self {
        self.push(style, text);
        self
    }

    pub fn push(&mut self, style: Style, text: &str) {
        match self.0.last_mut() {
            Some((last, before)) if *last == style => before.push_str(&escape(text)),
            _ if text.is_empty() => {}
            _ => self.0.push((style, escape(text))),
        }
    }

    /// In columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// At most that many columns; the rest is gone.
    pub fn cut(&mut self, mut room: usize) {
        for (_, text) in &mut self.0 {
            if width(text) > room {
                *text = prefix(text.chars(), room);
            }
            room -= width(text);
        }
        self.0.retain(|(_, text)| !text.is_empty());
    }

    /// Writes it and the end of the line, without blanks before it.
    pub fn render(&self, colour: bool, out: &mut String) {
        for (style, text) in &self.0 {
            match style.sequence().filter(|_| colour) {
                Some(sequence) => _ = write!(out, "{sequence}{text}\x1b[0m"),
                None => out.push_str(text),
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
}

/// Items one after another behind a label, on as many lines as they take; an item wider than a line is broken.
pub(super) struct Flow<'a> {
    pub label: (Style, &'a str),
    /// Where items begin.
    pub indent: usize,
    /// Blanks between two items.
    pub gap: usize,
    pub items: Vec<(Style, String)>,
}

impl Flow<'_> {
    pub fn lines(self, total: usize) -> Vec<Line> {
        let room = total.saturating_sub(self.indent).max(10);
        let label = format!("{:1$}", self.label.1, self.indent);
        let (mut lines, mut line, mut used) = (Vec::new(), Line::new().with(self.label.0, &label), 0);
        for (style, text) in self.items {
            for piece in pieces(&escape(&text), room) {
                let gap = if used == 0 { 0 } else { self.gap };
                if used > 0 && used + gap + width(&piece) > room {
                    lines.push(std::mem::take(&mut line));
                    line.push(Style::Plain, &" ".repeat(self.indent));
                    used = 0;
                } else {
                    line.push(Style::Plain, &" ".repeat(gap));
                    used += gap;
                }
                used += width(&piece);
                line.push(style, &piece);
            }
        }
        lines.push(line);
        lines
    }
}

/// Breaks at a blank if one is near the end of the line.
fn pieces(text: &str, room: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while width(rest) > room {
        let mut head = prefix(rest.chars(), room);
        if let Some(blank) = head.rfind(' ').filter(|&blank| blank > head.len() / 2) {
            head.truncate(blank);
        }
        rest = rest[head.len()..].trim_start_matches(' ');
        pieces.push(head);
    }
    pieces.push(rest.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (text, want, why) in [
            ("GET /café?ü=日本", "GET /café?ü=日本", "letters of all the world stay"),
            ("C:\\tmp", "C:\\tmp", "a backslash is no danger"),
            ("\x1b[2J\x07", "\\x1b[2J\\x07", "an escape sequence"),
            ("\u{9b}31m", "\\x9b31m", "the other beginning of one"),
            ("a\r\nb\tc\0\x7f", "a\\r\\nb\\tc\\x00\\x7f", "control characters"),
            ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}", "text that runs backwards"),
            ("a\u{200b}b\u{feff}\u{2028}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{2028}\\u{e0041}", "hidden characters"),
        ] {
            assert_eq!(escape(text), want, "{why}");
            assert_eq!(escape(want), want, "twice is once");
        }
    }

    #[test]
    fn cuts() {
        for (text, room, want) in [
            ("short", 5, "short"),
            ("http://shop.example/cart", 12, "http:/…/cart"),
            ("日本語の名前", 7, "日…名前"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
        ] {
            assert_eq!(cut_middle(text, room), want);
            assert!(width(&cut_middle(text, room)) <= room);
        }
        let mut line = Line::new().with(Style::Bad, "four").with(Style::Plain, "five5");
        line.cut(6);
        let mut out = String::new();
        line.render(true, &mut out);
        assert_eq!(out, "\x1b[1;31mfour\x1b[0mfi\n");
    }

    #[test]
    fn flows() {
        let items = ["one", "two", "a-very-long-item-of-words", "now with blanks"]
            .map(|text| (Style::Plain, text.to_owned()))
            .to_vec();
        let mut out = String::new();
        for line in (Flow { label: (Style::Dim, "label"), indent: 8, gap: 2, items }).lines(20) {
            line.render(false, &mut out);
        }
        assert_eq!(
            out,
            "label   one  two\n        a-very-long-\n        item-of-word\n        s  now with\n        blanks\n"
        );
    }
}

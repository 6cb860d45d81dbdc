//! How a module's text is changed: by spaces over what goes, and texts put in between. No line ends anywhere else than before.

use oxc_span::Span;

use super::types::Types;

const MODIFIERS: [&str; 7] = ["public", "private", "protected", "readonly", "override", "abstract", "declare"];

pub struct Blank {
    pub span: Span,
    /// What stands at its beginning then, no longer than it is: a statement leaves a semicolon, so that those around it stay two.
    pub first: &'static str,
}

impl<'t> Types<'t> {
    pub fn edited(&mut self) -> Result<String, (Span, String)> {
        let mut out = self.text.as_bytes().to_vec();
        for Blank { span, first } in &self.blanks {
            let range = span.start as usize..span.end as usize;
            out[range.clone()]
                .iter_mut()
                .filter(|byte| **byte != b'\n' && **byte != b'\r')
                .for_each(|byte| *byte = b' ');
            if let Some(place) = out[range].get_mut(..first.len()) {
                place.copy_from_slice(first.as_bytes());
            }
        }
        let source = String::from_utf8(self.inserted(&out));
        source.map_err(|_| (Span::new(0, 0), "types end within a character".to_owned()))
    }

    fn inserted(&mut self, text: &[u8]) -> Vec<u8> {
        // Those of one place stay in their order.
        self.inserts.sort_by_key(|(at, _)| *at);
        let (mut out, mut done) = (Vec::with_capacity(text.len()), 0);
        for (at, insert) in &self.inserts {
            out.extend_from_slice(&text[done..*at as usize]);
            out.extend_from_slice(insert.as_bytes());
            done = *at as usize;
        }
        out.extend_from_slice(&text[done..]);
        out
    }

    pub fn insert(&mut self, before: u32, text: String) {
        self.inserts.push((before, text));
    }

    pub fn blank(&mut self, start: u32, end: u32) {
        self.blanks.push(Blank { span: Span::new(start, end), first: "" });
    }

    pub fn statement(&mut self, span: Span) {
        self.blanks.push(Blank { span, first: ";" });
    }

    /// By a text that isn't longer.
    pub fn replace(&mut self, span: Span, by: &'static str) {
        self.blanks.push(Blank { span, first: by });
    }

    /// One of a list, with the comma behind it.
    pub fn listed(&mut self, span: Span) {
        let behind = self.text[span.end as usize..].trim_start();
        let comma = self.text.len() - behind.len();
        let end = if behind.starts_with(',') { u32::try_from(comma + 1).unwrap_or(span.end) } else { span.end };
        self.blank(span.start, end);
    }

    /// The first such character between two places.
    pub fn mark(&mut self, mark: char, start: u32, end: u32) {
        if let Some(at) = self.text.get(start as usize..end as usize).and_then(|between| between.find(mark)) {
            let at = start + u32::try_from(at).unwrap_or(0);
            self.blank(at, at + 1);
        }
    }

    /// Words before a member's name.
    pub fn modifiers(&mut self, start: u32, end: u32) {
        let Some(before) = self.text.get(start as usize..end as usize) else { return };
        let (mut at, mut found) = (0, Vec::new());
        for word in before.split(|c: char| !c.is_ascii_alphabetic()) {
            if MODIFIERS.contains(&word) {
                found.push((at, at + word.len()));
            }
            at += word.len() + 1;
        }
        for (from, to) in found {
            let span = Span::new(start + u32::try_from(from).unwrap_or(0), start + u32::try_from(to).unwrap_or(0));
            let first = if from == 0 { ";" } else { "" };
            self.blanks.push(Blank { span, first });
        }
    }
}

//! What the output is written to: how wide, with colours or not.

use std::io::IsTerminal;

/// Where nothing says how wide it is.
const WIDTH: usize = 80;
const ROWS: usize = 24;
/// Narrower than this nothing can be laid out; lines then run over the edge.
const WIDTH_MIN: usize = 40;
const WIDTH_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In columns.
    pub width: usize,
    pub rows: usize,
    pub colour: bool,
    /// Lines can be overwritten.
    pub terminal: bool,
}

impl Look {
    /// A file or pipe.
    pub fn plain(width: usize) -> Self {
        Self { width: width.clamp(WIDTH_MIN, WIDTH_MAX), rows: ROWS, colour: false, terminal: false }
    }

    /// Standard output as it is now: ask again to follow a window that changes its size.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let variable = |name| std::env::var(name).ok();
        Self::new(
            stdout.is_terminal(),
            size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row))),
            variable("COLUMNS").as_deref(),
            variable("NO_COLOR").as_deref(),
            variable("TERM").as_deref(),
        )
    }

    fn new(
        terminal: bool,
        size: Option<(usize, usize)>,
        columns: Option<&str>,
        no_color: Option<&str>,
        term: Option<&str>,
    ) -> Self {
        // A size of 0 x 0 is what a pseudo-terminal has that nobody gave one.
        let (width, rows) = size.filter(|&(width, rows)| width > 0 && rows > 0).unwrap_or((WIDTH, ROWS));
        let width = columns.and_then(|text| text.trim().parse().ok()).filter(|&width| width > 0).unwrap_or(width);
        let terminal = terminal && term != Some("dumb");
        Self {
            width: width.clamp(WIDTH_MIN, WIDTH_MAX),
            rows,
            colour: terminal && no_color.is_none_or(str::is_empty),
            terminal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look() {
        let size = Some((120, 50));
        for (look, width, colour, terminal, why) in [
            (Look::new(true, size, None, None, Some("xterm")), 120, true, true, "a terminal"),
            (Look::new(true, size, Some("90"), None, None), 90, true, true, "COLUMNS goes first"),
            (Look::new(true, size, Some("wide"), None, None), 120, true, true, "COLUMNS that is no number"),
            (Look::new(true, size, Some("5"), None, None), 40, true, true, "too narrow"),
            (Look::new(true, Some((0, 0)), None, None, None), 80, true, true, "no size"),
            (Look::new(true, size, None, Some("1"), None), 120, false, true, "NO_COLOR"),
            (Look::new(true, size, None, Some(""), None), 120, true, true, "NO_COLOR counts unless empty"),
            (Look::new(true, size, None, None, Some("dumb")), 120, false, false, "a terminal that can't"),
            (Look::new(false, None, None, None, None), 80, false, false, "a pipe"),
        ] {
            assert_eq!((look.width, look.colour, look.terminal), (width, colour, terminal), "{why}");
        }
    }
}

//! Names to the left, figures to the right.

use super::text::{Line, Style, cut_middle, escape, width};

/// Names narrower than this tell too little: rather than being cut, they get a line of their own.
const NAMES_MIN: usize = 24;
const GAP: usize = 2;
const INDENT: usize = 2;

pub struct Cell(pub Style, pub String);

pub struct Table {
    title: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<(String, Vec<Cell>)>,
}

impl Table {
    /// A heading for the names and one for every figure.
    pub fn new(title: &'static str, heads: Vec<&'static str>) -> Self {
        Self { title, heads, rows: Vec::new() }
    }

    pub fn row(&mut self, name: &str, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.heads.len());
        self.rows.push((escape(name), cells));
    }

    /// As many columns wide as its content, at most `total` where that is possible: names are cut, or figures stand closer,
    /// or names get a line of their own.
    pub fn lines(&self, total: usize) -> Vec<Line> {
        let widths = self.widths();
        let room = |gap| total.saturating_sub(widths.iter().map(|width| width + gap).sum());
        let longest = self.rows.iter().map(|(name, _)| INDENT + width(name)).max().unwrap_or(0).max(width(self.title));
        if longest <= room(GAP) || room(GAP) >= NAMES_MIN + INDENT {
            self.beside(longest.max(NAMES_MIN).min(room(GAP)), GAP, &widths)
        } else if longest <= room(1) {
            self.beside(longest, 1, &widths)
        } else {
            self.above(room(GAP).max(INDENT), &widths)
        }
    }

    fn widths(&self) -> Vec<usize> {
        let cells = |column: usize| self.rows.iter().filter_map(move |(_, cells)| cells.get(column));
        let widest = |column| cells(column).map(|cell| width(&cell.1)).max().unwrap_or(0);
        self.heads.iter().enumerate().map(|(column, head)| width(head).max(widest(column))).collect()
    }

    fn beside(&self, names: usize, gap: usize, widths: &[usize]) -> Vec<Line> {
        let mut lines = vec![self.figures(self.title_line(names), self.head_cells(), gap, widths)];
        for (name, cells) in &self.rows {
            let name = cut_middle(name, names - INDENT);
            let pad = names - INDENT - width(&name);
            let line = Line::new().with(Style::Plain, &format!("{:INDENT$}{name}{:pad$}", "", ""));
            lines.push(self.figures(line, cells.iter().map(|cell| (cell.0, cell.1.as_str())), gap, widths));
        }
        lines
    }

    fn above(&self, indent: usize, widths: &[usize]) -> Vec<Line> {
        let mut lines = Vec::new();
        let total = indent + widths.iter().map(|width| width + GAP).sum::<usize>();
        // The title stands beside the headings if the first of them leaves it room.
        if width(self.title) <= indent {
            lines.push(self.figures(self.title_line(indent), self.head_cells(), GAP, widths));
        } else {
            lines.push(Line::new().with(Style::Bold, self.title));
            lines.push(self.figures(
                Line::new().with(Style::Plain, &" ".repeat(indent)),
                self.head_cells(),
                GAP,
                widths,
            ));
        }
        for (name, cells) in &self.rows {
            let name = cut_middle(name, total.saturating_sub(INDENT));
            lines.push(Line::new().with(Style::Plain, &format!("{:INDENT$}{name}", "")));
            let line = Line::new().with(Style::Plain, &" ".repeat(indent));
            lines.push(self.figures(line, cells.iter().map(|cell| (cell.0, cell.1.as_str())), GAP, widths));
        }
        lines
    }

    fn title_line(&self, names: usize) -> Line {
        let pad = names.saturating_sub(width(self.title));
        Line::new().with(Style::Bold, self.title).with(Style::Plain, &" ".repeat(pad))
    }

    fn head_cells(&self) -> impl Iterator<Item = (Style, &str)> {
        self.heads.iter().map(|head| (Style::Dim, *head))
    }

    fn figures<'a>(
        &self,
        mut line: Line,
        cells: impl Iterator<Item = (Style, &'a str)>,
        gap: usize,
        widths: &[usize],
    ) -> Line {
        for ((style, text), column) in cells.zip(widths) {
            line.push(Style::Plain, &" ".repeat(gap + column - width(text)));
            line.push(style, text);
        }
        line
    }
}

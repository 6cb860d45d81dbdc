//! What comes out: one table for eyes, and rows for the record.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::Result;

/// One figure.
pub struct Row {
    what: String,
    figure: String,
    target: String,
    met: Option<bool>,
}

impl Row {
    /// A figure that should be at most so much.
    pub fn at_most(what: &str, figure: f64, target: f64, unit: &str) -> Self {
        let met = Some(figure <= target);
        Self {
            what: what.to_owned(),
            figure: format!("{} {unit}", number(figure)),
            target: format!("<= {} {unit}", number(target)),
            met,
        }
    }

    /// A figure that should be at least so much.
    pub fn at_least(what: &str, figure: f64, target: f64, unit: &str) -> Self {
        let met = Some(figure >= target);
        Self {
            what: what.to_owned(),
            figure: format!("{} {unit}", number(figure)),
            target: format!(">= {} {unit}", number(target)),
            met,
        }
    }

    /// A figure that explains others.
    pub fn fact(what: &str, figure: f64, unit: &str) -> Self {
        Self::text(what, format!("{} {unit}", number(figure)))
    }

    pub fn text(what: &str, figure: String) -> Self {
        Self { what: what.to_owned(), figure, target: String::new(), met: None }
    }

    /// Adds what the figure was made of.
    pub fn from(mut self, source: impl fmt::Display) -> Self {
        self.figure = format!("{}  ({source})", self.figure.trim_end());
        self
    }

    /// Could not be measured.
    pub fn unknown(what: &str, why: &str) -> Self {
        Self::text(what, format!("not measured: {why}"))
    }

    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        }
    }
}

/// Four digits, as many as there is any sense in.
pub fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 100.0 => format!("{value:.1}"),
        middle if middle >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

pub struct Table {
    sections: Vec<(&'static str, Vec<Row>)>,
}

impl Table {
    pub fn new() -> Self {
        Self { sections: Vec::new() }
    }

    pub fn add(&mut self, section: &'static str, rows: Vec<Row>) {
        self.sections.push((section, rows));
    }

    /// Appends all figures to the record of the repository.
    pub fn record(&self, root: &Path) -> Result<()> {
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).current_dir(root).output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
        };
        let date = run("date", &["-u", "+%Y-%m-%d"]);
        let mut commit = run("git", &["rev-parse", "--short", "HEAD"]);
        if !run("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() {
            commit.push('+');
        }
        let path = root.join("benches/RECORD.md");
        let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
        for row in self.sections.iter().flat_map(|(_, rows)| rows) {
            writeln!(
                file,
                "| {date} | {commit} | {} | {} | {} |",
                row.what,
                row.figure.trim_end(),
                row.target.trim_end()
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = || self.sections.iter().flat_map(|(_, rows)| rows);
        let width = |of: fn(&Row) -> &str| rows().map(|row| of(row).trim_end().chars().count()).max().unwrap_or(0);
        let what = width(|row| &row.what);
        let figure = width(|row| &row.figure);
        let target = width(|row| &row.target);
        for (section, rows) in &self.sections {
            writeln!(f, "\n{section}")?;
            for row in rows {
                let (shown, wanted) = (row.figure.trim_end(), row.target.trim_end());
                let line = format!("  {:what$}  {shown:figure$}  {wanted:target$}  {}", row.what, row.verdict());
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

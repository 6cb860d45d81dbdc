//! What every command says, and how much.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::LevelFilter;

use crate::console::Verbosity;
use crate::console::screen::Screen;

/// What is said, and how much.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Say only how it ended
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say everything: all rows of the summary, each worker
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What is logged (to standard error)
    #[arg(long, global = true, value_name = "LEVEL", value_enum, ignore_case = true, default_value_t = Level::Info)]
    pub log_level: Level,
}

impl Output {
    /// The same for another process of this program.
    pub fn words(&self) -> Vec<String> {
        let level = self.log_level.to_possible_value().map(|level| format!("--log-level={}", level.get_name()));
        let said = [(self.quiet, "--quiet"), (self.verbose, "--verbose")].into_iter().filter(|(is_so, _)| *is_so);
        level.into_iter().chain(said.map(|(_, word)| word.to_owned())).collect()
    }

    pub fn verbosity(&self) -> Verbosity {
        match self {
            Self { quiet: true, .. } => Verbosity::Quiet,
            Self { verbose: true, .. } => Verbosity::Verbose,
            Self { .. } => Verbosity::Normal,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Error,
    #[value(alias = "warning", alias = "critical")]
    Warn,
    Info,
    Debug,
    Trace,
}

/// Begins to log.
pub fn log(screen: &Screen, level: Level) {
    let filter = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(screen.clone())
        .with_max_level(filter)
        .with_ansi(std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal())
        .with_target(false)
        // Where nobody reads standard error any more it would panic to say so.
        .log_internal_errors(false)
        .init();
}

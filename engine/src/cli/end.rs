//! How a command ends: its exit code, and one message where it failed.

use std::io::Write;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::console::Report;
use crate::console::screen::Screen;
use crate::shutdown;

/// A test ends with what its report says, or its error.
pub fn reported<E: std::error::Error>(screen: &Screen, tested: Result<Report, E>, exit_code: fn(&E) -> u8) -> ExitCode {
    match tested {
        Ok(report) => ExitCode::from(report.exit_code()),
        Err(error) => failed(screen, &with_causes(&error), exit_code(&error)),
    }
}

/// Runs a component of the pipeline until it is told to stop, or fails.
pub async fn part<E: std::error::Error + From<std::io::Error>>(
    screen: &Screen,
    exit_code: impl Fn(&E) -> u8,
    run: impl AsyncFnOnce(CancellationToken) -> Result<(), E>,
) -> ExitCode {
    let ran = match shutdown::on_signal() {
        Ok(shutdown) => run(shutdown).await,
        Err(error) => Err(error.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(screen, &with_causes(&error), exit_code(&error)),
    }
}

/// A command that does one thing.
pub fn done<E: std::error::Error>(screen: &Screen, done: Result<(), E>, exit_code: fn(&E) -> u8) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(screen, &with_causes(&error), exit_code(&error)),
    }
}

pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Says what went wrong: one message, on standard error.
pub fn failed(screen: &Screen, message: &str, code: u8) -> ExitCode {
    let _ = screen.clear();
    let _ = writeln!(std::io::stderr(), "mite: {}", crate::console::text::escape(message));
    ExitCode::from(code)
}

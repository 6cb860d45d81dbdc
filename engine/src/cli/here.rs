//! `mite scenario test`, `mite journey test` and `mite journey run`: tests in this process.

use std::process::ExitCode;

use clap::Subcommand;

use super::end::{done, reported};
use crate::build::{self, Error};
use crate::component::spec::Spec;
use crate::console::screen::Screen;
use crate::local::{self, Datapool, Wanted};

#[derive(Debug, Subcommand)]
pub enum ScenarioCommand {
    /// Run a scenario in this process, with live figures and a summary
    ///
    /// Example: mite scenario test load:load --add-to-config=url:http://127.0.0.1:14380/ --web-address=127.0.0.1:9301
    Test {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), a source that is
        /// built first (`journeys.py:name`, `.:name`), or `https://host/file.wasm@sha256:DIGEST:name`
        spec: String,
        #[command(flatten)]
        args: Box<local::Args>,
    },
}

#[derive(Debug, Subcommand)]
pub enum JourneyCommand {
    /// Run a journey again and again, so many at once, until interrupted
    ///
    /// Example: mite journey test shop:buy shop:users --volume=20 --duration=30
    Test {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), a source that is
        /// built first (`journeys.py:name`, `.:name`), or `https://host/file.wasm@sha256:DIGEST:name`
        spec: String,
        /// Its data: `file.wasm:name`, `package.name:name`, or a .csv, .jsonl or .msgpack file
        datapool: Option<String>,
        /// Journeys at once
        #[arg(long, value_name = "N", default_value_t = 1)]
        volume: u32,
        /// Seconds [default: until interrupted]
        #[arg(long, value_name = "SECONDS", value_parser = duration)]
        duration: Option<f64>,
        #[command(flatten)]
        args: Box<local::Args>,
    },
    /// Run a journey exactly once
    ///
    /// Example: mite journey run shop:buy shop:users
    Run {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), a source that is
        /// built first (`journeys.py:name`, `.:name`), or `https://host/file.wasm@sha256:DIGEST:name`
        spec: String,
        /// Its data, of which the first item is used
        datapool: Option<String>,
        #[command(flatten)]
        args: Box<local::Args>,
    },
}

fn duration(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds > 0.0 && seconds <= 315_360_000.0 => Ok(seconds),
        _ => Err("it is not a number of seconds".to_owned()),
    }
}

/// `mite scenario ...`
pub async fn scenario(command: ScenarioCommand, screen: &Screen) -> ExitCode {
    let ScenarioCommand::Test { spec, args } = command;
    test(&args, build::spec(&spec).map(Wanted::Scenario), screen).await
}

/// `mite journey ...`
pub async fn journey(command: JourneyCommand, screen: &Screen) -> ExitCode {
    match command {
        JourneyCommand::Test { spec, datapool, volume, duration, args } => {
            let wanted = parsed(&spec, datapool.as_deref());
            let wanted = wanted.map(|(spec, datapool)| Wanted::Journey { spec, datapool, volume, seconds: duration });
            test(&args, wanted, screen).await
        }
        JourneyCommand::Run { spec, datapool, args } => {
            let wanted = parsed(&spec, datapool.as_deref());
            test(&args, wanted.map(|(spec, datapool)| Wanted::Once { spec, datapool }), screen).await
        }
    }
}

fn parsed(spec: &str, datapool: Option<&str>) -> Result<(Spec, Option<Datapool>), Error> {
    let datapool = match datapool.map(str::parse).transpose()? {
        Some(Datapool::Spec(spec)) => {
            Some(Datapool::Spec(Spec { component: build::component(spec.component)?, name: spec.name }))
        }
        file => file,
    };
    Ok((build::spec(spec)?, datapool))
}

async fn test(args: &local::Args, wanted: Result<Wanted, Error>, screen: &Screen) -> ExitCode {
    match wanted {
        Ok(wanted) => reported(screen, local::run(args, wanted, screen).await, local::Error::exit_code),
        Err(error) => done(screen, Err(error), Error::exit_code),
    }
}

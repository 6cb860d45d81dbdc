//! The command line.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

use crate::cat;
use crate::collector;
use crate::component::spec::Spec;
use crate::console::screen::Screen;
use crate::console::{Report, Verbosity};
use crate::distributed;
use crate::duplicator;
use crate::exporter;
use crate::local::{self, Datapool, Wanted};
use crate::playground;
use crate::receiver;
use crate::recorder;
use crate::runner::remote;
use crate::shutdown::{self, Signals};
use crate::stats;
use crate::up;

/// A load-testing engine: journeys are WebAssembly components.
///
/// A journey is what one user does; a scenario says how many journeys run when. Both are written in Rust (Python and
/// JavaScript follow), built into one file, and run here.
#[derive(Debug, Parser)]
#[command(name = "mite", version, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
    /// The process that started this one, with which it ends
    #[arg(long, global = true, hide = true, value_name = "PID")]
    parent: Option<i32>,
}

const EXAMPLES: &str = "\
Examples:
  mite playground                                          a web server to practise on
  mite scenario test load:load --add-to-config=url:http://127.0.0.1:14380/
  mite journey run shop.wasm:buy shop.wasm:users           one run of one journey

Exit codes:
  0 done, thresholds held    99 thresholds crossed          105 cut short by a signal
  1 the program failed      104 bad spec, component, file   107 the scenario's own code failed
  2 wrong usage                                             111 incomplete: messages or runners were lost";

/// What is said, and how much.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Say only how it ended
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything: all rows of the summary, each worker
    #[arg(short, long, global = true)]
    verbose: bool,
    /// What is logged (to standard error)
    #[arg(long, global = true, value_name = "LEVEL", value_enum, ignore_case = true, default_value_t = Level::Info)]
    log_level: Level,
}

impl Output {
    /// The same for another process of this program.
    fn words(&self) -> Vec<String> {
        let level = self.log_level.to_possible_value().map(|level| format!("--log-level={}", level.get_name()));
        let said = [(self.quiet, "--quiet"), (self.verbose, "--verbose")].into_iter().filter(|(is_so, _)| *is_so);
        level.into_iter().chain(said.map(|(_, word)| word.to_owned())).collect()
    }

    fn verbosity(&self) -> Verbosity {
        match self {
            Self { quiet: true, .. } => Verbosity::Quiet,
            Self { verbose: true, .. } => Verbosity::Verbose,
            Self { .. } => Verbosity::Normal,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    Error,
    #[value(alias = "warning", alias = "critical")]
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test a scenario
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    /// Test or run a single journey
    #[command(subcommand)]
    Journey(JourneyCommand),
    /// Test a scenario with all components as processes of this machine
    ///
    /// Example: mite up load:load --add-to-config=url:http://127.0.0.1:14380/ --add-to-config=seconds:5
    Up {
        /// `file.wasm:name`, or `package.name:name` looked up on MITE_PATH (default: here, then target/journeys)
        spec: String,
        #[command(flatten)]
        args: Box<up::Args>,
    },
    /// Test a scenario on runners that are processes of their own
    ///
    /// Example: mite controller load:load --expect-runners=2 --add-to-config=url:http://127.0.0.1:14380/
    Controller {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), or
        /// `https://host/file.wasm@sha256:DIGEST:name`
        spec: String,
        #[command(flatten)]
        args: Box<distributed::Args>,
    },
    /// Run the journeys of a controller's test
    ///
    /// Example: mite runner --controller-socket=tcp://127.0.0.1:14301 --message-socket=tcp://127.0.0.1:14302
    Runner(remote::Args),
    /// A web server to practise on: a small shop, a JSON API, delays, failures
    Playground(playground::Args),
    /// Give every message to every output
    ///
    /// Example: mite duplicator --message-socket=tcp://0.0.0.0:14302 tcp://127.0.0.1:14303 tcp://127.0.0.1:14304
    Duplicator(duplicator::Args),
    /// Give messages to processors: mite's own, or those of a component
    Receiver(receiver::Args),
    /// Make figures of messages
    ///
    /// Example: mite stats --stats-in-socket=tcp://127.0.0.1:14304 --stats-out-socket=tcp://127.0.0.1:14305
    Stats(stats::process::Args),
    /// Show the figures of stats to Prometheus
    ///
    /// Example: mite prometheus_exporter --stats-out-socket=tcp://127.0.0.1:14305 --web-address=127.0.0.1:9301
    #[command(name = "prometheus_exporter")]
    PrometheusExporter(exporter::process::Args),
    /// Keep all messages in files
    ///
    /// Example: mite collector --collector-socket=tcp://127.0.0.1:14303 --collector-dir=collector_data
    Collector(collector::process::Args),
    /// Keep the data that journeys create in files
    ///
    /// Example: mite recorder --recorder-socket=tcp://127.0.0.1:14303 --recorder-dir=recorder_data
    Recorder(recorder::process::Args),
    /// Show a file of messages as lines of JSON
    ///
    /// Example: mite cat --prettify-timestamps collector_data/current
    Cat(cat::Args),
    /// Make a file of messages of lines of JSON, as `mite cat` writes them
    ///
    /// Example: mite cat collector_data/current | mite uncat > copy.msgpack
    Uncat(cat::uncat::Args),
}

#[derive(Debug, Subcommand)]
enum ScenarioCommand {
    /// Run a scenario in this process, with live figures and a summary
    ///
    /// Example: mite scenario test load:load --add-to-config=url:http://127.0.0.1:14380/ --web-address=127.0.0.1:9301
    Test {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), or
        /// `https://host/file.wasm@sha256:DIGEST:name`
        spec: String,
        #[command(flatten)]
        args: Box<local::Args>,
    },
}

#[derive(Debug, Subcommand)]
enum JourneyCommand {
    /// Run a journey again and again, so many at once, until interrupted
    ///
    /// Example: mite journey test shop:buy shop:users --volume=20 --duration=30
    Test {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), or
        /// `https://host/file.wasm@sha256:DIGEST:name`
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
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), or
        /// `https://host/file.wasm@sha256:DIGEST:name`
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

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let Cli { command, output, parent } = Cli::parse();
    let screen = Screen::new(output.verbosity());
    log(&screen, output.log_level);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match parent.map_or(Ok(()), shutdown::end_with).and_then(|()| runtime()) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&screen, &error.to_string(), 1),
    };
    let code = runtime.block_on(async {
        match command {
            Command::Playground(args) => play(args, &screen).await,
            Command::Duplicator(args) => {
                part(&screen, duplicator::Error::exit_code, async |shutdown| duplicator::run(args, shutdown).await)
                    .await
            }
            Command::Receiver(args) => {
                part(&screen, receiver::Error::exit_code, async |shutdown| receiver::run(args, shutdown).await).await
            }
            Command::Stats(args) => {
                use stats::process;
                part(&screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
            }
            Command::Collector(args) => {
                use collector::process;
                part(&screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
            }
            Command::Recorder(args) => {
                use recorder::process;
                part(&screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
            }
            Command::Cat(args) => done(&screen, cat::run(&args)),
            Command::Uncat(_) => done(&screen, cat::uncat::run()),
            Command::PrometheusExporter(args) => {
                use exporter::process;
                let run = async |shutdown| process::run(args, stats::help, shutdown).await;
                part(&screen, process::Error::exit_code, run).await
            }
            Command::Up { spec, args } => whole(&args, &spec, &output, &screen).await,
            Command::Controller { spec, args } => control(&args, &spec, &screen).await,
            Command::Runner(args) => run(&args, &screen).await,
            Command::Scenario(ScenarioCommand::Test { spec, args }) => {
                test(&args, spec.parse().map(Wanted::Scenario), &screen).await
            }
            Command::Journey(JourneyCommand::Test { spec, datapool, volume, duration, args }) => {
                let wanted = journey(&spec, datapool.as_deref());
                let wanted =
                    wanted.map(|(spec, datapool)| Wanted::Journey { spec, datapool, volume, seconds: duration });
                test(&args, wanted, &screen).await
            }
            Command::Journey(JourneyCommand::Run { spec, datapool, args }) => {
                let wanted = journey(&spec, datapool.as_deref());
                test(&args, wanted.map(|(spec, datapool)| Wanted::Once { spec, datapool }), &screen).await
            }
        }
    });
    // Nothing that still waits for a file or a name may keep the program.
    runtime.shutdown_background();
    code
}

fn journey(spec: &str, datapool: Option<&str>) -> Result<(Spec, Option<Datapool>), crate::component::Error> {
    Ok((spec.parse()?, datapool.map(str::parse).transpose()?))
}

async fn test(args: &local::Args, wanted: Result<Wanted, crate::component::Error>, screen: &Screen) -> ExitCode {
    let tested = match wanted {
        Ok(wanted) => local::run(args, wanted, screen).await,
        Err(error) => Err(error.into()),
    };
    reported(screen, tested, local::Error::exit_code)
}

async fn control(args: &distributed::Args, spec: &str, screen: &Screen) -> ExitCode {
    let tested = async {
        let (spec, mut signals) = (spec.parse()?, Signals::new()?);
        distributed::run(args, distributed::Wanted::Scenario(spec), &mut signals, screen).await
    };
    let tested: Result<_, distributed::Error> = tested.await;
    reported(screen, tested, distributed::Error::exit_code)
}

async fn whole(args: &up::Args, spec: &str, output: &Output, screen: &Screen) -> ExitCode {
    let tested = match spec.parse() {
        Ok(spec) => up::run(args, spec, &output.words(), screen).await,
        Err(error) => Err(distributed::Error::Component(error).into()),
    };
    reported(screen, tested, up::Error::exit_code)
}

/// A test ends with what its report says, or its error.
fn reported<E: std::error::Error>(screen: &Screen, tested: Result<Report, E>, exit_code: fn(&E) -> u8) -> ExitCode {
    match tested {
        Ok(report) => ExitCode::from(report.exit_code()),
        Err(error) => failed(screen, &with_causes(&error), exit_code(&error)),
    }
}

async fn run(args: &remote::Args, screen: &Screen) -> ExitCode {
    let shutdown = match shutdown::on_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return failed(screen, &error.to_string(), 1),
    };
    match remote::run(args, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(screen, &with_causes(&error), error.exit_code()),
    }
}

async fn play(args: playground::Args, screen: &Screen) -> ExitCode {
    let shutdown = match shutdown::on_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return failed(screen, &error.to_string(), 1),
    };
    match playground::run(args, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if matches!(error, playground::Error::Worker { .. }) { 1 } else { 104 };
            failed(screen, &with_causes(&error), code)
        }
    }
}

/// Runs a component of the pipeline until it is told to stop, or fails.
async fn part<E: std::error::Error + From<std::io::Error>>(
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

fn done(screen: &Screen, done: Result<(), cat::Error>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(screen, &with_causes(&error), error.exit_code()),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
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
fn failed(screen: &Screen, message: &str, code: u8) -> ExitCode {
    let _ = screen.clear();
    let _ = writeln!(std::io::stderr(), "mite: {}", crate::console::text::escape(message));
    ExitCode::from(code)
}

fn log(screen: &Screen, level: Level) {
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

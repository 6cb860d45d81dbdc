//! The command line: every command, and what runs it.
//!
//! ```text
//! here      tests in this process
//! output    what every command says, and how much
//! end       how a command ends: exit code and message
//! ```

mod end;
mod here;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::build;
use crate::cat;
use crate::collector;
use crate::component::compiler::inside;
use crate::component::js;
use crate::component::spec::build_sources_by;
use crate::console::screen::Screen;
use crate::descriptors;
use crate::distributed;
use crate::doctor;
use crate::duplicator;
use crate::exporter;
use crate::inspect;
use crate::new;
use crate::playground;
use crate::receiver;
use crate::recorder;
use crate::runner::remote;
use crate::shutdown::{self, Signals};
use crate::stats;
use crate::up;
use crate::watch;
use end::{done, failed, part, reported};
use here::{JourneyCommand, ScenarioCommand};
use output::Output;

/// A load-testing engine: journeys are WebAssembly components.
///
/// A journey is what one user does; a scenario says how many journeys run when. Both are written in Rust, Python or
/// JavaScript, built into one file, and run here.
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
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), or a source that is
        /// built first (`journeys.py:name`, `.:name`)
        spec: String,
        #[command(flatten)]
        args: Box<up::Args>,
    },
    /// Test a scenario on runners that are processes of their own
    ///
    /// Example: mite controller load:load --expect-runners=2 --add-to-config=url:http://127.0.0.1:14380/
    Controller {
        /// `file.wasm:name`, `package.name:name` looked up on MITE_PATH (default: here, then target/journeys), a source that is
        /// built first (`journeys.py:name`, `.:name`), or `https://host/file.wasm@sha256:DIGEST:name`
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
    /// Make a project that builds and runs at once
    New(new::Args),
    /// Build a component from its sources, if they have changed
    ///
    /// Example: mite build journeys.py -o journeys.wasm
    Build(build::Args),
    /// Run a journey once on each save of its source
    Watch(watch::Args),
    /// Show which languages journeys can be built from here, and what to install
    Doctor(doctor::Args),
    /// Show what is in a component and what it may do
    Inspect(inspect::Args),
    /// Write a copy of this program that carries what runs JavaScript, started and compiled: a part of `make build`
    #[command(hide = true)]
    Carry { to: PathBuf },
    /// What this program starts to compile a component, with bounds
    #[command(hide = true)]
    Compile(inside::Args),
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let Cli { command, output, parent } = Cli::parse();
    let screen = Screen::new(output.verbosity());
    output::log(&screen, output.log_level);
    build_sources_by(build::named);
    if let Err(message) = descriptors::raise() {
        return failed(&screen, &message, 104);
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match parent.map_or(Ok(()), shutdown::end_with).and_then(|()| runtime()) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&screen, &error.to_string(), 1),
    };
    let code = runtime.block_on(run(command, &output, &screen));
    // Nothing that still waits for a file or a name may keep the program.
    runtime.shutdown_background();
    code
}

async fn run(command: Command, output: &Output, screen: &Screen) -> ExitCode {
    match command {
        Command::Playground(args) => {
            part(screen, playground::Error::exit_code, async |shutdown| playground::run(args, shutdown).await).await
        }
        Command::Duplicator(args) => {
            part(screen, duplicator::Error::exit_code, async |shutdown| duplicator::run(args, shutdown).await).await
        }
        Command::Receiver(args) => {
            part(screen, receiver::Error::exit_code, async |shutdown| receiver::run(args, shutdown).await).await
        }
        Command::Stats(args) => {
            use stats::process;
            part(screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
        }
        Command::Collector(args) => {
            use collector::process;
            part(screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
        }
        Command::Recorder(args) => {
            use recorder::process;
            part(screen, process::Error::exit_code, async |shutdown| process::run(args, shutdown).await).await
        }
        Command::Cat(args) => done(screen, cat::run(&args), cat::Error::exit_code),
        Command::Uncat(_) => done(screen, cat::uncat::run(), cat::Error::exit_code),
        Command::New(args) => done(screen, new::run(&args), new::Error::exit_code),
        Command::Build(args) => done(screen, build::run(&args), build::Error::exit_code),
        Command::Watch(args) => done(screen, watch::run(&args).await, watch::Error::exit_code),
        Command::Doctor(args) => match doctor::run(&args) {
            Ok(code) => code,
            Err(error) => failed(screen, &error.to_string(), 1),
        },
        Command::Compile(args) => inside::run(args),
        Command::Inspect(args) => done(screen, inspect::run(&args).await, inspect::Error::exit_code),
        Command::Carry { to } => done(screen, js::carry(&to), |_| 1),
        Command::PrometheusExporter(args) => {
            use exporter::process;
            let run = async |shutdown| process::run(args, stats::help, shutdown).await;
            part(screen, process::Error::exit_code, run).await
        }
        Command::Up { spec, args } => whole(&args, &spec, output, screen).await,
        Command::Controller { spec, args } => control(&args, &spec, screen).await,
        Command::Runner(args) => {
            part(screen, remote::Error::exit_code, async |shutdown| remote::run(&args, shutdown).await).await
        }
        Command::Scenario(command) => here::scenario(command, screen).await,
        Command::Journey(command) => here::journey(command, screen).await,
    }
}

async fn control(args: &distributed::Args, spec: &str, screen: &Screen) -> ExitCode {
    let spec = match build::spec(spec) {
        Ok(spec) => spec,
        Err(error) => return done(screen, Err(error), build::Error::exit_code),
    };
    let tested = async {
        let mut signals = Signals::new()?;
        distributed::run(args, distributed::Wanted::Scenario(spec), &mut signals, screen).await
    };
    let tested: Result<_, distributed::Error> = tested.await;
    reported(screen, tested, distributed::Error::exit_code)
}

async fn whole(args: &up::Args, spec: &str, output: &Output, screen: &Screen) -> ExitCode {
    match build::spec(spec) {
        Ok(spec) => reported(screen, up::run(args, spec, &output.words(), screen).await, up::Error::exit_code),
        Err(error) => done(screen, Err(error), build::Error::exit_code),
    }
}

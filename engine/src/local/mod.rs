//! `scenario test`, `journey test` and `journey run`: controller, runner and sinks in one process, over channels.

mod args;
mod machine;
mod outcome;
mod pipeline;
mod room;
mod steer;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use args::Args;

use crate::component::spec::SearchPath;
use crate::component::ticker::Ticker;
use crate::component::{self, engine};
use crate::console::screen::Screen;
use crate::console::{Report, export};
use crate::controller::{Controller, Plan, plan};
use crate::exporter;
use crate::runner::{self, Assignment, Clock, Data, Runner};
use crate::scenario::{Core, CoreError};
use crate::shutdown::Signals;
use crate::wire::config::Config;
use crate::wire::message::run_id_field;
use pipeline::Pipeline;

pub use crate::controller::plan::{Datapool, Wanted};

/// Why a test could not be run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Plan(#[from] plan::Error),
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error("config: {0}")]
    Config(String),
    #[error(transparent)]
    Core(#[from] CoreError),
    #[error("{0}")]
    Collector(#[from] crate::collector::Error),
    #[error("{0}")]
    Stats(#[from] crate::stats::Error),
    #[error("{0}")]
    Exporter(#[from] exporter::Error),
    #[error(transparent)]
    Runner(#[from] runner::Error),
    #[error("{0}")]
    Export(#[from] export::ExportError),
    #[error("the scenario's own code failed while the test ran: {0}")]
    Scenario(String),
    #[error("{0} before the test began: nothing was run")]
    Interrupted(&'static str),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        use component::Error::Failed;
        match self {
            Self::Plan(plan::Error::Component(Failed { .. })) | Self::Component(Failed { .. }) | Self::Scenario(_) => {
                107
            }
            Self::Plan(plan::Error::Data(crate::controller::data::Error::Component(Failed { .. }))) => 107,
            Self::Interrupted(_) => 105,
            Self::Runner(_) | Self::Io(_) => 1,
            _ => 104,
        }
    }
}

/// A test with everything that it needs open and ready: what can be wrong with what the user gave has been found by now.
struct Ready {
    plan: Plan,
    room: room::Made,
    pipeline: Pipeline,
    settings: Arc<runner::Settings>,
    config: Arc<Config>,
    clock: Clock,
    warnings: Vec<String>,
    /// While the scenario's instance may be asked for volumes and data.
    ticker: Option<Ticker>,
}

/// Runs a test. The summary is printed and exported before it answers.
pub async fn run(args: &Args, wanted: Wanted, screen: &Screen) -> Result<Report, Error> {
    let mut signals = Signals::new()?;
    let ready = tokio::select! {
        ready = prepare(args, &wanted) => ready?,
        signal = signals.next() => return Err(Error::Interrupted(signal)),
    };
    let (report, failure) = steer::steer(args, &wanted, ready, &mut signals, screen).await?;
    screen.finish(&report)?;
    if let Some(path) = &args.summary_export {
        export::write(path, &report)?;
    }
    match failure {
        Some(failure) => Err(Error::Scenario(failure)),
        None => Ok(report),
    }
}

async fn prepare(args: &Args, wanted: &Wanted) -> Result<Ready, Error> {
    let clock = Clock::start();
    if let Some(path) = &args.summary_export {
        export::check(path)?;
    }
    let config = Config::from_environment(&args.config()).map_err(Error::Config)?;
    let plain = engine::plain()?;
    let ticker = Ticker::start(&plain, || ())?;
    let mut plan = plan::plan(&plain, &SearchPath::from_environment(), config, wanted).await?;
    let mut warnings = machine::prepare(args, plan.peak());
    let room = room::make(args, &plan)?;
    warnings.extend(room.fallback.clone());
    let settings = Arc::new(args.settings(&plan.test, &run_id()));
    let run_id = run_id_field(&settings.run_id);
    let mut pipeline = Pipeline::open(args, &plan.test, run_id, clock).await?;
    pipeline.tell_outside(plan.definition.take_sent());
    let config = Arc::new(plan.definition.config().clone());
    let ticker = Some(ticker).filter(|_| !(plan.models.is_empty() && plan.sources.is_empty()));
    Ok(Ready { plan, room, pipeline, settings, config, clock, warnings, ticker })
}

/// Unique for every run of every test, and in the order of time.
fn run_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:04x}", since.as_micros(), std::process::id() & 0xffff)
}

/// A test that has been started.
struct Started {
    runner: Runner,
    controller: Controller,
    pipeline: Pipeline,
    settings: Arc<runner::Settings>,
    clock: Clock,
    warnings: Vec<String>,
    _ticker: Option<Ticker>,
}

impl Ready {
    /// Starts the runner and the controller.
    fn start(self, args: &Args) -> Result<Started, Error> {
        let Self { plan, room, pipeline, settings, config, clock, warnings, ticker } = self;
        let assignments: Vec<_> = plan
            .planned
            .iter()
            .map(|planned| Assignment {
                id: planned.id,
                journey: planned.journey.as_str().into(),
                name: planned.name.clone(),
                prepared: room.prepared[&planned.package].clone(),
                data: data(planned.data),
            })
            .collect();
        let core = Core::new(plan.items, args.core_settings(settings.workers))?;
        let controller = Controller::new(core, plan.definition, plan.sources, plan.models);
        let runner = Runner::start(&settings, &room.engine, &assignments, &config, clock, &pipeline.sender())?;
        Ok(Started { runner, controller, pipeline, settings, clock, warnings, _ticker: ticker })
    }
}

fn data(kind: Option<crate::component::bindings::scenarios::PoolKind>) -> Data {
    use crate::component::bindings::scenarios::PoolKind;
    match kind {
        None => Data::Without,
        Some(PoolKind::Recyclable) => Data::Recycled,
        Some(PoolKind::Iterable | PoolKind::SingleRun) => Data::Once,
    }
}

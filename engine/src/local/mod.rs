//! `scenario test`, `journey test` and `journey run`: controller, runner and sinks in one process, over channels.

mod args;
mod crew;
mod pipeline;

use std::num::NonZeroU32;
use std::sync::Arc;

pub use args::Args;

use crate::component::spec::SearchPath;
use crate::component::ticker::Ticker;
use crate::component::{self, engine};
use crate::console::screen::Screen;
use crate::console::{Report, export};
use crate::controller::{Controller, Plan, plan};
use crate::exporter;
use crate::policy::SecretError;
use crate::runner::{self, Assignment, Clock, Data, Runner, machine, room};
use crate::scenario::{self, Core, CoreError};
use crate::shutdown::Signals;
use crate::steer::{Behind, Crew, Outcome, Steered, Test, run_id, steer};
use crate::wire::config::Config;
use crate::wire::message::run_id_field;
use crew::Workers;
use pipeline::Pipeline;

pub use crate::controller::plan::{Datapool, Wanted};

/// Why a test could not be run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Plan(#[from] plan::Error),
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error(transparent)]
    Secret(#[from] SecretError),
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
        match self {
            Self::Plan(error) if error.is_of_the_scenario() => 107,
            Self::Component(component::Error::Failed { .. }) | Self::Scenario(_) => 107,
            Self::Interrupted(_) => 105,
            Self::Runner(error) => error.exit_code(),
            Self::Io(_) => 1,
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
    let warnings = ready.warnings.clone();
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let settings = ready.settings.clone();
    let (controller, workers, _ticker) = ready.start(args)?;
    let test = Test { name: settings.test.clone(), run_id: workers.pipeline.run_id() };
    let steered = steer(controller, workers, test, &mut signals, screen).await;
    let failure = steered.failure.clone();
    let until_told = matches!(wanted, Wanted::Journey { seconds: None, .. });
    let report = outcome(args, &settings, until_told, warnings, steered).await;
    let shown = screen.finish(&report);
    // Also where nobody can be shown anything.
    if let Some(path) = &args.test.summary_export {
        export::write(path, &report)?;
    }
    shown?;
    match failure {
        Some(failure) => Err(Error::Scenario(failure)),
        None => Ok(report),
    }
}

async fn prepare(args: &Args, wanted: &Wanted) -> Result<Ready, Error> {
    let clock = Clock::start();
    if let Some(path) = &args.test.summary_export {
        export::check(path)?;
    }
    let config = Config::from_environment(&args.test.added).map_err(Error::Config)?;
    let policy = args.policy.policy();
    let secrets = runner::secrets::read(&policy)?;
    let plain = engine::plain()?;
    let ticker = Ticker::start(&plain, || ())?;
    let (path, reach) = (SearchPath::from_environment(), Arc::new(policy.targets.clone()));
    let mut plan = plan::plan(&plain, &path, &args.test.components, config, wanted, &reach).await?;
    let most = args.test.runner_max_journeys;
    let mut warnings = machine::prepare(plan.peak(), most);
    let room =
        room::Wanted { peak: plan.peak(), journeys_max: most, journey_memory: args.test.journeys.journey_memory };
    let components: Vec<_> = plan.components.iter().map(|(package, it)| (package.as_str(), &it.code)).collect();
    let room = room::make(room, &components)?;
    warnings.extend(room.fallback.clone());
    let settings = Arc::new(args.settings(&plan.test, &run_id(), &policy, secrets));
    let run_id = run_id_field(&settings.run_id);
    let mut pipeline = Pipeline::open(args, &plan.test, run_id, clock).await?;
    pipeline.tell_outside(plan.definition.take_sent());
    let config = Arc::new(plan.definition.config().clone());
    let ticker = Some(ticker).filter(|_| !(plan.models.is_empty() && plan.sources.is_empty()));
    Ok(Ready { plan, room, pipeline, settings, config, clock, warnings, ticker })
}

impl Ready {
    /// Starts the runner and the controller.
    fn start(self, args: &Args) -> Result<(Controller, Workers, Option<Ticker>), Error> {
        let Self { plan, room, pipeline, settings, config, clock, ticker, .. } = self;
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
        let most = args.test.runner_max_journeys;
        let core_settings = scenario::Settings {
            // To the core each worker is a runner of its own.
            runner_max_journeys: most.map(|most| most.get().div_ceil(settings.workers)),
            journeys_max: most.map(NonZeroU32::get),
            ..args.test.core_settings()
        };
        let core = Core::new(plan.items, core_settings)?;
        let controller = Controller::new(core, plan.definition, plan.sources, plan.models);
        let runner = Runner::start(&settings, &room.engine, &assignments, &config, clock, &pipeline.sender())?;
        Ok((controller, Workers::new(runner, pipeline, clock, settings.workers), ticker))
    }
}

async fn outcome(
    args: &Args,
    settings: &runner::Settings,
    until_told: bool,
    mut warnings: Vec<String>,
    steered: Steered<Workers>,
) -> Report {
    let Steered { crew, figures, planned, signal, .. } = steered;
    let (totals, lost) = (crew.totals(), crew.lost());
    let Workers { runner, pipeline, clock, .. } = crew;
    runner.close();
    let (received, made, dropped) = pipeline.close().await;
    if lost > 0 {
        warnings.push(format!("{lost} workers ended without their last figures"));
    }
    Outcome {
        test: settings.test.clone(),
        run_id: settings.run_id.clone(),
        thresholds: args.test.thresholds(),
        totals,
        figures,
        planned,
        signal: signal.filter(|_| !until_told),
        runners: 1,
        runners_lost: u32::from(lost > 0),
        received: Some(received),
        behind: Behind::default(),
        made,
        dropped,
        started: clock.unix(0),
        warnings,
    }
    .report()
}

fn data(kind: Option<crate::component::bindings::scenarios::PoolKind>) -> Data {
    use crate::component::bindings::scenarios::PoolKind;
    match kind {
        None => Data::Without,
        Some(PoolKind::Recyclable) => Data::Recycled,
        Some(PoolKind::Iterable | PoolKind::SingleRun) => Data::Once,
    }
}

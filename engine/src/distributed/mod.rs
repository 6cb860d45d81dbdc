//! `mite controller`: a test whose runners are processes elsewhere, ours or Python's.
//!
//! ```text
//! crew      the sockets: REP for the runners' requests, PUSH for the controller's own messages
//! members   PURE: who is there; every request comes here
//! ours python   PURE: a runner of either kind
//! downstream   PURE: what became of the messages, as duplicators tell it
//! shelf     the components that runners fetch
//! webhook   tells a log that a test begins and ends
//! ```

mod crew;
mod downstream;
mod members;
mod ours;
mod python;
mod shelf;
mod webhook;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use crate::component::bindings::scenarios::PoolKind;
use crate::component::spec::SearchPath;
use crate::component::ticker::Ticker;
use crate::component::{self, definition::Sent, engine};
use crate::console::screen::Screen;
use crate::console::{Report, export};
use crate::controller::{Controller, Plan, plan};
use crate::policy::Policy;
use crate::scenario::{Core, CoreError};
use crate::shutdown::Signals;
use crate::steer::{self, Crew, Outcome, Steered, nanos, steer};
use crate::wire::account::Account;
use crate::wire::config::Config;
use crate::wire::control::ours as wire;
use crate::wire::message::{self, run_id_field};
use crate::wire::socket::{self, Full, Options, Push, Rep, process_id};
use crew::{Closed, LINGER, Runners};
use members::{About, Members};
use shelf::Shelf;
use webhook::Webhook;
pub use webhook::url as webhook_url;

pub use crate::controller::plan::Wanted;

/// Options of `mite controller`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where runners ask for work (REP, bound here)
    #[arg(long, value_name = "ADDRESS", default_value = "tcp://127.0.0.1:14301")]
    pub controller_socket: String,
    /// Where the controller's messages go (PUSH, connects); may be given more than once
    #[arg(long, value_name = "ADDRESS", default_value = "tcp://127.0.0.1:14302")]
    pub message_socket: Vec<String>,
    /// Begin when so many runners are ready
    #[arg(long, value_name = "N", default_value = "1")]
    pub expect_runners: NonZeroU32,
    /// Tell a log that the test begins (`POST URL/start`) and ends (`POST URL/end`)
    #[arg(long, value_name = "URL", env = "MITE_LOGGING_URL", value_parser = webhook::url)]
    pub logging_webhook: Option<reqwest::Url>,
    #[command(flatten)]
    pub test: steer::Args,
}

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
    #[error("{option}: {source}")]
    Socket { option: &'static str, source: socket::Error },
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
            Self::Io(_) => 1,
            _ => 104,
        }
    }
}

/// After a second signal: how long it may take to tell the webhook, and how long the controller's own messages may take to arrive.
const HURRY: Duration = Duration::from_millis(500);

/// A test that can begin: what can be wrong with what the user gave has been found by now.
pub struct Ready<'a> {
    args: &'a Args,
    controller: Controller,
    crew: Runners,
    test: Named,
    /// While the scenario's instance may be asked for volumes and data.
    _ticker: Option<Ticker>,
}

/// Runs a test. The summary is printed and exported before it answers.
pub async fn run(args: &Args, wanted: Wanted, signals: &mut Signals, screen: &Screen) -> Result<Report, Error> {
    Ready::new(args, &wanted, signals).await?.run(signals, screen).await
}

impl<'a> Ready<'a> {
    /// Looks at everything; from here on runners are answered as soon as it [runs](Self::run).
    pub async fn new(args: &'a Args, wanted: &Wanted, signals: &mut Signals) -> Result<Self, Error> {
        tokio::select! {
            ready = prepare(args, wanted) => ready,
            signal = signals.next() => Err(Error::Interrupted(signal)),
        }
    }

    /// Runs it. The summary is printed and exported before it answers.
    pub async fn run(self, signals: &mut Signals, screen: &Screen) -> Result<Report, Error> {
        let Self { args, controller, crew, test, _ticker } = self;
        let expected = args.expect_runners;
        tracing::info!("waiting for {expected} runner{}", if expected == NonZeroU32::MIN { "" } else { "s" });
        let (name, run_id, started) = (test.name.clone(), test.run.clone(), crew.now_unix());
        let told = steer::Test { name: test.name, run_id: test.run_id };
        let webhook = match &args.logging_webhook {
            Some(url) => Some(Webhook::begin(url, &name).await),
            None => None,
        };
        let steered = steer(controller, crew, told, signals, screen).await;
        if let Some(webhook) = webhook {
            let most = if steered.hurried { HURRY } else { Duration::MAX };
            if tokio::time::timeout(most, webhook.end()).await.is_err() {
                tracing::warn!("the logging webhook was not told that the test has ended: there was no time for that");
            }
        }
        let failure = steered.failure.clone();
        let report = outcome(args, name, run_id, started, steered).await;
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
}

/// How a test is called.
struct Named {
    name: String,
    run: String,
    /// The field of messages.
    run_id: std::sync::Arc<[u8]>,
}

async fn prepare<'a>(args: &'a Args, wanted: &Wanted) -> Result<Ready<'a>, Error> {
    if let Some(path) = &args.test.summary_export {
        export::check(path)?;
    }
    let (rep, push) = sockets(args).await?;
    let config = Config::from_environment(&args.test.added).map_err(Error::Config)?;
    let plain = engine::plain()?;
    let ticker = Ticker::start(&plain, || ())?;
    // A setup is run here, so it may reach what a test of the local user may.
    let reach = Arc::new(Policy::local().targets);
    let path = SearchPath::from_environment();
    let mut plan = plan::plan(&plain, &path, &args.test.components, config, wanted, &reach).await?;
    let run = steer::run_id();
    let run_id = run_id_field(&run);
    let account = Account {
        sender: format!("{}.controller", process_id()),
        kind: "controller".to_owned(),
        test: plan.test.clone(),
        run_id: run.clone(),
        ..Account::default()
    };
    let (about, shelf) = about(args, &mut plan, &run);
    let mut crew = Runners::new(rep, push, Members::new(about, shelf), args.expect_runners.get(), account);
    let test = Named { name: plan.test.clone(), run, run_id };
    tell_outside(&mut crew, plan.definition.take_sent(), &test);
    let ticker = Some(ticker).filter(|_| !(plan.models.is_empty() && plan.sources.is_empty()));
    let core = Core::new(plan.items, args.test.core_settings())?;
    let controller = Controller::new(core, plan.definition, plan.sources, plan.models);
    Ok(Ready { args, controller, crew, test, _ticker: ticker })
}

async fn sockets(args: &Args) -> Result<(Rep, Push), Error> {
    let wrong = |option| move |source| Error::Socket { option, source };
    let mut rep = Rep::new(Options::new("controller"));
    let bound = rep.bind(&args.controller_socket).await.map_err(wrong("--controller-socket"))?;
    let mut push = Push::new(Options { full: Full::DropNewest, ..Options::new("controller") });
    for address in &args.message_socket {
        push.connect(address).map_err(wrong("--message-socket"))?;
    }
    tracing::info!("runners are answered at {bound}; messages go to {}", args.message_socket.join(", "));
    Ok((rep, push))
}

/// What runners are told of the test, and the components they fetch.
fn about(args: &Args, plan: &mut Plan, run: &str) -> (About, Shelf) {
    let mut shelf = Shelf::default();
    let mut components = Vec::new();
    for (package, compiled) in &mut plan.components {
        let bytes = std::mem::take(&mut compiled.bytes);
        let sha256 = component::cache::sha256(&bytes);
        components.push(wire::Component {
            package: package.clone(),
            sha256: sha256.clone(),
            bytes: bytes.len() as u64,
        });
        shelf.put(sha256, bytes);
    }
    let data = |kind| match kind {
        None => wire::Data::Without,
        Some(PoolKind::Recyclable) => wire::Data::Recycled,
        Some(PoolKind::Iterable | PoolKind::SingleRun) => wire::Data::Once,
    };
    let assignments = plan.planned.iter().map(|planned| wire::Assignment {
        scenario: planned.id,
        journey: planned.journey.clone(),
        package: planned.package.clone(),
        name: planned.name.clone(),
        data: data(planned.data),
    });
    let journeys = &args.test.journeys;
    let connections = journeys.connections.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned());
    let test = wire::Test {
        components,
        assignments: assignments.collect(),
        peak: plan.peak(),
        workers: 0,
        journeys_max: args.test.runner_max_journeys.map(NonZeroU32::get),
        journeys: wire::Journeys {
            connections,
            fresh_instances: journeys.fresh_instances,
            request_timeout: nanos(journeys.request_timeout),
            journey_timeout: journeys.journey_timeout.map(nanos),
            journey_memory: journeys.journey_memory,
        },
    };
    let config = plan.definition.config().clone();
    let journeys = plan.planned.iter().map(|planned| {
        let (spec, with_data) = (planned.journey.clone(), planned.data.is_some());
        (planned.id, python::Journey { spec, recycled: planned.data == Some(PoolKind::Recyclable), with_data })
    });
    (About { name: plan.test.clone(), run_id: run.to_owned(), config, test, journeys: journeys.collect() }, shelf)
}

/// Sends the messages of scenario functions.
fn tell_outside(crew: &mut Runners, sent: Vec<Sent>, named: &Named) {
    let now = crew.now_unix();
    for Sent { message_type, fields } in sent {
        match message::own_pairs(&fields, &[]) {
            Ok((own, count)) => crew.tell(|out| {
                message::outside(out, &message_type, &own, count, now, &named.name, &named.run_id);
            }),
            Err(_) => {
                tracing::warn!("a scenario function sent a message `{}` that is no map", message_type.escape_debug());
            }
        }
    }
}

async fn outcome(args: &Args, test: String, run_id: String, started: f64, steered: Steered<Runners>) -> Report {
    let Steered { mut crew, figures, planned, signal, hurried, .. } = steered;
    crew.members.close();
    let (totals, there) = (crew.members.totals(), crew.members.figures);
    let linger = if hurried { HURRY } else { LINGER };
    let Closed { made, dropped, behind } = crew.close(totals.messages.made, totals.messages.dropped, linger).await;
    let mut warnings = Vec::new();
    if there.lost_workers > 0 {
        warnings.push(format!("{} workers ended without their last figures", there.lost_workers));
    }
    if there.python > 0 {
        warnings.push(format!("the figures of {} Python runners are not in this summary", there.python));
    }
    if there.took_part == 0 {
        warnings.push("no runner took part: start one with `mite runner`".to_owned());
    }
    Outcome {
        test,
        run_id,
        thresholds: args.test.thresholds(),
        totals,
        figures,
        planned,
        signal,
        runners: there.took_part,
        runners_lost: there.lost.max(u32::from(there.lost_workers > 0)),
        received: None,
        behind,
        made,
        dropped,
        started,
        warnings,
    }
    .report()
}

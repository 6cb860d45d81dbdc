//! From a spec to everything a test needs: what runs how much, with which data, from which components.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Engine;

use super::data::{self, Format, Rows, Source};
use crate::component::bindings::scenarios as wit;
use crate::component::compile::{Compiled, compile, compile_bytes};
use crate::component::compiler::Bounds;
use crate::component::definition::Definition;
use crate::component::fetch;
use crate::component::spec::{self, SearchPath, Spec};
use crate::component::{self};
use crate::policy::Targets;
use crate::scenario::{Load, MAX_SECONDS, Part, Pool, ScenarioItem, Volume};
use crate::wire::config::Config;

/// What a person wants to have run.
pub enum Wanted {
    /// A scenario of a component.
    Scenario(Spec),
    /// A journey at a constant volume, for so many seconds or until interrupted.
    Journey { spec: Spec, datapool: Option<Datapool>, volume: u32, seconds: Option<f64> },
    /// A journey, exactly once.
    Once { spec: Spec, datapool: Option<Datapool> },
}

/// A datapool on the command line.
#[derive(Clone, Debug)]
pub enum Datapool {
    /// Of the journey's component or another, `users.wasm:users`.
    Spec(Spec),
    File(PathBuf),
}

impl std::str::FromStr for Datapool {
    type Err = component::Error;

    /// What ends in .csv, .jsonl, .ndjson or .msgpack is a file.
    fn from_str(text: &str) -> Result<Self, component::Error> {
        let path = Path::new(text);
        let is_file =
            ["csv", "jsonl", "ndjson", "msgpack"].iter().any(|known| path.extension().is_some_and(|it| it == *known));
        if is_file {
            return Ok(Self::File(path.to_owned()));
        }
        text.parse()
            .map(Self::Spec)
            .map_err(|_: component::Error| component::Error::NoDatapool { text: text.to_owned() })
    }
}

/// What can be wrong with a plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error(transparent)]
    Data(#[from] data::Error),
    #[error("scenario `{scenario}` item {item} ({journey}): {reason}")]
    Item { scenario: String, item: usize, journey: String, reason: String },
    #[error("scenario `{scenario}` has no items: there is nothing to run")]
    NoItems { scenario: String },
}

impl Error {
    /// Whether it was the scenario's own code that failed.
    pub fn is_of_the_scenario(&self) -> bool {
        use component::Error::Failed;
        matches!(self, Self::Component(Failed { .. }) | Self::Data(data::Error::Component(Failed { .. })))
    }
}

/// A scenario item as runners need to know it.
pub struct Planned {
    pub id: u32,
    /// `package:journey`, as it stands in messages.
    pub journey: String,
    pub package: String,
    /// The journey's name in the component.
    pub name: String,
    pub data: Option<wit::PoolKind>,
}

/// A test, ready to be started.
pub struct Plan {
    /// The canonical spec.
    pub test: String,
    pub planned: Vec<Planned>,
    pub items: Vec<ScenarioItem>,
    pub sources: BTreeMap<u32, Source>,
    pub models: BTreeMap<u32, String>,
    /// By package.
    pub components: BTreeMap<String, Compiled>,
    pub definition: Definition,
}

/// Makes a plan: compiles the components and asks the scenario's, whose `setup` may reach what `reach` lets it.
pub async fn plan(
    engine: &Engine,
    path: &SearchPath,
    bounds: &Bounds,
    config: Config,
    wanted: &Wanted,
    reach: &Arc<Targets>,
) -> Result<Plan, Error> {
    let (Wanted::Scenario(spec) | Wanted::Journey { spec, .. } | Wanted::Once { spec, .. }) = wanted;
    let compiled = compiled(engine, &spec.component, path, bounds).await?;
    let definition = Definition::open(engine, &compiled, config).await?;
    let components = BTreeMap::from([(compiled.package.clone(), compiled)]);
    let plan = Plan {
        test: spec.canonical(),
        planned: Vec::new(),
        items: Vec::new(),
        sources: BTreeMap::new(),
        models: BTreeMap::new(),
        components,
        definition,
    };
    let mut planner = Planner { engine, path, bounds, plan, named: BTreeMap::new() };
    planner.plan.definition.setup(reach).await?;
    match wanted {
        Wanted::Scenario(spec) => planner.scenario(&spec.name).await?,
        Wanted::Journey { spec, datapool, volume, seconds } => {
            let seconds = seconds.unwrap_or(MAX_SECONDS);
            let constant = Volume::new(&[Part::Constant { seconds, journeys: *volume }]);
            let load =
                Load::Volume(constant.map_err(|error| planner.wrong(&spec.name, 1, &spec.name, error.to_string()))?);
            planner.journey(spec, datapool.as_ref(), load).await?;
        }
        Wanted::Once { spec, datapool } => planner.journey(spec, datapool.as_ref(), Load::Once).await?,
    }
    Ok(planner.plan)
}

/// Fetches what stands elsewhere. Compiles on a thread of its own: a large component takes many seconds, and a signal is answered
/// meanwhile.
async fn compiled(
    engine: &Engine,
    component: &spec::Component,
    path: &SearchPath,
    bounds: &Bounds,
) -> Result<Compiled, component::Error> {
    let (engine, component, path, bounds) = (engine.clone(), component.clone(), path.clone(), *bounds);
    let package = component.package();
    let fetched = match &component {
        spec::Component::Remote(remote) => {
            Some((PathBuf::from(remote.url.as_str()), fetch(remote, bounds.component_bytes()).await?))
        }
        spec::Component::File(_) | spec::Component::Package(_) => None,
    };
    let name = package.clone();
    let compiling = tokio::task::spawn_blocking(move || match fetched {
        Some((place, bytes)) => compile_bytes(&engine, name, place, bytes, &bounds),
        None => compile(&engine, &component, &path, &bounds),
    });
    compiling.await.unwrap_or_else(|panic| {
        let what = "compiling".to_owned();
        Err(component::Error::Failed { package, what, reason: format!("{panic}; please report it") })
    })
}

struct Planner<'a> {
    engine: &'a Engine,
    path: &'a SearchPath,
    bounds: &'a Bounds,
    plan: Plan,
    /// Components by what scenarios call them; sources are built once.
    named: BTreeMap<String, spec::Component>,
}

impl Planner<'_> {
    async fn scenario(&mut self, name: &str) -> Result<(), Error> {
        let items = self.plan.definition.scenario(name).await?;
        if items.is_empty() {
            return Err(Error::NoItems { scenario: name.to_owned() });
        }
        for (at, item) in items.into_iter().enumerate() {
            let wit::Load::Volume(volume) = item.load;
            let (load, model) = match volume {
                wit::Volume::Model(model) => (Load::Model(model.clone()), Some(model)),
                wit::Volume::Parts(parts) => {
                    let volume = Volume::new(&parts.iter().map(part).collect::<Vec<_>>());
                    (
                        Load::Volume(
                            volume.map_err(|error| self.wrong(name, at + 1, &item.journey, error.to_string()))?,
                        ),
                        None,
                    )
                }
            };
            let id = self.add(&item.journey, load).await?;
            if let Some(model) = model {
                self.plan.models.insert(id, model);
            }
            if let Some(datapool) = item.datapool {
                let pool = self.plan.definition.datapool(&datapool).await?;
                let source = source(&datapool, pool.source)?;
                self.fill(id, &datapool, pool.kind, source).await?;
            }
        }
        Ok(())
    }

    async fn journey(&mut self, spec: &Spec, datapool: Option<&Datapool>, load: Load) -> Result<(), Error> {
        let once = load == Load::Once;
        let id = self.add(&spec.name, load).await?;
        let Some(datapool) = datapool else { return Ok(()) };
        let (name, kind, source) = match datapool {
            Datapool::File(path) => {
                (path.display().to_string(), wit::PoolKind::Recyclable, Source::File(Rows::of_user(path)?))
            }
            Datapool::Spec(datapool) => {
                // Asked in an instance of its own if it is another component's, which then replaces the scenario's: a
                // single journey has no scenario function that could be asked again.
                if datapool.component.package() != self.plan.definition.package() {
                    let compiled = compiled(self.engine, &datapool.component, self.path, self.bounds).await?;
                    let config = self.plan.definition.config().clone();
                    self.plan.definition = Definition::open(self.engine, &compiled, config).await?;
                }
                let pool = self.plan.definition.datapool(&datapool.name).await?;
                (datapool.name.clone(), pool.kind, source(&datapool.name, pool.source)?)
            }
        };
        let kind = if once { wit::PoolKind::SingleRun } else { kind };
        self.fill(id, &name, kind, source).await
    }

    /// Adds an item; answers its id.
    async fn add(&mut self, journey: &str, load: Load) -> Result<u32, Error> {
        let (package, name) = match journey.rsplit_once(':') {
            None => {
                self.plan.definition.require_journey(journey)?;
                (self.plan.definition.package().to_owned(), journey.to_owned())
            }
            Some((component, name)) => (self.component(component, name).await?, name.to_owned()),
        };
        let id = u32::try_from(self.plan.items.len() + 1).expect("a scenario has a thousand items at most");
        let spec = format!("{package}:{name}");
        self.plan.items.push(ScenarioItem { id, journey: spec.clone(), load, pool: None });
        self.plan.planned.push(Planned { id, journey: spec, package, name, data: None });
        Ok(id)
    }

    /// Sees to it that a journey's component is there; answers its package.
    async fn component(&mut self, component: &str, journey: &str) -> Result<String, Error> {
        let component = self.named(component).await?;
        let package = component.package();
        if let Some(there) = self.plan.components.get(&package) {
            let named = component.find(self.path)?;
            if !same_file(&named, &there.path) {
                let reason = format!("{} and {} have the same name", named.display(), there.path.display());
                return Err(self.wrong(&self.plan.test, self.plan.items.len() + 1, journey, reason));
            }
        }
        if package == self.plan.definition.package() {
            self.plan.definition.require_journey(journey)?;
            return Ok(package);
        }
        let compiled = compiled(self.engine, &component, self.path, self.bounds).await?;
        let other = Definition::open(self.engine, &compiled, Config::default()).await?;
        other.require_journey(journey)?;
        self.plan.components.insert(package.clone(), compiled);
        Ok(package)
    }

    /// What a scenario calls a component; a source is built, on a thread of its own since that takes a while.
    async fn named(&mut self, text: &str) -> Result<spec::Component, Error> {
        if let Some(known) = self.named.get(text) {
            return Ok(known.clone());
        }
        let named = spec::Component::from(text);
        let failed = |panic: tokio::task::JoinError| component::Error::Source { reason: panic.to_string() };
        let built = tokio::task::spawn_blocking(move || named.built()).await.map_err(failed)??;
        self.named.insert(text.to_owned(), built.clone());
        Ok(built)
    }

    /// Gives an item its data: all of it now, or, where each serves once, a source to ask when it is wanted.
    async fn fill(&mut self, id: u32, name: &str, kind: wit::PoolKind, mut source: Source) -> Result<(), Error> {
        let wrong = |reason: String| component::Error::Wrong {
            package: self.plan.test.clone(),
            what: format!("datapool `{name}`"),
            reason,
        };
        let pool = match kind {
            wit::PoolKind::Recyclable => {
                let items = source.all(&mut self.plan.definition).await?;
                Pool::recyclable(name, items).map_err(|error| wrong(error.to_string()))?
            }
            wit::PoolKind::SingleRun => {
                let first = source.next(&mut self.plan.definition, 1).await?.into_iter().next();
                Pool::single_run(first.ok_or_else(|| wrong("it is empty".to_owned()))?)
            }
            wit::PoolKind::Iterable => {
                self.plan.sources.insert(id, source);
                Pool::iterable()
            }
        };
        let at = id as usize - 1;
        self.plan.items[at].pool = Some(pool);
        self.plan.planned[at].data = Some(kind);
        Ok(())
    }

    fn wrong(&self, scenario: &str, item: usize, journey: &str, reason: String) -> Error {
        Error::Item { scenario: scenario.to_owned(), item, journey: journey.to_owned(), reason }
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok() == other.canonicalize().ok()
}

fn source(name: &str, source: wit::Source) -> Result<Source, Error> {
    Ok(match source {
        wit::Source::Items => Source::Component(name.to_owned()),
        wit::Source::Csv(path) => Source::File(Rows::of_component(&path, Format::Csv)?),
        wit::Source::JsonLines(path) => Source::File(Rows::of_component(&path, Format::JsonLines)?),
        wit::Source::Msgpack(path) => Source::File(Rows::of_component(&path, Format::Msgpack)?),
    })
}

fn part(part: &wit::Part) -> Part {
    match part {
        wit::Part::Nothing(seconds) => Part::Nothing { seconds: *seconds },
        wit::Part::Constant(constant) => Part::Constant { seconds: constant.seconds, journeys: constant.journeys },
        wit::Part::Ramp(ramp) => Part::Ramp { seconds: ramp.seconds, start: ramp.start, end: ramp.end },
    }
}

impl Plan {
    /// The most journeys at once that this test can want; none: a volume model decides while it runs.
    pub fn peak(&self) -> Option<u32> {
        self.items.iter().try_fold(0_u32, |sum, item| {
            let peak = match &item.load {
                Load::Volume(volume) => volume.peak(),
                Load::Once => 1,
                Load::Model(_) => return None,
            };
            Some(sum.saturating_add(peak))
        })
    }
}

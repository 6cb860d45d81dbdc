//! What stands around the runs of a test: `#[setup]`, `#[on_start]`, `#[on_stop]`.
use crate::bindings::exports::mite::journey::hooks::Guest;
use crate::bindings::mite::journey::messages::Failure;
use crate::component::Component;
use crate::context::{self, Ctx};
use crate::error::{Error, MiteError, Result};
use crate::{config, crash, executor, reactor, transaction};
use serde::Serialize;

/// Where in the config the answer of a setup stands.
pub const SETUP: &str = "mite.setup";

/// A `#[setup]`.
pub struct Setup {
    /// The function's name.
    pub name: &'static str,
    /// Runs it; its answer as msgpack.
    pub run: fn(Ctx) -> Result<Vec<u8>>,
}
/// When a hook is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the first run of an instance.
    OnStart,
    /// After its last.
    OnStop,
}
/// An `#[on_start]` or `#[on_stop]`.
pub struct Hook {
    /// When it is called.
    pub when: When,
    /// The function's name.
    pub name: &'static str,
    /// The journeys it is for; empty: for all.
    pub journeys: &'static [&'static str],
    /// Runs it.
    pub run: fn(Ctx) -> Result,
}
inventory::collect!(Setup);
inventory::collect!(Hook);

/// Runs a setup.
pub fn answer<T: Serialize, E: Into<Error>>(setup: impl Future<Output = Result<T, E>>) -> Result<Vec<u8>> {
    match executor::run(setup) {
        Ok(answer) => Ok(rmp_serde::to_vec_named(&answer.map_err(Into::into)?)?),
        Err(executor::Stuck) => Err(MiteError::new("the setup waits for something that can never happen").into()),
    }
}

/// Calls something in the surroundings of a run that nobody measures.
fn apart<T>(name: &'static str, call: impl FnOnce(Ctx) -> Result<T>) -> Result<T> {
    crash::watch();
    config::use_version(None);
    context::enter(name, 0, transaction::ROOT);
    let answer = call(Ctx::new());
    reactor::clear();
    context::enter("", 0, 0);
    answer
}

/// All that are for a journey, in the order of their names.
fn hooks(when: When, journey: &str) -> Result<()> {
    let is_for = |hook: &&Hook| hook.when == when && (hook.journeys.is_empty() || hook.journeys.contains(&journey));
    let mut all: Vec<&Hook> = inventory::iter::<Hook>.into_iter().filter(is_for).collect();
    all.sort_by_key(|hook| hook.name);
    all.into_iter().try_for_each(|hook| apart(hook.name, hook.run))
}

/// What is told of an error that nobody has told of.
fn untold(error: Error) -> Option<Failure> {
    (!error.is_reported()).then(|| error.failure())
}

impl Guest for Component {
    fn setup() -> Result<Option<Vec<u8>>, Failure> {
        let mut all = inventory::iter::<Setup>.into_iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(setup), None) => apart(setup.name, setup.run).map(Some).map_err(|error| error.failure()),
            (Some(one), Some(other)) => {
                let text = format!("one function is `#[setup]`, not both `{}` and `{}`", one.name, other.name);
                Err(Error::from(MiteError::new(text)).failure())
            }
        }
    }

    fn enter(journey: String) -> Result<(), Option<Failure>> {
        hooks(When::OnStart, &journey).map_err(untold)
    }

    fn leave(journey: String) -> Result<(), Option<Failure>> {
        hooks(When::OnStop, &journey).map_err(untold)
    }
}

//! The component's exports: what the host calls.
use crate::bindings::exports::mite::journey::journeys::{Contents, Context, Ending, Guest as Journeys};
use crate::bindings::exports::mite::journey::scenarios::{Guest as Scenarios, Item, Pool};
use crate::bindings::mite::journey::messages::Failure;
use crate::config::{self, Config};
use crate::context::{self, Ctx};
use crate::error::{Error, MiteError};
use crate::registry::{DATAPOOLS, JOURNEYS, Kind, SCENARIOS, VOLUME_MODELS};
use crate::{crash, datapool, reactor, transaction};

pub struct Component;

impl Journeys for Component {
    fn describe() -> Contents {
        Contents {
            journeys: JOURNEYS.unique_names(),
            scenarios: SCENARIOS.unique_names(),
            datapools: DATAPOOLS.unique_names(),
            volume_models: VOLUME_MODELS.unique_names(),
            sdk: concat!("rust ", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    fn run(context: Context) -> Result<(), Ending> {
        crash::watch();
        let result = run(&context).map_err(|error| match error.is_reported() {
            true => Ending::Reported,
            false => Ending::Failed(error.failure()),
        });
        reactor::clear();
        context::enter("", 0, 0);
        result
    }
}

fn run(context: &Context) -> Result<(), Error> {
    context::enter("", context.context_id, transaction::ROOT);
    let journey = JOURNEYS.find(&context.journey).map_err(|why| MiteError::new(format!("the run {why}")))?;
    context::enter(journey.name, context.context_id, transaction::ROOT);
    config::use_version(Some(context.config_version));
    (journey.run)(Ctx::new(), journey, &context.args)
}

/// Finds one of a kind and calls `with` with it, in the surroundings that the controller's questions get.
fn ask<T: inventory::Collect, R>(
    kind: &Kind<T>,
    name: &str,
    own_name: fn(&T) -> &'static str,
    with: impl FnOnce(&T) -> Result<R, Error>,
) -> Result<R, Error> {
    crash::watch();
    context::enter("", 0, 0);
    config::use_version(None);
    let found = kind.find(name).map_err(|why| Error::from(MiteError::new(format!("the controller {why}"))));
    found.and_then(|one| {
        context::enter(own_name(one), 0, 0);
        with(one)
    })
}

fn failure(error: Error) -> Failure {
    error.failure()
}

impl Scenarios for Component {
    fn scenario(name: String) -> Result<Vec<Item>, Failure> {
        ask(&SCENARIOS, &name, |s| s.name, |s| (s.make)(&Config::new())?.items(&name)).map_err(failure)
    }

    fn datapool(name: String) -> Result<Pool, Failure> {
        ask(&DATAPOOLS, &name, |d| d.name, datapool::describe).map_err(failure)
    }

    fn items(name: String, most: u32) -> Result<Vec<Vec<u8>>, Failure> {
        ask(&DATAPOOLS, &name, |d| d.name, |d| datapool::items(d, most)).map_err(failure)
    }

    fn required(model: String, start: f64, end: f64) -> Result<Option<u32>, Failure> {
        ask(&VOLUME_MODELS, &model, |m| m.name, |m| (m.required)(start, end)).map_err(failure)
    }
}

//! What a scenario is made of.
use crate::bindings::exports::mite::journey::scenarios as wire;
use crate::error::{Error, MiteError};
use crate::registry;
use crate::volume::Load;

struct Item {
    journey: String,
    datapool: Option<String>,
    load: Load,
}

/// Which journeys run, how many of them and with which data.
///
/// ```
/// # use mite_sdk::prelude::*;
/// Scenario::new()
///     .run("visit", Constant::new(10.0, 5))
///     .run_with("buy", "users", Nothing(1.0) + Ramp::to(5.0, 20) + Constant::new(10.0, 20))
/// # ;
/// ```
#[derive(Default)]
#[must_use = "a scenario does nothing unless its function returns it"]
pub struct Scenario(Vec<Item>);

impl Scenario {
    /// Without journeys.
    pub fn new() -> Self {
        Scenario::default()
    }

    /// Adds a journey of this component, or `package:journey` of another, that needs no data.
    pub fn run(self, journey: impl Into<String>, load: impl Into<Load>) -> Self {
        self.add(journey.into(), None, load.into())
    }

    /// Adds a journey that gets an item of a datapool with each run.
    pub fn run_with(self, journey: impl Into<String>, datapool: impl Into<String>, load: impl Into<Load>) -> Self {
        self.add(journey.into(), Some(datapool.into()), load.into())
    }

    fn add(mut self, journey: String, datapool: Option<String>, load: Load) -> Self {
        self.0.push(Item { journey, datapool, load });
        self
    }

    /// In the host's form, if all that it names is there.
    pub(crate) fn items(self, scenario: &str) -> Result<Vec<wire::Item>, Error> {
        let wrong = |what: String| Error::from(MiteError::new(format!("scenario `{scenario}` {what}")));
        if self.0.is_empty() {
            return Err(wrong("has no journeys: Scenario::new().run(\"journey\", Constant::new(10.0, 5))".into()));
        }
        let item = |Item { journey, datapool, load }: Item| {
            if !journey.contains(':') {
                registry::JOURNEYS.find(&journey).map_err(&wrong)?;
            }
            if let Some(datapool) = &datapool {
                registry::DATAPOOLS.find(datapool).map_err(&wrong)?;
            }
            if let Some(model) = load.model() {
                registry::VOLUME_MODELS.find(model).map_err(&wrong)?;
            }
            let load = load.wire().map_err(|why| wrong(format!("runs `{journey}` by {why}")))?;
            Ok(wire::Item { journey, datapool, load })
        };
        self.0.into_iter().map(item).collect()
    }
}

//! The controller: decides how many journeys of what run when, and with which data.
//!
//! All deciding is [`Core`]'s, a state machine; this asks components and files what it wants to know and says once a second
//! how things stand.

pub mod data;
pub mod plan;

use std::collections::BTreeMap;

use crate::component::definition::Definition;
use crate::scenario::{Core, Effect, Event};
use data::Source;

pub use plan::{Plan, Planned};

/// A controller for one test.
pub struct Controller {
    core: Core,
    definition: Definition,
    sources: BTreeMap<u32, Source>,
    models: BTreeMap<u32, String>,
    /// What went wrong in the scenario's own code while the test ran, in words.
    pub failures: Vec<String>,
}

/// Messages about the scenario's code that are kept; it is asked again and again.
const FAILURES_MAX: usize = 20;

impl Controller {
    pub fn new(
        core: Core,
        definition: Definition,
        sources: BTreeMap<u32, Source>,
        models: BTreeMap<u32, String>,
    ) -> Self {
        Self { core, definition, sources, models, failures: Vec::new() }
    }

    pub fn core(&self) -> &Core {
        &self.core
    }

    pub fn definition(&mut self) -> &mut Definition {
        &mut self.definition
    }

    /// Something has happened: answers what runners have to be told. `now` is in seconds since the controller began.
    pub async fn handle(&mut self, now: f64, event: Event) -> Vec<Effect> {
        let mut events = vec![event];
        let mut told = Vec::new();
        while let Some(event) = events.pop() {
            for effect in self.core.handle(now, event) {
                match effect {
                    Effect::AskModel { scenario, from, to } => events.push(self.ask_model(scenario, from, to).await),
                    Effect::AskPool { scenario, most } => events.push(self.ask_pool(scenario, most).await),
                    effect => told.push(effect),
                }
            }
        }
        told
    }

    async fn ask_model(&mut self, scenario: u32, from: f64, to: f64) -> Event {
        let Some(model) = self.models.get(&scenario) else { return Event::Failed { scenario } };
        match self.definition.required(model, from, to).await {
            Ok(journeys) => Event::Model { scenario, journeys },
            Err(error) => self.failed(scenario, error.to_string()),
        }
    }

    async fn ask_pool(&mut self, scenario: u32, most: u32) -> Event {
        let Some(source) = self.sources.get_mut(&scenario) else { return Event::Failed { scenario } };
        match source.next(&mut self.definition, most).await {
            Ok(items) => Event::Block { scenario, end: items.len() < most as usize, items },
            Err(error) => self.failed(scenario, error.to_string()),
        }
    }

    fn failed(&mut self, scenario: u32, reason: String) -> Event {
        tracing::error!("{reason}");
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(reason);
        }
        Event::Failed { scenario }
    }
}

//! The workers where runs are handed out one by one: they start with the first component, and get scenario items as these come.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::serving::Serving;
use crate::component::cache::Code;
use crate::component::engine::MEMORY_MAX;
use crate::policy::SecretError;
use crate::runner::quota::Labels;
use crate::runner::room::{self, Wanted};
use crate::runner::{Assignment, Clock, Data, Prepared, Report, Reuse, Runner, Settings, machine, secrets};
use crate::scenario::Item;
use crate::wire::config::Config;
use crate::wire::queue::Sender;

/// How often a worker reports: the next run of a journey is asked for when the one before is known to be over.
const REPORT: Duration = Duration::from_millis(5);
/// Nanoseconds for a request that has no limit of its own.
const REQUEST: u64 = 60_000_000_000;

/// See the module.
pub struct Shop {
    settings: Arc<Settings>,
    messages: Sender,
    clock: Clock,
    open: Option<Open>,
    prepared: BTreeMap<String, Prepared>,
    /// The journey of each scenario item.
    assigned: BTreeMap<u32, String>,
    number: u64,
    /// Bytes that a journey may have.
    memory: usize,
    /// The most journeys at once.
    journeys: Option<NonZeroU32>,
}

struct Open {
    runner: Runner,
    engine: wasmtime::Engine,
}

impl Shop {
    pub fn new(
        (test, run_id, runner_id): (&str, &str, u32),
        workers: u32,
        messages: &Sender,
        serving: &Serving,
    ) -> Result<Self, SecretError> {
        let policy = serving.policy();
        let limits = serving.limits();
        let settings = Settings {
            test: test.to_owned(),
            run_id: run_id.to_owned(),
            runner_id,
            workers,
            reuse: Reuse::Runner,
            fresh_instances: false,
            request_timeout: REQUEST,
            run_timeout: limits.journey_time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            response_size: policy.limits.response_size,
            labels: Labels::of(&policy.limits, serving.quota()),
            clock: policy.limits.clock,
            report_every: REPORT,
            quota: serving.quota(),
            crowd: serving.crowd(),
            targets: Arc::new(policy.targets.clone()),
            secrets: secrets::read(&policy)?,
        };
        Ok(Self {
            settings: Arc::new(settings),
            messages: messages.clone(),
            clock: Clock::start(),
            open: None,
            prepared: BTreeMap::new(),
            assigned: BTreeMap::new(),
            number: 0,
            memory: limits
                .journey_memory
                .map_or(MEMORY_MAX, |bytes| usize::try_from(bytes).unwrap_or(MEMORY_MAX).min(MEMORY_MAX)),
            journeys: limits.journeys.and_then(NonZeroU32::new),
        })
    }

    /// Unix seconds.
    pub fn unix(&self) -> f64 {
        self.clock.unix(self.clock.now())
    }

    /// One more component; the first opens the shop. The inner error says why this one can't be used.
    pub fn add(
        &mut self,
        package: &str,
        code: &Code,
        config: &Arc<Config>,
    ) -> Result<Result<(), String>, crate::runner::Error> {
        if let Some(open) = &self.open {
            let made = Prepared::new(&open.engine, package, code, self.memory).map_err(|error| format!("{error:#}"));
            return Ok(made.map(|prepared| drop(self.prepared.insert(package.to_owned(), prepared))));
        }
        machine::prepare(None, None).iter().for_each(|warning| tracing::warn!("{warning}"));
        let memory = u32::try_from(self.memory >> 20).unwrap_or(u32::MAX).max(1);
        let made = match room::make(
            Wanted { peak: None, journeys_max: self.journeys, journey_memory: memory },
            &[(package, code)],
        ) {
            Ok(made) => made,
            Err(error) => return Ok(Err(error.to_string())),
        };
        made.fallback.iter().for_each(|warning| tracing::warn!("{warning}"));
        let runner = Runner::start(&self.settings, &made.engine, &[], config, self.clock, &self.messages)?;
        self.prepared.extend(made.prepared);
        self.open = Some(Open { runner, engine: made.engine });
        Ok(Ok(()))
    }

    /// Sees to it that the workers know a scenario item. The error says why its journey can't be run.
    pub async fn assign(&mut self, scenario: u32, journey: &str, package: &str, name: &str) -> Result<(), String> {
        match self.assigned.get(&scenario) {
            Some(known) if known == journey => return Ok(()),
            Some(known) => return Err(format!("scenario {scenario} is {known} already")),
            None => {}
        }
        let (Some(open), Some(prepared)) = (&self.open, self.prepared.get(package)) else {
            return Err("its component is missing".to_owned());
        };
        let (prepared, data) = (prepared.clone(), Data::Once);
        let assignment = Assignment { id: scenario, journey: journey.into(), name: name.to_owned(), prepared, data };
        open.runner.assign(&assignment).await;
        self.assigned.insert(scenario, journey.to_owned());
        Ok(())
    }

    /// Lets a worker begin a run, with one more place if need be.
    pub async fn begin(&mut self, worker: u32, order: Option<u32>, scenario: u32, item: Item) {
        let Some(open) = &self.open else { return };
        if let Some(journeys) = order {
            self.number += 1;
            open.runner.order(worker, scenario, journeys, None, self.number).await;
        }
        open.runner.supply(worker, scenario, vec![item]).await;
    }

    pub async fn configure(&self, config: &Arc<Config>) {
        if let Some(open) = &self.open {
            open.runner.configure(config).await;
        }
    }

    /// No new runs.
    pub async fn stop(&self) {
        if let Some(open) = &self.open {
            open.runner.drain(0).await;
        }
    }

    pub async fn cancel(&self) {
        if let Some(open) = &self.open {
            open.runner.cancel().await;
        }
    }

    /// The next report of a worker; there is none for ever before the shop is open and after its end.
    pub async fn report(&mut self) -> Report {
        if let Some(open) = &mut self.open
            && let Some(report) = open.runner.reports.recv().await
        {
            return report;
        }
        std::future::pending().await
    }

    pub fn try_report(&mut self) -> Option<Report> {
        self.open.as_mut()?.runner.reports.try_recv().ok()
    }

    pub fn close(self) {
        if let Some(open) = self.open {
            open.runner.close();
        }
    }
}

//! The options of tests that run in one process.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use crate::policy::{self, Policy, Secrets};
use crate::runner;
use crate::steer::{self, nanos};

/// Options of `scenario test`, `journey test` and `journey run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub test: steer::Args,
    /// Threads that run journeys [default: the cores this process may use]
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroU32>,
    /// Keep the raw messages in rolling files in this directory
    #[arg(long, value_name = "DIR")]
    pub collector_dir: Option<PathBuf>,
    /// Messages a file
    #[arg(long, value_name = "N", default_value_t = crate::collector::ROLL, value_parser = clap::value_parser!(u64).range(1..))]
    pub collector_roll: u64,
    /// Show Prometheus metrics at http://ADDRESS/metrics while the test runs, as in `127.0.0.1:9301`
    #[arg(long, value_name = "ADDRESS")]
    pub web_address: Option<String>,
    #[command(flatten)]
    pub policy: policy::Args,
}

impl Args {
    /// Worker threads, no more than journeys.
    fn worker_count(&self) -> u32 {
        let most = self.test.runner_max_journeys.map_or(u32::MAX, NonZeroU32::get);
        runner::worker_count(self.workers).min(most)
    }

    pub fn settings(&self, test: &str, run_id: &str, policy: &Policy, secrets: Arc<Secrets>) -> runner::Settings {
        let journeys = &self.test.journeys;
        runner::Settings {
            test: test.to_owned(),
            run_id: run_id.to_owned(),
            runner_id: 1,
            workers: self.worker_count(),
            reuse: journeys.connections,
            fresh_instances: journeys.fresh_instances,
            request_timeout: nanos(journeys.request_timeout),
            run_timeout: journeys.journey_timeout.map(nanos),
            response_size: policy.limits.response_size,
            labels: runner::quota::Labels::of(&policy.limits, None),
            clock: policy.limits.clock,
            report_every: runner::REPORT,
            quota: None,
            crowd: None,
            targets: Arc::new(policy.targets.clone()),
            secrets,
        }
    }
}

//! The options of tests, wherever their journeys run.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::component::compiler::Bounds;
use crate::runner::Reuse;
use crate::scenario::{self, Percentiles, Thresholds};

/// What every test can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Set a config value, as in `--add-to-config=url:http://127.0.0.1:8080/`; goes before `MITE_CONF_key` variables
    #[arg(long = "add-to-config", value_name = "KEY:VALUE", value_parser = key_value)]
    pub added: Vec<(String, String)>,
    /// New journeys at once a second, at most
    #[arg(long, value_name = "N", default_value_t = 1000.0, value_parser = positive)]
    pub spawn_rate: f64,
    /// Seconds before the first journey
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = seconds)]
    pub delay_start_seconds: f64,
    /// Journeys at once on a runner, at most
    #[arg(long, value_name = "N")]
    pub runner_max_journeys: Option<NonZeroU32>,
    /// Seconds that journeys still running at the end get to come to theirs; what runs then is cancelled
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds)]
    pub grace: f64,
    #[command(flatten)]
    pub journeys: JourneyArgs,
    #[command(flatten)]
    pub components: Bounds,
    /// Write the summary as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub summary_export: Option<PathBuf>,
    #[command(flatten)]
    pub thresholds: ThresholdArgs,
}

/// How journeys are run.
#[derive(Clone, Debug, clap::Args)]
pub struct JourneyArgs {
    /// Who may use an open connection again
    #[arg(long, value_name = "WHO", value_enum, default_value_t = Reuse::Runner)]
    pub connections: Reuse,
    /// Give each run a fresh instance of its component: nothing is left of the run before
    #[arg(long)]
    pub fresh_instances: bool,
    /// Seconds a request may take that has no timeout of its own
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = positive)]
    pub request_timeout: f64,
    /// Seconds a run may take; one that takes longer is cut off
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub journey_timeout: Option<f64>,
    /// Memory a journey may have, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub journey_memory: u32,
}

/// What the test must hold; else the program ends with 99.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Thresholds (crossed: exit code 99)")]
pub struct ThresholdArgs {
    /// Failures of journeys (`error` and `exception` messages), at most
    #[arg(long = "max-errors-threshold", value_name = "N", default_value_t = 0)]
    max_errors: u64,
    /// Longest response time in ms, at most (0: any)
    #[arg(long = "max-response-time-threshold", value_name = "MS", default_value_t = 0.0, value_parser = seconds)]
    max_response_time: f64,
    /// Mean response time in ms, at most (0: any)
    #[arg(long = "mean-response-time-threshold", value_name = "MS", default_value_t = 0.0, value_parser = seconds)]
    mean_response_time: f64,
    /// Standard deviation of response times in ms, at most (0: any)
    #[arg(long = "standard-deviation-response-time-threshold", value_name = "MS", default_value_t = 0.0, value_parser = seconds)]
    standard_deviation_response_time: f64,
    /// Standard deviation of the requests in each second, at most (0: any)
    #[arg(long = "standard-deviation-req-sec-threshold", value_name = "REQ/S", default_value_t = 0.0, value_parser = seconds)]
    standard_deviation_req_sec: f64,
    /// Percentiles of the response time with their limits in ms (0: any), as in `95:200,99:500`
    #[arg(long, value_name = "LIST", default_value = "50:0,90:0,98:0,99:0")]
    benchmark_percentiles: Percentiles,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not of the form KEY:VALUE, as in `url:http://127.0.0.1:8080/`".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (0.0..=315_360_000.0).contains(&number) => Ok(number),
        _ => Err("it is not a number from 0 on".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match seconds(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("it has to be more than 0".to_owned()),
    }
}

/// Seconds as whole nanoseconds.
pub fn nanos(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap_or(u64::MAX)
}

impl Args {
    /// What the state machine needs to know, whoever the runners are.
    pub fn core_settings(&self) -> scenario::Settings {
        scenario::Settings {
            spawn_rate: self.spawn_rate,
            delay_start_seconds: self.delay_start_seconds,
            runner_max_journeys: None,
            journeys_max: None,
            grace: self.grace,
        }
    }

    pub fn thresholds(&self) -> Thresholds {
        let asked = |limit: f64| Some(limit).filter(|limit| *limit > 0.0);
        let given = &self.thresholds;
        Thresholds {
            max_errors: given.max_errors,
            max_response_ms: asked(given.max_response_time),
            mean_response_ms: asked(given.mean_response_time),
            standard_deviation_response_ms: asked(given.standard_deviation_response_time),
            standard_deviation_req_sec: asked(given.standard_deviation_req_sec),
            percentiles: given.benchmark_percentiles.clone(),
        }
    }
}

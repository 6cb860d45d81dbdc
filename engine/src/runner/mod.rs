//! The runner: runs journeys and puts load on the tested system.
//!
//! It follows standing orders ("keep so many of this scenario item running at once") and starts the next run in a place by
//! itself. It is one process with a worker a core; each worker is a thread that shares nothing with the others.

mod chores;
mod clock;
mod crowd;
mod descriptors;
mod hooks;
mod host;
pub mod http;
mod instance;
pub mod machine;
mod memory;
mod outbox;
mod place;
mod probe;
mod queue;
pub mod quota;
mod ready;
pub mod remote;
mod requests;
pub mod room;
mod scenario;
pub mod secrets;
pub mod share;
mod tally;
mod thread;
mod timers;
mod transactions;
mod worker;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

pub use clock::Clock;
pub use crowd::Crowd;
pub use http::Reuse;
pub use instance::Prepared;
pub use scenario::{Assignment, Data, NAMELESS};

use crate::component::ticker::{Ticked, Ticker};
use crate::policy::{Secrets, Targets};
use crate::scenario::Item;
use crate::wire::config::Config;
use crate::wire::queue::Sender;
use crate::wire::totals::Totals;
use crowd::Pace;

/// Commands that may wait for a worker; it takes them as they come.
const COMMANDS_MAX: usize = 10_000;
/// Reports that may wait for the controller.
const REPORTS_MAX: usize = 10_000;

/// Worker threads: as many as asked, else as cores may be used (affinity and cgroup quota honoured).
pub fn worker_count(asked: Option<NonZeroU32>) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(|| u32::try_from(cores).unwrap_or(1), NonZeroU32::get)
}

/// How a runner runs journeys.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The test's canonical spec.
    pub test: String,
    pub run_id: String,
    pub runner_id: u32,
    /// Worker threads.
    pub workers: u32,
    pub reuse: Reuse,
    /// Each run gets a new instance.
    pub fresh_instances: bool,
    /// Nanoseconds for a request that has no limit of its own.
    pub request_timeout: u64,
    /// Nanoseconds for a run.
    pub run_timeout: Option<u64>,
    /// Bytes of a response's body, as it comes and decompressed; none: as many as mite keeps.
    pub response_size: Option<u64>,
    /// How many names there may be; none: as many as journeys make.
    pub labels: Option<Arc<quota::Labels>>,
    /// The smallest step of the clocks that journeys see.
    pub clock: Option<Duration>,
    /// How often a worker reports: [`REPORT`], or more often where each run is asked for.
    pub report_every: Duration,
    /// What all workers together may have; none: there is no limit, and nothing that asks for one.
    pub quota: Option<Arc<quota::Quota>>,
    /// Who shares the machine with it; none: it is alone.
    pub crowd: Option<Crowd>,
    /// What journeys may reach.
    pub targets: Arc<Targets>,
    /// What they may send and not read.
    pub secrets: Arc<Secrets>,
}

/// Whose thread ends guests' slices.
enum Ticks {
    Own { _ticker: Ticker },
    Shared { _ticked: Ticked },
}

/// How often a worker reports that has standing orders.
pub const REPORT: Duration = Duration::from_millis(100);

/// What a worker is told.
enum Command {
    /// One more scenario item.
    Assign(Box<Assignment>),
    /// The config has changed; runs that begin from now on have it.
    Config(Arc<Config>),
    Order {
        scenario: u32,
        journeys: u32,
        runs_max: Option<u64>,
        number: u64,
    },
    Items {
        scenario: u32,
        items: Vec<Item>,
    },
    /// Give so many items back.
    Recall {
        scenario: u32,
        items: u32,
    },
    /// No new runs.
    Drain {
        number: u64,
    },
    /// Cut off what still runs.
    Cancel,
}

/// What a worker has to say, several times a second.
#[derive(Debug)]
pub struct Report {
    pub worker: u32,
    /// The last order that it knew.
    pub seen: u64,
    pub scenarios: Vec<ScenarioReport>,
    /// Cumulative; not in every report, but in the last.
    pub totals: Option<Box<Totals>>,
    /// Nothing runs any more and nothing will: its last report.
    pub over: bool,
}

impl Report {
    /// As the controller's state machine is told.
    pub fn told(self) -> crate::scenario::Report {
        let mut told = crate::scenario::Report { seen: self.seen, ..Default::default() };
        for one in self.scenarios {
            let id = one.scenario;
            told.running.insert(id, one.running);
            told.ended.insert(id, one.ended);
            told.completed.extend(one.completed.into_iter().map(|item| (id, item)));
            told.unused.extend(one.unused.into_iter().map(|item| (id, item)));
            told.wants.insert(id, one.wants);
        }
        told
    }
}

/// Of one scenario item in a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioReport {
    pub scenario: u32,
    pub running: u32,
    /// Runs that have ended since the test began.
    pub ended: u64,
    /// Data items that served a run and don't come back.
    pub completed: Vec<i64>,
    /// Data items given back without a run.
    pub unused: Vec<i64>,
    /// Data items that it would like to have.
    pub wants: u32,
}

/// A runner that is running.
pub struct Runner {
    settings: Arc<Settings>,
    workers: Vec<mpsc::Sender<Command>>,
    pub reports: mpsc::Receiver<Report>,
    threads: Vec<JoinHandle<()>>,
    _ticks: Ticks,
}

/// What can keep a runner from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't start a worker: {0}")]
    Worker(#[from] std::io::Error),
    /// There may be too few open files.
    #[error("{0}")]
    Files(String),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Worker(_) => 1,
            Self::Files(_) => 104,
        }
    }
}

impl Runner {
    /// Starts the workers; they wait for orders.
    pub fn start(
        settings: &Arc<Settings>,
        engine: &wasmtime::Engine,
        assignments: &[Assignment],
        config: &Arc<Config>,
        clock: Clock,
        messages: &Sender,
    ) -> Result<Self, Error> {
        descriptors::reserve(settings.workers).map_err(Error::Files)?;
        http::trust_in_background();
        let (reporter, reports) = mpsc::channel(REPORTS_MAX);
        let (mut workers, mut threads, mut probes) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..settings.workers {
            let (sender, commands) = mpsc::channel(COMMANDS_MAX);
            let (probe, probed) = probe::pipe(clock)?;
            let start = thread::Start {
                index,
                settings: settings.clone(),
                assignments: assignments.to_vec(),
                config: config.clone(),
                clock,
                messages: messages.clone(),
                commands,
                reports: reporter.clone(),
                probed,
            };
            threads
                .push(std::thread::Builder::new().name(format!("worker {index}")).spawn(move || thread::main(start))?);
            workers.push(sender);
            probes.push(probe);
        }
        let probe = probe::now_and_then(probes, clock, Pace::of(settings.crowd.as_ref()));
        let ticks = match &settings.crowd {
            Some(crowd) => Ticks::Shared { _ticked: crowd.tick(engine, probe) },
            None => Ticks::Own { _ticker: Ticker::start(engine, probe)? },
        };
        Ok(Self { settings: settings.clone(), workers, reports, threads, _ticks: ticks })
    }

    /// A standing order to a worker: keep so many journeys of a scenario item running at once, and begin at most `runs_max`
    /// in all. Orders are numbered; reports say which they know.
    pub async fn order(&self, worker: u32, scenario: u32, journeys: u32, runs_max: Option<u64>, number: u64) {
        self.tell(worker, Command::Order { scenario, journeys, runs_max, number }).await;
    }

    /// Gives every worker one more scenario item.
    pub async fn assign(&self, assignment: &Assignment) {
        for worker in 0..self.settings.workers {
            self.tell(worker, Command::Assign(Box::new(assignment.clone()))).await;
        }
    }

    /// Lets runs that begin from now on have this config.
    pub async fn configure(&self, config: &Arc<Config>) {
        for worker in 0..self.settings.workers {
            self.tell(worker, Command::Config(config.clone())).await;
        }
    }

    /// Hands data to a worker.
    pub async fn supply(&self, worker: u32, scenario: u32, items: Vec<Item>) {
        self.tell(worker, Command::Items { scenario, items }).await;
    }

    /// Wants data back from a worker.
    pub async fn recall(&self, worker: u32, scenario: u32, items: u32) {
        self.tell(worker, Command::Recall { scenario, items }).await;
    }

    /// No new runs; workers are over when those going on have ended.
    pub async fn drain(&self, number: u64) {
        for worker in 0..self.settings.workers {
            self.tell(worker, Command::Drain { number }).await;
        }
    }

    /// Cuts off what still runs.
    pub async fn cancel(&self) {
        for worker in 0..self.settings.workers {
            self.tell(worker, Command::Cancel).await;
        }
    }

    async fn tell(&self, worker: u32, command: Command) {
        if let Some(worker) = self.workers.get(worker as usize) {
            // A worker that is over has nothing to be told.
            drop(worker.send(command).await);
        }
    }

    /// Workers whose threads have ended, as they do after their last report, or too soon.
    pub fn ended(&self) -> Vec<u32> {
        let ended = self.threads.iter().enumerate().filter(|(_, thread)| thread.is_finished());
        ended.filter_map(|(worker, _)| u32::try_from(worker).ok()).collect()
    }

    /// Lets go of the workers; those that have ended are looked at.
    pub fn close(self) {
        for thread in self.threads {
            if thread.is_finished() && thread.join().is_err() {
                tracing::error!("a worker has panicked; please report it");
            }
        }
    }
}

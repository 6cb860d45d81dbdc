//! A test under a Python controller: it hands out runs one by one, each with its journey's spec, which is looked up on MITE_PATH.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;
use super::line::{Line, PATIENCE, Silence};
use super::outgoing::Outgoing;
use super::serving::Serving;
use super::shop::Shop;
use super::{End, Error};
use crate::component::spec::{Component, SearchPath};
use crate::runner::Report;
use crate::scenario::Item;
use crate::wire::batch::Batch;
use crate::wire::config::Config;
use crate::wire::control::{Request, WorkItem, WorkReply, Wrong};
use crate::wire::message::{self, Identity, Place, run_id_field};
use crate::wire::socket::process_id;

/// The longest wait between two requests for work.
const LOOP: Duration = Duration::from_secs(1);
/// After a reply that means nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// Runs that wait for their component to be compiled; what is over fails.
const WAITING_MAX: usize = 100_000;
/// What journeys get to come to their end when the controller is lost.
const GRACE: Duration = Duration::from_secs(30);

/// One test, from the hello on.
pub struct Life<'a> {
    serving: &'a Serving,
    line: &'a mut Line,
    runner: i64,
    test: String,
    config: Config,
    run_id: String,
    shutdown: &'a CancellationToken,
    ledger: Ledger,
    outgoing: Outgoing,
    shop: Shop,
    packages: BTreeMap<String, Package>,
    bounds: crate::component::compiler::Bounds,
    compiling: JoinSet<(String, Result<crate::component::compile::Compiled, String>)>,
    stopping: bool,
}

/// What is known of a component.
enum Package {
    /// Runs wait for it.
    Compiling(VecDeque<Job>),
    Ready,
    /// Why not.
    Failed(String),
}

/// A run to be begun.
struct Job {
    scenario: u32,
    item: i64,
    journey: String,
    args: Vec<u8>,
}

impl<'a> Life<'a> {
    pub fn new(
        serving: &'a Serving,
        line: &'a mut Line,
        (runner, test, config): (i64, String, Config),
        shutdown: &'a CancellationToken,
    ) -> Result<Self, Error> {
        let run_id = format!("{}-{}", process_id(), serving.next_part());
        let outgoing = serving.outgoing(&test, &run_id)?;
        let workers = serving.workers();
        let id = u32::try_from(runner).unwrap_or_default();
        tracing::info!("runner {runner} of {test}, whose controller is Python's: {workers} workers");
        Ok(Self {
            serving,
            line,
            runner,
            ledger: Ledger::new(workers),
            shop: Shop::new((&test, &run_id, id), workers, &outgoing.sender(), serving)?,
            test,
            config,
            run_id,
            shutdown,
            outgoing,
            packages: BTreeMap::new(),
            bounds: serving.components,
            compiling: JoinSet::new(),
            stopping: false,
        })
    }

    pub async fn live(mut self) -> Result<End, Error> {
        let lost = loop {
            let idle = self.ledger.is_empty();
            let reply = match self.ask().await {
                Ok(reply) => reply,
                Err(Silence::Lost) => break true,
                Err(Silence::Wrong(error)) => {
                    tracing::warn!("the controller's reply means nothing: {error}");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            self.follow(&reply).await?;
            if self.stopping && idle {
                break false;
            }
            self.wait().await?;
        };
        if lost {
            tracing::error!("{}", Error::Lost);
            self.drain_alone().await?;
        } else {
            // Whether it is heard or not, all is said.
            let _ = self.line.again(&Request::Bye(self.runner).encode()).await;
        }
        let Self { shop, outgoing, runner, test, .. } = self;
        shop.close();
        outgoing.close().done().await;
        if lost {
            return Err(Error::Lost);
        }
        tracing::info!("runner {runner} of {test}: done");
        Ok(End::Over)
    }

    /// Asks for work. What has ended is told once only: a controller that was told twice would hand out the same data twice.
    async fn ask(&mut self) -> Result<bytes::Bytes, Silence> {
        let most = self.serving.limits().journeys.map(i64::from);
        let max_work = if self.stopping { Some(0) } else { most.map(|most| (most - self.ledger.running()).max(0)) };
        let start = Instant::now();
        let mut body = self.ledger.request(self.runner, max_work);
        while start.elapsed() < PATIENCE {
            match self.line.once(&body, PATIENCE.saturating_sub(start.elapsed())).await {
                Ok(reply) => return Ok(reply),
                Err(_) => {
                    body = self.ledger.request(self.runner, max_work);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        Err(Silence::Lost)
    }

    async fn follow(&mut self, reply: &[u8]) -> Result<(), Error> {
        let reply = match WorkReply::decode(reply) {
            Ok(reply) => reply,
            Err(error) => return self.nonsense(&error).await,
        };
        if !reply.config.is_empty() {
            for (key, value) in &reply.config {
                if let Err(error) = self.config.set(key, value.bytes().to_vec()) {
                    tracing::warn!("{error}");
                }
            }
            self.shop.configure(&Arc::new(self.config.clone())).await;
        }
        if (reply.stop || self.shutdown.is_cancelled()) && !self.stopping {
            self.stopping = true;
            self.shop.stop().await;
        }
        if self.stopping {
            return Ok(());
        }
        for work in &reply.work {
            self.take(work).await;
        }
        Ok(())
    }

    async fn nonsense(&self, error: &Wrong) -> Result<(), Error> {
        tracing::warn!("the controller's reply means nothing: {error}");
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// One more run.
    async fn take(&mut self, work: &WorkItem<'_>) {
        let Ok(scenario) = u32::try_from(work.scenario) else {
            tracing::warn!("a run of scenario {} can't be: ids are from 0 to {}", work.scenario, u32::MAX);
            return;
        };
        let item = self.ledger.begin(scenario, work.data_id);
        let args = work.args.map_or_else(|| vec![0x90], |args| args.bytes().to_vec());
        let job = Job { scenario, item, journey: work.journey.to_owned(), args };
        let Some((component, _)) = work.journey.rsplit_once(':') else {
            return self.fail(&job, "a journey's spec is `package:journey`");
        };
        match self.packages.get_mut(component) {
            Some(Package::Ready) => self.begin(job).await,
            Some(Package::Compiling(waiting)) if waiting.len() < WAITING_MAX => waiting.push_back(job),
            Some(Package::Compiling(_)) => self.fail(&job, "too many runs wait for its component"),
            Some(Package::Failed(reason)) => {
                let reason = reason.clone();
                self.fail(&job, &reason);
            }
            None => {
                let (name, wanted, bounds) = (component.to_owned(), Component::from(component), self.bounds);
                self.compiling.spawn_blocking(move || {
                    let compiled = super::fetch::compile_here(&wanted, &SearchPath::from_environment(), &bounds);
                    (name, compiled.map_err(|error| error.to_string()))
                });
                self.packages.insert(component.to_owned(), Package::Compiling(VecDeque::from([job])));
            }
        }
    }

    /// Hands a run to a worker.
    async fn begin(&mut self, job: Job) {
        let (component, name) = job.journey.rsplit_once(':').unwrap_or_default();
        if let Err(reason) = self.shop.assign(job.scenario, &job.journey, component, name).await {
            return self.fail(&job, &reason);
        }
        let (worker, order) = self.ledger.place(job.scenario);
        let item = Item { id: job.item, data: job.args.into() };
        self.shop.begin(worker, order, job.scenario, item).await;
    }

    /// A run that can't be: said in a message, and over. The test goes on.
    fn fail(&mut self, job: &Job, reason: &str) {
        tracing::error!(journey = %job.journey, "it can't be run: {reason}");
        let mut identity = Identity::new(run_id_field(&self.run_id));
        let runner = u32::try_from(self.runner).unwrap_or_default();
        let fields = message::Scenario::new(&self.test, runner, &job.journey, job.scenario);
        identity.set(&fields, 0, Some(job.item).filter(|item| *item >= crate::runner::NAMELESS));
        let failure = message::Failure {
            message_type: "exception",
            message: &format!("NoJourney: {reason}"),
            ex_type: "NoJourney",
            location: "",
            stacktrace: None,
            extra: &[],
            extra_fields: 0,
        };
        let place = Place { identity: &identity, transaction: "__root__", transaction_id: 1 };
        let mut batch = Batch::default();
        message::failure(batch.buffer(), &failure, self.shop.unix(), place);
        batch.end_message();
        self.outgoing.sender().send(batch);
        self.ledger.ended(job.scenario, job.item);
    }

    /// Until a run has ended, a component is ready, or it is time to ask again.
    async fn wait(&mut self) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + LOOP;
        loop {
            tokio::select! {
                report = self.shop.report() => {
                    let mut ended = self.reported(report);
                    while let Some(report) = self.shop.try_report() {
                        ended |= self.reported(report);
                    }
                    if ended {
                        return Ok(());
                    }
                }
                Some(compiled) = self.compiling.join_next() => {
                    if let Ok((package, compiled)) = compiled {
                        self.compiled(package, compiled).await?;
                    }
                    return Ok(());
                }
                () = tokio::time::sleep_until(deadline) => return Ok(()),
                () = self.shutdown.cancelled(), if !self.stopping => return Ok(()),
            }
        }
    }

    async fn compiled(
        &mut self,
        package: String,
        compiled: Result<crate::component::compile::Compiled, String>,
    ) -> Result<(), Error> {
        let ready = match compiled {
            Ok(compiled) => self.shop.add(&package, &compiled.code, &Arc::new(self.config.clone()))?,
            Err(reason) => Err(reason),
        };
        let state = match &ready {
            Ok(()) => Package::Ready,
            Err(reason) => Package::Failed(reason.clone()),
        };
        let Some(Package::Compiling(waiting)) = self.packages.insert(package, state) else { return Ok(()) };
        for job in waiting {
            match &ready {
                Ok(()) if !self.stopping => self.begin(job).await,
                Ok(()) => drop(self.ledger.ended(job.scenario, job.item)),
                Err(reason) => self.fail(&job, reason),
            }
        }
        Ok(())
    }

    /// Whether a run has ended.
    fn reported(&mut self, report: Report) -> bool {
        let mut ended = false;
        for one in report.scenarios {
            for item in one.completed.into_iter().chain(one.unused) {
                self.ledger.leave(report.worker, one.scenario);
                ended |= self.ledger.ended(one.scenario, item);
            }
        }
        ended
    }

    /// Lets what runs come to its end, without anybody to tell.
    async fn drain_alone(&mut self) -> Result<(), Error> {
        self.stopping = true;
        self.shop.stop().await;
        let deadline = Instant::now() + GRACE;
        while !self.ledger.is_empty() && Instant::now() < deadline {
            self.wait().await?;
        }
        self.shop.cancel().await;
        Ok(())
    }
}

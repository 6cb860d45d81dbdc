//! A test under a controller of ours: its components, standing orders, and how it stands ten times a second.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::ValueEnum;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::line::{Line, Silence};
use super::mail::Mail;
use super::serving::Serving;
use super::working::{Working, change};
use super::{End, Error, fetch};
use crate::component;
use crate::runner::quota::{Labels, Test as Whose};
use crate::runner::room::{self, Made, Wanted};
use crate::runner::{Assignment, Clock, Data, REPORT, Reuse, Runner, Settings, machine, secrets};
use crate::wire::config::Config;
use crate::wire::control::ours::{self as wire, Answer, Ask, Asker, Exchange, Join, Leave, Orders, PROTOCOL, Test};
use crate::wire::totals::Totals;

/// The same while the components are compiled.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// One test, from the hello on.
pub struct Life<'a> {
    pub serving: &'a Serving,
    pub line: &'a mut Line,
    pub from: Asker,
    pub test: String,
    pub config: Config,
    pub shutdown: &'a CancellationToken,
}

impl Life<'_> {
    pub async fn live(mut self) -> Result<End, Error> {
        let workers = self.serving.workers();
        let join = Ask::Join(Join {
            from: self.from.clone(),
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workers,
        });
        let test = match self.line.ask::<Test>(&join).await {
            Ok(Answer::Here(test)) => test,
            Ok(Answer::Gone) | Err(Silence::Lost) => return Ok(End::Again),
            Ok(Answer::Over) => return Ok(End::Over),
            Ok(Answer::Refused(reason)) => return Err(Error::Refused(reason)),
            Err(error) => return Err(Error::Refused(error.to_string())),
        };
        tracing::info!("runner {} of {}: preparing", self.from.runner, self.test);
        if let Some(account) = self.serving.account() {
            account.tests.fetch_add(1, Ordering::Relaxed);
        }
        let mut mail = Mail::default();
        let started = match self.prepare(&test, &mut mail).await {
            Ok(Ok(made)) => self.start(&test, &made, test.workers.clamp(1, workers), mail),
            Ok(Err(end)) => return Ok(end),
            Err(error) => Err(error),
        };
        let mut working = match started {
            Ok(working) => working,
            Err(error) => {
                self.leave_at_once(&error).await;
                return Err(error);
            }
        };
        let workers = working.workers;
        tracing::info!("runner {} of {}: ready, {workers} workers", self.from.runner, self.test);
        match self.work(&mut working).await {
            Ok(None) => self.end(working).await,
            Ok(Some(end)) => {
                working.cut_off().await;
                Ok(end)
            }
            Err(Silence::Lost) => {
                tracing::error!("{}: no new runs", Silence::Lost);
                working.drain_alone().await;
                Err(Error::Lost)
            }
            Err(Silence::Wrong(error)) => {
                tracing::error!("the controller's answer means nothing: {error}");
                working.cut_off().await;
                Ok(End::Again)
            }
        }
    }

    /// The controller need not wait for one that can't take part, and is told why.
    async fn leave_at_once(&mut self, error: &Error) {
        let leave = Leave { from: self.from.clone(), totals: Totals::default(), reason: Some(error.to_string()) };
        // Whether it is heard or not, all is said.
        let _ = self.line.again(&Ask::Leave(Box::new(leave)).encode()).await;
    }

    /// Gets and compiles the components, and says every now and then that it is still there.
    async fn prepare(&mut self, test: &Test, mail: &mut Mail) -> Result<Result<Made, End>, Error> {
        let mut components = Vec::new();
        let limits = self.serving.limits();
        for wanted in &test.components {
            fetch::allowed(wanted, limits.component_size)?;
            match fetch::component(self.line, &self.from, wanted, &self.serving.components).await? {
                Ok(bytes) => components.push((wanted.package.clone(), bytes)),
                Err(end) => return Ok(Err(end)),
            }
        }
        let most = [test.journeys_max, limits.journeys].into_iter().flatten().min().and_then(NonZeroU32::new);
        machine::prepare(test.peak, most).iter().for_each(|warning| tracing::warn!("{warning}"));
        let journey_memory = least_memory(test.journeys.journey_memory, limits.journey_memory);
        let wanted = Wanted { peak: test.peak, journeys_max: most, journey_memory };
        let (serving, bounds) = (self.serving, self.serving.components);
        let preparing = async {
            let _turn = serving.compiling().await;
            let compiled = fetch::compile(components, bounds).await?;
            let made = tokio::task::spawn_blocking(move || {
                let components: Vec<_> = compiled.iter().map(|it| (it.package.as_str(), &it.code)).collect();
                room::make(wanted, &components)
            });
            made.await.unwrap_or_else(|panic| Err(component::Error::Room { reason: panic.to_string() }))
        };
        let mut preparing = std::pin::pin!(preparing);
        let mut every = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                made = &mut preparing => {
                    let made = made?;
                    made.fallback.iter().for_each(|warning| tracing::warn!("{warning}"));
                    return Ok(Ok(made));
                }
                _ = every.tick() => {
                    let (from, number) = (self.from.clone(), mail.next_number());
                    let exchange = Exchange { from, number, ready: false, reports: Vec::new(), totals: None };
                    match self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await {
                        // There are no orders before its workers are ready.
                        Ok(Answer::Here(orders)) => drop(change(&mut self.config, orders.config)),
                        Ok(Answer::Over) => return Ok(Err(End::Over)),
                        _ => return Ok(Err(End::Again)),
                    }
                }
                () = self.shutdown.cancelled() => return Ok(Err(End::Over)),
            }
        }
    }

    fn start(&mut self, test: &Test, made: &Made, workers: u32, mail: Mail) -> Result<Working, Error> {
        let journeys = &test.journeys;
        let journey_time =
            self.serving.limits().journey_time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let policy = self.serving.policy();
        let settings = Arc::new(Settings {
            test: self.test.clone(),
            run_id: self.from.run_id.clone(),
            runner_id: self.from.runner,
            workers,
            reuse: Reuse::from_str(&journeys.connections, true).map_err(|_| {
                Error::Refused(format!("nobody knows who `{}` is that may use connections again", journeys.connections))
            })?,
            fresh_instances: journeys.fresh_instances,
            request_timeout: journeys.request_timeout,
            run_timeout: [journeys.journey_timeout, journey_time].into_iter().flatten().min(),
            response_size: policy.limits.response_size,
            labels: Labels::of(&policy.limits, self.serving.quota()),
            clock: policy.limits.clock,
            report_every: REPORT,
            quota: self.serving.quota(),
            crowd: self.serving.crowd(),
            targets: Arc::new(policy.targets.clone()),
            secrets: secrets::read(&policy)?,
        });
        let assignments = test.assignments.iter().map(|one| {
            let prepared = made.prepared.get(&one.package);
            Ok(Assignment {
                id: one.scenario,
                journey: one.journey.as_str().into(),
                name: one.name.clone(),
                prepared: prepared.ok_or_else(|| Error::Refused(format!("{} is missing", one.package)))?.clone(),
                data: match one.data {
                    wire::Data::Without => Data::Without,
                    wire::Data::Recycled => Data::Recycled,
                    wire::Data::Once => Data::Once,
                },
            })
        });
        let assignments = assignments.collect::<Result<Vec<_>, Error>>()?;
        let outgoing = self.serving.outgoing(&self.test, &self.from.run_id)?;
        let config = std::mem::take(&mut self.config);
        let known = Arc::new(config.clone());
        let clock = Clock::start();
        let runner = Runner::start(&settings, &made.engine, &assignments, &known, clock, &outgoing.sender())?;
        let tenant = self.serving.quota().zip(self.serving.account());
        Ok(Working::new(runner, outgoing, (mail, config), workers, clock, tenant))
    }

    /// Until every worker has said its last word (None), or the controller has no use for this runner any more.
    async fn work(&mut self, working: &mut Working) -> Result<Option<End>, Silence> {
        let _running = self.serving.running();
        let mut next = Instant::now();
        loop {
            tokio::time::sleep_until(next).await;
            next = Instant::now().max(next + self.serving.exchange_every());
            if self.shutdown.is_cancelled() {
                working.stop(self.serving.grace()).await;
            }
            working.collect();
            let all_over = working.is_over();
            let (test, runner, run_id) = (&*self.test, self.from.runner, &*self.from.run_id);
            working.look_at_quota(Whose { test, runner, run_id }).await;
            loop {
                let exchange = working.mail.take(&self.from, working.outgoing.dropped());
                let orders = match self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await? {
                    Answer::Here(orders) => orders,
                    Answer::Over => return Ok(Some(End::Over)),
                    Answer::Gone | Answer::Refused(_) => return Ok(Some(End::Again)),
                };
                let more = orders.more;
                working.obey(orders).await;
                if !more {
                    break;
                }
            }
            if all_over {
                return Ok(None);
            }
        }
    }

    /// Nothing runs any more: lets the messages go, and says goodbye.
    async fn end(self, working: Working) -> Result<End, Error> {
        let told = working.is_told_to_stop();
        let Working { runner, outgoing, mut mail, .. } = working;
        runner.close();
        let mut closing = std::pin::pin!(outgoing.close().done());
        let mut every = tokio::time::interval(HEARTBEAT);
        let dropped = loop {
            tokio::select! {
                dropped = &mut closing => break dropped,
                _ = every.tick() => {
                    let exchange = mail.take(&self.from, 0);
                    // Whoever is silent now has all it needs.
                    let _ = self.line.ask::<Orders>(&Ask::Exchange(Box::new(exchange))).await;
                }
            }
        };
        let reason = told.then(|| "it was told to stop".to_owned());
        let leave = Leave { from: self.from.clone(), totals: mail.totals(dropped), reason };
        if self.line.again(&Ask::Leave(Box::new(leave)).encode()).await.is_err() {
            return Err(Error::Lost);
        }
        tracing::info!("runner {} of {}: done", self.from.runner, self.test);
        Ok(End::Over)
    }
}

/// MiB that a journey may have: of the test's and the tenant's limit the lower.
fn least_memory(test: u32, tenant: Option<u64>) -> u32 {
    tenant.map_or(test, |bytes| test.min(u32::try_from(bytes >> 20).unwrap_or(u32::MAX).max(1)))
}

//! A worker's thread: its runtime and the tasks beside the journeys.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::chores;
use super::clock::{Clock, seconds};
use super::crowd::Pace;
use super::http::Client;
use super::outbox::Outbox;
use super::place::live;
use super::probe::ProbedEnd;
use super::queue::Queue;
use super::quota::Door;
use super::ready::Ready;
use super::requests::Requests;
use super::scenario::{Assignment, Data, Scenario};
use super::share::Turn;
use super::tally::Tally;
use super::timers::Timers;
use super::transactions::Names;
use super::worker::{self, Worker};
use super::{Command, Report, ScenarioReport, Settings};
use crate::wire::config::Config;
use crate::wire::message;
use crate::wire::queue::Sender;

/// So many times less often than usual a worker reports, at most.
const SELDOM: u32 = 5;
/// How often a report has the totals.
const TOTALS: Duration = Duration::from_secs(1);

/// A worker's scenario items; more may come while it works.
type Scenarios = RefCell<Vec<Rc<Scenario>>>;

/// What a worker's thread is started with.
pub struct Start {
    pub index: u32,
    pub settings: Arc<Settings>,
    pub assignments: Vec<Assignment>,
    pub config: Arc<Config>,
    pub clock: Clock,
    pub messages: Sender,
    pub commands: mpsc::Receiver<Command>,
    pub reports: mpsc::Sender<Report>,
    pub probed: ProbedEnd,
}

/// Runs a worker until it is over.
pub fn main(start: Start) {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let timers = Timers::new(start.clock).and_then(|timers| Ok((timers.descriptor()?, timers)));
    let (runtime, (timer, timers)) = match (built, timers) {
        (Ok(runtime), Ok(timers)) => (runtime, timers),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!("worker {} can't start: {error}", start.index);
            return;
        }
    };
    let mut tally = Tally::new(start.settings.secrets.clone(), start.settings.labels.clone());
    let names = Names::new(&mut tally);
    let scenarios = start.assignments.into_iter().map(|assignment| assigned(assignment, &start.settings, &mut tally));
    let scenarios = RefCell::new(scenarios.collect());
    worker::become_worker(Worker {
        index: start.index,
        settings: start.settings.clone(),
        clock: start.clock,
        queue: Queue::new(),
        requests: Requests::new(),
        timers,
        outbox: RefCell::new(Outbox::new(start.messages, start.settings.secrets.clone())),
        tally: RefCell::new(tally),
        names: RefCell::new(names),
        http: Client::new(start.clock, &start.settings),
        config: RefCell::new(start.config),
        pace: Pace::of(start.settings.crowd.as_ref()),
        turn: start.settings.crowd.as_ref().map(|crowd| Turn::new(crowd.share.clone())),
        door: start.settings.quota.clone().map(|quota| Rc::new(Door::new(quota))),
        stopping: Cell::new(false),
        cancelled: Cell::new(false),
        slice_start: Cell::new(0),
        lately: Cell::new(0),
        guest_time: Cell::new(0),
        runs: Cell::new(0),
        seen: Cell::new(0),
    });
    runtime.block_on(work(scenarios, start.commands, start.reports, start.probed, timer));
}

fn assigned(assignment: Assignment, settings: &Settings, tally: &mut Tally) -> Rc<Scenario> {
    let fields = message::Scenario::new(&settings.test, settings.runner_id, &assignment.journey, assignment.id);
    let number = tally.journey(&assignment.journey);
    Rc::new(Scenario::new(assignment, fields, number))
}

/// Everything a worker does: journeys and orders in this task; timers, probes and batches in tasks of their own.
async fn work(
    scenarios: Scenarios,
    mut commands: mpsc::Receiver<Command>,
    reports: mpsc::Sender<Report>,
    probed: ProbedEnd,
    timer: OwnedFd,
) {
    match probed.open() {
        Ok(probed) => drop(tokio::spawn(probed.drive())),
        Err(error) => tracing::error!("the generator's lag can't be measured: {error}"),
    }
    tokio::spawn(chores::flush());
    tokio::spawn(chores::tidy());
    // Journeys ask for everything of a slice in this one task: they must not run out of tokio's budget for one.
    tokio::select! {
        () = tokio::task::unconstrained(Queue::drive()) => {}
        () = Ready::drive_foreign(|worker| &worker.queue.ready) => {}
        () = Ready::drive_foreign(|worker| &worker.requests.ready) => {}
        () = drive_timers(timer) => {}
        () = obey(&scenarios, &mut commands, &reports) => {}
    }
    worker::with(|worker| worker.outbox.borrow_mut().flush());
    let mut report = report(&scenarios, true);
    report.over = true;
    // If the controller is gone there is nobody to tell.
    drop(reports.send(report).await);
}

async fn drive_timers(descriptor: OwnedFd) {
    if let Err(error) = Timers::drive(descriptor).await {
        panic!("a worker without timers can't run journeys: {error}");
    }
}

/// Follows orders and reports, until told to drain and nothing runs any more.
async fn obey(scenarios: &Scenarios, commands: &mut mpsc::Receiver<Command>, reports: &mpsc::Sender<Report>) {
    let (pace, usual) = worker::with(|worker| (worker.pace.clone(), worker.settings.report_every));
    let (mut next, mut told) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => follow(scenarios, command),
                // The controller is gone.
                None => follow(scenarios, Command::Drain { number: 0 }),
            },
            () = tokio::time::sleep_until(next) => {
                next = Instant::now() + pace.every(usual, usual * SELDOM);
                // Made only if there is room for it: what it takes along is told once.
                if let Ok(room) = reports.try_reserve() {
                    let with_totals = told.elapsed() >= TOTALS;
                    if with_totals {
                        told = Instant::now();
                    }
                    room.send(report(scenarios, with_totals));
                }
            }
        }
        let stopping = worker::with(|worker| worker.stopping.get());
        if stopping && scenarios.borrow().iter().all(|scenario| scenario.is_empty()) {
            return;
        }
        if commands.is_closed() && commands.is_empty() {
            tokio::time::sleep_until(next).await;
        }
    }
}

fn follow(scenarios: &Scenarios, command: Command) {
    let of = |id: u32| scenarios.borrow().iter().find(|scenario| scenario.assignment.id == id).cloned();
    worker::with(|worker| match command {
        Command::Assign(assignment) => {
            let assigned = assigned(*assignment, &worker.settings, &mut worker.tally.borrow_mut());
            scenarios.borrow_mut().push(assigned);
        }
        Command::Config(config) => {
            worker.config.replace(config);
        }
        Command::Order { scenario, journeys, runs_max, number } => {
            worker.seen.set(worker.seen.get().max(number));
            let Some(scenario) = of(scenario) else { return };
            for _ in 0..scenario.order(journeys, runs_max) {
                worker.queue.spawn(worker.index, Box::pin(live(scenario.clone())));
            }
        }
        Command::Items { scenario, items } => {
            if let Some(scenario) = of(scenario) {
                scenario.supply(items);
                scenario.give_back(0);
            }
        }
        Command::Recall { scenario, items } => {
            if let Some(scenario) = of(scenario) {
                scenario.give_back(items);
            }
        }
        Command::Drain { number } => {
            worker.seen.set(worker.seen.get().max(number));
            worker.stopping.set(true);
            scenarios.borrow().iter().for_each(|scenario| scenario.wake_hungry());
            if worker.door.is_some() {
                // Runs that wait for their turn to begin don't any more.
                worker.queue.ready.push_all();
            }
        }
        Command::Cancel => {
            worker.stopping.set(true);
            worker.cancelled.set(true);
            worker.queue.ready.push_all();
        }
    });
}

fn report(scenarios: &Scenarios, with_totals: bool) -> Report {
    worker::with(|worker| Report {
        worker: worker.index,
        seen: worker.seen.get(),
        scenarios: scenarios.borrow().iter().map(|scenario| of_scenario(scenario, worker.stopping.get())).collect(),
        totals: with_totals.then(|| {
            let mut tally = worker.tally.borrow_mut();
            let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            tally.health.cpu_seconds = Duration::try_from(cpu).map_or(0.0, |cpu| cpu.as_secs_f64());
            // Taken by the clock on the wall: what the thread was kept from its core meanwhile is not the guests'.
            tally.health.guest_seconds = seconds(worker.guest_time.get()).min(tally.health.cpu_seconds);
            tally.health.wall_seconds = seconds(worker.clock.now());
            let mut totals = tally.totals();
            totals.messages = worker.outbox.borrow().counts;
            Box::new(totals)
        }),
        over: false,
    })
}

fn of_scenario(scenario: &Scenario, stopping: bool) -> ScenarioReport {
    let stock = u32::try_from(scenario.stock()).unwrap_or(u32::MAX);
    let wants = match scenario.assignment.data {
        Data::Once if !stopping => scenario.consumption().saturating_sub(stock),
        _ => 0,
    };
    let (completed, unused) = scenario.take_returned(stopping && scenario.is_empty());
    let running = scenario.running.get().saturating_sub(scenario.held.get());
    let ended = scenario.ended.get();
    ScenarioReport { scenario: scenario.assignment.id, running, ended, completed, unused, wants }
}

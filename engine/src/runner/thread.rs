//! A worker's thread: its runtime and the tasks beside the journeys.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rustix::pipe::PipeFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;

use super::clock::{Clock, Nanos, seconds};
use super::descriptors;
use super::http::Client;
use super::outbox::Outbox;
use super::place::live;
use super::queue::Queue;
use super::quota::Door;
use super::ready::Ready;
use super::requests::Requests;
use super::scenario::{Assignment, Data, Scenario};
use super::share::Turn;
use super::tally::{Tally, record};
use super::timers::Timers;
use super::transactions::Names;
use super::worker::{self, Worker};
use super::{Command, Report, ScenarioReport, Settings};
use crate::wire::config::Config;
use crate::wire::message;
use crate::wire::queue::Sender;

/// A batch that isn't full waits for no longer than this, in a crowd five times that.
const FLUSH: Duration = Duration::from_millis(10);
/// Tests that share a process are a crowd beyond this: with hundreds of them, what workers do only because time passes would take a core.
const CROWD: u32 = 100;
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
    tokio::spawn(flush_now_and_then());
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

/// Sends batches that aren't full, and closes connections that nobody uses.
async fn flush_now_and_then() {
    let crowd =
        worker::with(|worker| worker.settings.crowd.as_ref().map_or_else(Arc::default, |crowd| crowd.ticking.count()));
    let mut times = 0_u32;
    loop {
        tokio::time::sleep(FLUSH * times_less_often(&crowd)).await;
        times = times.wrapping_add(1);
        worker::with(|worker| {
            worker.outbox.borrow_mut().flush();
            if let Some(door) = &worker.door {
                door.close_one();
            }
            if let Some(turn) = &worker.turn {
                turn.look();
            }
            if descriptors::wanted() {
                worker.http.close_one(None);
            }
            if times.is_multiple_of(1_000) {
                worker.http.close_idle();
            }
        });
    }
}

/// Follows orders and reports, until told to drain and nothing runs any more.
async fn obey(scenarios: &Scenarios, commands: &mut mpsc::Receiver<Command>, reports: &mpsc::Sender<Report>) {
    let mut every = tokio::time::interval(worker::with(|worker| worker.settings.report_every));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = tokio::time::Instant::now();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => follow(scenarios, command),
                // The controller is gone.
                None => follow(scenarios, Command::Drain { number: 0 }),
            },
            _ = every.tick() => {
                // Made only if there is room for it: what it takes along is told once.
                if let Ok(room) = reports.try_reserve() {
                    let with_totals = told.elapsed() >= TOTALS;
                    if with_totals {
                        told = tokio::time::Instant::now();
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
            every.tick().await;
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

/// A worker's end of the probes: see [`Probe`].
pub struct Probed {
    pipe: Receiver,
    sent: Arc<AtomicU64>,
    clock: Clock,
}

/// Measures how long it takes a worker to see that a socket is ready: now and then a byte is written to a pipe and the time
/// noted; the worker sees it the way it sees responses.
pub struct Probe {
    pipe: OwnedFd,
    sent: Arc<AtomicU64>,
}

/// Makes a probe and the other end of it, which has to be driven by the worker.
pub fn probe(clock: Clock) -> std::io::Result<(Probe, ProbedEnd)> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
    let sent = Arc::new(AtomicU64::new(0));
    Ok((Probe { pipe: writer, sent: sent.clone() }, ProbedEnd { pipe: reader, sent, clock }))
}

/// The worker's end, on its way to the worker's thread.
pub struct ProbedEnd {
    pipe: OwnedFd,
    sent: Arc<AtomicU64>,
    clock: Clock,
}

impl ProbedEnd {
    fn open(self) -> std::io::Result<Probed> {
        Ok(Probed { pipe: Receiver::from_owned_fd(self.pipe)?, sent: self.sent, clock: self.clock })
    }
}

/// How many times less often than alone a worker does what it does because time passes, where so many tests share the process.
fn times_less_often(crowd: &AtomicU32) -> u32 {
    (crowd.load(Ordering::Relaxed) / CROWD).clamp(1, 5)
}

/// Called once a millisecond: probes each worker at random, once in ten milliseconds on average (less often in a crowd), so that what it
/// sees is what any event would (arrivals at random see time averages).
pub fn probe_now_and_then(probes: Vec<Probe>, clock: Clock, crowd: Arc<AtomicU32>) -> impl FnMut() + Send {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        let rarely = 10 * u64::from(times_less_often(&crowd));
        for probe in &probes {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if random.is_multiple_of(rarely) && probe.sent.load(Ordering::Relaxed) == 0 {
                probe.sent.store(clock.now().max(1), Ordering::Relaxed);
                // There is never more than this one byte in it.
                let _ = rustix::io::write(&probe.pipe, &[0]);
            }
        }
    }
}

impl Probed {
    async fn drive(self) {
        let mut byte = [0; 1];
        loop {
            if self.pipe.readable().await.is_err() {
                return;
            }
            let seen: Nanos = self.clock.now();
            match self.pipe.try_read(&mut byte) {
                // Nobody probes any more. The pipe stays readable then, so whoever went on would never let others.
                Ok(0) => return,
                Ok(_) => {
                    let sent = self.sent.swap(0, Ordering::Relaxed);
                    worker::with(|worker| record(&mut worker.tally.borrow_mut().health.lag, seen.saturating_sub(sent)));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a thread, since one that goes on would not even let a deadline pass.
    #[test]
    fn who_is_not_probed_any_more_ends() {
        let (sender, ended) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (probe, other_end) = probe(Clock::start()).expect("a pipe");
                drop(probe);
                other_end.open().expect("it is a pipe").drive().await;
            });
            sender.send(()).expect("the test waits");
        });
        assert!(ended.recv_timeout(Duration::from_secs(10)).is_ok(), "it goes on");
    }
}

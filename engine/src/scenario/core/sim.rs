//! A world for the core: runners that keep their orders, over links that are late, and that come and go.

mod promises;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::datapool::{Item, Pool};
use super::{Core, Effect, Event, Phase, Report, ScenarioItem, Settings};

/// Numbers that only look random (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 31) % limit.max(1)
    }
}

/// A scenario on a simulated runner.
#[derive(Clone, Default)]
struct Slot {
    order: u32,
    runs: Option<u64>,
    items: VecDeque<Item>,
    recall: u32,
    started: u64,
    /// (end, item)
    running: Vec<(f64, Option<i64>)>,
}

struct Runner {
    slots: Vec<Slot>,
    report: Report,
    /// What is on its way to the runner, and when it is there.
    inbox: VecDeque<(f64, Effect)>,
    drained: bool,
    last_report: f64,
    /// When the first of its runs ends.
    wake: f64,
}

#[derive(Clone, Copy, Debug)]
struct World {
    seed: u64,
    runners: u64,
    tick: f64,
    /// Ticks between two reports of a runner.
    report_every: u64,
    /// The longest way to a runner or back.
    delay: f64,
    longest_run: u64,
    /// One in so many ticks a runner is lost, and one in so many one joins; 0: never.
    churn: u64,
    /// Items of the source of an iterable pool.
    source: u64,
}

struct Sim {
    world: World,
    core: Core,
    random: Random,
    now: f64,
    runners: BTreeMap<u64, Runner>,
    next_runner: u64,
    /// What is on its way to the core.
    mail: Vec<(f64, Event)>,
    fed: u64,
    used: BTreeSet<(u32, i64)>,
    in_use: BTreeSet<(u32, i64)>,
    runs: Vec<u64>,
    /// Journeys running on all runners, by scenario.
    at_once: Vec<usize>,
    /// The levels of the core at recent ticks: what runs now was ordered at one of them.
    levels: VecDeque<(f64, Vec<u32>)>,
    burst: f64,
    done: bool,
}

impl Sim {
    fn new(world: World, items: Vec<ScenarioItem>, settings: Settings) -> Self {
        let count = items.len();
        let mut sim = Self {
            world,
            core: Core::new(items, settings).expect("a test that can be"),
            random: Random(world.seed),
            now: 0.0,
            runners: BTreeMap::new(),
            next_runner: 1,
            mail: Vec::new(),
            fed: 0,
            used: BTreeSet::new(),
            in_use: BTreeSet::new(),
            runs: vec![0; count],
            at_once: vec![0; count],
            levels: VecDeque::new(),
            burst: 0.0,
            done: false,
        };
        for _ in 0..world.runners {
            sim.join();
        }
        sim
    }

    fn join(&mut self) {
        let slots = vec![Slot::default(); self.runs.len()];
        let runner = Runner {
            slots,
            report: Report::default(),
            inbox: VecDeque::new(),
            drained: self.core.phase() > Phase::Running,
            last_report: 0.0,
            wake: f64::INFINITY,
        };
        self.runners.insert(self.next_runner, runner);
        self.give(Event::Joined(self.next_runner));
        self.next_runner += 1;
    }

    fn lose(&mut self) {
        let Some(id) = self.runners.keys().copied().nth(self.random.below(self.runners.len() as u64) as usize) else {
            return;
        };
        let runner = self.runners.remove(&id).expect("just seen");
        for (scenario, slot) in (1..).zip(runner.slots) {
            self.at_once[scenario as usize - 1] -= slot.running.len();
            for (_, item) in slot.running {
                item.map(|item| self.in_use.remove(&(scenario, item)));
            }
        }
        self.mail.retain(|(_, event)| !matches!(event, Event::Report(from, _) if *from == id));
        self.give(Event::Left(id));
    }

    fn give(&mut self, event: Event) {
        for effect in self.core.handle(self.now, event) {
            assert!(!self.done, "nothing comes after the end: {effect:?}");
            self.carry(effect);
        }
    }

    fn way(&mut self) -> f64 {
        self.now + self.world.delay * self.random.below(1000) as f64 / 1000.0
    }

    fn carry(&mut self, effect: Effect) {
        let at = self.way();
        match &effect {
            Effect::Order { runner, .. } | Effect::Items { runner, .. } | Effect::Recall { runner, .. } => {
                let inbox = &mut self.runners.get_mut(runner).expect("effects are for runners that are there").inbox;
                let at = inbox.back().map_or(at, |(last, _)| at.max(*last));
                inbox.push_back((at, effect));
            }
            Effect::Drain { .. } | Effect::CancelRest => {
                for runner in self.runners.values_mut() {
                    runner.inbox.push_back((runner.inbox.back().map_or(at, |(last, _)| at.max(*last)), effect.clone()));
                }
            }
            Effect::AskModel { scenario, from, to } => {
                assert!(to > from);
                let journeys = (*from < 30.0).then(|| 5 + *from as u32 / 3);
                self.mail.push((at, Event::Model { scenario: *scenario, journeys }));
            }
            Effect::AskPool { scenario, most } => {
                let count = u64::from(*most).min(self.world.source - self.fed);
                self.fed += count;
                let items = vec![Arc::from([0x90]); count as usize];
                self.mail.push((at, Event::Block { scenario: *scenario, items, end: self.fed == self.world.source }));
            }
            Effect::ScenarioOver { .. } => {}
            Effect::Done => self.done = true,
        }
    }

    /// A tick of everything.
    fn step(&mut self, ticks: u64) {
        self.now = ticks as f64 * self.world.tick;
        if self.world.churn > 0 && self.random.below(self.world.churn) == 0 {
            self.lose();
        }
        if self.world.churn > 0 && self.random.below(self.world.churn) == 0 {
            self.join();
        }
        let due = self.mail.extract_if(.., |(at, _)| *at <= self.now).collect::<Vec<_>>();
        due.into_iter().for_each(|(_, event)| self.give(event));
        let before = self.levels();
        self.give(Event::Tick);
        self.check_spawns(&before);
        let ids: Vec<u64> = self.runners.keys().copied().collect();
        for id in ids {
            let runner = &self.runners[&id];
            if runner.wake <= self.now || runner.inbox.front().is_some_and(|(at, _)| *at <= self.now) {
                self.read(id);
                self.run(id);
            }
            if (ticks + id).is_multiple_of(self.world.report_every) {
                self.write(id);
            }
        }
    }

    fn levels(&self) -> Vec<u32> {
        self.core.scenarios.iter().map(|scenario| scenario.level).collect()
    }

    /// The spawn rate is never exceeded in any window: a bucket that leaks at that rate never overflows.
    fn check_spawns(&mut self, before: &[u32]) {
        let after = self.levels();
        let rate = self.core.settings.spawn_rate;
        let growth: u32 = after.iter().zip(before).map(|(after, before)| after.saturating_sub(*before)).sum();
        self.burst = (self.burst - rate * self.world.tick).max(0.0) + f64::from(growth);
        assert!(self.burst <= 1.0 + rate * self.world.tick + 1e-6, "{growth} spawned at {}", self.now);
        for (scenario, level) in self.core.scenarios.iter().zip(&after) {
            assert!(*level <= scenario.required, "over the volume at {}", self.now);
        }
        self.levels.push_back((self.now, after));
        // What runs where less is wanted now runs to its end.
        let oldest = self.now - self.world.delay - 3.0 * self.world.tick - self.world.longest_run as f64;
        while self.levels.front().is_some_and(|(at, _)| *at < oldest) {
            self.levels.pop_front();
        }
    }

    fn read(&mut self, id: u64) {
        let runner = self.runners.get_mut(&id).expect("there");
        while let Some((_, effect)) = runner.inbox.pop_front_if(|(at, _)| *at <= self.now) {
            match effect {
                Effect::Order { scenario, journeys, runs, number, .. } => {
                    let slot = &mut runner.slots[scenario as usize - 1];
                    assert!(number > runner.report.seen && !runner.drained);
                    (slot.order, slot.runs, runner.report.seen) = (journeys, runs, number);
                }
                Effect::Items { scenario, items, .. } => runner.slots[scenario as usize - 1].items.extend(items),
                Effect::Recall { scenario, items, .. } => runner.slots[scenario as usize - 1].recall += items,
                Effect::Drain { number } => {
                    runner.slots.iter_mut().for_each(|slot| slot.order = 0);
                    (runner.drained, runner.report.seen) = (true, number);
                }
                _ => {}
            }
        }
    }

    /// Ends runs, gives items back, starts runs.
    fn run(&mut self, id: u64) {
        let mut runner = self.runners.remove(&id).expect("there");
        for (scenario, slot) in (1..).zip(&mut runner.slots) {
            let pool = self.core.scenario(scenario).and_then(|scenario| scenario.pool.clone_kind());
            for (_, item) in slot.running.extract_if(.., |(end, _)| *end <= self.now) {
                *runner.report.ended.entry(scenario).or_default() += 1;
                self.at_once[scenario as usize - 1] -= 1;
                let Some(item) = item else { continue };
                self.in_use.remove(&(scenario, item));
                match pool {
                    Some(true) => slot.items.push_back(Item { id: item, data: Arc::from([0x90]) }),
                    _ => runner.report.completed.push((scenario, item)),
                }
            }
            while slot.recall > 0
                && let Some(item) = slot.items.pop_front()
            {
                slot.recall -= 1;
                runner.report.unused.push((scenario, item.id));
            }
            if pool != Some(true) {
                slot.recall = 0;
            }
            while (slot.running.len() as u32) < slot.order && slot.runs.is_none_or(|runs| slot.started < runs) {
                let item = slot.items.pop_front();
                if pool.is_some() && item.is_none() {
                    break;
                }
                if let Some(item) = &item {
                    assert!(self.in_use.insert((scenario, item.id)), "an item in use twice");
                    assert!(pool == Some(true) || self.used.insert((scenario, item.id)), "an item used twice");
                }
                let end = self.now + 0.1 + self.random.below(self.world.longest_run * 10) as f64 / 10.0;
                slot.started += 1;
                self.runs[scenario as usize - 1] += 1;
                slot.running.push((end, item.map(|item| item.id)));
                self.at_once[scenario as usize - 1] += 1;
                let all = self.at_once[scenario as usize - 1];
                let most = self.levels.iter().map(|(_, levels)| levels[scenario as usize - 1]).max().unwrap_or(0);
                assert!(all <= most as usize, "{all} of scenario {scenario} at once, wanted {most}, at {}", self.now);
            }
        }
        let ends = runner.slots.iter().flat_map(|slot| &slot.running).map(|(end, _)| *end);
        runner.wake = ends.fold(f64::INFINITY, f64::min);
        let here: usize = runner.slots.iter().map(|slot| slot.running.len()).sum();
        let most = self.core.settings.runner_max_journeys;
        assert!(most.is_none_or(|most| here <= most as usize), "{here} on one runner");
        self.runners.insert(id, runner);
    }

    fn write(&mut self, id: u64) {
        let at = self.way();
        let runner = self.runners.get_mut(&id).expect("there");
        // Reports don't overtake each other.
        runner.last_report = runner.last_report.max(at);
        let at = runner.last_report;
        for (scenario, slot) in (1..).zip(&runner.slots) {
            runner.report.running.insert(scenario, slot.running.len() as u32);
            let room = (slot.order * 3).saturating_sub(slot.items.len() as u32);
            runner.report.wants.insert(scenario, room);
        }
        let report = runner.report.clone();
        runner.report.completed.clear();
        runner.report.unused.clear();
        self.mail.push((at, Event::Report(id, report)));
    }

    /// Until the end, which must come.
    fn finish(mut self, seconds: f64) -> Self {
        let last = (seconds / self.world.tick) as u64;
        for tick in 0..=last {
            if self.done {
                break;
            }
            self.step(tick);
        }
        assert!(self.done, "not over after {seconds} s: {:?}, running {:?}", self.core.phase(), self.core.actual());
        for scenario in 1..=self.runs.len() as u32 {
            let Some(pool) = &self.core.scenario(scenario).expect("known").pool else { continue };
            assert_eq!(pool.out(), 0, "all items are back");
            assert_eq!(pool.ignored(), 0, "and none of them twice");
            if pool.is_iterable() {
                let received = pool.used() + pool.lost() + pool.stock() as u64;
                let on_way = self.mail.iter().map(|(_, event)| match event {
                    Event::Block { items, .. } => items.len() as u64,
                    _ => 0,
                });
                assert_eq!(received + on_way.sum::<u64>(), self.fed);
            }
        }
        assert_eq!(self.core.ignored(), 0, "nothing made no sense");
        self
    }
}

/// Whether there is a pool, and whether it is recyclable.
trait Kind {
    fn clone_kind(&self) -> Option<bool>;
}

impl Kind for Option<Pool> {
    fn clone_kind(&self) -> Option<bool> {
        self.as_ref().map(Pool::is_recyclable)
    }
}

//! Runners that report and leave, and the data they have: leases of recyclable items, blocks of iterable ones.

use std::sync::Arc;

use super::super::datapool::{Checkout, Item, Pool};
use super::super::share::{Row, fill, share};
use super::{Core, Effect, LEASE_MAX, Load, OverReason, Phase, Report};

/// What became of an item at a runner.
#[derive(Clone, Copy)]
enum Fate {
    Completed,
    Unused,
}

impl Core {
    pub(super) fn report(&mut self, id: u64, report: &Report) {
        let Some(runner) = self.runners.get_mut(&id) else { return self.ignored += 1 };
        let count = self.scenarios.len() as u64;
        let scenarios = report.running.keys().chain(report.ended.keys()).chain(report.wants.keys());
        self.ignored += scenarios.filter(|scenario| **scenario == 0 || u64::from(**scenario) > count).count() as u64;
        let known = report.seen >= runner.sent;
        for (scenario, place) in (1..).zip(&mut runner.places) {
            place.running = report.running.get(&scenario).copied().unwrap_or(0);
            place.charged = place.running.max(if known { place.order } else { place.charged });
            place.ended = place.ended.max(report.ended.get(&scenario).copied().unwrap_or(0));
            place.wants = report.wants.get(&scenario).copied().unwrap_or(0);
        }
        let completed = report.completed.iter().map(|item| (item, Fate::Completed));
        for ((scenario, item), fate) in completed.chain(report.unused.iter().map(|item| (item, Fate::Unused))) {
            self.take_back(id, *scenario, *item, fate);
        }
        for scenario in report.wants.keys() {
            if let Some(index) = self.index(*scenario) {
                self.deal(index, Some(id));
            }
        }
    }

    fn take_back(&mut self, id: u64, scenario: u32, item: i64, fate: Fate) {
        let Some(index) = self.index(scenario) else { return self.ignored += 1 };
        let place = self.place(id, index);
        if !place.held.remove(&item) {
            return self.ignored += 1;
        }
        place.recalled = place.recalled.saturating_sub(1);
        let scenario = &mut self.scenarios[index];
        let Some(pool) = &mut scenario.item.pool else { return };
        match fate {
            Fate::Completed => pool.checkin(item),
            Fate::Unused => pool.give_back(item),
        }
        let iterable = pool.is_iterable();
        if matches!(fate, Fate::Unused) && scenario.single() {
            scenario.pinned = None;
        }
        self.changed |= !iterable;
    }

    /// Its places are given to others (as fast as the spawn rate lets them), and its items if they can be used again.
    pub(super) fn leave(&mut self, id: u64) {
        let Some(runner) = self.runners.remove(&id) else { return self.ignored += 1 };
        for (index, place) in runner.places.into_iter().enumerate() {
            let scenario = &mut self.scenarios[index];
            scenario.level = scenario.level.saturating_sub(place.order);
            scenario.ended += place.ended;
            if let Some(pool) = &mut scenario.item.pool {
                for item in place.held {
                    pool.lose(item);
                }
            }
            let finished = scenario.item.pool.as_ref().is_some_and(|pool| pool.used() > 0);
            let unfinished = scenario.pinned == Some(id) && !finished && self.ended_of(index) == 0;
            if unfinished && self.phase == Phase::Running {
                self.over(index, OverReason::RunnerLost);
            }
        }
        if self.runners.is_empty() {
            self.alone = Some(self.now);
        }
        self.changed = true;
    }

    pub(super) fn block(&mut self, scenario: u32, items: Vec<Arc<[u8]>>, end: bool) {
        let Some(index) = self.index(scenario) else { return self.ignored += 1 };
        match &mut self.scenarios[index].item.pool {
            Some(pool) => pool.feed(items, end),
            None => self.ignored += 1,
        }
        self.deal(index, None);
    }

    /// Every runner gets its share of the items of recyclable pools, once those that others have too many of are back.
    pub(super) fn lease(&mut self) {
        if !self.changed {
            return;
        }
        let leased: Vec<usize> = (0..self.scenarios.len())
            .filter(|index| self.scenarios[*index].leased() && self.scenarios[*index].over.is_none())
            .collect();
        let rows: Vec<Row> = leased.iter().map(|index| self.lease_row(*index)).collect();
        let shared = share(&rows, self.runners.len(), None);
        for (index, shares) in leased.into_iter().zip(shared.places) {
            let ids: Vec<u64> = self.runners.keys().copied().collect();
            for (id, lease) in ids.into_iter().zip(shares) {
                self.place(id, index).lease = lease;
                let kept = self.place(id, index).kept();
                if kept > lease {
                    self.recall(id, index, kept - lease);
                } else {
                    self.hand_out(id, index, lease - kept);
                }
            }
        }
    }

    fn lease_row(&self, index: usize) -> Row {
        let scenario = &self.scenarios[index];
        let items = scenario.item.pool.as_ref().map_or(0, |pool| pool.stock() + pool.out());
        let want = if scenario.single() { items.min(1) } else { items.min(LEASE_MAX as usize * self.runners.len()) };
        let most = self.runners.keys().map(|id| match scenario.pinned {
            Some(pinned) if pinned != *id => 0,
            _ => LEASE_MAX,
        });
        let now = self.runners.values().map(|runner| runner.places[index].lease).collect();
        Row { want: want as u32, now, most: Some(most.collect()) }
    }

    fn recall(&mut self, id: u64, index: usize, items: u32) {
        self.place(id, index).recalled += items;
        self.effects.push(Effect::Recall { runner: id, scenario: self.scenarios[index].item.id, items });
    }

    /// A runner that runs no more of a scenario has no use for the blocks it was given.
    pub(super) fn recall_unused(&mut self, id: u64, index: usize) {
        let iterable = self.scenarios[index].item.pool.as_ref().is_some_and(Pool::is_iterable);
        let place = self.place(id, index);
        place.wants = 0;
        let items = place.held.len() as u32;
        if iterable && items > 0 {
            self.effects.push(Effect::Recall { runner: id, scenario: self.scenarios[index].item.id, items });
        }
    }

    fn hand_out(&mut self, id: u64, index: usize, most: u32) {
        let Some(pool) = &mut self.scenarios[index].item.pool else { return };
        let mut items: Vec<Item> = Vec::new();
        while items.len() < most as usize
            && let Checkout::Item(item) = pool.checkout()
        {
            items.push(item);
        }
        if !items.is_empty() {
            self.place(id, index).held.extend(items.iter().map(|item| item.id));
            self.effects.push(Effect::Items { runner: id, scenario: self.scenarios[index].item.id, items });
        }
    }

    /// Gives the runners of iterable scenarios what they want.
    pub(super) fn deal_all(&mut self) {
        for index in 0..self.scenarios.len() {
            self.deal(index, None);
        }
    }

    /// Items of an iterable pool go to those who want some: to this runner alone if there are enough, else evenly to all.
    fn deal(&mut self, index: usize, only: Option<u64>) {
        let scenario = &self.scenarios[index];
        let Some(pool) = scenario.item.pool.as_ref().filter(|pool| pool.is_iterable()) else { return };
        if self.phase != Phase::Running || scenario.over.is_some() {
            return;
        }
        let used = pool.out() as u64 + pool.used() + pool.lost();
        let most = if scenario.item.load == Load::Once { 1_u64.saturating_sub(used) } else { u64::MAX };
        if only.is_some() && scenario.starved && pool.stock() == 0 {
            // The source was asked already, or has no more.
            return;
        }
        let only = only.filter(|_| !scenario.starved);
        let wants: Vec<(u64, u32)> = self
            .runners
            .iter()
            .filter(|(id, _)| only.is_none_or(|only| only == **id))
            .map(|(id, runner)| (*id, &runner.places[index]))
            .filter(|(_, place)| place.order > 0 && place.wants > 0)
            .map(|(id, place)| (id, place.wants.min(LEASE_MAX.saturating_sub(place.held.len() as u32))))
            .collect();
        let wanted = wants.iter().map(|(_, want)| u64::from(*want)).sum::<u64>().min(most);
        let stock = pool.stock() as u64;
        let limits: Vec<u32> = wants.iter().map(|(_, want)| *want).collect();
        for ((id, _), items) in wants.into_iter().zip(fill(wanted.min(stock), &limits)) {
            self.place(id, index).wants -= items;
            self.hand_out(id, index, items);
        }
        let scenario = &mut self.scenarios[index];
        scenario.starved = wanted > stock;
        let pool = scenario.item.pool.as_mut();
        if let Some(most) = pool.and_then(|pool| pool.ask(wanted.saturating_sub(stock))) {
            self.effects.push(Effect::AskPool { scenario: scenario.item.id, most });
        }
    }

    /// The test is over: what runners still had is no longer theirs.
    pub(super) fn take_all_back(&mut self) {
        for runner in self.runners.values_mut() {
            for (place, scenario) in runner.places.iter_mut().zip(&mut self.scenarios) {
                if let Some(pool) = &mut scenario.item.pool {
                    for item in std::mem::take(&mut place.held) {
                        pool.lose(item);
                    }
                }
            }
        }
    }
}

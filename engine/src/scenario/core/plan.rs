//! Time: what is required now, who keeps how much of it running, and how it all ends.

use super::super::datapool::Pool;
use super::super::share::{Row, fit, share};
use super::{Core, Effect, Load, MODEL_SECONDS, OverReason, Phase, Place};

impl Core {
    pub(super) fn tick(&mut self) {
        if self.phase == Phase::Waiting && self.now >= self.settings.delay_start_seconds {
            self.phase = Phase::Running;
            self.begun = self.now;
            self.alone = self.alone.map(|_| self.now);
        }
        if self.phase == Phase::Running {
            self.require();
            self.find_ends();
        }
        if self.phase < Phase::Draining && self.scenarios.iter().all(|scenario| scenario.over.is_some()) {
            self.drain();
        }
        if self.phase == Phase::Running {
            self.lease();
            self.plan();
            self.deal_all();
        }
        if self.phase == Phase::Draining {
            self.settle(false);
        }
    }

    /// Asks every volume what it wants now.
    fn require(&mut self) {
        let t = self.now - self.begun;
        for index in 0..self.scenarios.len() {
            let scenario = &mut self.scenarios[index];
            if scenario.over.is_some() {
                continue;
            }
            match &scenario.item.load {
                Load::Volume(volume) => match volume.at(t) {
                    Some(journeys) => scenario.required = journeys,
                    None => self.over(index, OverReason::VolumeOver),
                },
                Load::Model(_) if !scenario.asked && t >= scenario.asked_to => {
                    let (from, to) = (scenario.asked_to, t + MODEL_SECONDS);
                    (scenario.asked, scenario.asked_to) = (true, to);
                    self.effects.push(Effect::AskModel { scenario: scenario.item.id, from, to });
                }
                Load::Model(_) => {}
                Load::Once => scenario.required = 1,
            }
        }
    }

    pub(super) fn model(&mut self, scenario: u32, journeys: Option<u32>) {
        let Some(index) = self.index(scenario).filter(|index| self.scenarios[*index].asked) else {
            return self.ignored += 1;
        };
        self.scenarios[index].asked = false;
        match journeys {
            Some(_) if self.scenarios[index].over.is_some() => {}
            Some(journeys) => self.scenarios[index].required = journeys,
            None => self.over(index, OverReason::VolumeOver),
        }
    }

    /// Ends that have nothing to do with the volume.
    fn find_ends(&mut self) {
        let alone = self.alone.is_some_and(|since| self.now - since >= self.settings.grace);
        for index in 0..self.scenarios.len() {
            let scenario = &self.scenarios[index];
            if scenario.item.load == Load::Once && self.ended_of(index) > 0 {
                self.over(index, OverReason::RunEnded);
            } else if scenario.item.pool.as_ref().is_some_and(Pool::exhausted) {
                self.over(index, OverReason::PoolExhausted);
            } else if alone {
                self.over(index, OverReason::NoRunners);
            }
        }
    }

    pub(super) fn over(&mut self, index: usize, reason: OverReason) {
        let scenario = &mut self.scenarios[index];
        if scenario.over.is_none() {
            scenario.over = Some(reason);
            (scenario.required, scenario.unplaced) = (0, 0);
            self.effects.push(Effect::ScenarioOver { scenario: scenario.item.id, reason });
            self.changed = true;
        }
    }

    /// Gives every runner its orders. Nothing to do if all is as it was.
    fn plan(&mut self) {
        let goals = self.goals();
        let there: Vec<u32> = self.scenarios.iter().map(|scenario| scenario.level).collect();
        let levels = self.spawn.step(self.now, &there, &goals);
        if levels == there && !self.changed && !self.pending {
            return;
        }
        if levels != there || self.changed {
            let rows: Vec<Row> = levels.iter().enumerate().map(|(index, level)| self.row(index, *level)).collect();
            let shared = share(&rows, self.runners.len(), self.settings.runner_max_journeys);
            for (scenario, (level, places)) in self.scenarios.iter_mut().zip(levels.iter().zip(&shared.places)) {
                // Items on their way between runners are no reason to lose places that would have to be spawned again.
                scenario.level = if scenario.leased() { *level } else { places.iter().sum() };
            }
            for (position, runner) in self.runners.values_mut().enumerate() {
                for (place, row) in runner.places.iter_mut().zip(&shared.places) {
                    place.target = row[position];
                }
            }
            self.changed = false;
        }
        self.lower();
        self.raise();
    }

    /// A scenario as something to share: who has what, who can take what.
    fn row(&self, index: usize, want: u32) -> Row {
        let scenario = &self.scenarios[index];
        let places = || self.runners.values().map(|runner| &runner.places[index]);
        let most = if scenario.leased() {
            Some(places().map(|place| place.kept().min(place.lease)).collect())
        } else {
            scenario.pinned.map(|pinned| self.runners.keys().map(|id| u32::from(*id == pinned)).collect())
        };
        Row { want, now: places().map(|place| place.target).collect(), most }
    }

    /// What is required, as far as there are places and items for it.
    fn goals(&mut self) -> Vec<u32> {
        let runners = self.runners.len() as u64;
        let room = u64::from(self.settings.runner_max_journeys.unwrap_or(u32::MAX)) * runners;
        let room = room.min(self.settings.journeys_max.map_or(u64::MAX, u64::from));
        let placeable = self.scenarios.iter().enumerate().map(|(index, scenario)| {
            let leases = self.runners.values().map(|runner| runner.places[index].lease);
            let items = if scenario.leased() { leases.fold(0, u32::saturating_add) } else { u32::MAX };
            scenario.required.min(items)
        });
        let goals = fit(&placeable.collect::<Vec<_>>(), room);
        for (scenario, goal) in self.scenarios.iter_mut().zip(&goals) {
            scenario.unplaced = scenario.required - goal;
        }
        goals
    }

    /// Less is ordered at once. What runs in a place that is given up still counts.
    fn lower(&mut self) {
        for index in 0..self.scenarios.len() {
            for id in self.runner_ids() {
                let place = self.place(id, index);
                if place.target < place.order {
                    place.order = place.target;
                    self.send_order(id, index);
                }
            }
        }
    }

    /// More is ordered where it makes no more run, neither of the scenario nor on the runner, than should.
    fn raise(&mut self) {
        self.pending = false;
        let most = self.settings.runner_max_journeys.map_or(u64::MAX, u64::from);
        let mut on_runner: Vec<u64> =
            self.runners.values().map(|runner| runner.places.iter().map(charge).sum()).collect();
        for index in 0..self.scenarios.len() {
            let charged: u64 = self.runners.values().map(|runner| charge(&runner.places[index])).sum();
            let level = u64::from(self.scenarios[index].level);
            let mut room = level.saturating_sub(charged);
            for (position, id) in self.runner_ids().into_iter().enumerate() {
                let free = room.min(most.saturating_sub(on_runner[position]));
                let place = self.place(id, index);
                // While too many run, none of the surplus becomes a place again: it would never end.
                let reachable = if charged > level { place.order.into() } else { u64::from(place.charged) + free };
                let order = place.target.min(u32::try_from(reachable).unwrap_or(u32::MAX));
                let short = order < place.target;
                if order > place.order {
                    let more = u64::from(order.saturating_sub(place.charged));
                    place.order = order;
                    place.charged = place.charged.max(order);
                    room -= more;
                    on_runner[position] += more;
                    self.send_order(id, index);
                }
                self.pending |= short;
            }
        }
    }

    fn runner_ids(&self) -> Vec<u64> {
        self.runners.keys().copied().collect()
    }

    pub(super) fn place(&mut self, runner: u64, index: usize) -> &mut Place {
        let runner = self.runners.get_mut(&runner).expect("only runners that are there have places");
        &mut runner.places[index]
    }

    fn send_order(&mut self, id: u64, index: usize) {
        self.number += 1;
        let number = self.number;
        let runner = self.runners.get_mut(&id).expect("only runners that are there get orders");
        runner.sent = number;
        let journeys = runner.places[index].order;
        let scenario = &mut self.scenarios[index];
        let runs = (scenario.item.load == Load::Once).then_some(1);
        if journeys > 0 && scenario.single() {
            scenario.pinned = Some(id);
        }
        self.effects.push(Effect::Order { runner: id, scenario: scenario.item.id, journeys, runs, number });
        if journeys == 0 {
            self.recall_unused(id, index);
        }
    }

    pub(super) fn stop(&mut self) {
        if self.phase == Phase::Draining {
            return self.settle(true);
        }
        for index in 0..self.scenarios.len() {
            self.over(index, OverReason::Stopped);
        }
        self.drain();
        self.settle(false);
    }

    /// Nothing new from now on.
    fn drain(&mut self) {
        self.phase = Phase::Draining;
        self.drained = self.now;
        self.number += 1;
        for runner in self.runners.values_mut() {
            runner.sent = self.number;
            for place in &mut runner.places {
                (place.order, place.target, place.wants) = (0, 0, 0);
            }
        }
        for scenario in &mut self.scenarios {
            (scenario.level, scenario.starved) = (0, false);
        }
        self.effects.push(Effect::Drain { number: self.number });
    }

    /// Ends the test when nothing runs any more, or when the rest may not go on.
    fn settle(&mut self, at_once: bool) {
        let empty = self.runners.values().all(|runner| runner.places.iter().all(|place| place.charged == 0));
        if !empty {
            if !at_once && self.now - self.drained < self.settings.grace {
                return;
            }
            self.effects.push(Effect::CancelRest);
        }
        self.take_all_back();
        self.phase = Phase::Done;
        self.ended = self.now;
        self.effects.push(Effect::Done);
    }
}

fn charge(place: &Place) -> u64 {
    u64::from(place.charged)
}

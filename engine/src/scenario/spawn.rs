//! How fast the number of journeys at once may grow.

/// A longer time than this between two steps counts as this: a controller that stood still does not make up for it.
pub const MAX_TICK_SECONDS: f64 = 1.0;

/// `--spawn-rate`: over all scenarios at most so many new places for journeys a second. The next run in a place is not a
/// spawn, a place of another scenario is. Within any time there are at most rate * time + 1.
#[derive(Clone, Debug)]
pub struct Spawn {
    per_second: f64,
    /// Spawns allowed now. At most 1 is kept from step to step: the remainder of a fraction, and no burst.
    allowed: f64,
    last: Option<f64>,
    /// What each scenario is owed of earlier steps, between -1 and 1: so that none waits for ever beside a greater one.
    owed: Vec<f64>,
}

impl Spawn {
    /// `per_second`: more than 0; anything else allows nothing.
    pub fn new(per_second: f64) -> Self {
        Self { per_second: per_second.max(0.0), allowed: 1.0, last: None, owed: Vec::new() }
    }

    /// What may be there of each scenario from `now` on (seconds), where so much is there and so much is wanted. Less is
    /// there at once; growth is divided in proportion to what each lacks.
    pub fn step(&mut self, now: f64, there: &[u32], wanted: &[u32]) -> Vec<u32> {
        let passed = self.last.map_or(0.0, |last| (now - last).clamp(0.0, MAX_TICK_SECONDS));
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
        self.allowed = self.allowed.min(1.0) + passed * self.per_second;
        let lacking: Vec<u32> = there.iter().zip(wanted).map(|(there, wanted)| wanted.saturating_sub(*there)).collect();
        let total: u64 = lacking.iter().copied().map(u64::from).sum();
        let spawns = (self.allowed as u64).min(total);
        self.allowed -= spawns as f64;
        let grown = self.divide(spawns, total, lacking);
        there.iter().zip(wanted).zip(grown).map(|((there, wanted), grown)| there.min(wanted) + grown).collect()
    }

    fn divide(&mut self, spawns: u64, total: u64, lacking: Vec<u32>) -> Vec<u32> {
        self.owed.resize(lacking.len(), 0.0);
        if spawns == total {
            self.owed.fill(0.0);
            return lacking;
        }
        for (owed, lacking) in self.owed.iter_mut().zip(&lacking) {
            *owed = if *lacking == 0 { 0.0 } else { *owed + spawns as f64 * f64::from(*lacking) / total as f64 };
        }
        let mut grown = vec![0; lacking.len()];
        let mut left = spawns;
        while left > 0 {
            // Who is owed most first; of those owed the same, the earlier scenario.
            let mut order: Vec<usize> = (0..lacking.len()).filter(|place| grown[*place] < lacking[*place]).collect();
            order.sort_by(|a, b| self.owed[*b].total_cmp(&self.owed[*a]));
            for place in order {
                let due = (self.owed[place] as u32).max(1).min(lacking[place] - grown[place]);
                let due = u32::try_from(left).unwrap_or(u32::MAX).min(due);
                grown[place] += due;
                self.owed[place] -= f64::from(due);
                left -= u64::from(due);
            }
        }
        self.owed.iter_mut().for_each(|owed| *owed = owed.clamp(-1.0, 1.0));
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tables() {
        for (rate, steps, why) in [
            (10.0, vec![(0.0, 100, 1), (0.1, 100, 2), (0.2, 100, 3), (1.0, 100, 11)], "from the first moment on"),
            (10.0, vec![(0.0, 0, 0), (50.0, 0, 0), (50.1, 100, 2), (50.2, 100, 3)], "nothing is saved up"),
            (10.0, vec![(0.0, 100, 1), (60.0, 100, 11)], "a long pause counts as a second"),
            (
                10.0,
                vec![(0.0, 100, 1), (1.0, 100, 11), (1.1, 3, 3), (1.2, 0, 0), (1.2, 9, 1)],
                "down at once, up slowly",
            ),
            (
                0.4,
                vec![(0.0, 9, 1), (1.0, 9, 1), (2.0, 9, 1), (3.0, 9, 2), (4.0, 9, 2), (5.0, 9, 3)],
                "fractions carry over",
            ),
            (1e9, vec![(0.0, 9, 1), (0.1, u32::MAX, 100_000_001), (9.0, u32::MAX, 1_100_000_001)], "very fast"),
            (10.0, vec![(5.0, 9, 1), (4.0, 9, 1), (5.0, 9, 1), (5.2, 9, 3)], "time that runs back adds nothing"),
            (f64::NAN, vec![(0.0, 9, 1), (9.0, 9, 1)], "no rate"),
        ] {
            let mut spawn = Spawn::new(rate);
            let mut there = 0;
            for (now, wanted, expected) in steps {
                there = spawn.step(now, &[there], &[wanted])[0];
                assert_eq!(there, expected, "{why}, at {now}");
            }
        }
    }

    #[test]
    fn shared_in_proportion_and_nobody_starves() {
        for (wanted, after, expected, why) in [
            (vec![1000, 1], 600.0, vec![600, 1], "the small one has had its turn"),
            (vec![10, 10, 10], 14.0, vec![5, 5, 5], "equals stay equal"),
            (vec![100, 300], 40.0, vec![10, 31], "in proportion"),
            (vec![100, 0, 300], 400.0, vec![100, 0, 300], "all there at the same time"),
        ] {
            let mut spawn = Spawn::new(1.0);
            let mut there = vec![0; wanted.len()];
            for second in 0..=(after as u32) {
                there = spawn.step(f64::from(second), &there, &wanted);
            }
            assert_eq!(there, expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn never_faster_in_any_window(
            rate in 0.1f64..500.0,
            steps in prop::collection::vec((0.0f64..0.9, prop::collection::vec(0u32..300, 4)), 1..60),
        ) {
            let mut spawn = Spawn::new(rate);
            let (mut now, mut there, mut grown) = (0.0, vec![0; 4], vec![]);
            for (pause, wanted) in steps {
                now += pause;
                let next = spawn.step(now, &there, &wanted);
                for place in 0..4 {
                    prop_assert!(next[place] <= wanted[place]);
                    prop_assert!(next[place] >= there[place].min(wanted[place]));
                }
                let growth: u32 = next.iter().zip(&there).map(|(next, there)| next.saturating_sub(*there)).sum();
                grown.push((now, f64::from(growth)));
                there = next;
            }
            for first in 0..grown.len() {
                // What a step allows was earned in the time since the step before it.
                let start = grown[first.saturating_sub(1)].0;
                let mut sum = 0.0;
                for (at, growth) in &grown[first..] {
                    sum += growth;
                    prop_assert!(sum <= rate * (at - start) + 1.0 + 1e-6);
                }
            }
        }
    }
}

//! Journeys at once: what a controller wants, and what of it a tenant may have.

use std::collections::BTreeMap;

/// A standing order to a worker for a scenario item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub worker: u32,
    pub scenario: u32,
    pub journeys: u32,
    pub runs: Option<u64>,
    pub number: u64,
}

/// The orders of a test, and what is made of them. Bounded by the workers and scenario items that there are.
#[derive(Debug, Default)]
pub struct Journeys {
    wanted: BTreeMap<(u32, u32), Order>,
    given: BTreeMap<(u32, u32), u32>,
    /// The most that were wanted at once while that was too many.
    held_peak: u64,
}

impl Journeys {
    /// A new order, and with it what workers have to be told: each its share, where the whole is more than may be.
    pub fn order(&mut self, order: Order, most: Option<u64>) -> Vec<Order> {
        let place = (order.worker, order.scenario);
        self.wanted.insert(place, order);
        // Told in any case: it has a number, or a limit on runs, that the worker has to know.
        self.given.remove(&place);
        self.deal(most)
    }

    /// What workers have to be told after the limit has changed.
    pub fn deal(&mut self, most: Option<u64>) -> Vec<Order> {
        let wanted: Vec<u32> = self.wanted.values().map(|order| order.journeys).collect();
        let may = match most.filter(|most| self.wanted() > *most) {
            Some(most) => {
                self.held_peak = self.held_peak.max(self.wanted());
                shares(&wanted, most)
            }
            None => wanted,
        };
        let mut told = Vec::new();
        for ((place, order), journeys) in self.wanted.iter().zip(may) {
            if self.given.insert(*place, journeys) != Some(journeys) {
                told.push(Order { journeys, ..*order });
            }
        }
        told
    }

    /// Journeys at once that are wanted now.
    pub fn wanted(&self) -> u64 {
        self.wanted.values().map(|order| u64::from(order.journeys)).sum()
    }

    /// The most that were wanted while that was too many; 0: it never was.
    pub fn held_peak(&self) -> u64 {
        self.held_peak
    }
}

/// Each its part of `most`, in proportion; what is left after rounding down goes to those who lost most by it.
fn shares(wanted: &[u32], most: u64) -> Vec<u32> {
    let all: u64 = wanted.iter().map(|one| u64::from(*one)).sum();
    if all <= most {
        return wanted.to_vec();
    }
    let part = |one: u32| u128::from(one) * u128::from(most);
    let mut may: Vec<u32> =
        wanted.iter().map(|one| u32::try_from(part(*one) / u128::from(all)).unwrap_or(u32::MAX)).collect();
    let left = most - may.iter().map(|one| u64::from(*one)).sum::<u64>();
    let mut by_loss: Vec<usize> = (0..wanted.len()).collect();
    by_loss.sort_by_key(|at| (std::cmp::Reverse(part(wanted[*at]) % u128::from(all)), *at));
    by_loss.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)).for_each(|at| may[at] += 1);
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_gets() {
        for (wanted, most, want, why) in [
            (vec![], 5, vec![], "nobody"),
            (vec![2, 3], 5, vec![2, 3], "it fits"),
            (vec![4, 6], 5, vec![2, 3], "in proportion"),
            (vec![1, 1, 1], 2, vec![1, 1, 0], "what can't be divided goes to the first"),
            (vec![9, 1], 5, vec![5, 0], "to those who lost most by rounding, if as much to the first"),
            (vec![10, 0, 10], 1, vec![1, 0, 0], "nothing for who wants nothing"),
            (vec![u32::MAX, u32::MAX], 7, vec![4, 3], "however many"),
            (vec![5], 0, vec![0], "none at all"),
        ] {
            assert_eq!(shares(&wanted, most), want, "{why}");
        }
    }

    fn order(worker: u32, journeys: u32, number: u64) -> Order {
        Order { worker, scenario: 1, journeys, runs: None, number }
    }

    #[test]
    fn workers_are_told_what_changes_for_them() {
        let mut journeys = Journeys::default();
        assert_eq!(journeys.order(order(0, 6, 1), Some(8)), [order(0, 6, 1)]);
        assert_eq!(journeys.held_peak(), 0);
        let told = journeys.order(order(1, 6, 2), Some(8));
        assert_eq!(told, [order(0, 4, 1), order(1, 4, 2)], "the first gets less as well");
        assert_eq!((journeys.wanted(), journeys.held_peak()), (12, 12));
        assert_eq!(journeys.order(order(1, 6, 3), Some(8)), [order(1, 4, 3)], "a number is told, whatever comes of it");
        assert_eq!(journeys.deal(Some(12)), [order(0, 6, 1), order(1, 6, 3)], "there is more room");
        assert_eq!(journeys.deal(None), [], "and no limit changes nothing then");
        assert_eq!(journeys.order(order(0, 0, 4), Some(8)), [order(0, 0, 4)]);
        assert_eq!((journeys.wanted(), journeys.held_peak()), (6, 12));
    }
}

use std::sync::{Arc, Mutex};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

const MS: Nanos = 1_000_000;
const SECOND: Nanos = 1_000 * MS;

/// Writes its number down when it is woken.
struct Bell {
    number: usize,
    rung: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.lock().unwrap().push(self.number);
    }
}

/// The timers with a clock of their own; each timer rings with the number it was made with.
struct Sim {
    inner: Inner,
    now: Nanos,
    rung: Arc<Mutex<Vec<usize>>>,
}

impl Sim {
    fn new() -> Self {
        Self { inner: Inner::new(), now: 0, rung: Arc::default() }
    }

    fn set(&mut self, id: u32, due: Nanos, number: usize) -> bool {
        let waker = Waker::from(Arc::new(Bell { number, rung: self.rung.clone() }));
        self.inner.set(id, due, &waker)
    }

    /// What the timerfd does at this time, if it was set to one that has come. Answers who was woken.
    fn pass(&mut self, until: Nanos) -> Vec<usize> {
        self.now = until;
        if self.inner.armed <= self.now {
            while let Some(waker) = self.inner.next_due(self.now) {
                waker.wake();
            }
            self.inner.rearm();
        }
        std::mem::take(&mut *self.rung.lock().unwrap())
    }
}

#[test]
fn moves() {
    type Case = (&'static [Nanos], &'static [(Nanos, bool)], &'static str);
    let rows: [Case; 9] = [
        (&[10], &[(9, false), (10, true), (20, false)], "at its time, once"),
        (&[10, 30], &[(10, false), (29, false), (30, true), (99, false)], "moved later"),
        (&[30, 10], &[(9, false), (10, true), (30, false)], "moved earlier: the old place is nothing any more"),
        (&[30, 10, 20], &[(10, false), (20, true), (30, false)], "earlier, then later"),
        (&[10, 30, 20], &[(10, false), (19, false), (20, true), (30, false)], "later, then earlier"),
        (&[50, 40, 30, 20, 45], &[(20, false), (30, false), (44, false), (45, true), (50, false)], "down and up again"),
        (&[10, 10, 10], &[(10, true), (11, false)], "set to the same time again, as a poll does"),
        (&[10], &[(1_000, true), (1_001, false)], "late"),
        (&[20, 60, 40], &[(30, false), (40, true), (60, false)], "a place that comes up late finds the timer moved"),
    ];
    for (sets, times, why) in rows {
        let mut sim = Sim::new();
        let id = sim.inner.add();
        for due in sets {
            sim.set(id, *due, 7);
        }
        for (time, rings) in times {
            let rung = sim.pass(*time);
            assert_eq!(rung, vec![7; usize::from(*rings)], "{why}: at {time}");
        }
    }
}

#[test]
fn the_first_due_is_woken_first() {
    let mut sim = Sim::new();
    for (number, due) in [50, 10, 40, 20, 30].into_iter().enumerate() {
        let id = sim.inner.add();
        sim.set(id, due, number);
    }
    assert_eq!(sim.pass(45), [1, 3, 4, 2], "by time, and what isn't due is left");
    assert_eq!(sim.pass(50), [0]);
    let ids: Vec<_> = [10, 20, 30].map(|due| (sim.inner.add(), 50 + due)).into();
    for (number, (id, due)) in ids.iter().enumerate() {
        sim.set(*id, *due, number);
    }
    sim.set(ids[0].0, 75, 0);
    assert_eq!(sim.pass(1_000), [1, 0, 2], "one that was moved later, when all are late");
}

#[test]
fn the_descriptor_is_set_when_it_must_be() {
    let mut sim = Sim::new();
    let (first, second) = (sim.inner.add(), sim.inner.add());
    for (id, due, sets, why) in [
        (first, 50, true, "the first"),
        (second, 60, false, "a later one finds it set early enough"),
        (second, 20, true, "an earlier one"),
        (first, 20, false, "the same time"),
    ] {
        assert_eq!(sim.set(id, due, 0), sets, "{why}");
    }
    assert_eq!(sim.pass(20).len(), 2);
    let next = sim.inner.armed;
    assert_eq!(next, 50, "old places come up and find nothing");
    assert_eq!(sim.pass(100), [0; 0]);
    assert_eq!(sim.inner.rearm(), None, "there is nothing to wait for");
}

#[test]
fn a_timer_that_is_gone_wakes_nobody() {
    let mut sim = Sim::new();
    let id = sim.inner.add();
    sim.set(id, 10, 1);
    sim.inner.remove(id);
    assert_eq!(sim.pass(10), [0; 0]);
    let again = sim.inner.add();
    assert_eq!(again, id, "its place is used again");
    sim.set(again, 30, 2);
    assert_eq!(sim.pass(20), [0; 0], "places of the one before mean nothing to it");
    assert_eq!(sim.pass(30), [2]);
}

/// Waits as futures do: a timer from the free ones, and back to them. Answers whether it rang by then.
fn wait(sim: &mut Sim, due: Nanos, until: Nanos) -> bool {
    let id = sim.inner.add();
    sim.set(id, due, 1);
    let rung = sim.pass(until) == [1];
    sim.inner.remove(id);
    rung
}

#[test]
fn far_timeouts_and_near_sleeps_keep_the_heap_small() {
    const TIMES: u64 = 100_000;
    type Case = (fn(&mut Sim, u64), &'static str);
    let rows: [Case; 5] = [
        (
            |sim, _| {
                let now = sim.now;
                assert!(!wait(sim, now + 30 * SECOND, now + MS), "the answer came first");
                assert!(wait(sim, now + 11 * MS, now + 11 * MS), "a sleep ends");
            },
            "a timeout that doesn't come, then a sleep",
        ),
        (
            |sim, _| {
                let now = sim.now;
                for due in [30 * SECOND, SECOND, 20 * MS] {
                    assert!(!wait(sim, now + due, now + MS), "given up");
                }
                assert!(wait(sim, now + 10 * MS, now + 10 * MS));
            },
            "three lengths, one after another",
        ),
        (
            |sim, round| {
                assert!(!wait(sim, 3_600 * SECOND - round, 0), "given up");
            },
            "ever earlier times: a hostile journey",
        ),
        (
            |sim, round| {
                let now = sim.now;
                assert!(!wait(sim, now + 3_600 * SECOND + round, now + 1), "given up");
            },
            "ever later times",
        ),
        (
            |sim, round| {
                let far = sim.inner.add();
                let now = sim.now;
                sim.set(far, now + 30 * SECOND, 2);
                assert!(wait(sim, now + (1 + round % 7) * MS, now + 7 * MS), "beside the timeout");
                sim.inner.remove(far);
            },
            "two timers at once",
        ),
    ];
    for (round, why) in rows {
        let mut sim = Sim::new();
        for number in 0..TIMES {
            round(&mut sim, number);
            let most = PLACES_MAX * sim.inner.timers.len();
            assert!(sim.inner.heap.len() <= most, "{why}: {} places", sim.inner.heap.len());
        }
        assert!(sim.inner.timers.len() <= 2, "{why}: timers are used again");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(usize, Nanos),
    Drop(usize),
    Pass(Nanos),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = prop_oneof![0_u64..20, 0_u64..1_000];
    let step = prop_oneof![
        4 => (0_usize..4, time.clone()).prop_map(|(slot, time)| Step::Set(slot, time)),
        1 => (0_usize..4).prop_map(Step::Drop),
        2 => time.prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..200)
}

/// What should be: who waits (timer, number, until when).
type Waiting = [Option<(u32, usize, Option<Nanos>)>; 4];

fn check_pass(sim: &mut Sim, waiting: &mut Waiting, until: Nanos) -> Result<(), TestCaseError> {
    let rung = sim.pass(until);
    let mut dues = Vec::new();
    for (_, number, due) in waiting.iter_mut().flatten() {
        if due.is_some_and(|due| due <= until) {
            dues.push((due.take(), *number));
        }
    }
    let by_number = |number: &usize| dues.iter().find(|(_, one)| one == number).map(|(due, _)| *due);
    let rang: Vec<_> = rung.iter().map(by_number).collect();
    prop_assert_eq!(rang.len(), dues.len(), "all that is due, once");
    prop_assert!(rang.iter().all(Option::is_some), "nothing early");
    prop_assert!(rang.is_sorted(), "in order");
    Ok(())
}

proptest! {
    #[test]
    fn nothing_fires_early_and_none_is_lost(steps in steps()) {
        let mut sim = Sim::new();
        let mut waiting: Waiting = [None; 4];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Set(slot, after) => {
                    let due = sim.now + 1 + after;
                    let (id, number, _) = waiting[slot].unwrap_or_else(|| (sim.inner.add(), number, None));
                    sim.set(id, due, number);
                    waiting[slot] = Some((id, number, Some(due)));
                }
                Step::Drop(slot) => {
                    if let Some((id, ..)) = waiting[slot].take() {
                        sim.inner.remove(id);
                    }
                }
                Step::Pass(time) => {
                    let until = sim.now + time;
                    check_pass(&mut sim, &mut waiting, until)?;
                }
            }
            let next = waiting.iter().flatten().filter_map(|(.., due)| *due).min().unwrap_or(NEVER);
            prop_assert!(sim.inner.armed <= next, "the descriptor is set early enough");
            prop_assert!(sim.inner.heap.len() <= PLACES_MAX * sim.inner.timers.len());
        }
        let end = sim.now + 10_000;
        check_pass(&mut sim, &mut waiting, end)?;
        prop_assert_eq!(sim.inner.armed, NEVER);
    }
}

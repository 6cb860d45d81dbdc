use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Wake;

use super::*;

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A scenario item without a component, and a place that waits.
struct Sim {
    scenario: Scenario<()>,
    bell: Arc<Bell>,
}

#[derive(Debug, PartialEq)]
enum Does {
    Run(Option<i64>),
    Hungry,
    Leave,
}
use Does::{Hungry, Leave, Run};

fn item(id: i64) -> Item {
    Item { id, data: Arc::from(*b"\x90") }
}

impl Sim {
    fn new(data: Data) -> Self {
        let assignment = Assignment { id: 1, journey: "a:b".into(), name: "b".into(), prepared: (), data };
        let fields = message::Scenario::new("test", 1, "a:b", 1);
        Self { scenario: Scenario::new(assignment, fields, 0), bell: Arc::default() }
    }

    fn next(&self) -> Does {
        self.next_of(false)
    }

    fn next_of(&self, stopping: bool) -> Does {
        match self.scenario.next(&Waker::from(self.bell.clone()), stopping) {
            Next::Run(item) => Run(item.map(|item| item.id)),
            Next::Hungry => Hungry,
            Next::Leave => Leave,
        }
    }

    fn supply(&self, ids: std::ops::Range<i64>) {
        self.scenario.supply(ids.map(item));
    }

    /// How often places were woken since this was asked before.
    fn woken(&self) -> u32 {
        self.bell.0.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn orders_are_standing_ones() {
    let sim = Sim::new(Data::Without);
    let mut running = 0;
    for (wanted, new, leaving, why) in [
        (3, 3, 0, "from nothing"),
        (3, 0, 0, "the same again"),
        (5, 2, 0, "more"),
        (2, 0, 3, "fewer: as many leave"),
        (4, 2, 0, "more again"),
        (0, 0, 4, "none"),
        (1, 1, 0, "and one"),
    ] {
        assert_eq!(sim.scenario.order(wanted, None), new, "{why}");
        running += new;
        for place in 0..new {
            assert_eq!(sim.next(), Run(None), "{why}: new place {place}");
        }
        // Every place ends its run and asks again.
        let mut left = 0;
        for _ in 0..running {
            sim.scenario.ended(None);
            match sim.next() {
                Run(None) => {}
                Leave => left += 1,
                other => panic!("{why}: {other:?}"),
            }
        }
        running -= left;
        assert_eq!((left, running), (leaving, wanted), "{why}");
        assert_eq!(sim.scenario.running.get(), wanted, "{why}");
        assert_eq!(sim.scenario.is_empty(), wanted == 0, "{why}");
    }
}

#[test]
fn an_order_that_changes_its_mind_makes_no_place_twice() {
    let sim = Sim::new(Data::Without);
    assert_eq!(sim.scenario.order(5, None), 5);
    assert_eq!(sim.scenario.order(0, None), 0);
    assert_eq!(sim.scenario.order(5, None), 0, "those that have not left yet stay");
    assert_eq!((0..5).filter(|_| sim.next() == Run(None)).count(), 5);
}

#[test]
fn stopping_ends_all_places() {
    let sim = Sim::new(Data::Once);
    sim.scenario.order(3, None);
    sim.supply(0..10);
    assert_eq!([sim.next_of(true), sim.next_of(true), sim.next_of(true)], [Leave, Leave, Leave]);
    assert!(sim.scenario.is_empty());
    assert_eq!(sim.scenario.stock(), 10, "no data is used");
}

#[test]
fn runs_are_bounded() {
    let sim = Sim::new(Data::Without);
    assert_eq!(sim.scenario.order(3, Some(4)), 3);
    assert_eq!([sim.next(), sim.next(), sim.next()], [Run(None), Run(None), Run(None)]);
    sim.scenario.ended(None);
    assert_eq!(sim.next(), Run(None), "the fourth");
    sim.scenario.ended(None);
    assert_eq!(sim.next(), Leave, "there is no fifth");
    assert_eq!(sim.scenario.order(3, Some(5)), 1, "unless it is allowed");
    assert_eq!(sim.next(), Run(None));
    sim.scenario.not_begun(None);
    assert_eq!(sim.next(), Run(None), "one that could not begin doesn't count");
    for _ in 0..3 {
        sim.scenario.ended(None);
        assert_eq!(sim.next(), Leave);
    }
    assert_eq!((sim.scenario.ended.get(), sim.scenario.running.get(), sim.scenario.is_empty()), (5, 0, true));
}

#[test]
fn places_without_data_are_hungry() {
    let sim = Sim::new(Data::Once);
    sim.scenario.order(3, None);
    assert_eq!([sim.next(), sim.next()], [Hungry, Hungry]);
    assert_eq!((sim.woken(), sim.scenario.running.get()), (0, 0));
    sim.supply(7..8);
    assert_eq!(sim.woken(), 2, "all that wait: one gets it");
    assert_eq!([sim.next(), sim.next(), sim.next()], [Run(Some(7)), Hungry, Hungry]);
    assert_eq!(sim.scenario.order(3, None), 0);
    assert_eq!(sim.woken(), 2, "an order wakes them: they may have to leave");
    assert_eq!([sim.next(), sim.next()], [Hungry, Hungry]);
    sim.scenario.order(1, None);
    assert_eq!(sim.woken(), 2);
    assert_eq!([sim.next(), sim.next()], [Leave, Leave]);
    sim.scenario.ended(Some(item(7)));
    assert_eq!(sim.next(), Hungry, "data that serves once is gone");
    assert_eq!(sim.scenario.take_returned(false), (vec![7], vec![]));
    assert_eq!(sim.scenario.take_returned(false), (vec![], vec![]), "told once");
    sim.scenario.wake_hungry();
    assert_eq!((sim.woken(), sim.next_of(true)), (1, Leave));
}

#[test]
fn items_go_round_and_first_come_first() {
    let sim = Sim::new(Data::Recycled);
    sim.scenario.order(2, None);
    sim.supply(0..3);
    assert_eq!([sim.next(), sim.next()], [Run(Some(0)), Run(Some(1))]);
    sim.scenario.ended(Some(item(1)));
    sim.scenario.ended(Some(item(0)));
    assert_eq!([sim.next(), sim.next()], [Run(Some(2)), Run(Some(1))], "in the order they came back");
    sim.scenario.not_begun(Some(item(2)));
    assert_eq!((sim.scenario.stock(), sim.scenario.running.get(), sim.scenario.ended.get()), (2, 1, 2));
    assert_eq!(sim.scenario.take_returned(false), (vec![], vec![]), "they are never told as used up");
}

#[test]
fn an_item_that_comes_back_feeds_who_waits() {
    let sim = Sim::new(Data::Recycled);
    sim.scenario.order(2, None);
    sim.supply(0..1);
    assert_eq!([sim.next(), sim.next()], [Run(Some(0)), Hungry]);
    sim.scenario.ended(Some(item(0)));
    assert_eq!((sim.woken(), sim.next()), (1, Run(Some(0))));
}

#[test]
fn items_are_given_back() {
    type Case = (Data, i64, u32, &'static [i64], usize, &'static [i64], &'static str);
    // What is in stock, how many are recalled: who goes at once, what stays, who goes when the runs of 0 and 1 are over.
    let rows: [Case; 7] = [
        (Data::Recycled, 5, 0, &[], 3, &[], "none"),
        (Data::Recycled, 5, 2, &[4, 3], 1, &[], "those that would be used last"),
        (Data::Recycled, 5, 3, &[4, 3, 2], 0, &[], "all in stock"),
        (Data::Recycled, 5, 4, &[4, 3, 2], 0, &[0], "the rest as soon as it is free"),
        (Data::Recycled, 5, 9, &[4, 3, 2], 0, &[0, 1], "more than there are"),
        (Data::Once, 5, 2, &[4, 3], 1, &[], "those that serve once too"),
        (Data::Once, 5, 9, &[4, 3, 2], 0, &[], "those in use don't come back"),
    ];
    for (data, items, recalled, at_once, stays, later, why) in rows {
        let sim = Sim::new(data);
        sim.scenario.order(2, None);
        sim.supply(0..items);
        assert_eq!([sim.next(), sim.next()], [Run(Some(0)), Run(Some(1))]);
        sim.scenario.give_back(recalled);
        let (completed, unused) = sim.scenario.take_returned(false);
        assert_eq!((completed, unused.as_slice(), sim.scenario.stock()), (vec![], at_once, stays), "{why}");
        sim.scenario.ended(Some(item(0)));
        sim.scenario.ended(Some(item(1)));
        let (completed, unused) = sim.scenario.take_returned(false);
        assert_eq!(unused, later, "{why}");
        assert_eq!(completed, if data == Data::Once { vec![0, 1] } else { vec![] }, "{why}");
    }
}

#[test]
fn a_recall_of_items_that_serve_once_is_over_at_once() {
    let sim = Sim::new(Data::Once);
    sim.scenario.give_back(5);
    sim.supply(0..3);
    assert_eq!((sim.scenario.stock(), sim.scenario.take_returned(false)), (3, (vec![], vec![])), "new ones stay");
}

#[test]
fn when_all_is_over_the_stock_goes_back() {
    for (data, completed, unused, why) in [
        (Data::Once, vec![0], vec![2, 1], "served and unused are told apart"),
        (Data::Recycled, vec![], vec![0, 2, 1], "all of them are as good as new"),
    ] {
        let sim = Sim::new(data);
        sim.scenario.order(1, None);
        sim.supply(0..3);
        assert_eq!(sim.next(), Run(Some(0)));
        sim.scenario.ended(Some(item(0)));
        assert_eq!(sim.scenario.take_returned(true), (completed, unused), "{why}");
        assert_eq!((sim.scenario.stock(), sim.scenario.take_returned(true)), (0, (vec![], vec![])), "{why}: once");
    }
}

#[test]
fn how_much_it_may_need() {
    let sim = Sim::new(Data::Recycled);
    assert_eq!(sim.scenario.consumption(), 0, "nothing is wanted");
    sim.scenario.order(4, None);
    assert_eq!(sim.scenario.consumption(), 8, "two for each");
    sim.supply(0..1);
    for _ in 0..3 {
        assert_eq!(sim.next(), Run(Some(0)));
        sim.scenario.ended(Some(item(0)));
    }
    assert_eq!(sim.scenario.consumption(), 3 * 5 + 8, "what was used since, five times over");
    assert_eq!(sim.scenario.consumption(), 8, "since then: nothing");
    sim.scenario.order(u32::MAX, None);
    assert_eq!(sim.scenario.consumption(), u32::MAX, "no more than can be said");
}

//! Leases, blocks and single runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::datapool::Pool;
use super::super::{Event, Load, Report};
use super::Event::{Joined, Left, Stop, Tick};
use super::{PLAIN, block, completed, flat, item, running, says, talk, unused, users, wants};

#[test]
fn leases() {
    talk(
        "shares of the pool; a newcomer waits for items to come back",
        PLAIN,
        vec![item(1, flat(99.0, 9), users(5))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: items 1 [0, 1, 2, 3, 4]", "1: 1=1"]),
            (0.1, Tick, &["1: 1=5"]),
            (0.2, says(1, running(&[(1, 5)])), &[]),
            (0.3, Joined(2), &[]),
            (0.4, Tick, &["1: recall 1 2", "1: 1=3"]),
            (0.5, says(1, Report { running: BTreeMap::from([(1, 4)]), ..unused(1, &[0]) }), &[]),
            (0.6, Tick, &["2: items 1 [0]", "2: 1=1"]),
            (0.7, says(1, Report { running: BTreeMap::from([(1, 3)]), ..unused(1, &[3]) }), &[]),
            (0.8, Tick, &["2: items 1 [3]", "2: 1=2"]),
            (0.9, Left(1), &[]),
            (1.0, Tick, &["2: items 1 [1, 2, 4]", "2: 1=5"]),
        ],
    );
    let core = talk(
        "more runners than items",
        PLAIN,
        vec![item(1, flat(99.0, 9), users(2))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Joined(2), &[]),
            (0.0, Joined(3), &[]),
            (0.0, Tick, &["1: items 1 [0]", "2: items 1 [1]", "1: 1=1"]),
            (0.1, Tick, &["2: 1=1"]),
            (0.2, Stop, &["over 1: stopped", "drain"]),
            (0.3, Stop, &["cancel", "done"]),
        ],
    );
    let pool = core.scenario(1).and_then(|item| item.pool.as_ref()).unwrap();
    assert_eq!((pool.stock(), pool.out()), (2, 0), "all are back");
    talk(
        "one run on one runner",
        PLAIN,
        vec![item(1, flat(99.0, 9), Some(Pool::single_run(Arc::from([0x90]))))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Joined(2), &[]),
            (0.0, Tick, &["1: items 1 [1]", "1: 1=1"]),
            (0.1, says(1, completed(1, &[1])), &[]),
            (0.2, Tick, &["over 1: its datapool is exhausted", "drain"]),
            (0.3, says(1, running(&[])), &[]),
            (0.4, Tick, &["done"]),
        ],
    );
}

#[test]
fn blocks() {
    talk(
        "as they are wanted, evenly when there are few, unused ones again",
        PLAIN,
        vec![item(1, flat(99.0, 4), Some(Pool::iterable()))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Joined(2), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (0.1, Tick, &["1: 1=2", "2: 1=2"]),
            (0.2, says(1, wants(1, 6)), &["pool 1 6"]),
            (0.3, says(2, wants(1, 6)), &[]),
            (0.4, block(6, false), &["1: items 1 [1, 2, 3]", "2: items 1 [4, 5, 6]", "pool 1 6"]),
            (0.5, block(1, true), &["1: items 1 [7]"]),
            (0.6, says(1, completed(1, &[1, 2, 3])), &[]),
            (0.7, says(2, Report { wants: BTreeMap::from([(1, 1)]), ..unused(1, &[5]) }), &["2: items 1 [5]"]),
            (0.8, Left(1), &[]),
            (0.9, Tick, &["2: 1=4"]),
            (1.0, says(2, completed(1, &[4, 5])), &[]),
            (1.1, Tick, &[]),
            (1.2, says(2, completed(1, &[6])), &[]),
            (1.3, Tick, &["over 1: its datapool is exhausted", "drain"]),
        ],
    );
    talk(
        "a runner without a place gives back what it has",
        PLAIN,
        vec![item(1, Load::Model("m".into()), Some(Pool::iterable()))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["model 1 0..1"]),
            (0.1, Event::Model { scenario: 1, journeys: Some(1) }, &[]),
            (0.1, Tick, &["1: 1=1"]),
            (0.2, says(1, wants(1, 2)), &["pool 1 2"]),
            (0.3, block(2, true), &["1: items 1 [1, 2]"]),
            (1.0, Tick, &["model 1 1..2"]),
            (1.1, Event::Model { scenario: 1, journeys: Some(0) }, &[]),
            (1.2, Tick, &["1: 1=0", "1: recall 1 2"]),
            (1.3, says(1, unused(1, &[1, 2])), &[]),
            (1.4, says(1, wants(1, 2)), &[]),
        ],
    );
    talk(
        "an empty source",
        PLAIN,
        vec![item(1, flat(9.0, 1), Some(Pool::iterable()))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (0.1, says(1, wants(1, 2)), &["pool 1 2"]),
            (0.2, block(0, false), &[]),
            (0.3, Tick, &["over 1: its datapool is exhausted", "drain"]),
        ],
    );
}

#[test]
fn once() {
    talk(
        "exactly one run",
        PLAIN,
        vec![item(1, Load::Once, None)],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Joined(2), &[]),
            (0.0, Tick, &["1: 1=1 runs 1"]),
            (0.1, Tick, &[]),
            (0.2, says(1, Report { ended: BTreeMap::from([(1, 1)]), ..running(&[]) }), &[]),
            (0.3, Tick, &["over 1: its run has ended", "drain"]),
            (0.4, says(1, running(&[])), &[]),
            (0.5, Tick, &["done"]),
        ],
    );
    talk(
        "its runner is lost",
        PLAIN,
        vec![item(1, Load::Once, users(3))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: items 1 [0]", "1: 1=1 runs 1"]),
            (0.1, Left(1), &["over 1: the runner of its only run was lost"]),
            (0.2, Tick, &["drain", "done"]),
        ],
    );
    talk(
        "one item, whatever is wanted",
        PLAIN,
        vec![item(1, Load::Once, Some(Pool::iterable()))],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1 runs 1"]),
            (0.1, says(1, wants(1, 9)), &["pool 1 1"]),
            (0.2, block(5, false), &["1: items 1 [1]"]),
            (0.3, says(1, wants(1, 9)), &[]),
        ],
    );
}

//! Conversations with the core, line by line.

mod data;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::datapool::Pool;
use super::super::volume::{Part, Volume};
use super::{Core, CoreError, Effect, Event, Load, OverReason, Phase, Report, ScenarioItem, Settings};

const PLAIN: Settings =
    Settings { spawn_rate: 1e6, delay_start_seconds: 0.0, runner_max_journeys: None, journeys_max: None, grace: 5.0 };

fn flat(seconds: f64, journeys: u32) -> Load {
    Load::Volume(Volume::new(&[Part::Constant { seconds, journeys }]).unwrap())
}

fn item(id: u32, load: Load, pool: Option<Pool>) -> ScenarioItem {
    ScenarioItem { id, journey: format!("demo:{id}"), load, pool }
}

fn data(items: usize) -> Vec<Arc<[u8]>> {
    vec![Arc::from([0x90]); items]
}

fn users(items: usize) -> Option<Pool> {
    Some(Pool::recyclable("users", data(items)).unwrap())
}

/// An effect in few words: runner before the colon, scenario before the equals sign.
fn text(effect: &Effect) -> String {
    match effect {
        Effect::Order { runner, scenario, journeys, runs: None, .. } => format!("{runner}: {scenario}={journeys}"),
        Effect::Order { runner, scenario, journeys, runs: Some(runs), .. } => {
            format!("{runner}: {scenario}={journeys} runs {runs}")
        }
        Effect::Items { runner, scenario, items } => {
            let ids: Vec<i64> = items.iter().map(|item| item.id).collect();
            format!("{runner}: items {scenario} {ids:?}")
        }
        Effect::Recall { runner, scenario, items } => format!("{runner}: recall {scenario} {items}"),
        Effect::AskModel { scenario, from, to } => format!("model {scenario} {from}..{to}"),
        Effect::AskPool { scenario, most } => format!("pool {scenario} {most}"),
        Effect::ScenarioOver { scenario, reason } => format!("over {scenario}: {reason}"),
        Effect::Drain { .. } => "drain".into(),
        Effect::CancelRest => "cancel".into(),
        Effect::Done => "done".into(),
    }
}

/// A report that knows all orders, with this running.
fn running(scenarios: &[(u32, u32)]) -> Report {
    Report { seen: u64::MAX, running: scenarios.iter().copied().collect(), ..Report::default() }
}

fn wants(scenario: u32, items: u32) -> Report {
    Report { wants: BTreeMap::from([(scenario, items)]), ..running(&[]) }
}

fn unused(scenario: u32, items: &[i64]) -> Report {
    Report { unused: items.iter().map(|item| (scenario, *item)).collect(), ..running(&[]) }
}

fn completed(scenario: u32, items: &[i64]) -> Report {
    Report { completed: items.iter().map(|item| (scenario, *item)).collect(), ..running(&[]) }
}

fn block(items: usize, end: bool) -> Event {
    Event::Block { scenario: 1, items: data(items), end }
}

use Event::{Joined, Left, Stop, Tick};

fn says(runner: u64, report: Report) -> Event {
    Event::Report(runner, report)
}

type Line = (f64, Event, &'static [&'static str]);

fn talk(why: &str, settings: Settings, items: Vec<ScenarioItem>, lines: Vec<Line>) -> Core {
    let mut core = Core::new(items, settings).expect(why);
    for (position, (now, event, expected)) in lines.into_iter().enumerate() {
        let effects: Vec<String> = core.handle(now, event).iter().map(text).collect();
        assert_eq!(effects, expected, "{why}: line {position} at {now}");
    }
    core
}

#[test]
fn a_test_from_start_to_end() {
    let core = talk(
        "one runner",
        PLAIN,
        vec![item(1, flat(10.0, 3), None)],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (0.1, Tick, &["1: 1=3"]),
            (0.2, Tick, &[]),
            (0.3, says(1, running(&[(1, 3)])), &[]),
            (10.0, Tick, &[]),
            (10.1, Tick, &["over 1: its volume is over", "drain"]),
            (12.0, Tick, &[]),
            (12.5, says(1, running(&[])), &[]),
            (12.6, Tick, &["done"]),
            (12.7, Tick, &[]),
            (12.8, Joined(2), &[]),
        ],
    );
    assert_eq!((core.phase(), core.elapsed(99.0), core.planned()), (Phase::Done, 12.6, Some(10.0)));
    assert_eq!((core.required(), core.actual(), core.runners()), (BTreeMap::new(), BTreeMap::new(), 1));
    assert_eq!(core.over_reasons(), BTreeMap::from([(1, OverReason::VolumeOver)]));
}

#[test]
fn ends() {
    let mine = || vec![item(1, flat(10.0, 3), None)];
    let late = Settings { delay_start_seconds: 3.0, ..PLAIN };
    talk(
        "a start delay",
        late,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (2.9, Tick, &[]),
            (3.5, Tick, &["1: 1=1"]),
            (13.5, Tick, &["1: 1=3"]),
            (13.6, Tick, &["over 1: its volume is over", "drain"]),
        ],
    );
    talk(
        "stopped before the start",
        late,
        mine(),
        vec![(0.0, Joined(1), &[]), (1.0, Stop, &["over 1: stopped", "drain", "done"])],
    );
    talk(
        "the grace is over",
        PLAIN,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (1.0, Stop, &["over 1: stopped", "drain"]),
            (5.9, Tick, &[]),
            (6.0, Tick, &["cancel", "done"]),
        ],
    );
    talk(
        "a second stop",
        PLAIN,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (1.0, Stop, &["over 1: stopped", "drain"]),
            (1.1, Stop, &["cancel", "done"]),
        ],
    );
    talk(
        "an old report is not the last word",
        PLAIN,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (1.0, Stop, &["over 1: stopped", "drain"]),
            (1.1, says(1, Report::default()), &[]),
            (1.2, Tick, &[]),
            (1.3, says(1, running(&[])), &[]),
            (1.4, Tick, &["done"]),
        ],
    );
}

#[test]
fn failing_code_ends_it() {
    let mine = || vec![item(1, flat(10.0, 3), None)];
    talk(
        "its code failed",
        PLAIN,
        mine(),
        vec![(0.0, Event::Failed { scenario: 1 }, &["over 1: its own code failed"]), (0.1, Tick, &["drain", "done"])],
    );
}

#[test]
fn runners_come_and_go() {
    let mine = || vec![item(1, flat(10.0, 3), None)];
    talk(
        "no runner is left",
        PLAIN,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (1.0, Left(1), &[]),
            (5.9, Tick, &[]),
            (6.0, Tick, &["over 1: no runner was left", "drain", "done"]),
        ],
    );
    talk(
        "a new runner in time",
        PLAIN,
        mine(),
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (1.0, Left(1), &[]),
            (5.0, Joined(2), &[]),
            (6.0, Tick, &["2: 1=3"]),
        ],
    );
    talk(
        "never a runner: the volume ends it",
        PLAIN,
        mine(),
        vec![(0.0, Tick, &[]), (9.0, Tick, &[]), (11.0, Tick, &["over 1: its volume is over", "drain", "done"])],
    );
}

#[test]
fn places_move() {
    let two = Settings { runner_max_journeys: Some(2), journeys_max: None, ..PLAIN };
    talk(
        "a newcomer gets a place when it is empty",
        PLAIN,
        vec![item(1, flat(99.0, 4), None)],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (0.1, Tick, &["1: 1=4"]),
            (0.2, says(1, running(&[(1, 4)])), &[]),
            (0.3, Joined(2), &[]),
            (0.4, Tick, &["1: 1=2"]),
            (0.5, Tick, &[]),
            (0.6, says(1, running(&[(1, 3)])), &[]),
            (0.7, Tick, &["2: 1=1"]),
            (0.8, says(1, Report { seen: 0, ..running(&[(1, 1)]) }), &[]),
            (0.9, Tick, &[]),
            (1.0, says(1, running(&[(1, 2)])), &[]),
            (1.1, Tick, &["2: 1=2"]),
        ],
    );
    talk(
        "many single journeys spread; a runner that leaves is replaced",
        PLAIN,
        (1..=4).map(|id| item(id, flat(99.0, 1), None)).collect(),
        vec![
            (0.0, Joined(7), &[]),
            (0.0, Joined(8), &[]),
            (0.1, Tick, &["7: 1=1"]),
            (0.2, Tick, &["8: 2=1", "7: 3=1", "8: 4=1"]),
            (0.3, Left(7), &[]),
            (0.3, Tick, &["8: 1=1", "8: 3=1"]),
        ],
    );
    let core = talk(
        "full runners",
        two,
        vec![item(1, flat(99.0, 3), None), item(2, flat(99.0, 3), None)],
        vec![(0.0, Joined(1), &[]), (0.0, Tick, &["1: 1=1"]), (0.1, Tick, &["1: 2=1"]), (0.2, Tick, &[])],
    );
    assert_eq!(core.unplaced(), BTreeMap::from([(1, 2), (2, 2)]));
    assert_eq!(core.required(), BTreeMap::from([(1, 3), (2, 3)]));
    let slow = Settings { spawn_rate: 10.0, ..PLAIN };
    talk(
        "what a lost runner had comes back at the spawn rate",
        slow,
        vec![item(1, flat(99.0, 8), None)],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Joined(2), &[]),
            (0.0, Tick, &["1: 1=1"]),
            (0.75, Tick, &["1: 1=4", "2: 1=4"]),
            (0.8, Left(2), &[]),
            (1.0, Tick, &["1: 1=7"]),
            (1.25, Tick, &["1: 1=8"]),
        ],
    );
}

#[test]
fn models() {
    talk(
        "asked once a second, once at a time",
        PLAIN,
        vec![item(1, Load::Model("waves".into()), None)],
        vec![
            (0.0, Joined(1), &[]),
            (0.0, Tick, &["model 1 0..1"]),
            (0.1, Event::Model { scenario: 1, journeys: Some(2) }, &[]),
            (0.2, Tick, &["1: 1=2"]),
            (1.5, Tick, &["model 1 1..2.5"]),
            (9.0, Tick, &[]),
            (9.1, Event::Model { scenario: 1, journeys: Some(0) }, &[]),
            (9.2, Tick, &["model 1 2.5..10.2", "1: 1=0"]),
            (9.3, Event::Model { scenario: 1, journeys: None }, &["over 1: its volume is over"]),
            (9.4, says(1, running(&[])), &[]),
            (9.5, Tick, &["drain", "done"]),
        ],
    );
}

#[test]
fn what_makes_no_sense_is_counted() {
    let pools = || vec![item(1, flat(99.0, 1), users(1))];
    let odd = |report: Report| says(1, report);
    for (event, ignored, why) in [
        (Joined(1), 1, "it is there already"),
        (Left(9), 1, "it never was"),
        (says(9, running(&[])), 1, "nor did it say anything"),
        (odd(running(&[(0, 1), (2, 1), (1, 1)])), 2, "scenarios that don't exist"),
        (odd(wants(7, 1)), 1, "nor can they want anything"),
        (odd(unused(1, &[0, 5])), 2, "items it never had"),
        (odd(completed(9, &[0])), 1, "of a scenario that doesn't exist"),
        (Event::Model { scenario: 1, journeys: Some(1) }, 1, "an answer without a question"),
        (Event::Block { scenario: 2, items: vec![], end: true }, 1, "items for nobody"),
        (Event::Failed { scenario: 0 }, 1, "nothing failed"),
        (says(1, running(&[])), 0, "this makes sense"),
    ] {
        let core = talk(why, PLAIN, pools(), vec![(0.0, Joined(1), &[]), (0.0, event, &[])]);
        assert_eq!(core.ignored(), ignored, "{why}");
    }
}

#[test]
fn refused() {
    let mine = || vec![item(1, flat(1.0, 1), None)];
    for (items, settings, error, text) in [
        (vec![], PLAIN, CoreError::NoItems, "the scenario has no journeys: give it at least one"),
        (
            vec![item(2, Load::Once, None)],
            PLAIN,
            CoreError::Id { expected: 1, found: 2 },
            "scenario item 1 has the id 2: ids count from 1",
        ),
        (
            mine(),
            Settings { spawn_rate: 0.0, ..PLAIN },
            CoreError::SpawnRate(0.0),
            "a spawn rate of 0 starts nothing: give a number of journeys a second, more than 0",
        ),
        (
            mine(),
            Settings { runner_max_journeys: Some(0), journeys_max: None, ..PLAIN },
            CoreError::RunnerMaxJourneys,
            "no journeys at all on a runner: give at least 1, or leave the limit out",
        ),
        (
            mine(),
            Settings { grace: -1.0, ..PLAIN },
            CoreError::Seconds { name: "grace", seconds: -1.0 },
            "a grace of -1 seconds: give a number from 0 to 315360000 (ten years)",
        ),
    ] {
        let found = Core::new(items, settings).expect_err(text);
        assert_eq!((found.to_string().as_str(), found), (text, error));
    }
}

//! Whole tests, and what must hold in each of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::datapool::Pool;
use super::super::super::volume::{Part, Volume};
use super::super::{Load, ScenarioItem, Settings};
use super::{Sim, World};

fn hill(seconds: f64, peak: u32) -> Load {
    let ramp = |start, end| Part::Ramp { seconds: seconds / 4.0, start, end };
    let top = Part::Constant { seconds: seconds / 2.0, journeys: peak };
    Load::Volume(Volume::new(&[ramp(Some(0), None), top, ramp(None, Some(0))]).expect("a hill"))
}

fn flat(seconds: f64, journeys: u32) -> Load {
    Load::Volume(Volume::new(&[Part::Constant { seconds, journeys }]).expect("flat"))
}

fn recyclable(items: usize) -> Option<Pool> {
    Some(Pool::recyclable("users", vec![Arc::from([0x90]); items]).expect("some items"))
}

fn scenario(loads: Vec<(Load, Option<Pool>)>) -> Vec<ScenarioItem> {
    let items = (1..).zip(loads);
    items.map(|(id, (load, pool))| ScenarioItem { id, journey: format!("demo:{id}"), load, pool }).collect()
}

#[test]
fn an_hour_with_a_thousand_runners() {
    let world = World {
        seed: 1,
        runners: 1000,
        tick: 2.0,
        report_every: 5,
        delay: 0.0,
        longest_run: 60,
        churn: 600,
        source: 20_000,
    };
    let settings = Settings {
        spawn_rate: 50.0,
        delay_start_seconds: 10.0,
        runner_max_journeys: Some(10),
        journeys_max: None,
        grace: 30.0,
    };
    let items = scenario(vec![
        (hill(3500.0, 3000), None),
        (flat(3600.0, 400), recyclable(1500)),
        (flat(3600.0, 200), Some(Pool::iterable())),
        (Load::Once, None),
    ]);
    let mut sim = Sim::new(world, items, settings);
    for tick in 0..900 {
        sim.step(tick);
    }
    assert_eq!(sim.core.required(), BTreeMap::from([(1, 3000), (2, 400), (3, 200)]), "the single run is over");
    let actual: u32 = sim.core.actual().values().sum();
    assert!(actual > 3400, "{actual} of 3600 journeys at once, where runners and reports are late");
    let sim = sim.finish(3700.0);
    assert_eq!(sim.runs[3], 1, "exactly one run");
    assert!(sim.used.len() > 19_000, "the iterable pool was used: {}", sim.used.len());
}

fn world() -> impl Strategy<Value = World> {
    let churn = prop_oneof![Just(0_u64), Just(40), Just(8)];
    (any::<u64>(), 0..8_u64, 1..4_u64, 0.0..1.5_f64, 1..8_u64, churn, 0..300_u64).prop_map(
        |(seed, runners, report_every, delay, longest_run, churn, source)| World {
            seed,
            runners,
            tick: 0.2,
            report_every,
            delay,
            longest_run,
            churn,
            source,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold(
        world in world(),
        spawn_rate in 0.5f64..100.0,
        most in prop::option::of(1u32..20),
        users in 1usize..40,
        peak in 0u32..60,
    ) {
        let settings =
            Settings { spawn_rate, delay_start_seconds: 1.0, runner_max_journeys: most, journeys_max: None, grace: 5.0 };
        let items = scenario(vec![
            (hill(40.0, peak), None),
            (flat(30.0, 20), recyclable(users)),
            (flat(45.0, 10), Some(Pool::iterable())),
            (Load::Model("waves".into()), None),
            (flat(35.0, 3), Some(Pool::single_run(Arc::from([0x90])))),
        ]);
        let sim = Sim::new(world, items, settings).finish(60.0);
        prop_assert!(sim.runs[4] <= 1, "one run of a single-run pool");
    }

    #[test]
    fn one_run_is_one_run(world in world(), users in 1usize..4, kind in 0..4) {
        let settings =
            Settings { spawn_rate: 10.0, delay_start_seconds: 0.0, runner_max_journeys: None, journeys_max: None, grace: 5.0 };
        let pool = match kind {
            0 => None,
            1 => recyclable(users),
            2 => Some(Pool::iterable()),
            _ => Some(Pool::single_run(Arc::from([0x90]))),
        };
        let world = World { runners: world.runners.max(1), churn: 0, source: world.source.min(2), ..world };
        let sim = Sim::new(world, scenario(vec![(Load::Once, pool)]), settings).finish(60.0);
        let expected = u64::from(kind != 2 || world.source > 0);
        prop_assert_eq!(sim.runs[0], expected);
    }

    #[test]
    fn all_of_it_is_done_and_all_of_it_at_once(world in world(), journeys in 1u32..60) {
        let settings =
            Settings { spawn_rate: 30.0, delay_start_seconds: 0.0, runner_max_journeys: None, journeys_max: None, grace: 30.0 };
        let world = World { runners: world.runners.max(1), churn: 0, ..world };
        let items = scenario(vec![(flat(500.0, journeys), None), (flat(500.0, 5), Some(Pool::iterable()))]);
        let mut sim = Sim::new(world, items, settings);
        let mut full = true;
        for tick in 0..2000 {
            sim.step(tick);
            let slots = sim.runners.values().map(|runner| runner.slots[0].running.len() as u32);
            full &= tick < 50 || slots.sum::<u32>() == journeys;
        }
        prop_assert!(full, "places are filled all the time");
        let sim = sim.finish(600.0);
        prop_assert_eq!(sim.used.len() as u64, world.source, "every item was used");
    }
}

//! The component's exports: runs by name, and what the controller asks, right or as the config's `describe` says.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::bindings::exports::mite::journey::hooks::Guest as Hooks;
use crate::bindings::exports::mite::journey::journeys::{Contents, Context, Ending, Guest as Journeys};
use crate::bindings::exports::mite::journey::scenarios::{
    Constant, Guest as Scenarios, Item, Load, Part, Pool, PoolKind, Ramp, Source, Volume,
};
use crate::bindings::mite::journey::messages::{self, Failure};
use crate::support::{HUGE, fields, huge, setting, wrong};
use crate::{journeys, surroundings};

pub struct Component;

const SCENARIOS: [&str; 10] = [
    "beside",
    "has_many_items",
    "has_long_names",
    "takes_no_time",
    "takes_less_than_no_time",
    "wants_all_at_once",
    "reads_elsewhere",
    "sends_much",
    "computes",
    "has_much_data",
];

thread_local! {
    /// Items that each datapool has given.
    static GIVEN: RefCell<HashMap<String, u32>> = RefCell::default();
}

fn harms() -> Vec<String> {
    setting("harms").split(',').filter(|harm| !harm.is_empty()).map(str::to_owned).collect()
}

fn pool(harm: &str) -> String {
    harm.replace(':', ".")
}

fn names(all: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    all.into_iter().map(Into::into).collect()
}

impl Journeys for Component {
    fn describe() -> Contents {
        let mut contents = Contents {
            journeys: names(journeys().map(|(name, _)| *name)),
            scenarios: names(SCENARIOS),
            datapools: names(harms().iter().map(|harm| pool(harm)).chain(["much".to_owned(), "elsewhere".to_owned()])),
            volume_models: names(["all"]),
            sdk: "none".to_owned(),
        };
        match setting("describe").as_str() {
            "traps" => std::process::abort(),
            "many" => contents.journeys = (0..200_000).map(|number| format!("journey_{number}")).collect(),
            "long" => contents.journeys.push(huge()),
            "spoils" => contents.journeys.push("name\n\x1b[2J\u{202e}".to_owned()),
            "spoils sdk" => contents.sdk = "sdk\n\x1b[2J\u{202e}".to_owned(),
            _ => {}
        }
        contents
    }

    fn run(context: Context) -> Result<(), Ending> {
        match journeys().find(|(name, _)| *name == context.journey) {
            Some((_, run)) => run(),
            None => wrong(format!("there is no journey {}", context.journey)),
        }
    }
}

fn constant(seconds: f64, journeys: u32) -> Load {
    Load::Volume(Volume::Parts(vec![Part::Constant(Constant { seconds, journeys })]))
}

fn item(journey: &str, datapool: Option<&str>, load: Load) -> Item {
    Item { journey: journey.to_owned(), datapool: datapool.map(str::to_owned), load }
}

/// Seconds that a machine which has much else to do may need to begin and end all of them.
const PATIENCE: f64 = 120.0;

/// A healthy journey, and those of the config's `harms`, each so often.
fn beside() -> Vec<Item> {
    let seconds: f64 = setting("seconds").parse().unwrap_or(2.0);
    // A datapool named after it: what has a colon would be another component's. It is over when its data is, however long that takes.
    let harm = |harm: String| item(&harm, Some(&pool(&harm)), constant(seconds + PATIENCE, 1));
    std::iter::once(item("hostile:paced", None, constant(seconds, 1))).chain(harms().into_iter().map(harm)).collect()
}

impl Scenarios for Component {
    fn scenario(name: String) -> Result<Vec<Item>, Failure> {
        let one = |load| vec![item("compute", None, load)];
        Ok(match name.as_str() {
            "beside" => beside(),
            "has_many_items" => vec![item("compute", None, constant(1.0, 1)); 100_000],
            "has_long_names" => vec![item(&huge(), Some(&huge()), constant(1.0, 1))],
            "takes_no_time" => one(constant(f64::NAN, 1)),
            "takes_less_than_no_time" => {
                let ramp = Ramp { seconds: f64::NEG_INFINITY, start: Some(u32::MAX), end: None };
                one(Load::Volume(Volume::Parts(vec![Part::Ramp(ramp); 1_000])))
            }
            "wants_all_at_once" => one(Load::Volume(Volume::Model("all".to_owned()))),
            "reads_elsewhere" => vec![item("compute", Some("elsewhere"), constant(1.0, 1))],
            "has_much_data" => vec![item("compute", Some("much"), constant(1.0, 1))],
            "sends_much" => {
                (0..900).for_each(|_| messages::send("kind", &fields(HUGE), 1));
                one(constant(1.0, 1))
            }
            _ => loop {
                std::hint::black_box(());
            },
        })
    }

    fn datapool(name: String) -> Result<Pool, Failure> {
        let (kind, source) = match name.as_str() {
            "much" => (PoolKind::Recyclable, Source::Items),
            "elsewhere" => (PoolKind::Iterable, Source::JsonLines("../../../../../proc/self/environ".to_owned())),
            _ => (PoolKind::Iterable, Source::Items),
        };
        Ok(Pool { kind, source })
    }

    fn items(datapool: String, most: u32) -> Result<Vec<Vec<u8>>, Failure> {
        if datapool == "much" {
            return Ok(vec![vec![0x90; HUGE]; most.min(8) as usize]);
        }
        // Runs that each journey of `beside` is given.
        let runs: u32 = setting("runs").parse().unwrap_or(2);
        GIVEN.with_borrow_mut(|given| {
            let given = given.entry(datapool).or_default();
            let now = most.min(runs.saturating_sub(*given));
            *given += now;
            Ok(vec![vec![0x90]; now as usize])
        })
    }

    fn required(_: String, _: f64, _: f64) -> Result<Option<u32>, Failure> {
        Ok(Some(u32::MAX))
    }
}

impl Hooks for Component {
    fn setup() -> Result<Option<Vec<u8>>, Failure> {
        surroundings::setup()
    }

    fn enter(journey: String) -> Result<(), Option<Failure>> {
        surroundings::enter(&journey)
    }

    fn leave(journey: String) -> Result<(), Option<Failure>> {
        surroundings::leave(&journey)
    }
}

//! What stands around the runs of a test.

use crate::Engine;
use crate::call::{Arg, call};
use crate::exports::mite::journey::hooks::Guest;
use crate::exports::mite::journey::journeys::Ending;
use crate::mite::journey::messages::Failure;
use crate::msgpack::pack;
use crate::plan::plan;
use rquickjs::{Array, Value};

impl Guest for Engine {
    fn setup() -> Result<Option<Vec<u8>>, Failure> {
        plan("runSetup", Vec::new(), |answer| match answer.get::<Option<Array>>()? {
            Some(answer) => pack(&answer.get::<Value>(0)?).map(Some),
            None => Ok(None),
        })
    }

    fn enter(journey: String) -> Result<(), Option<Failure>> {
        hook("enter", journey)
    }

    fn leave(journey: String) -> Result<(), Option<Failure>> {
        hook("leave", journey)
    }
}

fn hook(name: &str, journey: String) -> Result<(), Option<Failure>> {
    call(name, vec![Arg::Text(journey)], |_| Ok(())).map_err(|ending| match ending {
        Ending::Failed(failure) => Some(failure),
        Ending::Reported => None,
    })
}

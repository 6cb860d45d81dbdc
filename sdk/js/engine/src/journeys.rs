//! The journeys of a script.

use crate::Engine;
use crate::call::{self, call, failed};
use crate::exports::mite::journey::journeys::{self, Contents, Ending};
use crate::host::Text;
use rquickjs::{Object, Result};

fn strings(names: rquickjs::Array) -> Result<Vec<String>> {
    names.iter::<Text>().map(|name| Ok(name?.0)).collect()
}

impl journeys::Guest for Engine {
    fn describe() -> Contents {
        let described = call("describe", Vec::new(), |answer| {
            let names: Object = answer.get()?;
            Ok(Contents {
                journeys: strings(names.get("journeys")?)?,
                scenarios: strings(names.get("scenarios")?)?,
                datapools: strings(names.get("datapools")?)?,
                volume_models: strings(names.get("volumeModels")?)?,
                sdk: concat!("js ", env!("CARGO_PKG_VERSION")).into(),
            })
        });
        described.unwrap_or_else(|ending| {
            let failure = match ending {
                Ending::Failed(failure) => failure,
                Ending::Reported => failed("Error", String::new()),
            };
            // There is no error in the contract: a trap, after what was said last, is one.
            let place = if failure.location.is_empty() { String::new() } else { format!(" ({})", failure.location) };
            eprintln!("{}{place}", failure.message);
            std::process::abort()
        })
    }

    fn run(context: journeys::Context) -> std::result::Result<(), Ending> {
        call::run(context)
    }
}

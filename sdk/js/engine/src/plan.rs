//! What the controller asks: scenarios, datapools, volume models.

use crate::Engine;
use crate::call::{Arg, call, failed};
use crate::exports::mite::journey::journeys::Ending;
use crate::exports::mite::journey::scenarios::{
    self, Constant, Item, Load, Part, Pool, PoolKind, Ramp, Source, Volume,
};
use crate::host::Text;
use crate::mite::journey::messages::Failure;
use crate::msgpack;
use rquickjs::{Array, Error, Object, Result, Value};

/// The same as `call` for a function of the scenario, whose failures nobody can have reported.
pub fn plan<T>(
    name: &str,
    args: Vec<Arg>,
    take: impl for<'js> FnOnce(Value<'js>) -> Result<T>,
) -> std::result::Result<T, Failure> {
    call(name, args, take).map_err(|ending| match ending {
        Ending::Failed(failure) => failure,
        Ending::Reported => failed("Error", "a transaction failed".into()),
    })
}

impl scenarios::Guest for Engine {
    fn scenario(name: String) -> std::result::Result<Vec<Item>, Failure> {
        plan("plan", vec![Arg::Text(name)], |items| items.get::<Array>()?.iter().map(|item_| item(item_?)).collect())
    }

    fn datapool(name: String) -> std::result::Result<Pool, Failure> {
        plan("describeDatapool", vec![Arg::Text(name)], |answer| pool(answer.get()?))
    }

    fn items(datapool: String, most: u32) -> std::result::Result<Vec<Vec<u8>>, Failure> {
        let args = vec![Arg::Text(datapool), Arg::Number(most.into())];
        plan("nextItems", args, |items| items.get::<Array>()?.iter().map(|args| msgpack::pack(&args?)).collect())
    }

    fn required(model: String, start: f64, end: f64) -> std::result::Result<Option<u32>, Failure> {
        let args = vec![Arg::Text(model), Arg::Number(start), Arg::Number(end)];
        plan("required", args, |number| Ok(number.get::<Option<f64>>()?.map(|number| number as u32)))
    }
}

fn pool(js: Object) -> Result<Pool> {
    let path = || Ok::<_, Error>(js.get::<_, Text>("path")?.0);
    Ok(Pool {
        kind: match js.get::<_, Text>("kind")?.0.as_str() {
            "recyclable" => PoolKind::Recyclable,
            "iterable" => PoolKind::Iterable,
            "single-run" => PoolKind::SingleRun,
            _ => return Err(Error::new_from_js("string", "kind of datapool")),
        },
        source: match js.get::<_, Text>("source")?.0.as_str() {
            "items" => Source::Items,
            "csv" => Source::Csv(path()?),
            "json-lines" => Source::JsonLines(path()?),
            "msgpack" => Source::Msgpack(path()?),
            _ => return Err(Error::new_from_js("string", "source of a datapool")),
        },
    })
}

fn item(js: Object) -> Result<Item> {
    let volume: Value = js.get("volume")?;
    let volume = match volume.as_array() {
        Some(parts) => Volume::Parts(parts.iter().map(|p| part(p?)).collect::<Result<_>>()?),
        None => Volume::Model(volume.get::<Text>()?.0),
    };
    Ok(Item {
        journey: js.get::<_, Text>("journey")?.0,
        datapool: js.get::<_, Option<Text>>("datapool")?.map(|text| text.0),
        load: Load::Volume(volume),
    })
}

fn part(js: Object) -> Result<Part> {
    let seconds: f64 = js.get("seconds")?;
    let count = |name: &str| Ok::<_, Error>(js.get::<_, Option<f64>>(name)?.map(|number| number as u32));
    Ok(match js.get::<_, Text>("kind")?.0.as_str() {
        "nothing" => Part::Nothing(seconds),
        "constant" => Part::Constant(Constant { seconds, journeys: js.get::<_, f64>("journeys")? as u32 }),
        "ramp" => Part::Ramp(Ramp { seconds, start: count("start")?, end: count("end")? }),
        _ => return Err(Error::new_from_js("string", "kind of a volume's part")),
    })
}

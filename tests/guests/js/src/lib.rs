//! QuickJS as a component of its own: the world is fixed, so that plain wit-bindgen is enough, and between two blocking
//! calls it works off the microtask queue, which makes promises work.

mod host;
mod msgpack;

wit_bindgen::generate!({ path: "../../../wit", world: "journey" });

use crate::exports::mite::journey::journeys::{self, Contents, Ending};
use crate::exports::mite::journey::scenarios::{
    self, Constant, Item, Load, Part, Pool, PoolKind, Ramp, Source, Volume,
};
use crate::host::{Text, failure};
use crate::mite::journey::messages::{Failure, FailureKind};
use rquickjs::context::EvalOptions;
use rquickjs::function::Rest;
use rquickjs::promise::PromiseState;
use rquickjs::{
    Array, CatchResultExt, CaughtError, Context, Ctx, Exception, Function, IntoJs, Module, Object, Promise, Result,
    Runtime, TypedArray, Value,
};

struct Engine;
export!(Engine);

thread_local!(static CONTEXT: Context = start());

/// The context of all runs of this instance. What fails here fails each call: the SDK or its journeys are missing then.
fn start() -> Context {
    let runtime = Runtime::new().expect("memory for an engine");
    runtime.set_max_stack_size(320 << 10); // see stack-check.h; the host must allow 1 MiB
    runtime.set_host_promise_rejection_tracker(Some(Box::new(|ctx, promise, reason, handled| {
        let told = sdk(&ctx, "rejected").and_then(|f| f.call::<_, ()>((promise, reason, handled)));
        if told.is_err() {
            ctx.catch();
        }
    })));
    let context = Context::full(&runtime).expect("memory for a context");
    context.with(|ctx| {
        if let Err(error) = load(&ctx).catch(&ctx) {
            eprintln!("{error}");
        }
    });
    context
}

fn load(ctx: &Ctx) -> Result<()> {
    ctx.globals().set("host", host::object(ctx)?)?;
    let mut named = EvalOptions::default();
    named.filename = Some("sdk.js".into());
    ctx.eval_with_options::<(), _>(include_str!("sdk.js"), named)?;
    let (module, _) = Module::declare(ctx.clone(), "journeys.js", include_str!("../journeys.js"))?.eval()?;
    sdk(ctx, "load")?.call((module.get::<_, Value>("default")?,))
}

fn sdk<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
    ctx.globals().get::<_, Object>("mite")?.get(name)
}

/// An argument on its way into JS.
enum Arg {
    Text(String),
    Bytes(Vec<u8>),
    Number(f64),
}

impl<'js> IntoJs<'js> for Arg {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match self {
            Arg::Text(text) => text.into_js(ctx),
            Arg::Bytes(bytes) => Ok(TypedArray::new(ctx.clone(), bytes)?.into_value()),
            Arg::Number(number) => number.into_js(ctx),
        }
    }
}

/// Calls a function of the SDK, works until its promise is settled and takes what it became.
fn call<T>(
    name: &str,
    args: Vec<Arg>,
    take: impl for<'js> FnOnce(Value<'js>) -> Result<T>,
) -> std::result::Result<T, Ending> {
    CONTEXT.with(|context| {
        context.with(|ctx| {
            let outcome = settle(&ctx, name, args).and_then(|answer| match ending(&answer)? {
                Some(ending) => Ok(Err(ending)),
                None => answer.get("ok").and_then(take).map(Ok),
            });
            outcome
                .catch(&ctx)
                .unwrap_or_else(|error| Err(Ending::Failed(broken(&error))))
        })
    })
}

/// The SDK's functions answer `{ ok }`, `{ failure }` or `{ reported }`; they don't reject.
fn settle<'js>(ctx: &Ctx<'js>, name: &str, args: Vec<Arg>) -> Result<Object<'js>> {
    let promise: Promise = sdk(ctx, name)?.call((Rest(args),))?;
    let answer = match pump(ctx, &promise) {
        Ok(()) => promise
            .result()
            .unwrap_or_else(|| Err(Exception::throw_message(ctx, "the promise isn't settled"))),
        Err(rquickjs::Error::Exception) => sdk(ctx, "failed")?.call((ctx.catch(),)),
        Err(error) => Err(error),
    };
    sdk(ctx, "end")?.call::<_, ()>(())?;
    answer
}

/// Alternates between microtasks and one blocking wait.
fn pump<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Result<()> {
    let idle = sdk(ctx, "idle")?;
    loop {
        while ctx.execute_pending_job() {}
        if promise.state() != PromiseState::Pending {
            return Ok(());
        }
        idle.call::<_, ()>(())?;
    }
}

fn ending(answer: &Object) -> Result<Option<Ending>> {
    if answer.get::<_, Option<bool>>("reported")? == Some(true) {
        return Ok(Some(Ending::Reported));
    }
    Ok(answer
        .get::<_, Option<Object>>("failure")?
        .map(failure)
        .transpose()?
        .map(Ending::Failed))
}

/// What happens when the SDK itself or a conversion of what it gave goes wrong.
fn broken(error: &CaughtError) -> Failure {
    match error {
        CaughtError::Exception(exception) => failed("Error", exception.message().unwrap_or_default()),
        error => failed("Error", error.to_string()),
    }
}

fn failed(ex_type: &str, message: String) -> Failure {
    Failure {
        kind: FailureKind::Exception,
        ex_type: ex_type.into(),
        message: format!("{ex_type}: {message}"),
        location: String::new(),
        stacktrace: None,
        fields: Vec::new(),
    }
}

fn strings(names: Array) -> Result<Vec<String>> {
    names.iter::<Text>().map(|name| Ok(name?.0)).collect()
}

impl journeys::Guest for Engine {
    fn describe() -> Contents {
        let mut contents = Contents {
            journeys: Vec::new(),
            scenarios: Vec::new(),
            datapools: Vec::new(),
            volume_models: Vec::new(),
            sdk: "js 0.1.0".into(),
        };
        let described = call("describe", Vec::new(), |answer| {
            let names: Object = answer.get()?;
            contents.journeys = strings(names.get("journeys")?)?;
            contents.scenarios = strings(names.get("scenarios")?)?;
            contents.datapools = strings(names.get("datapools")?)?;
            Ok(())
        });
        if let Err(Ending::Failed(failure)) = described {
            eprintln!("{}", failure.message); // the contract has no error here: the component then has nothing
        }
        contents
    }

    fn run(context: journeys::Context) -> std::result::Result<(), Ending> {
        let (id, version) = (context.context_id as f64, context.config_version as f64);
        let args = vec![
            Arg::Text(context.journey),
            Arg::Bytes(context.args),
            Arg::Number(id),
            Arg::Number(version),
        ];
        call("run", args, |_| Ok(()))
    }
}

/// The same for a function of the scenario, whose failures nobody can have reported.
fn plan<T>(
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
        plan("scenario", vec![Arg::Text(name)], |items| {
            items.get::<Array>()?.iter().map(|i| item(i?)).collect()
        })
    }

    fn datapool(name: String) -> std::result::Result<Pool, Failure> {
        plan("datapool", vec![Arg::Text(name)], |kind| {
            let kind = match kind.get::<Text>()?.0.as_str() {
                "recyclable" => PoolKind::Recyclable,
                "iterable" => PoolKind::Iterable,
                "single-run" => PoolKind::SingleRun,
                _ => return Err(rquickjs::Error::new_from_js("string", "kind of datapool")),
            };
            Ok(Pool {
                kind,
                source: Source::Items,
            })
        })
    }

    fn items(datapool: String, most: u32) -> std::result::Result<Vec<Vec<u8>>, Failure> {
        let args = vec![Arg::Text(datapool), Arg::Number(most.into())];
        plan("items", args, |items| {
            items.get::<Array>()?.iter().map(|args| msgpack::pack(&args?)).collect()
        })
    }

    fn required(model: String, start: f64, end: f64) -> std::result::Result<Option<u32>, Failure> {
        let args = vec![Arg::Text(model), Arg::Number(start), Arg::Number(end)];
        plan("required", args, |number| {
            Ok(number.get::<Option<f64>>()?.map(|number| number as u32))
        })
    }
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
    let count = |name: &str| Ok::<_, rquickjs::Error>(js.get::<_, Option<f64>>(name)?.map(|number| number as u32));
    Ok(match js.get::<_, Text>("kind")?.0.as_str() {
        "nothing" => Part::Nothing(seconds),
        "constant" => Part::Constant(Constant {
            seconds,
            journeys: js.get::<_, f64>("journeys")? as u32,
        }),
        "ramp" => Part::Ramp(Ramp {
            seconds,
            start: count("start")?,
            end: count("end")?,
        }),
        _ => return Err(rquickjs::Error::new_from_js("string", "kind of a volume's part")),
    })
}

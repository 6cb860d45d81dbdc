//! The exports of a component of processors.

use crate::exports::mite::processor::processors::{Contents, Guest};
use crate::mite::processor::progress;
use crate::{Engine, OPENED, STOPPED, host::Text, modules, sdk, with};
use rquickjs::function::IntoArgs;
use rquickjs::promise::PromiseState;
use rquickjs::{CatchResultExt, Ctx, Exception, Function, Module, Object, Promise, Result, TypedArray, Value};

impl Guest for Engine {
    fn describe() -> Contents {
        let described = call(|ctx| open(ctx));
        let processors = described.unwrap_or_else(|why| {
            // There is no error in the contract: a trap, after what was said last, is one.
            eprintln!("{why}");
            std::process::abort()
        });
        Contents { processors, sdk: concat!("js ", env!("CARGO_PKG_VERSION")).into() }
    }

    fn open(name: String) -> std::result::Result<(), String> {
        call(|ctx| {
            open(ctx)?;
            run(ctx, "create", (name,))
        })
    }

    fn process(messages: Vec<Vec<u8>>) {
        for (position, message) in (0..).zip(messages) {
            progress::at(position);
            if let Err(why) = call(|ctx| run(ctx, "take", (TypedArray::new(ctx.clone(), message)?,))) {
                progress::failed(&why);
            }
        }
    }

    fn tick() -> std::result::Result<(), String> {
        call(|ctx| run(ctx, "tick", ()))
    }

    fn close() -> std::result::Result<(), String> {
        call(|ctx| run(ctx, "close", ()))
    }
}

/// Does something with the context; the error is in words.
fn call<T>(act: impl for<'js> FnOnce(&Ctx<'js>) -> Result<T>) -> std::result::Result<T, String> {
    with(|ctx| {
        STOPPED.set(false);
        let done = act(&ctx);
        match done {
            Ok(done) => Ok(done),
            Err(rquickjs::Error::Exception) => Err(why(&ctx, ctx.catch())),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn why<'js>(ctx: &Ctx<'js>, error: Value<'js>) -> String {
    let told = sdk(ctx, "why").and_then(|why| why.call::<_, Text>((error,)));
    told.catch(ctx).map_or_else(|error| error.to_string(), |text| text.0)
}

/// Takes the script, at the first call of an instance; the names of its processors.
fn open(ctx: &Ctx) -> Result<Vec<String>> {
    if !OPENED.replace(true) {
        let entry = modules::open().map_err(|why| Exception::throw_message(ctx, &why))?;
        let script: Promise = Module::import(ctx, entry)?;
        let namespace: Object = settled(ctx, script)?.get()?;
        ctx.globals().set("__mite_script", namespace)?;
    }
    let namespace: Object = ctx.globals().get("__mite_script")?;
    let names: Vec<Text> = sdk(ctx, "collect")?.call((namespace,))?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// Calls a function of the SDK, which may give a promise of what is there at once.
fn run<'js>(ctx: &Ctx<'js>, name: &str, args: impl IntoArgs<'js>) -> Result<()> {
    let function: Function = sdk(ctx, name)?;
    let answer: Value = function.call(args)?;
    if let Some(promise) = answer.as_promise() {
        settled(ctx, promise.clone())?;
    } else {
        while ctx.execute_pending_job() {}
    }
    let orphan: Option<Object> = sdk(ctx, "orphan")?.call(())?;
    match orphan {
        Some(orphan) => Err(ctx.throw(orphan.get("reason")?)),
        None => Ok(()),
    }
}

/// What a promise has become. Nothing waits here, so one that isn't settled by what can run never will be.
fn settled<'js>(ctx: &Ctx<'js>, promise: Promise<'js>) -> Result<Value<'js>> {
    while ctx.execute_pending_job() {}
    if promise.state() == PromiseState::Pending {
        return Err(Exception::throw_message(
            ctx,
            "it waits for something that never happens: processors have no timers or requests",
        ));
    }
    let settled = promise.result().unwrap_or_else(|| Err(Exception::throw_message(ctx, "the promise isn't settled")));
    if settled.is_err() {
        // It is told about now, and not once more as one that nobody has handled.
        let error = ctx.catch();
        let _: Option<Object> = sdk(ctx, "orphan")?.call(())?;
        return Err(ctx.throw(error));
    }
    settled
}

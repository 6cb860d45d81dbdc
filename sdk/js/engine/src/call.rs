//! A call of the SDK, worked on until its promise is settled.

use crate::exports::mite::journey::journeys::{Context, Ending};
use crate::host::failure;
use crate::mite::journey::messages::{Failure, FailureKind};
use crate::{OPENED, STOPPED, modules, sdk, with};
use rquickjs::function::Rest;
use rquickjs::promise::PromiseState;
use rquickjs::{CatchResultExt, CaughtError, Ctx, Exception, IntoJs, Object, Promise, Result, TypedArray, Value};

/// An argument on its way into JS.
pub enum Arg {
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
pub fn call<T>(
    name: &str,
    args: Vec<Arg>,
    take: impl for<'js> FnOnce(Value<'js>) -> Result<T>,
) -> std::result::Result<T, Ending> {
    with(|ctx| {
        STOPPED.set(false);
        let outcome = open(&ctx).and_then(|()| settle(&ctx, name, args)).and_then(|answer| match ending(&answer)? {
            Some(ending) => Ok(Err(ending)),
            None => answer.get("ok").and_then(take).map(Ok),
        });
        outcome.catch(&ctx).unwrap_or_else(|error| Err(Ending::Failed(broken(&error))))
    })
}

/// One run. Its promise is watched from here: nothing of the SDK's has to wait for it.
pub fn run(context: Context) -> std::result::Result<(), Ending> {
    with(|ctx| {
        STOPPED.set(false);
        let outcome = open(&ctx).and_then(|()| ran(&ctx, context)).and_then(|answer| match answer {
            Some(answer) => ending(&answer),
            None => Ok(None),
        });
        let ending = outcome.catch(&ctx).unwrap_or_else(|error| Some(Ending::Failed(broken(&error))));
        ending.map_or(Ok(()), Err)
    })
}

/// What went wrong, if anything did.
fn ran<'js>(ctx: &Ctx<'js>, context: Context) -> Result<Option<Object<'js>>> {
    let (id, version) = (context.context_id as f64, context.config_version as f64);
    let args = (!context.args.is_empty()).then_some(Arg::Bytes(context.args));
    let done = sdk(ctx, "begin")?.call((context.journey, id, version, args)).and_then(|begun| settled(ctx, begun));
    match done {
        Err(rquickjs::Error::Exception) => {
            let answer = sdk(ctx, "failed")?.call((ctx.catch(),))?;
            sdk(ctx, "end")?.call::<_, ()>(())?;
            Ok(Some(answer))
        }
        done => done.and_then(|()| sdk(ctx, "finish")?.call(())),
    }
}

/// Works until what a journey gave is settled, and nothing can run.
fn settled<'js>(ctx: &Ctx<'js>, begun: Value<'js>) -> Result<()> {
    if let Some(promise) = begun.as_promise() {
        pump(ctx, promise)?;
        return promise.result::<Value>().unwrap_or_else(|| Err(unsettled(ctx))).map(drop);
    }
    while ctx.execute_pending_job() {}
    match STOPPED.get() {
        true => Err(stopped(ctx)),
        false => Ok(()),
    }
}

/// Hands the script over, at an instance's first call.
fn open(ctx: &Ctx) -> Result<()> {
    if OPENED.replace(true) {
        return Ok(());
    }
    let begun = modules::open().map_err(|why| Exception::throw_message(ctx, &why));
    let (namespace, evaluated) = match begun.and_then(|entry| modules::load(ctx, &entry)?.eval()) {
        Ok((module, evaluated)) => {
            let is_over = evaluated.state() == PromiseState::Resolved;
            (Some(module.namespace()?), (!is_over).then_some(evaluated))
        }
        Err(rquickjs::Error::Exception) => {
            let error = ctx.catch();
            let (promise, _, reject) = Promise::new(ctx)?;
            reject.call::<_, ()>((error,))?;
            (None, Some(promise))
        }
        Err(error) => return Err(error),
    };
    sdk(ctx, "open")?.call((namespace, evaluated))
}

/// The SDK's functions answer `{ ok }`, `{ failure }` or `{ reported }`, at once or by a promise; they don't reject.
fn settle<'js>(ctx: &Ctx<'js>, name: &str, args: Vec<Arg>) -> Result<Object<'js>> {
    let answer = match worked(ctx, name, args) {
        Err(rquickjs::Error::Exception) => sdk(ctx, "failed")?.call((ctx.catch(),)),
        answer => answer,
    };
    sdk(ctx, "end")?.call::<_, ()>(())?;
    answer
}

/// A script that is stopped, or waits for ever, leaves an exception instead of an answer.
fn worked<'js>(ctx: &Ctx<'js>, name: &str, args: Vec<Arg>) -> Result<Object<'js>> {
    let answer: Value = sdk(ctx, name)?.call((Rest(args),))?;
    let Some(promise) = answer.as_promise() else { return answer.get() };
    pump(ctx, promise)?;
    promise.result().unwrap_or_else(|| Err(unsettled(ctx)))
}

fn unsettled(ctx: &Ctx) -> rquickjs::Error {
    Exception::throw_message(ctx, "the promise isn't settled")
}

/// What stopped a script in the middle of a function, so that its promise will never be settled.
fn stopped(ctx: &Ctx) -> rquickjs::Error {
    let error = ctx.catch();
    match error.is_object() {
        true => ctx.throw(error),
        false => Exception::throw_internal(ctx, "interrupted"),
    }
}

/// Alternates between microtasks and one blocking wait.
fn pump<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Result<()> {
    let idle = sdk(ctx, "idle")?;
    loop {
        while ctx.execute_pending_job() {}
        if promise.state() != PromiseState::Pending {
            return Ok(());
        }
        if STOPPED.get() {
            return Err(stopped(ctx));
        }
        idle.call::<_, ()>(())?;
    }
}

fn ending(answer: &Object) -> Result<Option<Ending>> {
    if answer.get::<_, Option<bool>>("reported")? == Some(true) {
        return Ok(Some(Ending::Reported));
    }
    Ok(answer.get::<_, Option<Object>>("failure")?.map(failure).transpose()?.map(Ending::Failed))
}

/// What happens when the SDK itself or a conversion of what it gave goes wrong.
fn broken(error: &CaughtError) -> Failure {
    match error {
        CaughtError::Exception(exception) => failed("Error", exception.message().unwrap_or_default()),
        error => failed("Error", error.to_string()),
    }
}

pub fn failed(ex_type: &str, message: String) -> Failure {
    Failure {
        kind: FailureKind::Exception,
        ex_type: ex_type.into(),
        message: format!("{ex_type}: {message}"),
        location: String::new(),
        stacktrace: None,
        fields: Vec::new(),
    }
}

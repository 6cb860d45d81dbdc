//! QuickJS as a component: the engine of all journeys in JavaScript. Their script is data, which the host hands over at the
//! first call. Between two calls of the host that block, the queue of microtasks is worked off, which makes promises work.
//!
//! With the feature `processors` it is the engine of processors: another world, which has nothing of journeys.

#[cfg(not(feature = "processors"))]
mod call;
mod commonjs;
#[cfg(feature = "processors")]
#[path = "../../../rust/processor/src/error.rs"]
#[allow(dead_code)]
mod error;
#[cfg(not(feature = "processors"))]
mod handles;
#[cfg(not(feature = "processors"))]
mod hooks;
#[cfg(not(feature = "processors"))]
mod host;
#[cfg(feature = "processors")]
#[path = "processors/host.rs"]
mod host;
#[cfg(not(feature = "processors"))]
mod journeys;
#[cfg(feature = "processors")]
#[path = "../../../rust/processor/src/message.rs"]
#[allow(dead_code)]
mod message;
mod modules;
mod msgpack;
#[cfg(not(feature = "processors"))]
mod plan;
mod platform;
#[cfg(feature = "processors")]
mod processors;
mod promises;

#[cfg(not(feature = "processors"))]
wit_bindgen::generate!({ path: "../../../wit", world: "script-engine" });
#[cfg(feature = "processors")]
wit_bindgen::generate!({
    path: ["../../../wit", "../../../wit/processor"],
    inline: "
        package mite:processor-engine;
        world processor-engine {
            include mite:processor/processor@0.1.0;
            import mite:journey/script@0.1.0;
            export wizer-initialize: func();
        }
    ",
    world: "mite:processor-engine/processor-engine",
    generate_all,
});

use rquickjs::{CatchResultExt, Context, Ctx, Function, Module, Result, Runtime};
use std::cell::{Cell, OnceCell};

use crate::mite::journey::script;
use crate::promises::Sdk;

struct Engine;
export!(Engine);

/// JavaScript's part of a guest's stack of 1 MiB: QuickJS checks its depth against it, and its own C needs the rest.
const STACK: usize = 320 << 10;
/// A script that has no more than so many milliseconds left to compute in is stopped, while an error can still be told.
const LEFT_LEAST: u32 = 100;

thread_local! {
    /// Engine and SDK: the same in all instances, so it is what a snapshot holds.
    static CONTEXT: OnceCell<Context> = const { OnceCell::new() };
    /// Whether the script is there. It isn't in a snapshot.
    static OPENED: Cell<bool> = const { Cell::new(false) };
    /// Whether the script has been stopped in this call: what tells of it is not stopped again.
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// The context of all calls of this instance.
fn with<T>(work: impl for<'js> FnOnce(Ctx<'js>) -> T) -> T {
    CONTEXT.with(|context| context.get_or_init(start).with(work))
}

/// # Panics
/// Without memory for an engine, which every instance has, or if the SDK itself is broken.
fn start() -> Context {
    let runtime = Runtime::new().expect("memory for an engine");
    runtime.set_max_stack_size(STACK);
    runtime.set_loader(modules::Names, modules::Sources);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(|ctx, promise, reason, handled| {
        let told = sdk(&ctx, "rejected").and_then(|f| f.call::<_, ()>((promise, reason, handled)));
        if told.is_err() {
            ctx.catch();
        }
    })));
    runtime.set_interrupt_handler(Some(Box::new(|| {
        OPENED.get() && !STOPPED.get() && script::left() < LEFT_LEAST && !STOPPED.replace(true)
    })));
    let context = Context::full(&runtime).expect("memory for a context");
    context.with(|ctx| prepare(&ctx).catch(&ctx).map_err(|error| error.to_string()).expect("an SDK that is whole"));
    context
}

/// Loads the SDK.
fn prepare(ctx: &Ctx) -> Result<()> {
    let (engine, _) =
        Module::declare(ctx.clone(), modules::ENGINE, modules::sdk(modules::ENGINE).unwrap_or_default())?.eval()?;
    while ctx.execute_pending_job() {}
    let sdk = engine.namespace()?;
    ctx.store_userdata(Sdk(rquickjs::Persistent::save(ctx, sdk.clone()))).map_err(|_| rquickjs::Error::Unknown)?;
    sdk.get::<_, Function>("start")?.call::<_, ()>((host::object(ctx)?,))?;
    // What scripts import, so that it is in the snapshot.
    for name in modules::SCRIPTS {
        modules::load(ctx, name)?.eval()?;
        while ctx.execute_pending_job() {}
    }
    Ok(())
}

fn sdk<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
    let sdk = ctx.userdata::<Sdk>().ok_or(rquickjs::Error::Unknown)?.0.clone();
    sdk.restore(ctx)?.get(name)
}

impl Guest for Engine {
    fn wizer_initialize() {
        with(|ctx| promises::ready(&ctx));
    }

    #[cfg(not(feature = "processors"))]
    fn compile() -> Vec<u8> {
        // What is wrong with the script is told where it is opened.
        with(|ctx| modules::compiled(&ctx).catch(&ctx).unwrap_or_default())
    }
}

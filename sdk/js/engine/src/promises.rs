//! What rquickjs has its users promise: the one file of this package with `unsafe`.

use rquickjs::module::Declared;
use rquickjs::{CString, Ctx, Error, JsLifetime, Module, Object, Persistent, Result, Value, qjs};
use std::ffi::CString as CName;

#[cfg(not(feature = "processors"))]
use crate::handles::{Pending, Request, Response};

// SAFETY: this is how `quickjs/mite.c` defines them.
unsafe extern "C" {
    #[cfg(not(feature = "processors"))]
    fn mite_install(ctx: *mut qjs::JSContext, object: qjs::JSValueConst);
    fn mite_ready(ctx: *mut qjs::JSContext);
}

#[cfg(not(feature = "processors"))]
/// Gives an object the functions that are written in C, as part of QuickJS.
pub fn install(object: &Object) {
    // SAFETY: both are alive, and of one context.
    unsafe { mite_install(object.ctx().as_raw().as_ptr(), object.as_value().as_raw()) }
}

/// To be called once, when the engine is ready for its snapshot.
pub fn ready(ctx: &Ctx) {
    // SAFETY: it is alive.
    unsafe { mite_ready(ctx.as_raw().as_ptr()) }
}

/// A module that the engine has compiled and written down before; what it imports comes when it is evaluated.
pub fn compiled_module<'js>(ctx: &Ctx<'js>, code: &[u8]) -> Result<Module<'js, Declared>> {
    // SAFETY: bytecode that wasn't made by this engine can do nothing that its component couldn't do by code of its own: it is the host
    // that keeps a component within its memory.
    unsafe { Module::load(ctx.clone(), code) }
}

/// A script that is compiled, or was, and isn't evaluated yet.
pub struct Script<'js>(Value<'js>);

/// Compiles a script that isn't a module. The first line of what its author wrote is its third.
pub fn script<'js>(ctx: &Ctx<'js>, name: &str, text: &str) -> Result<Script<'js>> {
    let (name, text) = (CName::new(name)?, CName::new(text)?);
    let flags = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
    let mut options = qjs::JSEvalOptions {
        version: qjs::JS_EVAL_OPTIONS_VERSION as i32,
        eval_flags: flags as i32,
        filename: name.as_ptr(),
        line_num: -1,
    };
    // SAFETY: name and text are alive and end with a zero, which isn't counted.
    let compiled =
        unsafe { qjs::JS_Eval2(ctx.as_raw().as_ptr(), text.as_ptr(), text.as_bytes().len() as _, &raw mut options) };
    checked(ctx, compiled).map(Script)
}

/// The same that the engine has written down before.
pub fn compiled_script<'js>(ctx: &Ctx<'js>, code: &[u8]) -> Result<Script<'js>> {
    // SAFETY: as in `compiled_module`.
    let read = unsafe {
        let flags = qjs::JS_READ_OBJ_BYTECODE as i32;
        qjs::JS_ReadObject(ctx.as_raw().as_ptr(), code.as_ptr(), code.len() as _, flags)
    };
    checked(ctx, read).map(Script)
}

/// What a script gives.
pub fn evaluate<'js>(ctx: &Ctx<'js>, script: Script<'js>) -> Result<Value<'js>> {
    // SAFETY: it takes the script, and gives a value of this context.
    let value = unsafe {
        qjs::JS_EvalFunction(ctx.as_raw().as_ptr(), qjs::JS_DupValue(ctx.as_raw().as_ptr(), script.0.as_raw()))
    };
    checked(ctx, value)
}

/// A script as `compiled_script` takes it, without its text.
#[cfg(not(feature = "processors"))]
pub fn written(ctx: &Ctx, script: Script) -> Result<Vec<u8>> {
    let mut length = 0;
    let flags = (qjs::JS_WRITE_OBJ_BYTECODE | qjs::JS_WRITE_OBJ_STRIP_SOURCE) as i32;
    // SAFETY: what it gives is as long as it says, and ours to free.
    unsafe {
        let bytes = qjs::JS_WriteObject(ctx.as_raw().as_ptr(), &raw mut length, script.0.as_raw(), flags);
        if bytes.is_null() {
            return Err(Error::Exception);
        }
        let copy = std::slice::from_raw_parts(bytes, length as usize).to_vec();
        qjs::js_free(ctx.as_raw().as_ptr(), bytes.cast());
        Ok(copy)
    }
}

fn checked<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: it is of this context, and nobody else's.
    let value = unsafe { Value::from_raw(ctx.clone(), value) };
    // SAFETY: only its tag is looked at.
    match unsafe { qjs::JS_IsException(value.as_raw()) } {
        true => Err(Error::Exception),
        false => Ok(value),
    }
}

/// What the SDK's entry exports, by name.
pub struct Sdk(pub Persistent<Object<'static>>);

// SAFETY: a persistent value belongs to no lifetime of a context.
unsafe impl JsLifetime<'_> for Sdk {
    type Changed<'to> = Sdk;
}

// SAFETY: it holds nothing of a JS context.
#[cfg(not(feature = "processors"))]
unsafe impl JsLifetime<'_> for Response {
    type Changed<'to> = Response;
}

// SAFETY: it holds nothing of a JS context.
#[cfg(not(feature = "processors"))]
unsafe impl JsLifetime<'_> for Request {
    type Changed<'to> = Request;
}

// SAFETY: it holds nothing of a JS context.
#[cfg(not(feature = "processors"))]
unsafe impl JsLifetime<'_> for Pending {
    type Changed<'to> = Pending;
}

/// A string; what isn't UTF-8 in it is replaced.
pub fn lossy(string: &CString) -> String {
    // SAFETY: the bytes are alive as long as `string` is; they are read as bytes, since they needn't be UTF-8.
    let bytes = unsafe { std::slice::from_raw_parts(string.as_ptr().cast::<u8>(), string.len()) };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

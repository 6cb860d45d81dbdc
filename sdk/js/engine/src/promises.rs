//! What rquickjs has its users promise: the one file of this package with `unsafe`.

use rquickjs::{CString, Ctx, JsLifetime, Object, Persistent, qjs};

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

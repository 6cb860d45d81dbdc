//! What rquickjs has its users promise: the one file of this package with `unsafe`.

use rquickjs::{CString, JsLifetime, Object, Persistent};

#[cfg(not(feature = "processors"))]
use crate::handles::{Pending, Response};

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
unsafe impl JsLifetime<'_> for Pending {
    type Changed<'to> = Pending;
}

/// A string; what isn't UTF-8 in it is replaced.
pub fn lossy(string: &CString) -> String {
    // SAFETY: the bytes are alive as long as `string` is; they are read as bytes, since they needn't be UTF-8.
    let bytes = unsafe { std::slice::from_raw_parts(string.as_ptr().cast::<u8>(), string.len()) };
    String::from_utf8_lossy(bytes).into_owned()
}

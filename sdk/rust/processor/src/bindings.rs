//! What wit-bindgen makes of the repository's `wit/processor` folder. Nothing outside this crate names it.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    missing_docs,
    unsafe_code,
    rustdoc::all,
    reason = "generated code: the canonical ABI is pointers"
)]

// Borrowing where a message only goes out, so that it is handed over from where it lies.
wit_bindgen::generate!({
    path: "../../../wit/processor",
    world: "processor",
    ownership: Borrowing { duplicate_if_necessary: false },
});

// Only a component exports: see the bindings of mite-sdk.
#[cfg(target_arch = "wasm32")]
export!(Component with_types_in crate::bindings);

#[cfg(target_arch = "wasm32")]
use crate::component::Component;

//! What wit-bindgen makes of the repository's `wit` folder. Nothing outside this crate names it.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    missing_docs,
    unsafe_code,
    rustdoc::all,
    reason = "generated code: the canonical ABI is pointers"
)]

// Borrowing where a type only goes out: a request is handed over from where it lies, so that method, URL and headers are
// never copied in the guest. Not `duplicate_if_necessary: true`: wit-bindgen 0.61 then makes an
// `impl Error for FailureParam` without its lifetime, which doesn't compile.
wit_bindgen::generate!({
    path: "../../wit",
    world: "journey-with-hooks",
    ownership: Borrowing { duplicate_if_necessary: false },
});

// Only a component exports: natively the names of its exports are more than a linker of shared libraries takes, and tests
// and `cargo build` of a whole workspace should work.
#[cfg(target_arch = "wasm32")]
export!(Component with_types_in crate::bindings);

#[cfg(target_arch = "wasm32")]
use crate::component::Component;

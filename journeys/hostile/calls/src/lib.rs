//! Journeys that call the host as no SDK lets anybody: every function with more than it should take, handles that were never given, answers
//! that are wrong, an allocator that calls back. They stand on the bare bindings of `wit/`.
//!
//! What each is expected to come to is in one table, in `tests/src/hostile.rs`. A journey that looks at the host's answer itself fails with
//! what it saw, so one that ends well has been refused as it should be.
#![expect(clippy::result_large_err, reason = "a failure of the contract is a record")]
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only components export it"))]

#[allow(
    clippy::all,
    clippy::pedantic,
    unsafe_code,
    missing_docs,
    clippy::allow_attributes_without_reason,
    reason = "generated code: the canonical ABI is pointers"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "journey-with-hooks", generate_all });
    #[cfg(target_arch = "wasm32")]
    export!(Component with_types_in crate::bindings);
    #[cfg(target_arch = "wasm32")]
    use crate::exports::Component;
}

mod allocator;
mod answers;
mod calls;
mod exports;
mod floods;
mod handles;
mod injection;
mod machine;
mod support;
mod surroundings;
mod time;

/// What a journey of this component comes to.
type Ended = Result<(), bindings::exports::mite::journey::journeys::Ending>;

/// A journey by its name.
type Journey = (&'static str, fn() -> Ended);

/// All of them.
fn journeys() -> impl Iterator<Item = &'static Journey> {
    let all: [&[Journey]; 8] = [
        calls::JOURNEYS,
        handles::JOURNEYS,
        allocator::JOURNEYS,
        answers::JOURNEYS,
        floods::JOURNEYS,
        injection::JOURNEYS,
        machine::JOURNEYS,
        time::JOURNEYS,
    ];
    all.into_iter().flatten().chain(surroundings::JOURNEYS)
}

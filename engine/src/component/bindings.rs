//! The WIT world of journeys as Rust traits and types, made from `wit/`: the largest of them, since a component need
//! not use all that it is offered.
//!
//! Handles are numbers into tables of the host that made them (`Resource::rep`), so their types here are only names.

/// Something on its way: a number in the table of requests of the journey that started it.
pub enum Pending {}
/// What the host keeps of an answer: a number in the table of answers of the journey that got it.
pub enum Content {}

wasmtime::component::bindgen!({
    path: "../wit",
    world: "python-journey",
    imports: {
        "mite:journey/waiting.wait-any": async | trappable,
        "mite:journey/http.send": async | trappable,
        "mite:journey/http.start": async | trappable,
        "mite:journey/http.finish": async | trappable,
        "mite:journey/flat.send": async | trappable,
        "mite:journey/flat.start": async | trappable,
        "mite:journey/flat.finish": async | trappable,
        "mite:journey/messages.send": async | trappable,
        "mite:journey/timing.sleep": async | trappable,
        "mite:journey/timing.sleep-until": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "mite:journey/waiting.pending": Pending,
        "mite:journey/http.content": Content,
    },
});

pub use self::mite::journey::{config, flat, http, messages, secrets, timing, transaction, waiting};
pub use self::{PythonJourney as Journey, PythonJourneyIndices as JourneyIndices};
pub use exports::mite::journey::journeys::{Context, Ending};
pub use exports::mite::journey::scenarios;

//! The WIT world of processors as Rust traits and types, made from `wit/processor/`.
//!
//! Handles are numbers into tables of the host, so their types here are only names.

/// A socket: a number in the table of a processor's sockets.
pub enum Sender {}
/// Figures: a number in the table of a processor's stats.
pub enum Stats {}
/// Files: a number in the table of a processor's collectors.
pub enum Collector {}

wasmtime::component::bindgen!({
    path: "../wit/processor",
    world: "processor",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: {
        "mite:processor/sender.[static]sender.bind": async | trappable,
        "mite:processor/sender.[method]sender.send": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "mite:processor/sender.sender": Sender,
        "mite:processor/stats.stats": Stats,
        "mite:processor/collector.collector": Collector,
    },
});

pub use self::mite::processor::{collector, print, progress, sender, stats};

//! Write processors for mite, the distributed load-testing engine, in Rust.
//!
//! A processor takes the messages of a test, one after the other: it counts them, keeps some, sends them on. It is a struct,
//! and an `impl` with an attribute:
//!
//! ```
//! use mite_processor::prelude::*;
//!
//! #[derive(Default)]
//! struct Failures {
//!     seen: u64,
//! }
//!
//! #[processor]
//! impl Failures {
//!     fn process_message(&mut self, message: &Message) -> Result {
//!         if message.text("type") == Some("exception") {
//!             self.seen += 1;
//!             print(format!("{} {}", self.seen, message.text("message").unwrap_or_default()));
//!         }
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2` and give it to `mite receiver tcp://127.0.0.1:14303
//! --processor=file.wasm:Failures`.
//!
//! What a processor can have of the world: a [`Sender`] to endpoints that were granted, [`Stats`], a [`Collector`], and
//! [`print`]. `println!` and `eprintln!` go to the receiver's log.
#![warn(missing_docs)]

mod bindings;
mod collector;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only components export it"))]
mod component;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only components call it"))]
mod crash;
mod error;
mod message;
mod outcome;
mod registry;
mod sender;
mod stats;

pub use collector::Collector;
pub use error::{Error, Result};
pub use message::{Message, Value};
pub use mite_sdk_macros::processor;
pub use sender::Sender;
pub use stats::Stats;

/// Writes a line to the receiver's standard output. Control characters are escaped, and a line is cut at 64 KiB.
pub fn print(text: impl std::fmt::Display) {
    bindings::mite::processor::print::line(&text.to_string());
}

/// Everything that processors usually need.
pub mod prelude {
    pub use crate::{Collector, Error, Message, Result, Sender, Stats, Value, print, processor};
}

/// What the macro's code names. Not for processors: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::outcome::{Done, Made};
    pub use crate::registry::{Open, Process, Registered};
    pub use inventory::submit;
}

//! Wasm components: finding, checking, compiling, caching and instantiating them, and asking one for its definitions.

pub mod bindings;
pub mod cache;
pub mod compile;
pub mod definition;
pub mod engine;
pub mod error;
mod fetch;
pub mod flat;
pub mod js;
pub mod limits;
pub mod output;
pub mod processors;
pub mod script;
pub mod spec;
pub mod ticker;

pub use error::Error;
pub use fetch::fetch;

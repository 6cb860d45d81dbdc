//! What crosses from one component of the pipeline to the next.

pub use mite_core::wire::{batch, socket, zmtp};

pub mod account;
pub mod config;
pub mod control;
pub mod dump;
pub mod json;
pub mod message;
pub mod option;
pub mod queue;
pub mod statement;
pub mod stream;
pub mod totals;
pub mod value;

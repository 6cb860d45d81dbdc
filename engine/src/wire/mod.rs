//! What crosses from one component of the pipeline to the next.

pub mod batch;
pub mod config;
pub mod dump;
pub mod message;
pub mod queue;
pub mod totals;
pub mod value;

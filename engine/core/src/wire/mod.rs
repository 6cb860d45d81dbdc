//! What crosses from one component of the pipeline to the next.

pub mod batch;
pub mod socket;
pub mod zmtp;

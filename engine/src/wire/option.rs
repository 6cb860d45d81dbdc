//! Endpoints as users give them, in options: what is wrong names the option.

use super::socket::{self, Endpoint};

/// What is wrong with the endpoint of an option.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error("{option}: {source}")]
    Endpoint { option: &'static str, source: socket::Error },
    #[error("{option}: {source}; stop what listens there, or choose another")]
    Listen { option: &'static str, source: socket::Error },
}

/// Names the option of an error.
pub fn wrong(option: &'static str) -> impl Fn(socket::Error) -> Wrong {
    move |source| match source {
        socket::Error::Listen { .. } => Wrong::Listen { option, source },
        socket::Error::Endpoint(_) => Wrong::Endpoint { option, source },
    }
}

/// Says on which endpoints a component listens, and to which it connects.
pub fn bound(option: &'static str, endpoint: &Endpoint) {
    tracing::info!("{option}: listening on {endpoint}");
}

pub fn connecting(option: &'static str, endpoint: &str) {
    tracing::info!("{option}: connecting to {endpoint}");
}

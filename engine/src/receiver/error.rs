//! What a receiver can't start or go on with.

use crate::component;
use crate::wire::option;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("mite has no processor `{name}` of its own; it has {known}, and those of components: `file.wasm:Name`")]
    Unknown { name: String, known: String },
    #[error(transparent)]
    Socket(#[from] option::Wrong),
    #[error(transparent)]
    Component(#[from] component::Error),
    #[error("processor {spec} can't start: {reason}")]
    Open { spec: String, reason: String },
    #[error("processor {spec} has given up: {reason}; the messages that came after are lost to it")]
    GivenUp { spec: String, reason: String },
    #[error("can't start: {0}")]
    System(#[from] std::io::Error),
    #[error("processor {spec} has panicked; please report it")]
    Panicked { spec: String },
}

impl Error {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::GivenUp { .. } | Self::System(_) | Self::Panicked { .. } => 1,
            Self::Unknown { .. } | Self::Socket(_) | Self::Component(_) | Self::Open { .. } => 104,
        }
    }
}

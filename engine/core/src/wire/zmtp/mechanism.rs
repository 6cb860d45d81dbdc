//! How peers secure a connection. CURVE goes in here as a second variant: its commands before READY by [`Mechanism::take`], and
//! its frames between a stream and the decoder.

use super::Violation;
use super::command::{Command, Property};

/// What a mechanism does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends this, and waits for the peer's next command.
    Say(Command),
    /// The peer is known by these properties.
    Done(Vec<Property>),
}

/// The mechanism of a connection, and how far it is.
#[derive(Debug)]
pub enum Mechanism {
    /// No security: either side sends READY at once.
    Null,
}

impl Mechanism {
    /// As it stands in the greeting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
        }
    }

    /// What is said right after the greetings.
    pub fn begin(&mut self, properties: Vec<Property>) -> Option<Command> {
        match self {
            Self::Null => Some(Command::Ready(properties)),
        }
    }

    /// Takes a command of the peer.
    pub fn take(&mut self, command: Command) -> Result<Step, Violation> {
        match (self, command) {
            (_, Command::Error(reason)) => Err(Violation::Refused { reason }),
            (Self::Null, Command::Ready(properties)) => Ok(Step::Done(properties)),
            (Self::Null, other) => Err(Violation::Unexpected { got: format!("{other:?}"), want: "READY" }),
        }
    }
}

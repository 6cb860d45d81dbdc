//! ZMTP 3.1, the protocol of ZeroMQ, without input, output or clock: bytes in, bytes out, time is passed in.
//!
//! - [`greeting`], [`mechanism`], [`handshake`]: how two peers come to know each other,
//! - [`frame`], [`command`]: what bytes mean,
//! - [`decoder`]: a stream of bytes into [`parcel`]s (whole messages, not copied) and commands,
//! - [`heartbeat`]: when to ask whether somebody is there, and when nobody is,
//! - [`mite`]: what our own peers tell each other and no other peer ever sees.
//!
//! A *record* is a frame of a message, and one msgpack object; a *message* is a ZeroMQ message of one frame or of many.

pub mod command;
pub mod decoder;
pub mod frame;
pub mod greeting;
pub mod handshake;
pub mod heartbeat;
pub mod kind;
pub mod mechanism;
pub mod mite;
pub mod parcel;
pub mod peer;

/// What a peer may ask of us. What goes over a limit is a [`Violation`], and the connection is closed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of a frame, without its header.
    pub frame_bytes_max: usize,
    /// Of a message.
    pub frames_max: usize,
    /// Of a message, with the headers of its frames.
    pub message_bytes_max: usize,
}

/// The largest frame that is taken, in bytes.
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// The most frames of a message that is taken.
pub const FRAMES_MAX: usize = 1_024;
/// The largest message that is taken, in bytes: one frame of the largest size, and a batch beside it.
pub const MESSAGE_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;
/// The largest command that is taken or made, in bytes.
pub const COMMAND_BYTES_MAX: usize = 64 << 10;
/// All properties of a READY command, in bytes.
pub const PROPERTIES_BYTES_MAX: usize = 8 << 10;

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes_max: FRAME_BYTES_MAX, frames_max: FRAMES_MAX, message_bytes_max: MESSAGE_BYTES_MAX }
    }
}

/// What a peer said that it must not say. Its connection is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("it doesn't speak ZeroMQ (its first bytes are {first})")]
    NoZeromq { first: String },
    #[error("it speaks ZMTP {major}.{minor}; 3.0 and 3.1 are known here")]
    Version { major: u8, minor: u8 },
    #[error("its security mechanism is {theirs}, ours is {ours}")]
    Mechanism { theirs: String, ours: &'static str },
    #[error("it is a {theirs} socket, which a {ours} socket can't talk to")]
    SocketType { theirs: String, ours: &'static str },
    #[error("it refused us: {reason}")]
    Refused { reason: String },
    #[error("it announced {what} of {bytes} bytes, the limit is {limit}")]
    TooLarge { what: &'static str, bytes: u64, limit: usize },
    #[error("its message has more than {limit} frames")]
    TooManyFrames { limit: usize },
    #[error("a frame of its has flags {flags:#04x}, which don't exist")]
    Flags { flags: u8 },
    #[error("its {name} command is malformed")]
    Malformed { name: &'static str },
    #[error("it sent {got} where {want} was due")]
    Unexpected { got: String, want: &'static str },
}

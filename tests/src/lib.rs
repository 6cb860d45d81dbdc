//! What the tests share: the program as a child process, servers to put load on, and looks at what came out.

pub mod bombs;
pub mod delay;
pub mod early;
pub mod faults;
pub mod files;
pub mod fleet;
pub mod forbidden;
pub mod golden;
pub mod groups;
pub mod heard;
pub mod hostile;
pub mod libzmq;
pub mod metrics;
pub mod pipeline;
pub mod program;
pub mod python;
pub mod raw;
pub mod receiving;
pub mod sender;
pub mod servers;
pub mod trial;
pub mod witness;

//! Adds up what all stats send and shows it to Prometheus.

mod address;
mod connection;
mod label;
mod server;
mod state;

pub use self::address::Address;
pub use self::server::{Error, bind, serve, text};
pub use self::state::{Help, Limits, State};

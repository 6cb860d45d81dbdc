//! Adds up what all stats send and shows it to Prometheus.

mod accounts;
mod address;
mod connection;
mod expiry;
mod families;
mod label;
pub mod process;
mod server;
mod state;

pub use self::address::Address;
pub use self::server::{Error, bind, serve, text};
pub use self::state::{Help, Limits, State};

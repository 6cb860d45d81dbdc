//! Real requests over real connections; units that need none are at the end of `server_side`.

mod client;
mod plain;
mod server_side;
mod shop;
mod stats;

//! mite: a distributed load-testing engine. See the manual in `docs/`.

pub mod cat;
pub mod cli;
pub mod collector;
pub mod component;
pub mod console;
pub mod controller;
pub mod distributed;
pub mod duplicator;
pub mod exporter;
pub mod local;
pub mod playground;
pub mod receiver;
pub mod recorder;
pub mod runner;
pub mod scenario;
pub mod shutdown;
pub mod sink;
pub mod stats;
pub mod steer;
pub mod up;
pub mod wire;

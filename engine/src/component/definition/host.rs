//! What a component may use while it is asked for its definitions: the config, messages and the clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Result;
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::requests::Requests;
use crate::component::bindings::http::Error;
use crate::component::bindings::{config, messages, secrets, timing, transaction};
use crate::component::limits::Limits;
use crate::component::wasi::Wasi;
use crate::wire::config::Config;
use crate::wire::message::MEASURED_TYPES;

/// The most messages that functions of `scenarios` may send before they are taken; more are an error of that function.
const SENT_MAX: usize = 1_000;
/// Bytes of such a message; a larger one is an error as well.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// A message of a scenario function, without envelope.
pub struct Sent {
    pub message_type: String,
    /// A msgpack map.
    pub fields: Vec<u8>,
}

/// The store's data.
pub struct Host {
    pub wasi: Wasi,
    pub script: Arc<[u8]>,
    pub limits: Limits,
    pub config: Config,
    pub sent: Vec<Sent>,
    pub ticks: u32,
    /// Why the last request that was made by `flat` had no answer.
    pub failure: Option<Error>,
    /// What a `setup` makes requests with, as long as it goes on.
    pub requests: Option<Box<Requests>>,
    start: Instant,
}

impl Host {
    pub fn new(package: Arc<str>, script: Arc<[u8]>, config: Config, memory_max: usize) -> Self {
        let (wasi, limits, start) = (Wasi::new(&package), Limits::new(memory_max), Instant::now());
        Self { wasi, script, limits, config, sent: Vec::new(), ticks: 0, failure: None, requests: None, start }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

impl config::Host for Host {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        Ok(self.config.get(&key).map(<[u8]>::to_vec))
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        Ok(self.config.keys().map(str::to_owned).collect())
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<Result<(), String>> {
        Ok(self.config.set(&key, value))
    }
}

impl secrets::Host for Host {
    fn get(&mut self, _: String) -> Result<Option<String>> {
        // Nothing is sent from here.
        Ok(None)
    }
}

impl messages::Host for Host {
    async fn send(&mut self, message_type: String, fields: Vec<u8>, _transaction: u32) -> Result<()> {
        if self.sent.len() >= SENT_MAX {
            wasmtime::bail!("more than {SENT_MAX} messages from functions of a scenario");
        }
        if message_type.len() + fields.len() > MESSAGE_BYTES_MAX {
            let bytes = message_type.len() + fields.len();
            wasmtime::bail!(
                "a message from a function of a scenario has {bytes} bytes; the limit is {MESSAGE_BYTES_MAX}"
            );
        }
        if MEASURED_TYPES.contains(&message_type.as_str()) {
            wasmtime::bail!(
                "functions of a scenario can't send messages of the type `{message_type}`: mite makes those itself"
            );
        }
        self.sent.push(Sent { message_type, fields });
        Ok(())
    }
}

impl timing::Host for Host {
    fn now(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    async fn sleep(&mut self, ns: u64) -> Result<()> {
        tokio::time::sleep(Duration::from_nanos(ns)).await;
        Ok(())
    }

    async fn sleep_until(&mut self, at: u64) -> Result<()> {
        let now = self.now()?;
        timing::Host::sleep(self, at.saturating_sub(now)).await
    }

    fn intended(&mut self) -> Result<u64> {
        self.now()
    }

    fn should_stop(&mut self) -> Result<bool> {
        Ok(false)
    }
}

impl transaction::Host for Host {
    fn begin(&mut self, _: String, _: u32) -> Result<u32> {
        Ok(1)
    }

    fn end(&mut self, _: u32, _: transaction::Outcome) -> Result<()> {
        Ok(())
    }
}

//! What a component may use while it is asked for its definitions: the config, messages and the clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{Result, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::flat::Flat;
use crate::component::bindings::{Content, Pending, config, http, messages, timing, transaction, waiting};
use crate::component::output::Output;
use crate::wire::config::Config;

/// The most messages that functions of `scenarios` may send before they are taken; more are an error of that function.
const SENT_MAX: usize = 1_000;

/// A message of a scenario function, without envelope.
pub struct Sent {
    pub message_type: String,
    /// A msgpack map.
    pub fields: Vec<u8>,
}

/// The store's data.
pub struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    pub script: Arc<[u8]>,
    pub limits: StoreLimits,
    pub stderr: Output,
    pub config: Config,
    pub sent: Vec<Sent>,
    pub ticks: u32,
    pub flat: Flat,
    start: Instant,
}

impl Host {
    pub fn new(package: Arc<str>, script: Arc<[u8]>, config: Config, memory_max: usize) -> Self {
        let stderr = Output::new(package.clone(), "stderr");
        let wasi = WasiCtx::builder().stdout(Output::new(package, "stdout")).stderr(stderr.clone()).build();
        let limits = StoreLimitsBuilder::new().memory_size(memory_max).instances(200).build();
        let start = Instant::now();
        let (table, flat) = (ResourceTable::new(), Flat::default());
        Self { wasi, table, script, limits, stderr, config, sent: Vec::new(), ticks: 0, flat, start }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
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

impl messages::Host for Host {
    fn send(&mut self, message_type: String, fields: Vec<u8>, _transaction: u32) -> Result<()> {
        if self.sent.len() >= SENT_MAX {
            wasmtime::bail!("more than {SENT_MAX} messages from functions of a scenario");
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

const NOT_HERE: &str = "requests are for journeys: a function of a scenario has no http";

fn not_here() -> http::Error {
    http::Error::Denied(NOT_HERE.to_owned())
}

impl http::Host for Host {
    async fn send(&mut self, _: http::Request) -> Result<Result<http::Response, http::Error>> {
        Ok(Err(not_here()))
    }

    async fn start(&mut self, _: http::Request) -> Result<Resource<Pending>> {
        wasmtime::bail!("{NOT_HERE}")
    }

    async fn finish(&mut self, _: Resource<Pending>) -> Result<Result<http::Response, http::Error>> {
        Ok(Err(not_here()))
    }

    fn identity(&mut self, _: String, _: String) -> Result<Result<u32, String>> {
        Ok(Err(NOT_HERE.to_owned()))
    }

    fn cookies(&mut self) -> Result<Vec<http::Cookie>> {
        Ok(Vec::new())
    }

    fn set_cookie(&mut self, _: http::Cookie) -> Result<Result<(), String>> {
        Ok(Err(NOT_HERE.to_owned()))
    }

    fn clear_cookies(&mut self) -> Result<()> {
        Ok(())
    }
}

/// No answer is ever made here, so a handle to one is a forged one.
fn forged<T>() -> Result<T> {
    wasmtime::bail!("no such handle")
}

impl http::HostContent for Host {
    fn url(&mut self, _: Resource<Content>) -> Result<String> {
        forged()
    }

    fn header(&mut self, _: Resource<Content>, _: String) -> Result<Option<String>> {
        forged()
    }

    fn headers(&mut self, _: Resource<Content>) -> Result<Vec<(String, String)>> {
        forged()
    }

    fn body(&mut self, _: Resource<Content>) -> Result<Result<Vec<u8>, String>> {
        forged()
    }

    fn text(&mut self, _: Resource<Content>) -> Result<Result<String, String>> {
        forged()
    }

    fn history(&mut self, _: Resource<Content>) -> Result<Vec<http::Hop>> {
        forged()
    }

    fn primary_ip(&mut self, _: Resource<Content>) -> Result<String> {
        forged()
    }

    fn annotate(&mut self, _: Resource<Content>, _: Vec<u8>) -> Result<()> {
        forged()
    }

    fn drop(&mut self, _: Resource<Content>) -> Result<()> {
        forged()
    }
}

impl waiting::Host for Host {
    async fn wait_any(&mut self, _: Vec<Resource<Pending>>, timeout: Option<u64>) -> Result<Vec<u32>> {
        match timeout {
            Some(ns) => timing::Host::sleep(self, ns).await?,
            None => wasmtime::bail!("wait-any without anything to wait for"),
        }
        Ok(Vec::new())
    }
}

impl waiting::HostPending for Host {
    fn ready(&mut self, _: Resource<Pending>) -> Result<bool> {
        forged()
    }

    fn drop(&mut self, _: Resource<Pending>) -> Result<()> {
        forged()
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

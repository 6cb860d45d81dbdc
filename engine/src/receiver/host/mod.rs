//! What a processor has in the host: one file per WIT interface, and the state they share.

mod collector;
mod print;
mod progress;
mod sender;
mod stats;

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wasmtime::UpdateDeadline;
use wasmtime_wasi::{WasiCtxView, WasiView};

pub use self::collector::Collectors;
pub use self::progress::{Fate, Progress};
pub use self::stats::Figures;

use super::printer::Printer;
use super::sockets::Sockets;
use crate::component::limits::Limits;
use crate::component::script::Scripted;
use crate::component::wasi::Wasi;

/// Milliseconds that it may compute for in a call once it has to come to its end.
const LAST_SLICES_MAX: u32 = 1_000;

/// What a guest is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Messages,
    Other,
}

impl Call {
    /// Milliseconds that it may compute for: for each message, or for all of it.
    fn slices_max(self) -> u32 {
        match self {
            Self::Messages => 1_000,
            Self::Other => 5_000,
        }
    }
}

/// What a processor was started with.
#[derive(Clone)]
pub struct Settings {
    /// Of its component: its name in logs.
    pub package: Arc<str>,
    /// Endpoints that it may bind or connect to.
    pub granted: Arc<[String]>,
    /// Each collector has a directory in this one.
    pub collector_dir: PathBuf,
    pub collector_roll: u64,
    /// Bytes.
    pub memory_max: usize,
    /// Cancelled when it has to come to its end, whatever it does.
    pub give_up: CancellationToken,
}

/// The data of a processor's store. What isn't of one instance is handed on to the next.
pub struct Host {
    settings: Settings,
    script: Arc<[u8]>,
    wasi: Wasi,
    pub limits: Limits,
    /// Milliseconds that the guest has computed for.
    slices: u32,
    call: Call,
    pub progress: Progress,
    sockets: Sockets,
    figures: Figures,
    collectors: Collectors,
    printer: Printer,
}

impl Host {
    pub fn new(settings: Settings, script: Arc<[u8]>) -> Self {
        Self {
            wasi: Wasi::new(&settings.package),
            limits: Limits::new(settings.memory_max),
            slices: 0,
            call: Call::Other,
            progress: Progress::default(),
            sockets: Sockets::new(settings.granted.clone()),
            figures: Figures::default(),
            collectors: Collectors::new(&settings.collector_dir, settings.collector_roll),
            printer: Printer::new(),
            settings,
            script,
        }
    }

    /// For a new instance: the one before is gone.
    pub fn renew(&mut self) {
        self.wasi = Wasi::new(&self.settings.package);
        self.limits = Limits::new(self.settings.memory_max);
        self.figures.close();
    }

    /// The guest is about to be called.
    pub fn enter(&mut self, call: Call) {
        self.slices = 0;
        self.call = call;
    }

    /// A millisecond is over while the guest computes.
    pub fn slice_over(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let ending = self.settings.give_up.is_cancelled();
        if ending && self.call == Call::Messages {
            wasmtime::bail!("the receiver ends, and it was still computing");
        }
        self.slices += 1;
        let slices_max = if ending { LAST_SLICES_MAX } else { self.call.slices_max() };
        if self.slices > slices_max {
            wasmtime::bail!("it was still computing after {} s", slices_max / 1_000);
        }
        Ok(UpdateDeadline::Yield(1))
    }

    /// What the instance's last call, which trapped, died of.
    pub fn reason(&self, trap: &wasmtime::Error) -> String {
        let said = self.wasi.stderr.take_tail();
        let said: Vec<_> =
            said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:")).collect();
        if self.limits.exhausted {
            let mebibytes = self.settings.memory_max >> 20;
            return format!("it wanted more memory than it may have ({mebibytes} MiB: --processor-memory)");
        }
        match said.as_slice() {
            [] => trap.root_cause().to_string(),
            said => said.join(" "),
        }
    }

    pub fn flush(&mut self) {
        self.printer.flush();
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.figures.tick();
        self.collectors.tick();
        self.printer.flush();
    }

    /// Sends and writes what is left.
    pub async fn close(mut self, spec: &str) {
        self.figures.close();
        self.collectors.close();
        self.printer.flush();
        self.printer.close();
        self.sockets.close(spec).await;
    }
}

impl Scripted for Host {
    fn script(&self) -> Arc<[u8]> {
        self.script.clone()
    }

    /// A slice is a millisecond.
    fn left(&self) -> u32 {
        self.call.slices_max().saturating_sub(self.slices)
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

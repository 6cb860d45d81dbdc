//! What guests have of WASI: clocks, random bytes, and an output whose lines are logged. THE ONLY FILE THAT NAMES ITS CONTEXT.
//!
//! Toolchains import all of WASI, needed or not, so all of it links. There are no directories, so nothing of `filesystem` can be
//! opened; sockets and names are refused before the system is asked for anything; environment, arguments and standard input are empty.

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiView};

use super::output::{Cover, Output};

/// Handles of WASI (pollables, streams) that a guest may hold at once; one more traps.
const HANDLES_MAX: usize = 1_000;
/// Random bytes that a guest may ask for at once; more traps.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// A guest's part of WASI, and the last of what it wrote to its standard error.
pub struct Wasi {
    pub context: WasiCtx,
    pub table: ResourceTable,
    pub stderr: Output,
}

impl Wasi {
    pub fn new(package: &Arc<str>) -> Self {
        Self::covered(package, None)
    }

    /// One whose output is covered before anybody sees it.
    pub fn covered(package: &Arc<str>, cover: Option<Cover>) -> Self {
        let stderr = Output::new(package.clone(), "stderr").covered(cover.clone());
        let mut builder = WasiCtx::builder();
        builder
            .stdout(Output::new(package.clone(), "stdout").covered(cover))
            .stderr(stderr.clone())
            .max_random_size(RANDOM_BYTES_MAX);
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self { context: builder.build(), table, stderr }
    }
}

/// Offers WASI.
pub fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

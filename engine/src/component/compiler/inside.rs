//! The process that compiles: it bounds itself before it looks at the component, which comes by its standard input. Machine code goes
//! to its standard output, or why there is none to its standard error.

use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit};

use crate::component::engine;

/// What it ends with when the component can't be compiled.
pub const REFUSED: u8 = 104;
/// Files and pipes that it may have open.
const DESCRIPTORS: u64 = 32;

/// Options of `mite compile`, which is in no help: programs start it, not people.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Seconds of all cores together
    #[arg(long)]
    pub cpu_seconds: u64,
    /// Bytes of address space
    #[arg(long)]
    pub memory: u64,
}

/// Compiles what comes, and ends.
pub fn run(args: Args) -> ExitCode {
    let done = bound(args).map_err(|error| format!("the compiler can't be bounded: {error}")).and_then(|()| {
        let mut component = Vec::new();
        std::io::stdin().read_to_end(&mut component).map_err(|error| error.to_string())?;
        let code = machine_code(&component).map_err(|error| format!("{error:#}"))?;
        std::io::stdout().write_all(&code).map_err(|error| error.to_string())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Nobody to tell, nothing to do.
            let _ = std::io::stderr().write_all(reason.as_bytes());
            ExitCode::from(REFUSED)
        }
    }
}

/// Compiles in this process, without any bound.
pub fn machine_code(component: &[u8]) -> wasmtime::Result<Vec<u8>> {
    engine::plain()?.precompile_component(component)
}

fn bound(args: Args) -> std::io::Result<()> {
    first_to_go();
    #[cfg(target_os = "linux")]
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, DESCRIPTORS, 0)?;
    // At the first it gets a signal that says why, a second later it is killed.
    limit(Resource::Cpu, args.cpu_seconds, 1)?;
    limit(Resource::As, args.memory, 0)
}

/// A limit that can't be raised again, but for so much. One that is lower already stays.
fn limit(resource: Resource, most: u64, more: u64) -> std::io::Result<()> {
    let there = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(most.min(there)), maximum: Some(most.saturating_add(more).min(there)) };
    Ok(rustix::process::setrlimit(resource, limit)?)
}

/// Where memory runs out the kernel ends this process, and no other.
fn first_to_go() {
    // Only Linux has it, and a system where this can't be written is none the worse for it.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

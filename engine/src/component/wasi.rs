//! What guests have of WASI: clocks, random bytes, and an output whose lines are logged. THE ONLY FILE THAT NAMES ITS CONTEXT.
//!
//! Toolchains import all of WASI, needed or not, so all of it links. There are no directories, so nothing of `filesystem` can be
//! opened; sockets and names are refused before the system is asked for anything; environment, arguments and standard input are empty.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiView};

use super::output::Output;
use crate::policy::Secrets;

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
        Self::limited(package, Arc::default(), None)
    }

    /// One whose output shows no secrets, and whose clocks go in steps.
    pub fn limited(package: &Arc<str>, secrets: Arc<Secrets>, step: Option<Duration>) -> Self {
        let stderr = Output::new(package.clone(), "stderr").without(secrets.clone());
        let mut builder = WasiCtx::builder();
        builder
            .stdout(Output::new(package.clone(), "stdout").without(secrets))
            .stderr(stderr.clone())
            .max_random_size(RANDOM_BYTES_MAX);
        if let Some(step) = step {
            let stepped = || Stepped { step, start: Instant::now() };
            builder.wall_clock(stepped()).monotonic_clock(stepped());
        }
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self { context: builder.build(), table, stderr }
    }
}

/// Clocks that show whole steps: what happens within one can't be told apart.
struct Stepped {
    step: Duration,
    start: Instant,
}

/// A time as such a clock shows it.
pub fn stepped(time: u64, step: Option<Duration>) -> u64 {
    step.and_then(|step| u64::try_from(step.as_nanos()).ok()).map_or(time, |step| time - time % step.max(1))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl HostWallClock for Stepped {
    fn resolution(&self) -> Duration {
        self.step
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_nanos(stepped(nanos(now), Some(self.step)))
    }
}

impl HostMonotonicClock for Stepped {
    fn resolution(&self) -> u64 {
        nanos(self.step)
    }

    fn now(&self) -> u64 {
        stepped(nanos(self.start.elapsed()), Some(self.step))
    }
}

/// Offers WASI.
pub fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_in_steps() {
        for (time, step, shown, why) in [
            (1_234_567, None, 1_234_567, "as it is"),
            (1_234_567, Some(1), 1_234_567, "a step of a nanosecond"),
            (1_234_567, Some(1_000), 1_234_000, "microseconds"),
            (999, Some(1_000), 0, "before the first step"),
            (2_000, Some(1_000), 2_000, "just on one"),
            (u64::MAX, Some(u64::MAX), u64::MAX, "the largest"),
        ] {
            assert_eq!(stepped(time, step.map(Duration::from_nanos)), shown, "{why}");
        }
        let clock = Stepped { step: Duration::from_secs(3_600), start: Instant::now() };
        assert_eq!(HostMonotonicClock::now(&clock), 0, "an hour takes longer");
        assert_eq!(HostWallClock::now(&clock).as_nanos() % 3_600_000_000_000, 0);
        assert_eq!(
            (HostWallClock::resolution(&clock).as_secs(), HostMonotonicClock::resolution(&clock)),
            (3_600, 3_600_000_000_000)
        );
    }
}

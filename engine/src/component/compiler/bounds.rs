//! How much compiling a component may take.

use std::time::Duration;

/// What a component may be, and how long compiling it may take.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Bounds {
    /// Seconds of CPU that compiling a component may take [default: 30, and 3 more for each MiB of it]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub compile_timeout: Option<u32>,
    /// The largest component, in MiB
    #[arg(long, value_name = "MIB", default_value_t = COMPONENT_MIB, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub component_size: u32,
}

/// The largest component: a Python one has 22 MiB.
const COMPONENT_MIB: u32 = 100;
/// Seconds of CPU for any component. A Rust one takes half a second, the engine of JavaScript four.
const SECONDS: u64 = 30;
/// More for each MiB: a Python component takes half a second a MiB, and a whole one where others share the core.
const SECONDS_PER_MIB: u64 = 3;
/// By the clock it may take so many times longer: where many want the same cores, those who do no harm are not to suffer.
const PATIENCE: u32 = 10;
/// A program built without optimisation compiles so many times slower.
const SLOWER: u64 = if cfg!(debug_assertions) { 20 } else { 1 };
/// Bytes of memory for any component.
const MEMORY: u64 = 2 << 30;
/// More for each byte of it: a Python component takes 25.
const MEMORY_PER_BYTE: u64 = 50;

/// What compiling one component may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Seconds of all cores together.
    pub cpu_seconds: u64,
    /// By the clock, from its start to its end.
    pub time: Duration,
    /// Bytes of address space.
    pub memory: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { compile_timeout: None, component_size: COMPONENT_MIB }
    }
}

impl Bounds {
    /// The largest component, in bytes.
    pub fn component_bytes(&self) -> u64 {
        u64::from(self.component_size) << 20
    }

    /// The options that say what isn't the default, for another process.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let size = Some(self.component_size).filter(|mib| *mib != COMPONENT_MIB);
        let both = [("--component-size", size), ("--compile-timeout", self.compile_timeout)];
        both.into_iter().filter_map(|(option, value)| Some((option, value?.to_string()))).collect()
    }

    /// What a component of so many bytes may take.
    pub fn allowed(&self, bytes: u64) -> Allowed {
        let usual = (SECONDS + SECONDS_PER_MIB * (bytes >> 20)) * SLOWER;
        let seconds = self.compile_timeout.map_or(usual, u64::from);
        Allowed {
            cpu_seconds: seconds,
            time: Duration::from_secs(seconds) * PATIENCE,
            memory: MEMORY.saturating_add(MEMORY_PER_BYTE.saturating_mul(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_may_take_more() {
        let (usual, given) = (Bounds::default(), Bounds { compile_timeout: Some(5), ..Bounds::default() });
        let gib = |tenths: u64| tenths * (1 << 30) / 10;
        for (bounds, mib, seconds, memory, why) in [
            (usual, 0, 30 * SLOWER, gib(20), "next to nothing"),
            (usual, 22, 96 * SLOWER, gib(30), "one in Python"),
            (usual, 100, 330 * SLOWER, gib(68), "the largest"),
            (given, 100, 5, gib(68), "somebody has said how long"),
        ] {
            let allowed = bounds.allowed(mib << 20);
            assert_eq!((allowed.cpu_seconds, allowed.time), (seconds, Duration::from_secs(10 * seconds)), "{why}");
            assert!(allowed.memory.abs_diff(memory) < gib(1), "{why}: {}", allowed.memory);
        }
        assert_eq!(usual.allowed(1 << 60).memory, u64::MAX, "numbers that aren't");
    }

    #[test]
    fn the_default_is_that_of_the_command_line() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            bounds: Bounds,
        }
        let line = <Line as clap::Parser>::try_parse_from(["x"]).unwrap();
        assert_eq!(format!("{:?}", line.bounds), format!("{:?}", Bounds::default()));
    }
}

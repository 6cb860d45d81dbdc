//! wasmtime's engine: one way to compile, and pools sized from what a test needs.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

use super::Error;
use super::store::INSTANCES_MAX;

/// What a guest may use of memory unless a test says otherwise.
pub const MEMORY_MAX: usize = 256 << 20;
/// The stack of a guest. Deep recursion ends as a trap of that journey.
const STACK: usize = 1 << 20;
/// Memory mappings a journey needs: four for its memory and stack while it lives, two for guard pages of its stack slot.
const MAPPINGS_PER_JOURNEY: u64 = 6;
/// What follows each linear memory in the address space, never accessible. With the odd number of pages over 32 MiB the memories of
/// journeys don't lie at one round distance from each other, where all of them would share a few places of the processor's
/// table of pages (its TLB) and drive each other out.
const GUARD: u64 = (32 << 20) + 17 * 4096;
/// Mappings left for everything else in the process.
const MAPPINGS_RESERVED: u64 = 3_000;

/// How many journeys there is to be room for, and of what kind.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Journeys at once in this process.
    pub journeys: u32,
    /// Linear memories of one instance.
    pub memories: u32,
    /// Tables of one instance.
    pub tables: u32,
    /// Elements of its largest table.
    pub table_elements: u64,
    /// Bytes that one linear memory may grow to.
    pub memory_max: usize,
}

/// An engine for journeys, and how it gets their memory.
pub struct Roomy {
    pub engine: wasmtime::Engine,
    /// Why memory comes from the operating system one by one instead of from a pool, if it does.
    pub fallback: Option<String>,
}

/// The settings that compiled code depends on: the same for all engines, so that code compiled by one loads in every other.
fn config() -> Config {
    let mut config = Config::new();
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config.memory_guard_size(GUARD);
    config.max_wasm_stack(STACK);
    config.async_stack_size(2 * STACK);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(10));
    config
}

/// An engine to compile with and to ask components for their definitions.
pub fn plain() -> Result<wasmtime::Engine, Error> {
    wasmtime::Engine::new(&config()).map_err(|error| Error::Room { reason: format!("{error:#}") })
}

/// An engine with room for so many journeys: from a pool of memory, or, where so much address space can't be reserved,
/// without one and saying so.
pub fn roomy(room: Room) -> Result<Roomy, Error> {
    let mut config = config();
    config.allocation_strategy(pool(room));
    match wasmtime::Engine::new(&config) {
        Ok(engine) => Ok(Roomy { engine, fallback: None }),
        Err(error) => Ok(Roomy {
            engine: plain()?,
            fallback: Some(format!(
                "no pool of memory for {} journeys ({error:#}): starting one costs more",
                room.journeys
            )),
        }),
    }
}

fn pool(room: Room) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    let journeys = room.journeys.max(1);
    pool.total_component_instances(journeys);
    const INSTANCES: u32 = INSTANCES_MAX as u32;
    // Only a count: Python components have tens of core instances.
    pool.total_core_instances(journeys.saturating_mul(INSTANCES));
    pool.max_core_instances_per_component(INSTANCES);
    pool.total_memories(journeys.saturating_mul(room.memories.max(1)));
    pool.max_memories_per_component(room.memories.max(1));
    pool.total_tables(journeys.saturating_mul(room.tables.max(1)));
    pool.max_tables_per_component(room.tables.max(1));
    pool.table_elements(usize::try_from(room.table_elements.max(1)).unwrap_or(usize::MAX));
    pool.total_stacks(journeys);
    pool.total_gc_heaps(0);
    pool.max_component_instance_size(8 << 20);
    pool.max_core_instance_size(8 << 20);
    pool.max_memory_size(room.memory_max);
    // What a run has touched is found by asking the kernel, and put back without giving the pages away.
    pool.pagemap_scan(Enabled::Auto);
    pool.linear_memory_keep_resident(16 << 20);
    pool.table_keep_resident(1 << 20);
    pool
}

/// How many journeys the kernel's limit on memory mappings (`vm.max_map_count`) allows in one process.
pub fn journeys_for_mappings(max_map_count: u64) -> u64 {
    max_map_count.saturating_sub(MAPPINGS_RESERVED) / MAPPINGS_PER_JOURNEY
}

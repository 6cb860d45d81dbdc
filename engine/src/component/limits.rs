//! How much memory a guest may have.

use wasmtime::ResourceLimiter;

use super::store::{INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};

/// Bytes of a page of linear memory: in pages, components say what they begin with.
pub const PAGE_BYTES: u64 = 65_536;
/// Elements of one table: a large component has some thousands.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// A guest's limits, and whether it has met one.
pub struct Limits {
    memory_max: usize,
    /// Bytes of all its linear memories together.
    memory: usize,
    /// Growing was refused: a trap that follows is for want of memory.
    pub exhausted: bool,
}

impl Limits {
    pub fn new(memory_max: usize) -> Self {
        Self { memory_max, memory: 0, exhausted: false }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_sub(current).saturating_add(desired);
        let fits = memory <= self.memory_max;
        if fits {
            self.memory = memory;
        }
        self.exhausted |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

//! How much memory a guest may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// What all guests of a tenant may have together.
    total: Option<Arc<Total>>,
}

/// Something of which there is so much for all who share it.
#[derive(Debug)]
pub struct Total {
    /// `u64::MAX`: no limit.
    most: AtomicU64,
    used: AtomicU64,
}

impl Default for Total {
    fn default() -> Self {
        Self { most: AtomicU64::new(u64::MAX), used: AtomicU64::new(0) }
    }
}

impl Total {
    /// None: no limit. What is used over a smaller one stays until it is given back.
    pub fn set(&self, most: Option<u64>) {
        self.most.store(most.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn limit(&self) -> Option<u64> {
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most != u64::MAX)
    }

    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// For who counts by itself what is used.
    pub fn set_used(&self, used: u64) {
        self.used.store(used, Ordering::Relaxed);
    }

    /// Whether there is so much left; then it is taken.
    pub fn try_take(&self, amount: u64) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        let more = |used: u64| used.checked_add(amount).filter(|used| *used <= most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    pub fn give_back(&self, amount: u64) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

/// All guests of a tenant together have as much memory as they may: one more can't begin now.
#[derive(Debug, thiserror::Error)]
#[error("all journeys together have as much memory as they may")]
pub struct OverTotal;

impl Limits {
    pub fn new(memory_max: usize) -> Self {
        Self { memory_max, memory: 0, exhausted: false, total: None }
    }

    /// Bytes that its linear memories may have.
    pub fn memory_max(&self) -> usize {
        self.memory_max
    }

    /// These limits, and one for all who share `total`.
    #[must_use]
    pub fn within(self, total: Option<Arc<Total>>) -> Self {
        Self { total, ..self }
    }

    /// Whether all together may have so much more.
    fn take_of_total(&self, more: usize) -> bool {
        self.total.as_ref().is_none_or(|total| total.try_take(more as u64))
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        if let Some(total) = &self.total {
            total.give_back(self.memory as u64);
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_sub(current).saturating_add(desired);
        let mut fits = memory <= self.memory_max;
        if fits && !self.take_of_total(memory.saturating_sub(self.memory)) {
            if current == 0 {
                // It is just being made, so there is no guest to be told.
                return Err(OverTotal.into());
            }
            fits = false;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_one_and_of_all() {
        let total = Arc::new(Total::default());
        total.set(Some(100));
        let mut one = Limits::new(80).within(Some(total.clone()));
        let mut other = Limits::new(80).within(Some(total.clone()));
        let grow = |of: &mut Limits, current, desired, used, fits: Option<bool>, why: &str| {
            assert_eq!(of.memory_growing(current, desired, None).ok(), fits, "{why}");
            assert_eq!(total.used(), used, "{why}");
        };
        grow(&mut one, 0, 60, 60, Some(true), "there is room");
        grow(&mut one, 60, 81, 60, Some(false), "over its own limit");
        grow(&mut other, 0, 50, 60, None, "no room for it to begin");
        grow(&mut other, 0, 30, 90, Some(true), "a smaller one has room");
        grow(&mut other, 30, 45, 90, Some(false), "over that of all");
        assert!(other.exhausted && one.exhausted);
        drop(one);
        assert_eq!(total.used(), 30, "given back");
        assert!(!total.try_take(71) && total.try_take(70));
        total.set(None);
        assert!(total.try_take(1 << 40) && total.limit().is_none());
    }
}

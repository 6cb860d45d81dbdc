//! `script`: what an engine of a scripting language runs, and how long it still may.

use std::sync::Arc;

use super::State;
use crate::component::script::Scripted;
use crate::runner::instance::SLICES_MAX;

impl Scripted for State {
    fn script(&self) -> Arc<[u8]> {
        self.script.clone()
    }

    /// A slice is a millisecond.
    fn left(&self) -> u32 {
        SLICES_MAX.saturating_sub(self.slices)
    }
}

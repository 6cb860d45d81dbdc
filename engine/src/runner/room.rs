//! Room for as many journeys as a test wants.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::{Prepared, machine};
use crate::component::cache::Code;
use crate::component::engine::{self, Room};
use crate::component::limits::PAGE_BYTES;
use crate::component::{self};

/// How much room.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The most journeys at once that the test can want; none: nobody knows.
    pub peak: Option<u32>,
    /// The most that may run here.
    pub journeys_max: Option<NonZeroU32>,
    /// MiB for each.
    pub journey_memory: u32,
}

/// An engine with room, and the test's components in it.
pub struct Made {
    pub engine: wasmtime::Engine,
    /// By package.
    pub prepared: BTreeMap<String, Prepared>,
    /// What a user should know about where memory comes from.
    pub fallback: Option<String>,
}

/// Instances that may be there while another takes their place.
const SPARE: u32 = 16;

/// Makes room for the most journeys that may run at once.
pub fn make(wanted: Wanted, components: &[(&str, &Code)]) -> Result<Made, component::Error> {
    let journeys = machine::journeys(wanted.peak, wanted.journeys_max);
    let memory_max = (wanted.journey_memory as usize) << 20;
    let plain = engine::plain()?;
    let mut room =
        Room { journeys: journeys.saturating_add(SPARE), memories: 1, tables: 1, table_elements: 1, memory_max };
    let mut initial = 0;
    for (package, code) in components {
        let component = code.load(&plain).map_err(|error| failed(&error))?;
        let Some(needs) = component.resources_required() else { continue };
        room.memories = room.memories.max(needs.num_memories);
        room.tables = room.tables.max(needs.num_tables);
        room.table_elements = room.table_elements.max(needs.max_initial_table_size.unwrap_or(0) + 1_024);
        let least = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
        initial = initial.max(least);
        if least > memory_max as u64 {
            let mib = least.div_ceil(1 << 20);
            let reason = format!("a journey of {package} needs {mib} MiB of memory: see --journey-memory");
            return Err(component::Error::Room { reason });
        }
    }
    let tight = machine::memory(journeys, initial).map_err(|reason| component::Error::Room { reason })?;
    let short = machine::address_space(room.journeys, room.memories);
    let roomy = engine::roomy(room)?;
    let mut prepared = BTreeMap::new();
    for (package, code) in components {
        let made = Prepared::new(&roomy.engine, package, code, memory_max).map_err(|error| failed(&error))?;
        prepared.insert((*package).to_owned(), made);
    }
    Ok(Made { engine: roomy.engine, prepared, fallback: short.or(roomy.fallback).or(tight) })
}

fn failed(error: &wasmtime::Error) -> component::Error {
    component::Error::Room { reason: format!("{error:#}") }
}

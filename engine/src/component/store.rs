//! Stores of guests: what they may make the host keep, beside the memory of `limits`.

use wasmtime::{Engine, Store};

/// Bytes that a guest may hand to the host in one call, and the host to it as answer of its own functions; more traps. The largest that
/// is of any use is the body of a request.
pub const CALL_BYTES_MAX: usize = 65 << 20;
/// Handles of resources that a guest may hold in all its instances, its own ones among them; one more traps.
const HANDLES_MAX: usize = 10_000;
/// Core instances of a component: those in Python have some tens.
pub const INSTANCES_MAX: usize = 200;
/// Tables of a component.
pub const TABLES_MAX: usize = 200;
/// Linear memories of a component: each takes 4 GiB of address space.
pub const MEMORIES_MAX: usize = 20;

/// A store with these limits. That of memory is its owner's.
pub fn bounded<T: 'static>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.set_hostcall_fuel(CALL_BYTES_MAX);
    store.set_max_component_handles(HANDLES_MAX);
    store
}

#[cfg(test)]
mod tests;

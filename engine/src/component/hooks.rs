//! The WIT world of what stands around runs, as Rust traits and types. It is apart from that of journeys, since a component needn't have it.

use wasmtime::component::{Component, InstancePre};

/// The interface that a component exports if it has any.
const INTERFACE: &str = "mite:journey/hooks@0.1.0";
/// Where in the config stands what `setup` has answered.
pub const SETUP: &str = "mite.setup";

wasmtime::component::bindgen!({
    path: "../wit",
    world: "hooked",
    exports: { default: async },
    with: { "mite:journey/messages": super::bindings::messages },
});

/// Where a component has its hooks; none: it has none, as those that were made before there were any.
pub fn of<T>(component: &Component, pre: &InstancePre<T>) -> wasmtime::Result<Option<HookedIndices>> {
    match component.get_export_index(None, INTERFACE) {
        Some(_) => HookedIndices::new(pre).map(Some),
        None => Ok(None),
    }
}

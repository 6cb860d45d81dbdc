//! Components of others are compiled in a process of their own: wasmtime promises nothing about how long compiling takes or how much
//! memory, so this program starts itself anew, with bounds, hands it the component and takes the machine code from it.
//!
//! ```text
//! bounds     PURE: how much of everything one may take
//! child      starts it, feeds it, ends it when it takes too long
//! outcome    PURE: what its end means
//! inside     what it does itself
//! ```
//!
//! It keeps a component that can't be compiled in reason from taking the machine or the program with it. It is no wall against a
//! compiler that was taken over: what it answers is run.

pub mod bounds;
#[cfg_attr(
    test,
    expect(dead_code, reason = "a test is not the program and can't start itself: it compiles in its own process")
)]
mod child;
pub mod inside;

mod outcome;

pub use bounds::Bounds;

/// Machine code of this program's own compiler: nobody else makes one.
pub struct Machine(Vec<u8>);

impl Machine {
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Compiles a component, one after the other in a program. Blocks for as long as that takes. The error says in words why it can't be
/// done, as the end of a sentence.
#[cfg(not(test))]
pub fn compile(component: &[u8], bounds: &Bounds) -> Result<Machine, String> {
    child::compile(component, &bounds.allowed(component.len() as u64)).map(Machine)
}

#[cfg(test)]
pub fn compile(component: &[u8], _: &Bounds) -> Result<Machine, String> {
    inside::machine_code(component).map(Machine).map_err(|error| format!("{error:#}"))
}

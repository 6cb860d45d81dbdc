//! What mite puts on the wire, in a package of its own so that building and testing it takes no WebAssembly engine.

pub mod wire;

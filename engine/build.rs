//! Puts the engine of JavaScript journeys into the program, if it is there: `make build` makes it first.

use std::path::Path;

fn main() {
    // A directory that is always there, so that cargo looks again when the engine comes.
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/js/engine/built");
    println!("cargo:rerun-if-changed={}", built.display());
    let engine = built.join("engine.wasm");
    println!("cargo:rustc-check-cfg=cfg(js_engine)");
    if engine.is_file() {
        println!("cargo:rustc-cfg=js_engine");
        println!("cargo:rustc-env=MITE_JS_ENGINE={}", engine.display());
    }
}

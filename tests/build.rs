//! Random modules and components for `tests/loads.rs`, the same in every build: `MITE_LOADS_MODULES` says how many modules.

use std::path::Path;
use std::{env, fs, io};

use arbitrary::Unstructured;
use wasm_smith::{Component, Config, Module};

const MODULES: u64 = 1_000;
const COMPONENTS: u64 = 300;
/// Bytes that one is made of.
const SEED_BYTES: usize = 2_048;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MITE_LOADS_MODULES");
    let modules = env::var("MITE_LOADS_MODULES").map_or(Ok(MODULES), |text| text.parse().map_err(io::Error::other))?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("run by cargo"))?;
    let module = |seed: &mut Unstructured<'_>| Module::new(config(), seed).map(|module| module.to_bytes());
    let component = |seed: &mut Unstructured<'_>| Component::new(config(), seed).map(|it| it.to_bytes());
    fs::write(Path::new(&out).join("modules"), packed(modules, module)?)?;
    fs::write(Path::new(&out).join("components"), packed(COMPONENTS, component)?)
}

/// What the engine doesn't have is left out: else most are refused for that, and nothing more is seen of them.
fn config() -> Config {
    Config {
        max_memories: 4,
        memory64_enabled: false,
        threads_enabled: false,
        compact_imports_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// The length of each in four bytes, then the bytes. Seeds of which nothing can be made are passed over.
fn packed(count: u64, make: impl Fn(&mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    for number in 0..count {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let seed: Vec<u8> = std::iter::repeat_with(|| {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .take(SEED_BYTES)
        .collect();
        if let Ok(bytes) = make(&mut Unstructured::new(&seed)) {
            all.extend(u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes());
            all.extend(bytes);
        }
    }
    Ok(all)
}

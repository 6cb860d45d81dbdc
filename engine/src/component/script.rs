//! Components that run a script: an engine, the same for all of them, with the script in a custom section at its end.

use std::sync::Arc;

use wasmparser::{Parser, Payload};
use wasmtime::component::Linker;

/// The custom section's name.
const SECTION: &str = "mite:script";
const INTERFACE: &str = "mite:journey/script@0.1.0";
/// The id of custom sections.
const CUSTOM: u8 = 0;

/// An engine with a script.
pub fn join(engine: &[u8], script: &[u8]) -> Vec<u8> {
    let mut section = Vec::with_capacity(script.len() + SECTION.len() + 1);
    write_length(SECTION.len(), &mut section);
    section.extend_from_slice(SECTION.as_bytes());
    section.extend_from_slice(script);
    let mut component = Vec::with_capacity(engine.len() + section.len() + 6);
    component.extend_from_slice(engine);
    component.push(CUSTOM);
    write_length(section.len(), &mut component);
    component.extend_from_slice(&section);
    component
}

/// LEB128, as all lengths in WebAssembly.
fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A component without its script, and the script; empty if it has none. Only a script at the very end counts: whoever puts
/// something behind it has made another component, which is compiled as one.
pub fn split(component: &[u8]) -> (&[u8], &[u8]) {
    let (mut start, mut depth) = (0, 0_u32);
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::Version { range, .. } => start = range.end,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(end) => {
                depth = depth.saturating_sub(1);
                start = end;
            }
            Payload::CustomSection(section) if depth == 0 => {
                let range = section.range();
                if section.name() == SECTION && range.end == component.len() {
                    return (&component[..start], section.data());
                }
                start = range.end;
            }
            other => start = other.as_section().map_or(start, |(_, range)| range.end),
        }
    }
    (component, &[])
}

/// What is in a store whose guest may have a script.
pub trait Scripted {
    /// Empty: there is none.
    fn script(&self) -> Arc<[u8]>;
    /// Milliseconds that the guest may still compute.
    fn left(&self) -> u32;
}

/// Offers the interface `script`. It is no part of the world of journeys: only engines import it.
pub fn add_to_linker<T: Scripted + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap("source", |store, (): ()| Ok((store.data().script().to_vec(),)))?;
    interface.func_wrap("left", |store, (): ()| Ok((store.data().left(),)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_again() {
        let engine = wat::parse_str("(component (core module $m) (core instance (instantiate $m)))").unwrap();
        for length in [0, 1, 100, 127, 128, 70_000] {
            let script = vec![b'x'; length];
            let whole = join(&engine, &script);
            assert_eq!(split(&whole), (&engine[..], &script[..]), "{length} bytes");
        }
        assert_eq!(split(&engine), (&engine[..], &[][..]), "none");
    }

    #[test]
    fn only_the_last_section_is_a_script() {
        let engine = wat::parse_str("(component)").unwrap();
        let mut more = join(&engine, b"one");
        more.extend_from_slice(b"\0\x05\x04name");
        assert_eq!(split(&more), (&more[..], &[][..]), "something behind it");
        let twice = join(&join(&engine, b"one"), b"two");
        assert_eq!(split(&twice), (&join(&engine, b"one")[..], &b"two"[..]), "the last one");
        assert_eq!(split(b"\0asm\x0d\0\x01\0\xff"), (&b"\0asm\x0d\0\x01\0\xff"[..], &[][..]), "what isn't valid");
    }
}

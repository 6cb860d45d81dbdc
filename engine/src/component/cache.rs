//! Compiled code, kept on disk from run to run.
//!
//! THE ONLY FILE OF THE ENGINE WITH `unsafe`: machine code is loaded here. wasmtime can't tell code that it made from
//! anything else, so only code of this program's own compiler is loaded: what it has just answered, what is part of the program, and
//! files that this module wrote itself. Those stand in a directory that only this user can write to, are opened without following
//! links, belong to this user, can be written by nobody else, and end with a seal over their name and what is before it, keyed by a
//! secret of random bytes that stands in the same directory. Their name is made of the component, wasmtime's version and the
//! settings. Whatever fails a check is said once and compiled anew.
//!
//! ```text
//! directory    files that nobody else could have written
//! seal         the keyed check
//! ```

#![allow(unsafe_code, reason = "loading compiled code is unsafe by nature; this file is where it is allowed")]

mod directory;
mod seal;

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blake3::Hasher;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::carried;
use super::compiler::Machine;
use directory::{Directory, Distrust, Seen};
use seal::Secret;

/// More is not compiled, kept or loaded: a Python component has 40 MB of code.
pub const CODE_MAX: u64 = 512 << 20;
/// What all files of a directory may have together: beyond that those go that were of no use for longest.
const KEPT_MAX: u64 = 2 << 30;
const SECRET: &str = "secret";
/// The endings of files that go when there are too many. Those being written are among them, should nobody finish them.
const ENDINGS: [&str; 4] = [".code", ".made", ".wasm", ".tmp"];

/// Machine code of this program's own compiler, and the script it runs.
pub struct Code {
    machine: Bytes,
    script: Arc<[u8]>,
}

enum Bytes {
    Compiled(Vec<u8>),
    /// A file that ends with its seal.
    Kept(File),
}

impl From<Machine> for Code {
    fn from(machine: Machine) -> Self {
        Self::of(Bytes::Compiled(machine.into_bytes()))
    }
}

impl Code {
    fn of(machine: Bytes) -> Self {
        Self { machine, script: Arc::default() }
    }

    /// What this program carries for a component under this engine's version and settings.
    pub fn carried(engine: &Engine, component: &[u8]) -> Option<Self> {
        carried::find(&code_name(engine, component)).map(|code| Self::of(Bytes::Compiled(code)))
    }

    /// The name and the code, for a program that is to carry it. None: it was compiled before.
    pub fn to_carry(self, engine: &Engine, component: &[u8]) -> Option<(String, Vec<u8>)> {
        match self.machine {
            Bytes::Compiled(code) => Some((code_name(engine, component), code)),
            Bytes::Kept(_) => None,
        }
    }

    /// The same code, with the script of one component.
    pub fn with_script(self, script: &[u8]) -> Self {
        Self { script: script.into(), ..self }
    }

    /// What an engine of a scripting language runs; empty for all others.
    pub fn script(&self) -> Arc<[u8]> {
        self.script.clone()
    }

    /// Loads it into an engine. Engines of all settings of ours share what code depends on; wasmtime checks that.
    pub fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        match &self.machine {
            // SAFETY: it is what this program's compiler has answered (`Machine`, which only it makes), or part of this program: unchanged
            // output of the same compiler.
            Bytes::Compiled(code) => unsafe { Component::deserialize(engine, code) },
            Bytes::Kept(file) => {
                // The very file that was checked, mapped: what isn't used of it is never read, and nothing is copied. Its seal lies behind
                // all that its own headers speak of.
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                // SAFETY: `Cache::get` hands out only what `Cache::put` had written (see the module's text), and nobody else can write to
                // it: unchanged output of the same compiler.
                unsafe { Component::deserialize_file(engine, path) }
            }
        }
    }
}

/// The directory of compiled code.
pub struct Cache {
    directory: Directory,
    secret: Secret,
    kept_max: u64,
}

impl Cache {
    /// `MITE_CACHE_DIR`, else `mite` in `XDG_CACHE_HOME` or in `~/.cache`. None where there is no such place or it can't be
    /// trusted: then nothing is kept.
    pub fn open() -> Option<Self> {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = named("MITE_CACHE_DIR")
            .or_else(|| named("XDG_CACHE_HOME").map(|cache| cache.join("mite")))
            .or_else(|| named("HOME").map(|home| home.join(".cache").join("mite")))?;
        Self::open_at(&directory)
    }

    pub fn open_at(path: &Path) -> Option<Self> {
        let opened = Directory::open(path).and_then(|directory| {
            let secret = secret(&directory)?;
            Ok(Self { directory, secret, kept_max: KEPT_MAX })
        });
        opened.map_err(|why| tracing::warn!("{} is not used for compiled code: {why}", path.display())).ok()
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The code of a component under this engine's version and settings.
    pub fn get(&self, engine: &Engine, component: &[u8]) -> Option<Code> {
        self.sealed(&code_name(engine, component)).map(|(file, _)| Code::of(Bytes::Kept(file)))
    }

    /// Keeps code for the next run; a failure to do so costs only time then.
    pub fn put(&self, engine: &Engine, component: &[u8], code: &Code) -> std::io::Result<()> {
        match &code.machine {
            Bytes::Compiled(machine) => self.put_sealed(&code_name(engine, component), machine),
            // It comes from there.
            Bytes::Kept(_) => Ok(()),
        }
    }

    /// A component that was sent before, by its SHA-256 in hexadecimal digits: what it hashes to is looked at, whoever wrote it.
    pub fn component(&self, sha256_hex: &str) -> Option<Vec<u8>> {
        let name = component_name(sha256_hex)?;
        let kept = self.read(&name)?;
        (sha256(&kept) == sha256_hex).then_some(kept)
    }

    /// Keeps a component for the next test.
    pub fn put_component(&self, component: &[u8]) -> std::io::Result<()> {
        match component_name(&sha256(component)) {
            Some(name) => self.write(&name, &[component]),
            None => Ok(()),
        }
    }

    /// What this program has made of some bytes and kept. `how` says in which way: another way makes something else.
    pub fn made_of(&self, source: &[u8], how: &str) -> Option<Vec<u8>> {
        let (mut file, bytes) = self.sealed(&made_name(source, how))?;
        let mut made = Vec::with_capacity(usize::try_from(bytes).ok()?);
        file.rewind().and_then(|()| file.take(bytes).read_to_end(&mut made)).ok()?;
        Some(made)
    }

    /// Keeps what was made of some bytes.
    pub fn put_made_of(&self, source: &[u8], how: &str, made: &[u8]) -> std::io::Result<()> {
        self.put_sealed(&made_name(source, how), made)
    }

    /// A file with its seal behind, if that is right, and how many bytes there are before that.
    fn sealed(&self, name: &str) -> Option<(File, u64)> {
        let (mut file, bytes) = self.opened(name)?;
        match self.secret.is_sealed(name, &mut file, bytes) {
            Ok(true) => return Some((file, bytes - seal::BYTES as u64)),
            Ok(false) => self.distrust(name, &"it is not what this program has written there"),
            Err(error) => self.distrust(name, &error),
        }
        None
    }

    fn put_sealed(&self, name: &str, contents: &[u8]) -> std::io::Result<()> {
        self.write(name, &[contents, &self.secret.seal(name, contents)])
    }

    fn opened(&self, name: &str) -> Option<(File, u64)> {
        match self.directory.open_file(name, CODE_MAX, Seen::ByAll) {
            Ok(file) => {
                file.iter().for_each(|_| self.directory.touch(name));
                file
            }
            Err(why) => {
                self.distrust(name, &why);
                None
            }
        }
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let (file, bytes) = self.opened(name)?;
        let mut contents = Vec::with_capacity(usize::try_from(bytes).ok()?);
        file.take(bytes).read_to_end(&mut contents).ok()?;
        Some(contents)
    }

    /// What can't be believed is made anew and replaced, so this is said once.
    fn distrust(&self, name: &str, why: &dyn std::fmt::Display) {
        tracing::warn!("{} is not used, but made anew: {why}", self.directory().join(name).display());
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> std::io::Result<()> {
        self.directory.write(name, parts)?;
        self.directory.shrink(self.kept_max, |name| ENDINGS.iter().any(|ending| name.ends_with(ending)))
    }
}

/// Another program may make something else.
pub fn made_name(source: &[u8], how: &str) -> String {
    let mut key = Hasher::new();
    for part in [env!("CARGO_PKG_VERSION"), "\0", how, "\0"] {
        key.update(part.as_bytes());
    }
    key.update(source);
    format!("{}.made", key.finalize())
}

/// None: that is no digest.
fn component_name(sha256_hex: &str) -> Option<String> {
    let is_digest = sha256_hex.len() == 64 && sha256_hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_digest.then(|| format!("{sha256_hex}.wasm"))
}

fn code_name(engine: &Engine, component: &[u8]) -> String {
    let mut key = Hasher::new();
    key.update(&settings(engine));
    key.update(component);
    format!("{}.code", key.finalize())
}

/// What code depends on beside its component: wasmtime's version, its settings and the processor.
fn settings(engine: &Engine) -> [u8; 32] {
    let mut settings = Settings(Hasher::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut settings);
    settings.0.finalize().into()
}

/// Feeds what wasmtime says of its version and settings into BLAKE3: the standard hasher may change from build to build.
struct Settings(Hasher);

impl std::hash::Hasher for Settings {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Reads the directory's secret, or makes one.
fn secret(directory: &Directory) -> Result<Secret, Distrust> {
    // Another process may make one at the same time: whoever is first has made it for all.
    for _ in 0..3 {
        match directory.read(SECRET, seal::BYTES as u64, Seen::ByItsUserOnly) {
            Ok(None) => {}
            found => {
                if let Some(secret) = found.ok().flatten().and_then(|bytes| Secret::new(&bytes)) {
                    return Ok(secret);
                }
                directory.remove(SECRET);
            }
        }
        let mut bytes = [0; seal::BYTES];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        directory.write_first(SECRET, &[&bytes])?;
    }
    Err(Distrust::Io(std::io::Error::other("its file `secret` can't be had")))
}

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

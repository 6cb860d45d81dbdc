//! Compiled code, kept on disk from run to run.
//!
//! THE ONLY FILE OF THE ENGINE WITH `unsafe`: machine code is loaded here. wasmtime can't tell code that it made from
//! anything else, so only files that this module wrote itself may be loaded: they stand in a directory that only this user
//! can enter, are opened without following links, belong to this user, can be written by nobody else, and begin with the
//! SHA-256 of what follows, keyed by a secret that stands in the same directory. Whatever fails a check is compiled anew.

#![allow(unsafe_code, reason = "loading compiled code is unsafe by nature; this file is where it is allowed")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::carried;

/// Larger files are not loaded: a Python component has 40 MB of code.
const CODE_MAX: u64 = 512 << 20;
const SECRET: &str = "secret";

/// Machine code made by this process's own compiler, or read back from where this module had put it; and the script it runs.
pub struct Code {
    machine: Vec<u8>,
    script: Arc<[u8]>,
}

impl Code {
    /// Compiles a component that has been validated.
    pub fn compile(engine: &Engine, component: &[u8]) -> wasmtime::Result<Self> {
        Ok(Self::from(engine.precompile_component(component)?))
    }

    fn from(machine: Vec<u8>) -> Self {
        Self { machine, script: Arc::default() }
    }

    /// What this program carries for a component under this engine's version and settings.
    pub fn carried(engine: &Engine, component: &[u8]) -> Option<Self> {
        carried::find(&code_name(engine, component)).map(Self::from)
    }

    /// The name and the code, for a program that is to carry it.
    pub fn to_carry(self, engine: &Engine, component: &[u8]) -> (String, Vec<u8>) {
        (code_name(engine, component), self.machine)
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
        // SAFETY: `Code` is made by wasmtime's compiler in this process, or read by `Cache::get`, which hands out only what
        // `Cache::put` had written (see the module's text), or part of this very program: so it is unchanged output of the same
        // compiler.
        unsafe { Component::deserialize(engine, &self.machine) }
    }
}

/// The directory of compiled code.
pub struct Cache {
    directory: PathBuf,
    secret: Vec<u8>,
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

    pub fn open_at(directory: &Path) -> Option<Self> {
        let mut builder = std::fs::DirBuilder::new();
        // It exists already, or its parents are made as they usually are.
        if !directory.exists() {
            std::fs::create_dir_all(directory.parent()?).ok()?;
            builder.mode(0o700).create(directory).ok()?;
        }
        let metadata = std::fs::symlink_metadata(directory).ok()?;
        let own = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !own || metadata.mode() & 0o022 != 0 {
            tracing::warn!("{} is not used for compiled code: others can write to it", directory.display());
            return None;
        }
        let directory = directory.to_owned();
        let secret = secret(&directory)?;
        Some(Self { directory, secret })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The code of a component under this engine's version and settings.
    pub fn get(&self, engine: &Engine, component: &[u8]) -> Option<Code> {
        let file = open_own(&self.path(engine, component))?;
        let mut kept = Vec::new();
        file.take(CODE_MAX).read_to_end(&mut kept).ok()?;
        let (seal, code) = kept.split_at_checked(32)?;
        (self.seal(code)[..] == *seal).then(|| Code::from(code.to_vec()))
    }

    /// Keeps code for the next run; a failure to do so costs only time then.
    pub fn put(&self, engine: &Engine, component: &[u8], code: &Code) -> std::io::Result<()> {
        write(&self.path(engine, component), &[&self.seal(&code.machine), &code.machine])
    }

    /// A component that was sent before, by its SHA-256 in hexadecimal digits: what it hashes to is looked at, whoever wrote it.
    pub fn component(&self, sha256_hex: &str) -> Option<Vec<u8>> {
        let mut kept = Vec::new();
        open_own(&self.component_path(sha256_hex)?)?.take(CODE_MAX).read_to_end(&mut kept).ok()?;
        (sha256(&kept) == sha256_hex).then_some(kept)
    }

    /// Keeps a component for the next test.
    pub fn put_component(&self, component: &[u8]) -> std::io::Result<()> {
        let digest = sha256(component);
        match self.component_path(&digest) {
            Some(path) => write(&path, &[component]),
            None => Ok(()),
        }
    }

    /// What this program has made of some bytes and kept.
    pub fn made_of(&self, source: &[u8]) -> Option<Vec<u8>> {
        let mut kept = Vec::new();
        open_own(&self.made_path(source))?.take(CODE_MAX).read_to_end(&mut kept).ok()?;
        let (seal, made) = kept.split_at_checked(32)?;
        (self.seal(made)[..] == *seal).then(|| made.to_vec())
    }

    /// Keeps what was made of some bytes.
    pub fn put_made_of(&self, source: &[u8], made: &[u8]) -> std::io::Result<()> {
        write(&self.made_path(source), &[&self.seal(made), made])
    }

    fn made_path(&self, source: &[u8]) -> PathBuf {
        self.directory.join(made_name(source))
    }

    /// None: that is no digest.
    fn component_path(&self, sha256_hex: &str) -> Option<PathBuf> {
        let is_digest = sha256_hex.len() == 64 && sha256_hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_digest.then(|| self.directory.join(format!("{sha256_hex}.wasm")))
    }

    fn path(&self, engine: &Engine, component: &[u8]) -> PathBuf {
        self.directory.join(code_name(engine, component))
    }

    /// HMAC-SHA-256 (RFC 2104) would guard against lengthening; here the code's length is sealed with it instead.
    fn seal(&self, code: &[u8]) -> [u8; 32] {
        let mut seal = Sha256::new();
        seal.update(&self.secret);
        seal.update((code.len() as u64).to_le_bytes());
        seal.update(code);
        seal.finalize().into()
    }
}

/// What is made of some bytes, by this version of the program: another may make something else.
pub fn made_name(source: &[u8]) -> String {
    let mut key = Sha256::new();
    key.update(env!("CARGO_PKG_VERSION"));
    key.update(source);
    format!("{}.made", hex(&key.finalize()[..]))
}

/// The code of a component under this engine's version and settings, which are those of the processor too.
fn code_name(engine: &Engine, component: &[u8]) -> String {
    let mut settings = Settings(Sha256::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut settings);
    let mut key = Sha256::new();
    key.update(settings.0.finalize());
    key.update(component);
    format!("{}.code", hex(&key.finalize()[..]))
}

/// Feeds what wasmtime says of its version and settings into SHA-256: the standard hasher may change from build to build.
struct Settings(Sha256);

impl std::hash::Hasher for Settings {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Reads the directory's secret, or makes one.
fn secret(directory: &Path) -> Option<Vec<u8>> {
    let path = directory.join(SECRET);
    if let Some(file) = open_own(&path) {
        let mut secret = Vec::new();
        file.take(32).read_to_end(&mut secret).ok()?;
        if secret.len() == 32 {
            return Some(secret);
        }
    }
    let mut secret = vec![0; 32];
    File::open("/dev/urandom").ok()?.read_exact(&mut secret).ok()?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary).ok()?;
    file.write_all(&secret).ok()?;
    std::fs::rename(&temporary, &path).ok()?;
    Some(secret)
}

/// Opens a regular file that is this user's and that nobody else can write; links are not followed.
fn open_own(path: &Path) -> Option<File> {
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).ok()?;
    let file = OpenOptions::new().read(true).custom_flags(nofollow).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let own = metadata.is_file()
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o022 == 0
        && metadata.len() <= CODE_MAX;
    own.then_some(file)
}

/// Whole or not at all.
fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    for part in parts {
        file.write_all(part)?;
    }
    drop(file);
    std::fs::rename(&temporary, path)
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

//! Getting a test's components: from the cache, else from the controller piece by piece, and compiled.

use std::path::PathBuf;

use super::line::{Line, Silence};
use super::{End, Error};
use crate::component::cache::{Cache, sha256};
use crate::component::compile::{Compiled, compile_bytes};
use crate::component::compiler::Bounds;
use crate::component::spec::{self, SearchPath};
use crate::component::{self, engine};
use crate::wire::control::ours::{Answer, Ask, Asker, Component, Fetch, Piece};

/// A component's bytes, or an end of the test before it could begin.
pub async fn component(
    line: &mut Line,
    from: &Asker,
    wanted: &Component,
    bounds: &Bounds,
) -> Result<Result<Vec<u8>, End>, Error> {
    let failed = |reason: String| Error::Fetch { package: wanted.package.clone(), reason };
    let cache = Cache::open();
    if let Some(there) = cache.as_ref().and_then(|cache| cache.component(&wanted.sha256)) {
        return Ok(Ok(there));
    }
    if wanted.bytes > bounds.component_bytes() {
        let most = bounds.component_size;
        return Err(failed(format!(
            "it has {} bytes, and a component may have {most} MiB: see --component-size",
            wanted.bytes
        )));
    }
    let mut bytes: Vec<u8> = Vec::new();
    while (bytes.len() as u64) < wanted.bytes {
        let (sha256, offset) = (wanted.sha256.clone(), bytes.len() as u64);
        let piece = line.ask::<Piece>(&Ask::Fetch(Fetch { from: from.clone(), sha256, offset })).await;
        match piece {
            Ok(Answer::Here(piece)) if piece.bytes.0.is_empty() => {
                return Err(failed(format!("it ends after {} of {} bytes", bytes.len(), wanted.bytes)));
            }
            Ok(Answer::Here(piece)) => bytes.extend_from_slice(&piece.bytes.0),
            Ok(Answer::Gone) => return Ok(Err(End::Again)),
            Ok(Answer::Over) => return Ok(Err(End::Over)),
            Ok(Answer::Refused(reason)) => return Err(failed(reason)),
            Err(Silence::Lost) => return Ok(Err(End::Again)),
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    if sha256(&bytes) != wanted.sha256 {
        return Err(failed("what came has another SHA-256 than was announced".to_owned()));
    }
    if let Some(Err(error)) = cache.map(|cache| cache.put_component(&bytes)) {
        tracing::warn!("{} can't be kept for the next time: {error}", wanted.package);
    }
    Ok(Ok(bytes))
}

/// Whether a component is no larger than it may be.
pub fn allowed(wanted: &Component, most: Option<u64>) -> Result<(), Error> {
    match most {
        Some(most) if wanted.bytes > most => Err(Error::Fetch {
            package: wanted.package.clone(),
            reason: format!(
                "it has {} bytes, and this runner takes no more than {most} (`component_size`)",
                wanted.bytes
            ),
        }),
        _ => Ok(()),
    }
}

/// Compiles all of them, one after the other, on a thread of its own that gives way to everything else.
pub async fn compile(components: Vec<(String, Vec<u8>)>, bounds: Bounds) -> Result<Vec<Compiled>, component::Error> {
    let compiling = tokio::task::spawn_blocking(move || {
        give_way();
        let engine = engine::plain()?;
        let name = |package: &str| PathBuf::from(format!("{package}.wasm (sent by the controller)"));
        let compile = |(package, bytes): (String, Vec<u8>)| {
            let path = name(&package);
            compile_bytes(&engine, package, path, bytes, &bounds)
        };
        components.into_iter().map(compile).collect()
    });
    compiling.await.unwrap_or_else(|panic| {
        let (package, what) = ("a component".to_owned(), "compiling".to_owned());
        Err(component::Error::Failed { package, what, reason: format!("{panic}; please report it") })
    })
}

/// Compiles a component that is found here.
pub fn compile_here(
    component: &spec::Component,
    path: &SearchPath,
    bounds: &Bounds,
) -> Result<Compiled, component::Error> {
    give_way();
    component::compile::compile(&engine::plain()?, component, path, bounds)
}

/// The control conversation goes on meanwhile, and may be short of a core.
fn give_way() {
    // Compiling that doesn't give way only takes more of the machine.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
}

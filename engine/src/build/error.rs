//! What can be wrong with a source or the tools it needs: always something a person can mend.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {}", path.display())]
    NoPath { path: PathBuf },
    #[error("{} is no source of journeys: {why}", path.display())]
    NoSource { path: PathBuf, why: String },
    #[error("{} can't be built without {what}; {way_out}", path.display())]
    Missing { path: PathBuf, what: String, way_out: String },
    #[error("{} can't be built: what is wrong stands above", path.display())]
    Failed { path: PathBuf },
    #[error("{} has no component: {why}", path.display())]
    NoComponent { path: PathBuf, why: String },
    #[error("{} can't be built: {why}", path.display())]
    Wrong { path: PathBuf, why: String },
    #[error("`{command}` failed: what is wrong stands above")]
    Install { command: String },
    #[error("can't run {program}: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("there is no directory to build in: set MITE_CACHE_DIR to one of your own that nobody else can write to")]
    NoCache,
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Component(#[from] crate::component::Error),
}

impl Error {
    /// What the program ends with: see the table of exit codes in the manual.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Write { .. } | Self::Start { .. }) { 1 } else { 104 }
    }
}

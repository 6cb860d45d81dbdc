//! What can be wrong with a script: always something its author can mend, with the place where it stands.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// `place` is `file:line:column`.
    #[error("{place}: {what}")]
    Source { place: String, what: String },
    #[error("the script has {what}; the limit is {limit}")]
    TooMuch { what: String, limit: String },
    #[error("this mite was built without its JavaScript engine: `make build` builds both")]
    NoEngine,
    #[error("the engine can't be run: {reason}")]
    Run { reason: String },
    #[error(transparent)]
    Component(#[from] super::super::Error),
}

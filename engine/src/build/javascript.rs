//! JavaScript and TypeScript.

use super::kind::Source;
use super::store::Store;
use super::{Error, Made};

/// What runs it, if this mite has it.
pub const ENGINE: Option<&str> = None;

/// Builds the component of a module or package.
pub fn build(source: &Source, _: &Store) -> Result<Made, Error> {
    let why = "this mite has no JavaScript yet; it builds Rust and Python".to_owned();
    Err(Error::Wrong { path: source.path().to_owned(), why })
}

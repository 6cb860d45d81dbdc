//! What goes wrong in a processor.
use std::fmt;

/// The result of processors and of all that can go wrong in them.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// A text that says what is wrong. Every error is turned into one by `?`.
///
/// ```
/// # use mite_processor::prelude::*;
/// fn port(text: &str) -> Result<u16> {
///     let port = text.parse()?;
///     if port == 0 {
///         return Err(Error::new("0 is no port"));
///     }
///     Ok(port)
/// }
/// assert_eq!(port("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Error {
    /// With its causes.
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self(text)
    }
}

//! What goes wrong in a journey.
use crate::bindings::mite::journey::messages::{Failure, FailureKind};
use crate::context;
use serde::Serialize;
use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

/// The result of journeys and of all that can go wrong in them.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Something that the journey itself says is wrong: it becomes an `error` message, with the fields as fields of the message.
///
/// ```
/// # use mite_sdk::prelude::*;
/// fn buy(left: u32) -> Result {
///     if left == 0 {
///         return Err(MiteError::new("sold out").field("left", left).into());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct MiteError {
    text: String,
    location: &'static Location<'static>,
    count: u32,
    /// Names and values, one after the other, as msgpack.
    fields: Vec<u8>,
}

impl MiteError {
    /// With a text that says what is wrong.
    #[track_caller]
    pub fn new(text: impl Into<String>) -> Self {
        MiteError { text: text.into(), location: Location::caller(), count: 0, fields: Vec::new() }
    }

    /// Adds a field. A value that can't be written as msgpack is left out.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        let length = self.fields.len();
        let written = rmp::encode::write_str(&mut self.fields, name).is_ok()
            && rmp_serde::encode::write_named(&mut self.fields, &value).is_ok();
        if written {
            self.count += 1;
        } else {
            self.fields.truncate(length);
        }
        self
    }

    fn map(&self) -> Vec<u8> {
        let mut map = Vec::with_capacity(self.fields.len() + 5);
        if self.count > 0 && rmp::encode::write_map_len(&mut map, self.count).is_ok() {
            map.extend_from_slice(&self.fields);
        }
        map
    }
}

impl fmt::Display for MiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for MiteError {}

enum Cause {
    Mite(MiteError),
    Other { type_name: &'static str, error: Box<dyn StdError> },
}

struct Inner {
    cause: Cause,
    location: &'static Location<'static>,
    /// A transaction has told the world already.
    reported: bool,
}

/// Anything that went wrong. Every error of std or a crate becomes one by `?`, which also notes the place.
///
/// A [`MiteError`] becomes an `error` message, anything else an `exception` message.
pub struct Error(Box<Inner>);

impl<E: StdError + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        let here = Location::caller();
        // The only way to tell a MiteError apart in a blanket impl without specialization.
        let mut slot = Some(error);
        let mite = (&mut slot as &mut dyn Any).downcast_mut::<Option<MiteError>>().and_then(Option::take);
        let (cause, location) = match (mite, slot) {
            (Some(mite), _) => {
                let location = mite.location;
                (Cause::Mite(mite), location)
            }
            (None, Some(error)) => {
                (Cause::Other { type_name: short(std::any::type_name::<E>()), error: Box::new(error) }, here)
            }
            (None, None) => (Cause::Mite(MiteError::new("an error without content")), here),
        };
        Error(Box::new(Inner { cause, location, reported: false }))
    }
}

/// `a::b::Name<c::D>` is `Name`.
fn short(type_name: &'static str) -> &'static str {
    let path = type_name.split('<').next().unwrap_or(type_name);
    path.rsplit("::").next().unwrap_or(path)
}

impl Error {
    /// The name of its type, without path.
    pub fn type_name(&self) -> &'static str {
        match &self.0.cause {
            Cause::Mite(_) => "MiteError",
            Cause::Other { type_name, .. } => type_name,
        }
    }

    /// What it says, with the type in front: `MiteError: sold out`.
    pub fn message(&self) -> String {
        format!("{}: {self}", self.type_name())
    }

    /// The error behind it, if it is of this type.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.0.cause {
            Cause::Mite(mite) => (mite as &dyn Any).downcast_ref(),
            Cause::Other { error, .. } => error.downcast_ref(),
        }
    }

    /// Marks it as reported; whether it wasn't before.
    pub(crate) fn report(&mut self) -> bool {
        !std::mem::replace(&mut self.0.reported, true)
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.0.reported
    }

    /// The error and what caused it, one a line.
    fn stacktrace(&self, message: &str, location: &str) -> Option<String> {
        let Cause::Other { error, .. } = &self.0.cause else { return None };
        let at = if location.is_empty() { "an unknown place" } else { location };
        let mut trace = format!("{message}\n  at {at}");
        let mut source = error.source();
        while let Some(cause) = source {
            trace.push_str("\ncaused by: ");
            trace.push_str(&cause.to_string());
            source = cause.source();
        }
        Some(trace)
    }

    /// As the world's `failure`.
    pub(crate) fn failure(&self) -> Failure {
        let message = self.message();
        let location = place(self.0.location);
        let (kind, fields) = match &self.0.cause {
            Cause::Mite(mite) => (FailureKind::Error, mite.map()),
            Cause::Other { .. } => (FailureKind::Exception, Vec::new()),
        };
        let stacktrace = self.stacktrace(&message, &location);
        Failure { kind, ex_type: self.type_name().into(), message, location, stacktrace, fields }
    }
}

/// `file:line:journey`; empty if it isn't in the journey.
pub(crate) fn place(location: &Location<'_>) -> String {
    // A place in here would tell an author nothing.
    let sdk = file!().trim_end_matches("error.rs");
    if !cfg!(test) && location.file().starts_with(sdk) {
        return String::new();
    }
    format!("{}:{}:{}", location.file(), location.line(), context::running())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Mite(mite) => mite.fmt(f),
            Cause::Other { error, .. } => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.0.location)
    }
}

/// Fails with a [`MiteError`] unless the condition holds: `check!(status == 200, "got {status}")`.
#[macro_export]
macro_rules! check {
    ($condition:expr $(,)?) => {
        $crate::check!($condition, "{}", concat!("check failed: ", stringify!($condition)))
    };
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return ::core::result::Result::Err($crate::Error::from($crate::MiteError::new(::std::format!($($message)+))));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Result {
        "x".parse::<u32>()?;
        Ok(())
    }
    fn checks(n: u32) -> Result {
        crate::check!(n == 1, "n is {n}");
        Ok(())
    }

    #[test]
    fn any_error_becomes_an_exception() {
        let (error, line) = (fails().unwrap_err(), line!() - 10);
        let failure = error.failure();
        assert_eq!(failure.kind, FailureKind::Exception);
        assert_eq!(failure.ex_type, "ParseIntError");
        assert_eq!(failure.message, "ParseIntError: invalid digit found in string");
        assert!(failure.location.contains(&format!("error.rs:{line}:")), "`?` notes its place: {}", failure.location);
        assert!(failure.stacktrace.is_some_and(|trace| trace.starts_with("ParseIntError: ")));
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    }

    #[test]
    fn a_mite_error_is_an_error() {
        assert!(checks(1).is_ok());
        let failure = checks(2).unwrap_err().failure();
        assert_eq!(failure.kind, FailureKind::Error);
        assert_eq!(failure.message, "MiteError: n is 2");
        assert_eq!((failure.stacktrace, failure.fields), (None, vec![]));
        let error = Error::from(MiteError::new("no").field("code", 42).field("why", "x"));
        assert_eq!(error.failure().fields, b"\x82\xa4code\x2a\xa3why\xa1x");
    }

    #[test]
    fn reported_once() {
        let mut error = Error::from(MiteError::new("no"));
        assert!(error.report() && !error.report() && error.is_reported());
    }
}

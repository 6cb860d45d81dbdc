//! What the functions of a processor may return.
use crate::error::{Error, Result};

/// What a function that takes something may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a function of a processor can't return `{Self}`",
    note = "it returns nothing or `Result`: fn process_message(&mut self, message: &Message) -> Result"
)]
pub trait Done {
    /// As the one form.
    fn done(self) -> Result;
}
impl Done for () {
    fn done(self) -> Result {
        Ok(())
    }
}
impl<E: Into<Error>> Done for Result<(), E> {
    fn done(self) -> Result {
        self.map_err(Into::into)
    }
}

/// What `new` may return: the processor, or a result of it.
pub trait Made<T> {
    /// As the one form.
    fn made(self) -> Result<T>;
}
impl<T> Made<T> for T {
    fn made(self) -> Result<T> {
        Ok(self)
    }
}
impl<T, E: Into<Error>> Made<T> for Result<T, E> {
    fn made(self) -> Result<T> {
        self.map_err(Into::into)
    }
}

//! What functions with an attribute may return, and how a journey is run to its end.
use crate::error::{Error, MiteError, Result};
use crate::executor;

/// What a journey may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a journey can't return `{Self}`",
    note = "it returns nothing or `Result`: async fn visit(ctx: Ctx) -> Result"
)]
pub trait Outcome {
    /// As the one form.
    fn outcome(self) -> Result;
}
impl Outcome for () {
    fn outcome(self) -> Result {
        Ok(())
    }
}
impl<T, E: Into<Error>> Outcome for Result<T, E> {
    fn outcome(self) -> Result {
        self.map(drop).map_err(Into::into)
    }
}

/// What a scenario or datapool function may return: the thing itself, or a result of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what this function should return",
    note = "it returns `{T}` or `Result<{T}>`"
)]
pub trait Made<T> {
    /// As the one form.
    fn made(self) -> Result<T>;
}
macro_rules! made {
    ($($type:ty)*) => {$(
        impl Made<$type> for $type {
            fn made(self) -> Result<$type> {
                Ok(self)
            }
        }
        impl<E: Into<Error>> Made<$type> for Result<$type, E> {
            fn made(self) -> Result<$type> {
                self.map_err(Into::into)
            }
        }
    )*};
}
made! { crate::Scenario crate::Datapool }

/// What a volume model may return: a number, none when it is over, or a result of these.
#[diagnostic::on_unimplemented(
    message = "a volume model can't return `{Self}`",
    note = "it returns `Option<u32>`, `u32` or a `Result` of them: fn waves(start: f64, end: f64) -> Option<u32>"
)]
pub trait Required {
    /// As the one form.
    fn required(self) -> Result<Option<u32>>;
}
impl Required for u32 {
    fn required(self) -> Result<Option<u32>> {
        Ok(Some(self))
    }
}
impl Required for Option<u32> {
    fn required(self) -> Result<Option<u32>> {
        Ok(self)
    }
}
impl<R: Required, E: Into<Error>> Required for Result<R, E> {
    fn required(self) -> Result<Option<u32>> {
        self.map_err(Into::into)?.required()
    }
}

/// Runs an `async` journey.
pub fn run<O: Outcome>(journey: impl Future<Output = O>) -> Result {
    match executor::run(journey) {
        Ok(outcome) => outcome.outcome(),
        Err(executor::Stuck) => {
            Err(MiteError::new("the journey waits for something that can never happen: nothing it started is left")
                .into())
        }
    }
}

/// Waits in a journey that is not `async`: `block_on(ctx.http.get(url))?`.
///
/// # Panics
/// If it waits for something that can never happen.
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    match executor::run(future.into_future()) {
        Ok(value) => value,
        Err(executor::Stuck) => panic!("block_on waits for something that can never happen"),
    }
}

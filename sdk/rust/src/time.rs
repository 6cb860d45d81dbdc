//! Sleeping and keeping a pace.
use crate::bindings::mite::journey::timing;
use crate::error::Error;
use crate::executor::Until;
use crate::random;
use std::time::Duration;

mod sealed {
    pub trait Sealed {}
}

/// A length of time: a number of seconds or a [`Duration`]. Less than nothing is nothing.
pub trait Seconds: sealed::Sealed {
    /// In nanoseconds.
    fn nanoseconds(self) -> u64;
}

macro_rules! seconds {
    ($($type:ty: $value:ident => $nanoseconds:expr;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Seconds for $type {
            #[inline]
            fn nanoseconds(self) -> u64 {
                let $value = self;
                $nanoseconds
            }
        }
    )*};
}
seconds! {
    // A cast from float to integer saturates, which is what a length of time should do.
    f64: s => (s * 1e9).round() as u64;
    f32: s => f64::from(s).nanoseconds();
    i32: s => u64::try_from(s).unwrap_or(0).nanoseconds();
    u32: s => u64::from(s).nanoseconds();
    u64: s => s.saturating_mul(1_000_000_000);
    Duration: d => u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
}

/// Waits: `sleep(0.5).await`.
pub async fn sleep(time: impl Seconds) {
    let at = timing::now().saturating_add(time.nanoseconds());
    Until::new(at).await;
}

/// Makes the body take at least so long, also where it fails: a journey of one pass then keeps its rate. The time counts
/// from when the journey was meant to go on, so that late timers don't add up.
///
/// ```no_run
/// # use mite_sdk::prelude::*;
/// # async fn journey(ctx: Ctx) -> Result {
/// ensure_fixed_separation(1.0, async {
///     ctx.http.get("http://shop/").await?;
///     Ok(())
/// }).await
/// # }
/// ```
pub async fn ensure_fixed_separation<T>(
    separation: impl Seconds,
    body: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    separated(separation.nanoseconds(), body).await
}

/// As [`ensure_fixed_separation`], for a time drawn evenly from `mean` ± `plus_minus` (a quarter of the mean if `None`).
pub async fn ensure_average_separation<T>(
    mean: impl Seconds,
    plus_minus: Option<f64>,
    body: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mean = mean.nanoseconds();
    separated(around(mean, plus_minus.map_or(mean / 4, Seconds::nanoseconds), random::random()), body).await
}

async fn separated<T>(nanoseconds: u64, body: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let start = timing::intended();
    let result = body.await;
    Until::new(start.saturating_add(nanoseconds)).await;
    result
}

/// The point of `mean` ± `plus_minus` that a draw from 0..1 means.
fn around(mean: u64, plus_minus: u64, draw: f64) -> u64 {
    let (mean, width) = (mean as f64, plus_minus as f64);
    (mean - width + 2.0 * width * draw) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(0.1.nanoseconds(), 100_000_000);
        assert_eq!(2.nanoseconds(), 2_000_000_000);
        assert_eq!((-1).nanoseconds() + (-0.5).nanoseconds(), 0, "less than nothing");
        assert_eq!(Duration::from_millis(5).nanoseconds(), 5_000_000);
    }

    #[test]
    fn draws() {
        assert_eq!((around(100, 25, 0.0), around(100, 25, 0.5), around(100, 25, 1.0)), (75, 100, 125));
        assert_eq!(around(10, 25, 0.0), 0, "never below nothing");
    }
}

//! What should happen in a test, decided without doing any of it: functions and state machines of (state, event, now).
//!
//! Nothing here sleeps, opens a socket or reads a clock (time is an argument), so an hour of test with 1,000 runners is a
//! loop in a unit test. Uses std only.

mod core;
mod datapool;
mod share;
mod spawn;
mod threshold;
mod volume;

pub use self::core::{
    Core, CoreError, Effect, Event, LEASE_MAX, Load, MAX_RUNNERS, MAX_SCENARIOS, OverReason, Phase, Report,
    ScenarioItem, Settings,
};
pub use self::datapool::{BLOCK_MAX, Checkout, Item, POOL_MAX, Pool, PoolError};
pub use self::share::{Row, Shared, fill, fit, share};
pub use self::spawn::{MAX_TICK_SECONDS, Spawn};
pub use self::threshold::{Figures, Judged, Percentiles, Thresholds, Unit};
pub use self::volume::{MAX_PARTS, MAX_SECONDS, Part, Volume, VolumeError};

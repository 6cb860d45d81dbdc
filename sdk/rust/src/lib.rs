//! Write journeys for mite, the distributed load-testing engine, in Rust.
//!
//! A journey is what one user does; a scenario says how many of them there are. Both are functions with an attribute:
//!
//! ```
//! use mite_sdk::prelude::*;
//!
//! #[journey]
//! async fn visit(ctx: Ctx) -> Result {
//!     let url: String = ctx.config.get("url")?;
//!     ctx.transaction("front page", async {
//!         let answer = ctx.http.get(&url).await?;
//!         check!(answer.status() == 200, "the front page answered {}", answer.status());
//!         Ok(())
//!     })
//!     .await
//! }
//!
//! #[scenario]
//! fn scenario() -> Scenario {
//!     Scenario::new().run("visit", Ramp::to(10.0, 50) + Constant::new(60.0, 50))
//! }
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2` and give it to `mite scenario test journeys.wasm:scenario`.
//!
//! Journeys wait by `.await`, and everything that waits can run side by side: [`join!`], [`join_all`](futures::join_all),
//! [`select`](futures::select) and whatever else combines futures. A journey that is not `async` waits by [`block_on`].
#![warn(missing_docs)]

mod args;
mod bindings;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only components export it"))]
mod component;
mod config;
mod context;
mod crash;
mod datapool;
mod error;
mod executor;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only components export it"))]
mod hooks;
mod host;
pub mod http;
mod messages;
mod outcome;
mod random;
mod reactor;
mod registry;
mod scenario;
mod setting;
mod time;
mod transaction;
mod volume;

pub use config::Config;
pub use context::Ctx;
pub use datapool::Datapool;
pub use error::{Error, MiteError, Result};
pub use mite_sdk_macros::{data, datapool, journey, on_start, on_stop, scenario, setup, volume_model};
pub use outcome::block_on;
pub use random::{choose, random};
pub use scenario::Scenario;
pub use serde_json::{Value, json};
pub use time::{Seconds, ensure_average_separation, ensure_fixed_separation, sleep};
pub use volume::{Constant, Load, Model, Nothing, Ramp, Volume};

pub use futures_util::join;
pub use {serde, serde_json};

/// What combines futures.
pub mod futures {
    pub use futures_util::future::{Either, join_all, select, select_all, try_join_all};
    pub use futures_util::stream::FuturesUnordered;
    pub use futures_util::{StreamExt, join, try_join};
}

/// Everything that journeys usually need.
pub mod prelude {
    pub use crate::futures::{Either, join, join_all, select, try_join, try_join_all};
    pub use crate::http::{Cookie, HttpError, HttpErrorKind, Response};
    pub use crate::{
        Config, Constant, Ctx, Datapool, Error, MiteError, Nothing, Ramp, Result, Scenario, Value, Volume, block_on,
        check, choose, data, datapool, ensure_average_separation, ensure_fixed_separation, fields, journey, json,
        on_start, on_stop, random, scenario, setup, sleep, volume_model,
    };
}

/// What the macros' code names. Not for journeys: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::args::Args;
    pub use crate::hooks::{Hook, Setup, When, answer};
    pub use crate::messages::{Fields, NoFields};
    pub use crate::outcome::{Made, Outcome, Required, run};
    pub use crate::registry::{DatapoolFunction, Journey, ScenarioFunction, VolumeModel};
    pub use inventory::submit;
}

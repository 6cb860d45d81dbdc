//! `ctx`: what a journey is given.
use crate::config::Config;
use crate::error::{Error, MiteError};
use crate::http::Http;
use crate::{
    bindings::mite::journey::{secrets, timing},
    messages, transaction,
};
use serde::Serialize;
use std::cell::Cell;

thread_local!(
    static RUNNING: Cell<&'static str> = const { Cell::new("") };
    static ID: Cell<u64> = const { Cell::new(0) };
);

/// The name of the journey that runs, or of the scenario function or such.
pub(crate) fn running() -> &'static str {
    RUNNING.get()
}

pub(crate) fn enter(name: &'static str, id: u64, transaction: u32) {
    RUNNING.set(name);
    ID.set(id);
    transaction::set_current(transaction);
}

/// What a journey is given: everything it can do goes through this. It is a token, and copied freely.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ctx {
    /// Makes HTTP requests.
    pub http: Http,
    /// The config of the test.
    pub config: Config,
}

impl Ctx {
    pub(crate) const fn new() -> Self {
        Ctx { http: Http::new(), config: Config::new() }
    }

    /// Runs a block as a named, timed part of the journey and gives its result. Blocks nest, also side by side.
    ///
    /// ```no_run
    /// # use mite_sdk::prelude::*;
    /// # async fn journey(ctx: Ctx) -> Result {
    /// let answer = ctx.transaction("front page", async { Ok(ctx.http.get("http://shop/").await?) }).await?;
    /// # check!(answer.status() == 200); Ok(()) }
    /// ```
    pub fn transaction<T>(
        &self,
        name: &str,
        body: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        transaction::run(name, body)
    }

    /// Sends a message: `ctx.send("basket", fields!{ "items" => 3 })?`. The fields may be anything that serialises to a map
    /// with string keys. Limit: 64 KiB and 64 fields; what is over is dropped and counted.
    #[track_caller]
    pub fn send(&self, message_type: &str, fields: impl Serialize) -> Result<(), Error> {
        messages::send(message_type, &fields)
    }

    /// A text that stands for a secret which the runner was given. The runner sends the secret where this text is in the value of a header or
    /// cookie or in a body; the journey never has it. Not in a URL.
    ///
    /// ```no_run
    /// # use mite_sdk::prelude::*;
    /// # async fn journey(ctx: Ctx) -> Result {
    /// let token = ctx.secret("token")?;
    /// let answer = ctx.http.get("https://shop/").header("authorization", format!("Bearer {token}")).await?;
    /// # check!(answer.status() == 200); Ok(()) }
    /// ```
    #[track_caller]
    pub fn secret(&self, name: &str) -> Result<String, Error> {
        secrets::get(name).ok_or_else(|| {
            let way_out = "name it in the runner's policy, or for a test of your own by --secret=NAME=FILE";
            MiteError::new(format!("there is no secret `{name}` here: {way_out}")).field("secret", name).into()
        })
    }

    /// Whether the test is ending, so that a long journey should come to its end.
    pub fn should_stop(&self) -> bool {
        timing::should_stop()
    }

    /// Counts the runs of a runner from 1.
    pub fn id(&self) -> u64 {
        ID.get()
    }
}

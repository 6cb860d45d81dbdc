//! The line to the controller: asks, and asks again until there is an answer or nobody has given one for too long.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::wire::control::Wrong;
use crate::wire::control::ours::{Answer, Ask, unpack};
use crate::wire::socket::{Error, Options, Req};

/// How long an answer may take until the same is asked again.
const ANSWER: Duration = Duration::from_secs(1);
/// A hello may take longer: each one is a new runner to a controller.
const HELLO: Duration = Duration::from_secs(5);
/// After so long without any answer the controller is taken for lost.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries where the controller is there and its answer isn't.
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    #[error("the controller has not answered for {} s", PATIENCE.as_secs())]
    Lost,
    #[error("the controller's answer means nothing: {0}")]
    Wrong(#[from] Wrong),
}

/// See the module.
pub struct Line {
    req: Req,
}

impl Line {
    pub fn open(address: &str) -> Result<Self, Error> {
        let mut req = Req::new(Options::new("runner"));
        req.connect(address)?;
        Ok(Self { req })
    }

    /// Asks until there is an answer, however long that takes. None: told to stop meanwhile.
    pub async fn hello(&mut self, body: &[u8], shutdown: &CancellationToken) -> Option<Bytes> {
        loop {
            tokio::select! {
                reply = self.req.request(body, HELLO) => match reply {
                    Ok(reply) => return Some(reply.body),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                () = shutdown.cancelled() => return None,
            }
        }
    }

    /// Asks once, with so much patience. For requests that must not be asked twice.
    pub async fn once(&mut self, body: &[u8], patience: Duration) -> Result<Bytes, Silence> {
        self.req.request(body, patience).await.map(|reply| reply.body).map_err(|_| Silence::Lost)
    }

    /// Asks until there is an answer, or the controller is lost.
    pub async fn again(&mut self, body: &[u8]) -> Result<Bytes, Silence> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.req.request(body, ANSWER).await {
                Ok(reply) => return Ok(reply.body),
                Err(error) => {
                    tracing::debug!("{error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Err(Silence::Lost)
    }

    /// Asks a controller of ours.
    pub async fn ask<T: DeserializeOwned>(&mut self, ask: &Ask) -> Result<Answer<T>, Silence> {
        let reply = self.again(&ask.encode()).await?;
        Ok(unpack(&reply)?)
    }
}

//! What a consumer tells those who send to it: how much of it came.

use std::time::Duration;

use crate::wire::account::{Account, receipt_key};
use crate::wire::socket::{Pull, process_id};

/// How long the last of them may take.
const LAST: Duration = Duration::from_secs(1);

/// The receipts of one consumer: totals, told to whoever sends to it.
#[derive(Debug)]
pub struct Receipts {
    kind: &'static str,
    /// Messages received and missing, as was told last.
    told: Option<(u64, u64)>,
}

impl Receipts {
    pub fn new(kind: &'static str) -> Self {
        Self { kind, told: None }
    }

    /// So many messages came in all, and so many never did. Told at the beginning and when it has changed.
    pub fn tell(&mut self, pull: &Pull, received: u64, missing: u64) {
        if self.told == Some((received, missing)) {
            return;
        }
        self.told = Some((received, missing));
        let receipt = Account::receipt(process_id(), self.kind, received, missing);
        if let Err(error) = pull.note(&receipt_key(&receipt.sender), &receipt.encode()) {
            tracing::warn!("{error}");
        }
    }

    /// The same once more after [`Pull::enough`], and waits until those who listen have heard it, for 1 s at most.
    pub async fn last(mut self, pull: &Pull, received: u64, missing: u64) {
        self.tell(pull, received, missing);
        if !pull.goodbye(LAST).await {
            tracing::debug!("whoever sent the messages was not told how many came");
        }
    }
}

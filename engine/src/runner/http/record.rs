//! The message of an exchange that got its response, before it is written: the journey may add fields until then.

use std::sync::Arc;

use http::Method;

use super::target::Target;
use crate::runner::clock::Nanos;
use crate::runner::transactions::Name;
use crate::runner::worker;
use crate::wire::message::{HttpMetrics, Identity, Place, Times, http_metrics};

/// Bytes and fields that a journey may add to one message.
const EXTRA_BYTES_MAX: usize = 8 * 1024;
const EXTRA_FIELDS_MAX: u32 = 32;

/// An `http_metrics` message. It is written when this is dropped, so that no way out of a request can forget it.
pub struct Record {
    pub run: Arc<Identity>,
    pub transaction: Arc<Name>,
    pub transaction_id: u32,
    pub method: Method,
    pub target: Arc<Target>,
    pub name: Option<Arc<str>>,
    pub status: u16,
    pub start: Nanos,
    pub end: Nanos,
    pub times: Times,
    pub primary_ip: Arc<str>,
    pub download_bytes: u64,
    pub extra: Vec<u8>,
    pub extra_fields: u32,
}

impl Record {
    /// Adds encoded pairs. What is over the limit is left out; answers how many pairs were.
    pub fn annotate(&mut self, pairs: &[u8], count: u32) -> u32 {
        if self.extra.len() + pairs.len() > EXTRA_BYTES_MAX || self.extra_fields + count > EXTRA_FIELDS_MAX {
            return count;
        }
        self.extra.extend_from_slice(pairs);
        self.extra_fields += count;
        0
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        worker::try_with(|worker| {
            let message = HttpMetrics {
                start: worker.clock.unix(self.start),
                end: worker.clock.unix(self.end),
                url: self.target.url.as_str(),
                status: self.status,
                times: self.times,
                primary_ip: &self.primary_ip,
                method: self.method.as_str(),
                download_bytes: self.download_bytes,
                name: self.name.as_deref(),
                extra: &self.extra,
                extra_fields: self.extra_fields,
            };
            let place =
                Place { identity: &self.run, transaction: &self.transaction.full, transaction_id: self.transaction_id };
            worker.outbox.borrow_mut().write(|out| http_metrics(out, &message, place));
        });
    }
}

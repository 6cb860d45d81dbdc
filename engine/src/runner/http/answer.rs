//! A whole answer, and its message, which is not written before the journey can't add fields any more.

use std::sync::Arc;

use super::body::Content;
use super::request::Ask;
use super::response::Response;
use crate::component::bindings::http::Timings;
use crate::runner::clock::{Nanos, seconds};
use crate::runner::worker;
use crate::wire::message::{HttpMetrics, Place, Times, http_metrics};

/// Bytes and fields that a journey may add to one message.
const EXTRA_BYTES_MAX: usize = 8 * 1024;
const EXTRA_FIELDS_MAX: u32 = 32;

/// An answer. Its `http_metrics` message is written by [`seal`](Self::seal) or when it is dropped, so that no way out of a request can
/// forget it.
pub struct Answer {
    pub status: u16,
    pub body_size: u64,
    pub timings: Timings,
    pub content: Content,
    /// What it answers; none while redirects are followed.
    pub ask: Option<Box<Ask>>,
    start: Nanos,
    extra: Vec<u8>,
    extra_fields: u32,
    told: bool,
}

impl Answer {
    pub fn new(response: Response, timings: Timings, start: Nanos, primary_ip: Arc<str>) -> Self {
        let Response { status, headers, body, kept, body_size, .. } = response;
        let content = Content { headers, body, kept, history: Vec::new(), primary_ip };
        Self { status, body_size, timings, content, ask: None, start, extra: Vec::new(), extra_fields: 0, told: false }
    }

    /// When its request began.
    pub fn start(&self) -> Nanos {
        self.start
    }

    /// When its last byte came.
    pub fn end(&self) -> Nanos {
        self.start + self.timings.total
    }

    /// The URL that gave it.
    pub fn url(&self) -> &str {
        self.ask.as_ref().map_or("", |ask| ask.target.url.as_str())
    }

    /// Whether nothing can be added to its message any more.
    pub fn is_sealed(&self) -> bool {
        self.told
    }

    /// Adds encoded pairs to the message. What is over the limit is left out; answers how many pairs were.
    pub fn annotate(&mut self, pairs: &[u8], count: u32) -> u32 {
        if self.extra.len() + pairs.len() > EXTRA_BYTES_MAX || self.extra_fields + count > EXTRA_FIELDS_MAX {
            return count;
        }
        self.extra.extend_from_slice(pairs);
        self.extra_fields += count;
        0
    }

    /// Writes the message: from now on nothing is added to it.
    pub fn seal(&mut self) {
        if let Some(ask) = self.ask.take() {
            self.tell(&ask);
            self.ask = Some(ask);
        }
    }

    /// Writes the message of an answer to this.
    pub fn tell(&mut self, ask: &Ask) {
        if std::mem::replace(&mut self.told, true) || ask.apart {
            return;
        }
        worker::try_with(|worker| {
            let message = HttpMetrics {
                start: worker.clock.unix(self.start),
                end: worker.clock.unix(self.end()),
                url: ask.target.url.as_str(),
                status: self.status,
                times: self.times(),
                primary_ip: &self.content.primary_ip,
                method: ask.method.as_str(),
                download_bytes: self.body_size,
                name: ask.name.as_deref(),
                extra: &self.extra,
                extra_fields: self.extra_fields,
            };
            let place =
                Place { identity: &ask.run, transaction: &ask.transaction.full, transaction_id: ask.transaction_id };
            worker.outbox.borrow_mut().write(|out| http_metrics(out, &message, place));
        });
    }

    fn times(&self) -> Times {
        let Timings { dns, connect, tls, transfer_start, first_byte, total } = self.timings;
        Times {
            dns: seconds(dns),
            connect: seconds(connect),
            tls: seconds(tls),
            transfer_start: seconds(transfer_start),
            first_byte: seconds(first_byte),
            total: seconds(total),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.seal();
    }
}

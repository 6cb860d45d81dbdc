//! `flat`: requests and transactions in numbers and texts.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use crate::component::bindings::flat::Host;
use crate::component::bindings::http::{Error, Request};
use crate::component::bindings::transaction::{self, Outcome};
use crate::component::bindings::{Content, Pending};
use crate::runner::http::Answer;
use crate::runner::requests;
use crate::runner::worker;

const MAX_REDIRECTS: u64 = 0xffff;
const INSECURE: u64 = 1 << 16;
const DISCARD_BODY: u64 = 1 << 17;
/// What is above is an identity's number plus one.
const IDENTITY_SHIFT: u32 = 32;
/// Numbers of answers are below 2^16.
const STATUS_SHIFT: u32 = 16;

/// A request as it comes here.
type Parts = (String, String, Vec<(String, String)>, Option<Vec<u8>>, String, u32, u64, u64);

fn request((method, url, headers, body, name, transaction, timeout, options): Parts) -> Request {
    Request {
        method,
        url,
        headers,
        body,
        name: (!name.is_empty()).then_some(name),
        transaction,
        timeout: (timeout > 0).then_some(timeout),
        max_redirects: (options & MAX_REDIRECTS) as u32,
        identity: ((options >> IDENTITY_SHIFT) as u32).checked_sub(1),
        insecure: options & INSECURE != 0,
        discard_body: options & DISCARD_BODY != 0,
    }
}

impl State {
    fn number(&mut self, outcome: requests::Outcome) -> Result<u32> {
        match outcome {
            Ok(answer) => {
                let status = u32::from(answer.status);
                Ok((status << STATUS_SHIFT) | self.keep(answer)?)
            }
            Err(error) => {
                self.run.failure = Some(error);
                Ok(0)
            }
        }
    }

    fn numbered(&mut self, answer: u32) -> Result<&mut Box<Answer>> {
        self.slices = 0;
        self.handles.answers.get_mut(answer)
    }
}

impl Host for State {
    async fn send(
        &mut self,
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
        name: String,
        transaction: u32,
        timeout: u64,
        options: u64,
    ) -> Result<u32> {
        self.enter()?;
        let pending = self.begin(request((method, url, headers, body, name, transaction, timeout, options)));
        let outcome = self.outcome(&pending).await;
        self.number(outcome)
    }

    async fn start(
        &mut self,
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
        name: String,
        transaction: u32,
        timeout: u64,
        options: u64,
    ) -> Result<Resource<Pending>> {
        let request = request((method, url, headers, body, name, transaction, timeout, options));
        crate::component::bindings::http::Host::start(self, request).await
    }

    async fn finish(&mut self, handle: Resource<Pending>) -> Result<u32> {
        self.enter()?;
        let pending = self.handles.pending.take(handle.rep())?;
        let outcome = self.outcome(&pending).await;
        self.number(outcome)
    }

    fn failure(&mut self) -> Result<Error> {
        self.run.failure.take().ok_or_else(|| wasmtime::format_err!("no request has failed"))
    }

    fn header(&mut self, answer: u32, name: String) -> Result<Option<String>> {
        Ok(self.numbered(answer)?.content.header(&name))
    }

    fn body(&mut self, answer: u32) -> Result<Option<Vec<u8>>> {
        Ok(self.numbered(answer)?.content.decoded().ok())
    }

    fn text(&mut self, answer: u32) -> Result<Option<String>> {
        Ok(self.numbered(answer)?.content.text().ok())
    }

    fn figures(&mut self, answer: u32) -> Result<(u64, u64, u64, u64, u64, u64, u64, f64)> {
        let answer = self.numbered(answer)?;
        let (at, start) = (answer.timings, worker::with(|worker| worker.clock.unix(answer.start())));
        Ok((answer.body_size, at.dns, at.connect, at.tls, at.transfer_start, at.first_byte, at.total, start))
    }

    fn handle(&mut self, answer: u32) -> Result<Resource<Content>> {
        self.numbered(answer)?;
        Ok(Resource::new_own(answer))
    }

    fn forget(&mut self, answer: u32) -> Result<()> {
        self.slices = 0;
        drop(self.handles.answers.take(answer)?);
        Ok(())
    }

    fn end(&mut self, transaction: u32, failed: bool) -> Result<()> {
        transaction::Host::end(self, transaction, if failed { Outcome::Failed } else { Outcome::Ok })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_apart() {
        let of = |name: &str, timeout, options| {
            request(("GET".into(), String::new(), Vec::new(), None, name.into(), 1, timeout, options))
        };
        let plain = of("", 0, 5);
        assert_eq!((plain.name, plain.timeout, plain.max_redirects, plain.identity), (None, None, 5, None));
        assert!(!plain.insecure && !plain.discard_body);
        let full = of("a", 7, 65_535 + 65_536 + (3 << 32));
        assert_eq!((full.name, full.timeout, full.max_redirects), (Some("a".to_owned()), Some(7), 65_535));
        assert_eq!((full.identity, full.insecure, full.discard_body), (Some(2), true, false));
        assert!(of("", 0, 131_072).discard_body);
    }
}

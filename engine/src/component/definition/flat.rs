//! `flat`, on what functions of a scenario have of `http` and `transaction`.

use std::collections::BTreeMap;
use std::time::SystemTime;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::host::Host;
use crate::component::bindings::http::{self, Error, HostContent, Response};
use crate::component::bindings::transaction::{self, Outcome};
use crate::component::bindings::{Content, Pending, flat};
use crate::component::flat::{number, request};

/// The body's size, the timings, and when the request began.
type Figures = (u64, u64, u64, u64, u64, u64, u64, f64);

/// What `flat` is asked for after a request. As many figures as there are numbers of answers.
#[derive(Default)]
pub struct Flat {
    failure: Option<Error>,
    figures: BTreeMap<u32, Figures>,
}

fn borrowed(answer: u32) -> Resource<Content> {
    Resource::new_borrow(answer)
}

impl Host {
    fn number(&mut self, outcome: Result<Response, Error>) -> u32 {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                self.flat.failure = Some(error);
                return 0;
            }
        };
        let (at, size, own) = (answer.timings, answer.body_size, answer.content.rep());
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let start = now.as_secs_f64() - at.total as f64 / 1e9;
        let figures = (size, at.dns, at.connect, at.tls, at.transfer_start, at.first_byte, at.total, start);
        self.flat.figures.insert(own, figures);
        number(answer.status, own)
    }
}

impl flat::Host for Host {
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
        let request = request((method, url, headers, body, name, transaction, timeout, options));
        let outcome = http::Host::send(self, request).await?;
        Ok(self.number(outcome))
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
        http::Host::start(self, request).await
    }

    async fn finish(&mut self, pending: Resource<Pending>) -> Result<u32> {
        let outcome = http::Host::finish(self, pending).await?;
        Ok(self.number(outcome))
    }

    fn failure(&mut self) -> Result<Error> {
        self.flat.failure.take().ok_or_else(|| wasmtime::format_err!("no request has failed"))
    }

    fn header(&mut self, answer: u32, name: String) -> Result<Option<String>> {
        HostContent::header(self, borrowed(answer), name)
    }

    fn body(&mut self, answer: u32) -> Result<Option<Vec<u8>>> {
        Ok(HostContent::body(self, borrowed(answer))?.ok())
    }

    fn text(&mut self, answer: u32) -> Result<Option<String>> {
        Ok(HostContent::text(self, borrowed(answer))?.ok())
    }

    fn figures(&mut self, answer: u32) -> Result<Figures> {
        self.flat.figures.get(&answer).copied().ok_or_else(|| wasmtime::format_err!("no such handle"))
    }

    fn handle(&mut self, answer: u32) -> Result<Resource<Content>> {
        HostContent::url(self, borrowed(answer))?;
        Ok(Resource::new_own(answer))
    }

    fn forget(&mut self, answer: u32) -> Result<()> {
        self.flat.figures.remove(&answer);
        HostContent::drop(self, Resource::new_own(answer))
    }

    fn end(&mut self, transaction: u32, failed: bool) -> Result<()> {
        transaction::Host::end(self, transaction, if failed { Outcome::Failed } else { Outcome::Ok })
    }
}

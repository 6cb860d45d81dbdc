//! `flat`: requests and transactions in numbers and texts.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use super::http::read;
use crate::component::bindings::flat::Host;
use crate::component::bindings::http::Error;
use crate::component::bindings::transaction::{self, Outcome};
use crate::component::bindings::{Content, Pending};
use crate::component::flat;
use crate::runner::http::{self, Answer};
use crate::runner::requests;
use crate::runner::worker;

impl State {
    fn number(&mut self, outcome: requests::Outcome) -> Result<u32> {
        match outcome {
            Ok(answer) => {
                let status = answer.status;
                Ok(flat::number(status, self.keep(answer)?))
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
        let pending = self.begin(flat::request((method, url, headers, body, name, transaction, timeout, options)));
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
        let request = flat::request((method, url, headers, body, name, transaction, timeout, options));
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
        Ok(read(&self.numbered(answer)?.content, http::Content::decoded).ok())
    }

    fn text(&mut self, answer: u32) -> Result<Option<String>> {
        Ok(read(&self.numbered(answer)?.content, http::Content::text).ok())
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

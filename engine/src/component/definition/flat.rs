//! `flat` of a component that is asked: `http` once more, with its limits.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::host::Host;
use crate::component::bindings::flat::Host as Flat;
use crate::component::bindings::http::{Error, Host as Http, HostContent, Response};
use crate::component::bindings::{Content, Pending};
use crate::component::flat;

impl Host {
    fn number(&mut self, outcome: std::result::Result<Response, Error>) -> u32 {
        match outcome {
            Ok(response) => flat::number(response.status, response.content.rep()),
            Err(error) => {
                self.failure = Some(error);
                0
            }
        }
    }
}

/// The number of an answer is its handle's.
fn content(answer: u32) -> Resource<Content> {
    Resource::new_own(answer)
}

impl Flat for Host {
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
        let request = flat::request((method, url, headers, body, name, transaction, timeout, options));
        let outcome = Http::send(self, request).await?;
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
        Http::start(self, flat::request((method, url, headers, body, name, transaction, timeout, options))).await
    }

    async fn finish(&mut self, pending: Resource<Pending>) -> Result<u32> {
        let outcome = Http::finish(self, pending).await?;
        Ok(self.number(outcome))
    }

    fn failure(&mut self) -> Result<Error> {
        self.failure.take().ok_or_else(|| wasmtime::format_err!("no request has failed"))
    }

    fn header(&mut self, answer: u32, name: String) -> Result<Option<String>> {
        HostContent::header(self, content(answer), name)
    }

    fn body(&mut self, answer: u32) -> Result<Option<Vec<u8>>> {
        Ok(HostContent::body(self, content(answer))?.ok())
    }

    fn text(&mut self, answer: u32) -> Result<Option<String>> {
        Ok(HostContent::text(self, content(answer))?.ok())
    }

    fn figures(&mut self, answer: u32) -> Result<(u64, u64, u64, u64, u64, u64, u64, f64)> {
        let answer = self.answer(&content(answer))?;
        let (at, began) = (answer.timings(), answer.began());
        Ok((answer.body_size(), at.dns, at.connect, at.tls, at.transfer_start, at.first_byte, at.total, began))
    }

    fn handle(&mut self, answer: u32) -> Result<Resource<Content>> {
        self.answer(&content(answer))?;
        Ok(content(answer))
    }

    fn forget(&mut self, answer: u32) -> Result<()> {
        HostContent::drop(self, content(answer))
    }

    /// There are no transactions here.
    fn end(&mut self, _: u32, _: bool) -> Result<()> {
        Ok(())
    }
}

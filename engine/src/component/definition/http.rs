//! `http` and `waiting` of a component that is asked: there in its `setup`, and denied in all other functions.
//!
//! What is started is done at once: a setup makes its requests one after the other.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::host::Host;
use super::requests::{Answer, Outcome, Requests};
use crate::component::bindings::http::{Cookie, Error, Hop, Request, Response};
use crate::component::bindings::{Content, Pending, http, timing, waiting};

const NOT_HERE: &str = "requests are for journeys and `setup`: other functions of a scenario have no http";

fn not_here() -> Error {
    Error::Denied(NOT_HERE.to_owned())
}

impl Host {
    async fn outcome(&mut self, request: Request) -> Outcome {
        match &mut self.requests {
            Some(requests) => requests.make(request).await,
            None => Err(not_here()),
        }
    }

    fn handed(&mut self, outcome: Outcome) -> Result<std::result::Result<Response, Error>> {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let (status, body_size, timings) = (answer.status, answer.body_size(), answer.timings());
        let content = Resource::new_own(self.requests()?.answers.add(answer)?);
        Ok(Ok(Response { status, body_size, timings, content }))
    }

    /// Handles are made with requests only, so one that comes without is a forged one.
    fn requests(&mut self) -> Result<&mut Requests> {
        self.requests.as_deref_mut().ok_or_else(|| wasmtime::format_err!("{NOT_HERE}"))
    }

    pub(super) fn answer(&mut self, handle: &Resource<Content>) -> Result<&Answer> {
        self.requests()?.answers.get(handle.rep()).map(|answer| &**answer)
    }
}

impl http::Host for Host {
    async fn send(&mut self, request: Request) -> Result<std::result::Result<Response, Error>> {
        let outcome = self.outcome(request).await;
        self.handed(outcome)
    }

    async fn start(&mut self, request: Request) -> Result<Resource<Pending>> {
        let outcome = self.outcome(request).await;
        Ok(Resource::new_own(self.requests()?.pending.add(outcome)?))
    }

    async fn finish(&mut self, pending: Resource<Pending>) -> Result<std::result::Result<Response, Error>> {
        let outcome = self.requests()?.pending.take(pending.rep())?;
        self.handed(outcome)
    }

    fn identity(&mut self, _: String, _: String) -> Result<std::result::Result<u32, String>> {
        Ok(Err("client certificates are for journeys".to_owned()))
    }

    fn cookies(&mut self) -> Result<Vec<Cookie>> {
        Ok(self.requests.as_ref().map_or_else(Vec::new, |requests| requests.cookies()))
    }

    fn set_cookie(&mut self, cookie: Cookie) -> Result<std::result::Result<(), String>> {
        let requests = self.requests.as_deref_mut();
        Ok(requests.map_or_else(|| Err(NOT_HERE.to_owned()), |requests| requests.set_cookie(&cookie)))
    }

    fn clear_cookies(&mut self) -> Result<()> {
        if let Some(requests) = &mut self.requests {
            requests.clear_cookies();
        }
        Ok(())
    }
}

impl http::HostContent for Host {
    fn url(&mut self, handle: Resource<Content>) -> Result<String> {
        Ok(self.answer(&handle)?.url.to_string())
    }

    fn header(&mut self, handle: Resource<Content>, name: String) -> Result<Option<String>> {
        Ok(self.answer(&handle)?.header(&name))
    }

    fn headers(&mut self, handle: Resource<Content>) -> Result<Vec<(String, String)>> {
        Ok(self.answer(&handle)?.headers())
    }

    fn body(&mut self, handle: Resource<Content>) -> Result<std::result::Result<Vec<u8>, String>> {
        Ok(Ok(self.answer(&handle)?.body.clone()))
    }

    fn text(&mut self, handle: Resource<Content>) -> Result<std::result::Result<String, String>> {
        Ok(Ok(self.answer(&handle)?.text()))
    }

    fn history(&mut self, handle: Resource<Content>) -> Result<Vec<Hop>> {
        Ok(self.answer(&handle)?.history.clone())
    }

    fn primary_ip(&mut self, handle: Resource<Content>) -> Result<String> {
        Ok(self.answer(&handle)?.primary_ip.clone())
    }

    /// There is no message that could have more fields.
    fn annotate(&mut self, _: Resource<Content>, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn drop(&mut self, handle: Resource<Content>) -> Result<()> {
        // It may outlive its setup.
        if let Some(requests) = &mut self.requests {
            requests.answers.take(handle.rep())?;
        }
        Ok(())
    }
}

impl waiting::Host for Host {
    async fn wait_any(&mut self, things: Vec<Resource<Pending>>, timeout: Option<u64>) -> Result<Vec<u32>> {
        if !things.is_empty() {
            return Ok((0..u32::try_from(things.len())?).collect());
        }
        match timeout {
            Some(ns) => timing::Host::sleep(self, ns).await?,
            None => wasmtime::bail!("wait-any without anything to wait for"),
        }
        Ok(Vec::new())
    }
}

impl waiting::HostPending for Host {
    fn ready(&mut self, _: Resource<Pending>) -> Result<bool> {
        Ok(true)
    }

    fn drop(&mut self, handle: Resource<Pending>) -> Result<()> {
        if let Some(requests) = &mut self.requests {
            drop(requests.pending.take(handle.rep())?);
        }
        Ok(())
    }
}

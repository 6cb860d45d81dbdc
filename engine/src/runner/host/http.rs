//! `http`: requests and what is kept of their answers.

use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::Poll;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use crate::component::bindings::http::{Cookie, Error, Hop, Host, HostContent, Request, Response};
use crate::component::bindings::{Content as ContentHandle, Pending as PendingHandle};
use crate::runner::http::{Answer, Ask, Asker, Content, Decoded, Undecoded, perform};
use crate::runner::quota::Kind;
use crate::runner::requests::{Outcome, Pending};
use crate::runner::worker;
use crate::wire::message::own_pairs;

/// Answers and requests that a journey may hold at once; one more traps.
const HANDLES_MAX: usize = 1_000;
/// More than any message has room for: such fields aren't even looked at, and count as one that was refused.
const ANNOTATION_BYTES_MAX: usize = 64 * 1024;
/// Fields of an `http_metrics` message that a journey can't overwrite.
const OWN_FIELDS: [&str; 13] = [
    "start_time",
    "effective_url",
    "response_code",
    "dns_time",
    "connect_time",
    "tls_time",
    "transfer_start_time",
    "first_byte_time",
    "total_time",
    "primary_ip",
    "method",
    "download_size",
    "name",
];

/// What a journey's handles stand for. A handle's number is its position.
#[derive(Default)]
pub struct Handles {
    pub(super) answers: Table<Box<Answer>>,
    pub(super) pending: Table<Pending>,
}

impl Handles {
    /// At the end of a run whatever it had started is given up.
    pub fn cancel_pending(&mut self) {
        worker::with(|worker| {
            self.pending.entries.iter().flatten().for_each(|pending| worker.requests.cancel(pending));
        });
    }

    /// Writes the message of an answer: nothing is added to it any more.
    pub fn seal(&mut self, answer: u32) {
        // The journey may have dropped it already, which has sealed it.
        if let Some(Some(answer)) = self.answers.entries.get_mut(answer as usize) {
            answer.seal();
        }
    }

    /// Handles that the guest has not dropped.
    pub fn held(&self) -> usize {
        self.answers.held() + self.pending.held()
    }
}

/// Numbered entries; numbers of those taken out are used again.
pub struct Table<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    pub(super) fn add(&mut self, entry: T) -> Result<u32> {
        if let Some(at) = self.free.pop() {
            self.entries[at as usize] = Some(entry);
            return Ok(at);
        }
        if self.entries.len() >= HANDLES_MAX {
            wasmtime::bail!("a journey may hold {HANDLES_MAX} handles at once");
        }
        self.entries.push(Some(entry));
        Ok(u32::try_from(self.entries.len() - 1)?)
    }

    fn held(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(super) fn get(&self, at: u32) -> Result<&T> {
        let entry = self.entries.get(at as usize).and_then(Option::as_ref);
        entry.ok_or_else(|| wasmtime::format_err!("no such handle"))
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Result<&mut T> {
        let entry = self.entries.get_mut(at as usize).and_then(Option::as_mut);
        entry.ok_or_else(|| wasmtime::format_err!("no such handle"))
    }

    pub(super) fn take(&mut self, at: u32) -> Result<T> {
        let entry = self.entries.get_mut(at as usize).and_then(Option::take);
        let entry = entry.ok_or_else(|| wasmtime::format_err!("no such handle"))?;
        self.free.push(at);
        Ok(entry)
    }
}

impl State {
    fn asker(&self, transaction: u32) -> Asker {
        let open = self.run.transactions.get(transaction);
        Asker {
            shelf: self.shelf.clone(),
            session: self.session.clone(),
            run: self.run.identity.clone(),
            context_id: self.run.context_id,
            transaction: open.name.clone(),
            transaction_id: open.id,
            apart: self.run.apart,
        }
    }

    /// Lets a request go on its way.
    pub(super) fn begin(&self, request: Request) -> Pending {
        let asker = self.asker(request.transaction);
        let ask = Ask::new(request, asker);
        worker::with(|worker| match ask {
            Ok(ask) => worker.requests.begin(worker.index, perform(ask)),
            Err(invalid) => worker.requests.done(worker.index, Err(Error::Invalid(invalid))),
        })
    }

    pub(super) async fn outcome(&mut self, pending: &Pending) -> Outcome {
        poll_fn(|context| {
            if worker::with(|worker| worker.requests.poll_done(pending, context)) {
                return Poll::Ready(());
            }
            self.run.woken = None;
            Poll::Pending
        })
        .await;
        worker::with(|worker| worker.requests.take(pending))
    }

    /// Keeps an answer for the journey: its message stays open until the journey's next call.
    pub(super) fn keep(&mut self, answer: Box<Answer>) -> Result<u32> {
        let at = self.handles.answers.add(answer)?;
        self.run.unsealed = Some(at);
        Ok(at)
    }

    fn hand_over(&mut self, outcome: Outcome) -> Result<Result<Response, Error>> {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let (status, body_size, timings) = (answer.status, answer.body_size, answer.timings);
        Ok(Ok(Response { status, body_size, timings, content: Resource::new_own(self.keep(answer)?) }))
    }
}

impl Host for State {
    async fn send(&mut self, request: Request) -> Result<Result<Response, Error>> {
        self.enter()?;
        let pending = self.begin(request);
        let outcome = self.outcome(&pending).await;
        self.hand_over(outcome)
    }

    async fn start(&mut self, request: Request) -> Result<Resource<PendingHandle>> {
        self.enter()?;
        let pending = self.begin(request);
        let at = self.handles.pending.add(pending)?;
        // Lets the request begin now, however long the guest computes before it waits.
        tokio::task::yield_now().await;
        Ok(Resource::new_own(at))
    }

    async fn finish(&mut self, handle: Resource<PendingHandle>) -> Result<Result<Response, Error>> {
        self.enter()?;
        let pending = self.handles.pending.take(handle.rep())?;
        let outcome = self.outcome(&pending).await;
        self.hand_over(outcome)
    }

    fn identity(&mut self, chain: String, key: String) -> Result<Result<u32, String>> {
        self.enter()?;
        Ok(worker::with(|worker| worker.http.identities.borrow_mut().add(chain, key)))
    }

    fn cookies(&mut self) -> Result<Vec<Cookie>> {
        self.enter()?;
        Ok(self.session.lock().unwrap_or_else(PoisonError::into_inner).list())
    }

    fn set_cookie(&mut self, cookie: Cookie) -> Result<Result<(), String>> {
        self.enter()?;
        Ok(self.session.lock().unwrap_or_else(PoisonError::into_inner).set(&cookie))
    }

    fn clear_cookies(&mut self) -> Result<()> {
        self.enter()?;
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

impl State {
    pub(super) fn drop_pending(&mut self, at: u32) -> Result<()> {
        self.enter()?;
        drop(self.handles.pending.take(at)?);
        Ok(())
    }

    fn answer(&mut self, handle: &Resource<ContentHandle>) -> Result<&mut Box<Answer>> {
        self.slices = 0;
        self.handles.answers.get_mut(handle.rep())
    }
}

/// A body, no larger than it may be here.
pub(super) fn read<T>(
    content: &Content,
    read: fn(&Content, Option<u64>) -> Decoded<T>,
) -> std::result::Result<T, String> {
    worker::with(|worker| {
        read(content, worker.settings.response_size).map_err(|error| {
            if let Undecoded::OverLimit { .. } = error {
                worker.refused(Kind::Responses);
            }
            error.to_string()
        })
    })
}

impl HostContent for State {
    fn url(&mut self, handle: Resource<ContentHandle>) -> Result<String> {
        Ok(self.answer(&handle)?.url().to_owned())
    }

    fn header(&mut self, handle: Resource<ContentHandle>, name: String) -> Result<Option<String>> {
        Ok(self.answer(&handle)?.content.header(&name))
    }

    fn headers(&mut self, handle: Resource<ContentHandle>) -> Result<Vec<(String, String)>> {
        Ok(self.answer(&handle)?.content.headers())
    }

    fn body(&mut self, handle: Resource<ContentHandle>) -> Result<Result<Vec<u8>, String>> {
        Ok(read(&self.answer(&handle)?.content, Content::decoded))
    }

    fn text(&mut self, handle: Resource<ContentHandle>) -> Result<Result<String, String>> {
        Ok(read(&self.answer(&handle)?.content, Content::text))
    }

    fn history(&mut self, handle: Resource<ContentHandle>) -> Result<Vec<Hop>> {
        Ok(self.answer(&handle)?.content.history.clone())
    }

    fn primary_ip(&mut self, handle: Resource<ContentHandle>) -> Result<String> {
        Ok(self.answer(&handle)?.content.primary_ip.to_string())
    }

    fn annotate(&mut self, handle: Resource<ContentHandle>, fields: Vec<u8>) -> Result<()> {
        let answer = self.answer(&handle)?;
        if answer.is_sealed() {
            return Ok(());
        }
        if fields.len() > ANNOTATION_BYTES_MAX {
            self.run.refused += 1;
            return Ok(());
        }
        let (own, count) = own_pairs(&fields, &OWN_FIELDS).map_err(wasmtime::Error::msg)?;
        let left_out = answer.annotate(&own, count);
        self.run.refused += u64::from(left_out);
        Ok(())
    }

    fn drop(&mut self, handle: Resource<ContentHandle>) -> Result<()> {
        drop(self.handles.answers.take(handle.rep())?);
        Ok(())
    }
}

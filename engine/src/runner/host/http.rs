//! `http`: requests and what is kept of their answers.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::task::AbortHandle;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::State;
use crate::component::bindings::http::{Cookie, Error, Hop, Host, HostContent, Request, Response};
use crate::component::bindings::{Content as ContentHandle, Pending as PendingHandle};
use crate::runner::http::{Answer, Ask, Asker, Content, perform};
use crate::runner::worker;
use crate::wire::message::own_pairs;

/// Answers and requests that a journey may hold at once; one more traps.
const HANDLES_MAX: usize = 1_000;
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
    contents: Table<Content>,
    pub(super) pending: Table<Pending>,
}

/// A request on its way, in a task of its own: sockets are read when they are ready and not when the journey gets its turn.
/// Dropping it gives the request up.
pub struct Pending {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// What a request's task and its journey share.
#[derive(Default)]
struct Shared(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    answer: Option<Result<Box<Answer>, Error>>,
    /// The journey, where it waits for the answer.
    waiting: Option<Waker>,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    pub(super) fn is_ready(&self) -> bool {
        self.shared.slot().answer.is_some()
    }

    /// Whether it is done; if not, whoever asks is woken when it is.
    pub(super) fn poll_ready(&self, context: &Context<'_>) -> bool {
        let slot = &mut *self.shared.slot();
        match &mut slot.waiting {
            _ if slot.answer.is_some() => return true,
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        false
    }

    fn take(&self) -> Result<Box<Answer>, Error> {
        self.shared.slot().answer.take().unwrap_or(Err(Error::Cancelled))
    }

    /// Gives the request up, if it is still on its way: its answer is `cancelled` then. Dropping an answer that nobody took
    /// writes its message.
    fn cancel(&self) {
        self.task.abort();
        self.shared.slot().answer = Some(Err(Error::Cancelled));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sees to it that a request's task has an answer in the end, whatever becomes of it, and that it is counted while on its way.
struct Done(Arc<Shared>);

impl Done {
    fn new(shared: Arc<Shared>) -> Self {
        worker::with(|worker| worker.on_way.set(worker.on_way.get() + 1));
        Self(shared)
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        let mut slot = self.0.slot();
        slot.answer.get_or_insert(Err(Error::Cancelled));
        let waiting = slot.waiting.take();
        drop(slot);
        waiting.into_iter().for_each(Waker::wake);
        worker::try_with(|worker| worker.on_way.set(worker.on_way.get() - 1));
    }
}

impl Handles {
    /// At the end of a run whatever it had started is given up.
    pub fn cancel_pending(&mut self) {
        self.pending.entries.iter().flatten().for_each(Pending::cancel);
    }

    /// Handles that the guest has not dropped.
    pub fn held(&self) -> usize {
        self.contents.held() + self.pending.held()
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
    fn add(&mut self, entry: T) -> Result<u32> {
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

    fn take(&mut self, at: u32) -> Result<T> {
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
            session: self.session.clone(),
            run: self.run.identity.clone(),
            context_id: self.run.context_id,
            transaction: open.name.clone(),
            transaction_id: open.id,
        }
    }

    /// Lets a request go on its way.
    fn begin(&self, request: Box<Request>) -> Pending {
        let shared = Arc::new(Shared::default());
        let done = Done::new(shared.clone());
        let task = tokio::spawn(make(self.asker(request.transaction), request, done));
        Pending { shared, task: task.abort_handle() }
    }

    async fn wait_for(&mut self, pending: &Pending) {
        poll_fn(|context| {
            if pending.poll_ready(context) {
                return Poll::Ready(());
            }
            self.run.woken = None;
            Poll::Pending
        })
        .await;
    }

    /// Hands an answer to the journey: its message stays open until the journey's next call.
    fn hand_over(&mut self, answer: Result<Box<Answer>, Error>) -> Result<Result<Response, Error>> {
        let Answer { status, body_size, timings, content, record } = match answer {
            Ok(answer) => *answer,
            Err(error) => return Ok(Err(error)),
        };
        let at = self.handles.contents.add(content)?;
        self.run.unsealed = Some((at, record));
        Ok(Ok(Response { status, body_size, timings, content: Resource::new_own(at) }))
    }
}

/// A request's task. What it needs room for is boxed, and made here and not by who starts it: that is a journey, whose stack
/// keeps every page that was ever touched.
async fn make(asker: Asker, request: Box<Request>, done: Done) {
    let answer = match Ask::new(*request, asker) {
        Ok(ask) => Box::pin(perform(ask)).await,
        Err(invalid) => Err(Error::Invalid(invalid)),
    };
    done.0.slot().answer.get_or_insert(answer);
}

impl Host for State {
    async fn send(&mut self, request: Request) -> Result<Result<Response, Error>> {
        self.enter()?;
        let pending = self.begin(Box::new(request));
        self.wait_for(&pending).await;
        self.hand_over(pending.take())
    }

    async fn start(&mut self, request: Request) -> Result<Resource<PendingHandle>> {
        self.enter()?;
        let pending = self.begin(Box::new(request));
        let at = self.handles.pending.add(pending)?;
        // Lets the request begin now, however long the guest computes before it waits.
        tokio::task::yield_now().await;
        Ok(Resource::new_own(at))
    }

    async fn finish(&mut self, handle: Resource<PendingHandle>) -> Result<Result<Response, Error>> {
        self.enter()?;
        let pending = self.handles.pending.take(handle.rep())?;
        self.wait_for(&pending).await;
        self.hand_over(pending.take())
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
        self.handles.pending.take(at)?.cancel();
        Ok(())
    }

    fn content(&mut self, handle: &Resource<ContentHandle>) -> Result<&Content> {
        self.slices = 0;
        self.handles.contents.get(handle.rep())
    }
}

impl HostContent for State {
    fn url(&mut self, handle: Resource<ContentHandle>) -> Result<String> {
        Ok(self.content(&handle)?.target.url.to_string())
    }

    fn header(&mut self, handle: Resource<ContentHandle>, name: String) -> Result<Option<String>> {
        Ok(self.content(&handle)?.header(&name))
    }

    fn headers(&mut self, handle: Resource<ContentHandle>) -> Result<Vec<(String, String)>> {
        Ok(self.content(&handle)?.headers())
    }

    fn body(&mut self, handle: Resource<ContentHandle>) -> Result<Result<Vec<u8>, String>> {
        Ok(self.content(&handle)?.decoded())
    }

    fn text(&mut self, handle: Resource<ContentHandle>) -> Result<Result<String, String>> {
        Ok(self.content(&handle)?.text())
    }

    fn history(&mut self, handle: Resource<ContentHandle>) -> Result<Vec<Hop>> {
        Ok(self.content(&handle)?.history.clone())
    }

    fn primary_ip(&mut self, handle: Resource<ContentHandle>) -> Result<String> {
        Ok(self.content(&handle)?.primary_ip.to_string())
    }

    fn annotate(&mut self, handle: Resource<ContentHandle>, fields: Vec<u8>) -> Result<()> {
        self.content(&handle)?;
        let Some((at, record)) = &mut self.run.unsealed else { return Ok(()) };
        if *at == handle.rep() {
            let (own, count) = own_pairs(&fields, &OWN_FIELDS).map_err(wasmtime::Error::msg)?;
            self.run.refused += u64::from(record.annotate(&own, count));
        }
        Ok(())
    }

    fn drop(&mut self, handle: Resource<ContentHandle>) -> Result<()> {
        if self.run.unsealed.as_ref().is_some_and(|(at, _)| *at == handle.rep()) {
            self.run.unsealed = None;
        }
        self.handles.contents.take(handle.rep())?;
        Ok(())
    }
}

//! Making a request: exchange after exchange where redirects are followed, each timed, counted and told about.

use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use http::Method;

use super::answer::Answer;
use super::connect::connect;
use super::connection::{Broken, Connection};
use super::pool::Key;
use super::request::Ask;
use super::response::{Malformed, Reader, Response};
use crate::component::bindings::http::{Error, Hop, Timings};
use crate::policy::Denied;
use crate::runner::clock::{Nanos, machine_now, seconds};
use crate::runner::quota::{Kind, Slot};
use crate::runner::timers::At;
use crate::runner::worker::{self, Worker};
use crate::wire::message::{HttpError, Place, Times, http_error};
use crate::wire::totals::ErrorClass;

/// Why there is no response.
#[derive(Debug)]
pub struct Failed {
    class: ErrorClass,
    reason: String,
}

impl Failed {
    pub fn new(class: ErrorClass, reason: String) -> Self {
        Self { class, reason }
    }
}

/// What an exchange is waiting for.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Dns,
    Connect,
    Tls,
    Request,
    Response,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// How far an exchange has come. Nanoseconds since its start; 0 for steps that didn't happen.
#[derive(Debug)]
pub struct Progress {
    pub step: Step,
    pub start: Nanos,
    pub dns: Nanos,
    pub connect: Nanos,
    pub tls: Nanos,
}

impl Progress {
    pub fn since_start(&self) -> Nanos {
        worker::with(|worker| worker.clock.now()) - self.start
    }

    /// Of an exchange that got no further.
    fn times(&self, total: Nanos) -> Times {
        Times {
            dns: seconds(self.dns),
            connect: seconds(self.connect),
            tls: seconds(self.tls),
            total: seconds(total),
            ..Times::default()
        }
    }
}

/// Makes a request, following redirects. Dropping the future gives it up, which is told as `cancelled`.
pub async fn perform(mut ask: Box<Ask>) -> Result<Box<Answer>, Error> {
    let mut history = Vec::new();
    held_back(&ask).await;
    let mut start = worker::with(|worker| worker.clock.now());
    let mut deadline = start.saturating_add(ask.timeout);
    loop {
        let mut answer = exchange(&ask, start, deadline).await?;
        let location = answer.content.headers.get("location").and_then(|value| std::str::from_utf8(value).ok());
        let Some(location) = location.filter(|_| (300..400).contains(&answer.status) && ask.max_redirects > 0) else {
            answer.content.history = history;
            answer.ask = Some(ask);
            return Ok(answer);
        };
        let location = location.to_owned();
        answer.tell(&ask);
        if history.len() >= ask.max_redirects as usize {
            return Err(Error::Redirects(ask.max_redirects));
        }
        let next = worker::with(|worker| worker.http.targets.borrow_mut().redirected(&ask.target, &location));
        history.push(Hop { status: answer.status, url: ask.target.url.to_string() });
        ask.redirect(answer.status, next.map_err(Error::Protocol)?);
        deadline = deadline.saturating_add(held_back(&ask).await);
        start = worker::with(|worker| worker.clock.now());
    }
}

/// Lets a request wait until the tenant's quota has room for it: nothing of that is in its times. Answers for how long it did.
async fn held_back(ask: &Ask) -> Nanos {
    let Some(door) = worker::with(|worker| worker.door.clone()) else { return 0 };
    let since = machine_now();
    let key = key(ask);
    // Boxed, so that a request without a quota has no room for it.
    ask.slot.set(Box::pin(door.request(&ask.target.origin, &key)).await);
    machine_now().saturating_sub(since)
}

fn key(ask: &Ask) -> Key {
    worker::with(|worker| {
        worker.http.pool.borrow().key(ask.target.origin.id, ask.client_identity, ask.insecure, ask.context_id)
    })
}

/// One exchange, told about whatever becomes of it.
async fn exchange(ask: &Ask, start: Nanos, deadline: Nanos) -> Result<Box<Answer>, Error> {
    let progress = Progress { step: Step::Request, start, dns: 0, connect: 0, tls: 0 };
    let mut watch = Watch { ask, progress, told: false };
    let outcome = Before { work: attempt(ask, &mut watch.progress), end: At::new(deadline) }.await;
    let failed = match outcome {
        Some(Ok(answer)) => {
            watch.told = true;
            return Ok(answer);
        }
        Some(Err(failed)) => failed,
        None => Failed::new(ErrorClass::Timeout, watch.progress.step.as_str().to_owned()),
    };
    watch.failed(&failed);
    let Failed { class, reason } = failed;
    Err(match class {
        ErrorClass::Dns => Error::Dns(reason),
        ErrorClass::Connect => Error::Connect(reason),
        ErrorClass::Tls => Error::Tls(reason),
        ErrorClass::Timeout => Error::Timeout(reason),
        ErrorClass::Protocol => Error::Protocol(reason),
        ErrorClass::Cancelled => Error::Cancelled,
        ErrorClass::Denied => Error::Denied(reason),
    })
}

pin_project_lite::pin_project! {
    /// Work with a deadline; none: the deadline came first. A type of its own, since an async function would move the work
    /// into itself: it is large, and this is on the path of every request.
    struct Before<W> {
        #[pin]
        work: W,
        #[pin]
        end: At,
    }
}

impl<W: Future> Future for Before<W> {
    type Output = Option<W::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.work.poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => this.end.poll(context).map(|_| None),
        }
    }
}

/// Finds or opens a connection and makes the exchange on it. The server may have closed one that was open already just before:
/// a request of which not a byte was written is made on the next; one that was written and not answered is made once more if
/// twice is as good as once (RFC 9110, 9.2.2), on a new connection, as browsers do.
async fn attempt(ask: &Ask, progress: &mut Progress) -> Result<Box<Answer>, Failed> {
    let key = key(ask);
    while let Some(mut connection) = worker::with(|worker| worker.http.pool.borrow_mut().take(&key)) {
        match converse(ask, &mut connection, progress).await {
            Ok((answer, persistent)) => {
                ask.slot.set(None);
                keep(ask, key, connection, answer.end(), persistent);
                return Ok(answer);
            }
            Err(denied @ Broken::Denied(_)) => return Err(failed(&denied)),
            Err(broken) => match (connection.stamps().first_write, connection.stamps().first_read) {
                (None, _) => {}
                (Some(_), None) if ask.method.is_idempotent() => break,
                _ => return Err(failed(&broken)),
            },
        }
    }
    // Boxed, since it is large and rarely needed: else every request would carry the room for it about.
    Box::pin(on_new_connection(ask, key, progress)).await
}

async fn on_new_connection(ask: &Ask, key: Key, progress: &mut Progress) -> Result<Box<Answer>, Failed> {
    let slot = slot(ask, progress).await;
    let mut connection = Box::new(connect(&ask.target.origin, ask.client_identity, ask.insecure, progress).await?);
    connection.slot = slot;
    let (answer, persistent) = converse(ask, &mut connection, progress).await.map_err(|broken| failed(&broken))?;
    keep(ask, key, connection, answer.end(), persistent);
    Ok(answer)
}

/// The place of a new connection among the tenant's, where these are counted.
async fn slot(ask: &Ask, progress: &mut Progress) -> Option<Slot> {
    let door = worker::with(|worker| worker.door.clone())?;
    if let Some(slot) = ask.slot.take() {
        return Some(slot);
    }
    // It was to use one that waited, and the server had closed that.
    let since = worker::with(|worker| worker.clock.now());
    let slot = door.another(&ask.target.origin).await;
    progress.start += worker::with(|worker| worker.clock.now()) - since;
    Some(slot)
}

fn failed(broken: &Broken) -> Failed {
    if let Broken::Malformed(Malformed::OverLimit(_)) = broken {
        worker::with(|worker| worker.refused(Kind::Responses));
    }
    let class = if matches!(broken, Broken::Denied(_)) { ErrorClass::Denied } else { ErrorClass::Protocol };
    Failed::new(class, broken.to_string())
}

/// Keeps the connection for the next request, if it can be used again.
fn keep(ask: &Ask, key: Key, mut connection: Box<Connection>, now: Nanos, persistent: bool) {
    if !persistent {
        return;
    }
    if !connection.is_sending() {
        return worker::with(|worker| put(worker, key, connection, now));
    }
    // The answer came before all of the request was sent. One that belongs to a run would come back after its end.
    if key.run != 0 {
        return;
    }
    // The journey may be done with the answer, and what is left of the request is still kept for it.
    let mut kept = ask.kept.another();
    if kept.more(ask.body.len()).is_err() {
        return;
    }
    let end = At::new(now.saturating_add(ask.timeout));
    tokio::spawn(async move {
        let _kept = kept;
        let sent = { Before { work: std::pin::pin!(connection.send_rest()), end }.await };
        if matches!(sent, Some(Ok(()))) {
            worker::try_with(|worker| put(worker, key, connection, now));
        }
    });
}

fn put(worker: &Worker, key: Key, connection: Box<Connection>, now: Nanos) {
    worker.http.pool.borrow_mut().put(key, connection, now);
    if let Some(door) = &worker.door {
        door.freed();
    }
}

/// One exchange on one connection. With the answer comes whether the connection can be used again.
async fn converse(
    ask: &Ask,
    connection: &mut Connection,
    progress: &mut Progress,
) -> Result<(Box<Answer>, bool), Broken> {
    let reader = Reader::new(ask.method == Method::HEAD, ask.discard_body, ask.kept.another());
    let (outgoing, size_max) = worker::with(|worker| {
        Ok::<_, Denied>((ask.outgoing(&worker.http, &connection.primary_ip)?, worker.settings.response_size))
    })?;
    let reader = reader.at_most(size_max);
    let response = connection.exchange(outgoing, reader, &mut progress.step).await?;
    let persistent = response.persistent;
    Ok((answered(ask, progress, connection, response), persistent))
}

/// Counts a response.
fn answered(ask: &Ask, progress: &Progress, connection: &Connection, response: Response) -> Box<Answer> {
    let stamps = connection.stamps();
    let since = |at: Option<Nanos>| at.map_or_else(|| progress.since_start(), |at| at.saturating_sub(progress.start));
    let timings = Timings {
        dns: progress.dns,
        connect: progress.connect,
        tls: progress.tls,
        transfer_start: since(stamps.first_write),
        first_byte: since(stamps.first_read),
        total: since(stamps.last_read),
    };
    ask.session.lock().unwrap_or_else(PoisonError::into_inner).store(&response.headers, &ask.target.url);
    worker::with(|worker| {
        let sent = ask.body.len() as u64;
        if !ask.apart {
            worker.tally.borrow_mut().response(ask.number, response.status, timings.total, response.body_size, sent);
        }
        if let Some(door) = &worker.door {
            door.spend(sent.saturating_add(response.body_size));
        }
    });
    Box::new(Answer::new(response, timings, progress.start, connection.primary_ip.clone()))
}

/// Sees to it that every exchange is counted and told about, however it ends; dropped half way, it was cancelled.
struct Watch<'a> {
    ask: &'a Ask,
    progress: Progress,
    told: bool,
}

impl Watch<'_> {
    fn failed(&mut self, failed: &Failed) {
        self.told = true;
        let (ask, progress) = (self.ask, &self.progress);
        if ask.apart {
            return;
        }
        worker::try_with(|worker| {
            let now = worker.clock.now();
            worker.tally.borrow_mut().error(ask.number, failed.class);
            let message = HttpError {
                start: worker.clock.unix(progress.start),
                end: worker.clock.unix(now),
                url: ask.target.url.as_str(),
                method: ask.method.as_str(),
                name: ask.name.as_deref(),
                class: failed.class.as_str(),
                message: &failed.reason,
                times: progress.times(now - progress.start),
            };
            let place =
                Place { identity: &ask.run, transaction: &ask.transaction.full, transaction_id: ask.transaction_id };
            worker.outbox.borrow_mut().write(|out| http_error(out, &message, place));
        });
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.failed(&Failed::new(ErrorClass::Cancelled, self.progress.step.as_str().to_owned()));
        }
    }
}

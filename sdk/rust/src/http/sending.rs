//! A request as a future.
use super::{HttpError, Request, Response};
use crate::reactor::{self, Step, Ticket};
use crate::{host, transaction};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A request on its way to its answer. Dropping it cancels the request.
///
/// Its first poll doesn't start it: the executor decides how it goes out once nothing else can run, and a request that is
/// alone then goes by the one blocking call, without a handle.
#[must_use = "a request is sent by `.await`"]
pub struct Sending<'a> {
    request: Request<'a>,
    transaction: u32,
    ticket: Option<Ticket>,
}

impl<'a> Sending<'a> {
    #[inline]
    pub(super) fn new(request: Request<'a>) -> Self {
        Sending { request, transaction: 0, ticket: None }
    }
}

impl Future for Sending<'_> {
    type Output = Result<Response, HttpError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            this.transaction = transaction::current();
            if let Some(problem) = this.request.problem() {
                return Poll::Ready(Err(*problem));
            }
        }
        let answer = match reactor::step(&mut this.ticket, context.waker()) {
            Step::Wait => return Poll::Pending,
            Step::Send => this.request.wire(this.transaction, host::send),
            Step::Finish(pending) => host::finish(pending),
            Step::Start => {
                let pending = this.request.wire(this.transaction, host::start);
                if let Some(ticket) = this.ticket {
                    reactor::started(ticket, pending, context.waker());
                }
                return Poll::Pending;
            }
        };
        Poll::Ready(answer.map(Response::new).map_err(HttpError::from))
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            reactor::forget(ticket);
        }
    }
}

//! Runs one future to its end. Its only blocking points are the host's.
pub use crate::reactor::Stuck;
use crate::reactor::{self, Ticket};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

struct Woken(AtomicBool);
impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

type Bell = (Arc<Woken>, Waker);
thread_local!(
    /// Kept from run to run; taken while in use, so that an executor within another gets one of its own.
    static BELL: Cell<Option<Bell>> = const { Cell::new(None) }
);

fn bell() -> Bell {
    BELL.take().unwrap_or_else(|| {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        (Arc::clone(&woken), Waker::from(woken))
    })
}

/// Runs the future; `Stuck` if it waits for something that can never happen.
pub fn run<T>(future: impl Future<Output = T>) -> Result<T, Stuck> {
    let (woken, waker) = bell();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let result = loop {
        woken.0.store(false, Relaxed);
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            break Ok(value);
        }
        let mut turned = Ok(());
        while turned.is_ok() && !woken.0.load(Relaxed) {
            turned = reactor::turn();
        }
        if let Err(stuck) = turned {
            break Err(stuck);
        }
    };
    BELL.set(Some((woken, waker)));
    result
}

/// Waits until a moment of the host's clock.
pub struct Until {
    at: u64,
    ticket: Option<Ticket>,
}

impl Until {
    pub fn new(at: u64) -> Self {
        Until { at, ticket: None }
    }
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.ticket {
            None => {
                self.ticket = Some(reactor::timer(self.at, context.waker()));
                Poll::Pending
            }
            Some(ticket) if reactor::is_over(ticket, context.waker()) => Poll::Ready(()),
            Some(_) => Poll::Pending,
        }
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            reactor::forget_timer(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futures::{Either, FuturesUnordered, StreamExt, join_all, select};
    use crate::host::fake::calls;
    use crate::http::{Http, Sending};
    use futures_util::join;

    fn get(path: &'static str) -> Sending<'static> {
        Http::new().get(path).into_future()
    }
    async fn wait(time: u64) {
        Until::new(crate::host::now() + time).await;
    }
    fn begin() -> u64 {
        crate::reactor::clear();
        calls();
        crate::host::now()
    }

    #[test]
    fn one_request_goes_by_the_blocking_call() {
        begin();
        let answer = run(async {
            let _ = get("a/30").await;
            get("b/30").await
        });
        assert!(answer.unwrap().is_err_and(|error| error.to_string() == "protocol: b/30"));
        assert_eq!(calls(), ["send a/30", "send b/30"]);
    }

    #[test]
    fn several_go_side_by_side() {
        let start = begin();
        run(async { join_all([get("a/30"), get("b/10"), get("c/30")]).await }).unwrap();
        assert_eq!(crate::host::now() - start, 30);
        let calls = calls();
        assert_eq!(calls[..4], ["start a/30", "start b/10", "start c/30", "wait-any 3 None"]);
        assert_eq!(calls.iter().filter(|call| call.starts_with("wait-any 2")).count(), 1, "{calls:?}");
    }

    #[test]
    fn one_timer_goes_by_the_blocking_call() {
        let start = begin();
        run(wait(50)).unwrap();
        assert_eq!(calls(), [format!("sleep-until {}", start + 50)]);
    }

    #[test]
    fn timers_side_by_side() {
        let start = begin();
        run(async {
            join!(wait(50), wait(20), async {
                wait(20).await;
                wait(40).await;
            })
        })
        .unwrap();
        assert_eq!(crate::host::now() - start, 60);
    }

    #[test]
    fn the_loser_of_a_race_is_cancelled() {
        begin();
        let winner = run(async {
            match select(get("slow/100"), std::pin::pin!(wait(10))).await {
                Either::Left(_) => "answer",
                Either::Right(_) => "time",
            }
        });
        assert_eq!(winner, Ok("time"));
        assert_eq!(calls(), ["start slow/100", "wait-any 1 Some(10)", "drop slow/100"]);
    }

    #[test]
    fn each_of_a_set_is_woken_by_its_own_waker() {
        begin();
        let order = run(async {
            let mut set: FuturesUnordered<_> = [get("a/30"), get("b/10"), get("c/20")].into_iter().collect();
            let mut order = Vec::new();
            while let Some(Err(error)) = set.next().await {
                order.push(error.to_string());
            }
            order
        });
        assert_eq!(order.unwrap(), ["protocol: b/10", "protocol: c/20", "protocol: a/30"]);
    }

    #[test]
    fn waiting_for_nothing_is_noticed() {
        begin();
        assert_eq!(run(std::future::pending::<()>()), Err(Stuck));
        assert_eq!(run(async { join!(get("a/1"), std::future::pending::<()>()) }).err(), Some(Stuck));
    }

    #[test]
    fn an_executor_within_another() {
        begin();
        let inside = run(async {
            wait(5).await;
            run(async { get("a/5").await.is_err() })
        });
        assert_eq!(inside, Ok(Ok(true)));
    }

    #[test]
    fn a_request_that_cannot_be_made_is_not_sent() {
        begin();
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let answer = run(Http::new().post("a/1").json(&unwritable).into_future()).unwrap();
        assert!(answer.is_err_and(|error| error.kind() == crate::http::HttpErrorKind::Invalid));
        assert!(calls().is_empty());
    }
}

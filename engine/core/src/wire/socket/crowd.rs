//! The incoming connections of a socket: how many there may be, and what is said about those that are no good.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::lock;

/// The same complaint is logged once in this time, however often there is reason for it.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(60);
/// Different complaints in that time; further ones aren't logged.
const COMPLAINTS_MAX: usize = 64;

#[derive(Default)]
pub struct Crowd {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    all: usize,
    /// Those that are still greeting, the oldest first.
    greeting: VecDeque<(u64, AbortHandle)>,
    complaints: HashSet<String>,
    since: Option<Instant>,
}

/// A place that a connection takes.
pub struct Seat<'a> {
    crowd: &'a Crowd,
    connection: u64,
}

impl Crowd {
    /// Takes a place, if there is one of `max`.
    pub fn enter(&self, max: usize) -> bool {
        let mut inner = lock(&self.inner);
        let room = inner.all < max;
        inner.all += usize::from(room);
        room
    }

    /// The one that has entered begins to greet; the oldest that does so has to go if there are more than `max`.
    pub fn greet(&self, connection: u64, task: AbortHandle, max: usize) {
        let mut inner = lock(&self.inner);
        inner.greeting.push_back((connection, task));
        if inner.greeting.len() > max
            && let Some((_, oldest)) = inner.greeting.pop_front()
        {
            oldest.abort();
        }
    }

    /// The place of the one that has entered; left when this is dropped.
    pub fn seat(&self, connection: u64) -> Seat<'_> {
        Seat { crowd: self, connection }
    }

    /// Says what is wrong with a peer, but not again and again; answers whether it was said.
    pub fn complain(&self, complaint: String) -> bool {
        let mut inner = lock(&self.inner);
        let now = Instant::now();
        if inner.since.is_none_or(|since| now - since >= COMPLAINT_PERIOD) {
            (inner.since, inner.complaints) = (Some(now), HashSet::new());
        }
        let news = inner.complaints.len() < COMPLAINTS_MAX && !inner.complaints.contains(&complaint);
        if news {
            tracing::warn!("{complaint}");
            inner.complaints.insert(complaint);
        }
        news
    }
}

impl Seat<'_> {
    /// It has greeted.
    pub fn greeted(&self) {
        lock(&self.crowd.inner).greeting.retain(|(connection, _)| *connection != self.connection);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.greeted();
        lock(&self.crowd.inner).all -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_complaint_is_made_once_a_minute() {
        let crowd = Crowd::default();
        let said = |what: &str| crowd.complain(what.to_owned());
        assert!(said("a") && said("b") && !said("a") && !said("b"));
        tokio::time::advance(COMPLAINT_PERIOD).await;
        assert!(said("a") && !said("a"));
        let many = (0..1_000).filter(|number| said(&number.to_string())).count();
        assert_eq!(many + 1, COMPLAINTS_MAX, "there is an end to it");
    }

    #[tokio::test]
    async fn the_oldest_that_greets_gives_way() {
        let crowd = Crowd::default();
        let first = crowd.seat(0);
        let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(std::future::pending::<()>())).collect();
        for (number, task) in (0..).zip(&tasks) {
            assert!(crowd.enter(4));
            if number == 2 {
                first.greeted();
            }
            crowd.greet(number, task.abort_handle(), 2);
        }
        assert!(!crowd.enter(4), "four is as many as there may be");
        for (number, task) in tasks.into_iter().enumerate() {
            let ended = tokio::time::timeout(Duration::from_millis(10), task).await;
            assert_eq!(ended.is_ok(), number == 1, "{number}: the first has greeted, the second is the oldest then");
        }
    }
}

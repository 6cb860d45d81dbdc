use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::super::arrival::Arrivals;
use super::super::socket::{Socket, Stream};
use super::*;
use crate::runner::clock::Clock;

const KEY: Key = Key { origin: 1, identity: None, insecure: false, run: 0 };

/// A listener that connections are made to; the other ends are its own to keep or drop.
struct Server(TcpListener);

impl Server {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// An open connection, marked so that it can be told from others, and its other end.
    async fn connect(&self, mark: &str) -> (Box<Connection>, TcpStream) {
        let stream = TcpStream::connect(self.0.local_addr().unwrap()).await.unwrap();
        let (end, _) = self.0.accept().await.unwrap();
        let socket = Socket::new(Stream::Plain(Arrivals::new(stream)), Clock::start());
        (Box::new(Connection::new(socket, mark.into())), end)
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not happen");
}

fn taken(pool: &mut Pool, key: &Key) -> Option<String> {
    pool.take(key).map(|connection| connection.primary_ip.to_string())
}

/// The number of connections, counted.
fn counted(pool: &Pool) -> usize {
    let count = pool.idle.values().map(Vec::len).sum();
    assert_eq!(pool.count, count, "the count is right");
    count
}

#[test]
fn keys() {
    for (reuse, one, other, same, why) in [
        (Reuse::Runner, (1, None, false, 7), (1, None, false, 8), true, "runs share"),
        (Reuse::Journey, (1, None, false, 7), (1, None, false, 8), false, "runs don't share"),
        (Reuse::Journey, (1, None, false, 7), (1, None, false, 7), true, "a run's own"),
        (Reuse::Runner, (1, None, false, 7), (2, None, false, 7), false, "another origin"),
        (Reuse::Runner, (1, Some(0), false, 7), (1, None, false, 7), false, "a client certificate"),
        (Reuse::Runner, (1, Some(0), false, 7), (1, Some(1), false, 7), false, "another certificate"),
        (Reuse::Runner, (1, None, true, 7), (1, None, false, 7), false, "a server that nobody has verified"),
    ] {
        let pool = Pool::new(reuse);
        let key = |(origin, identity, insecure, run)| pool.key(origin, identity, insecure, run);
        assert_eq!(key(one) == key(other), same, "{why}");
    }
}

#[tokio::test]
async fn the_one_used_last_comes_first() {
    let (server, mut pool) = (Server::start().await, Pool::new(Reuse::Runner));
    let mut ends = Vec::new();
    for mark in ["a", "b", "c"] {
        let (connection, end) = server.connect(mark).await;
        pool.put(KEY, connection, 0);
        ends.push(end);
    }
    let (other, _end) = server.connect("other").await;
    let other_key = Key { origin: 2, ..KEY };
    pool.put(other_key, other, 0);
    assert_eq!(counted(&pool), 4);
    let order: Vec<_> = (0..4).map(|_| taken(&mut pool, &KEY)).collect();
    assert_eq!(order, [Some("c".to_owned()), Some("b".to_owned()), Some("a".to_owned()), None]);
    assert_eq!(counted(&pool), 1, "another key's is left");
    assert_eq!(taken(&mut pool, &other_key).as_deref(), Some("other"));
    assert_eq!(taken(&mut pool, &Key { origin: 9, ..KEY }), None, "a key that nobody had");
}

#[tokio::test]
async fn closed_ones_are_passed_over() {
    let (server, mut pool) = (Server::start().await, Pool::new(Reuse::Runner));
    let (good, _end) = server.connect("good").await;
    let (bad, bad_end) = server.connect("bad").await;
    pool.put(KEY, good, 0);
    pool.put(KEY, bad, 0);
    drop(bad_end);
    let idle = pool.idle.get_mut(&KEY).unwrap();
    until(|| !idle[1].connection.is_open()).await;
    assert_eq!(taken(&mut pool, &KEY).as_deref(), Some("good"));
    assert_eq!(counted(&pool), 0);
}

#[tokio::test]
async fn idle_ones_are_closed() {
    let (server, mut pool) = (Server::start().await, Pool::new(Reuse::Runner));
    let mut ends = Vec::new();
    for (mark, since) in [("old", 0), ("young", 1), ("new", IDLE_MAX)] {
        let (connection, end) = server.connect(mark).await;
        pool.put(KEY, connection, since);
        ends.push(end);
    }
    for (now, left, why) in [
        (0, 3, "none"),
        (IDLE_MAX - 1, 3, "just not"),
        (IDLE_MAX, 2, "the oldest"),
        (IDLE_MAX + 1, 1, "the next"),
        (2 * IDLE_MAX, 0, "all"),
        (3 * IDLE_MAX, 0, "none is left"),
    ] {
        pool.close_idle(now);
        assert_eq!(counted(&pool), left, "{why}");
    }
    assert!(pool.idle.is_empty(), "keys go with the last of their connections");
    let mut byte = [0];
    assert_eq!(ends[0].read(&mut byte).await.unwrap(), 0, "the other end sees it");
}

#[tokio::test]
async fn who_may_use_them_again() {
    let server = Server::start().await;
    for (reuse, same_run, other_run, after_end, why) in [
        (Reuse::Runner, true, true, true, "all"),
        (Reuse::Journey, true, false, false, "the run that opened it"),
        (Reuse::Never, false, false, false, "nobody"),
    ] {
        for (asks, ends, want) in [(7, false, same_run), (8, false, other_run), (7, true, after_end)] {
            let mut pool = Pool::new(reuse);
            let (one, _end) = server.connect("one").await;
            let (two, _other_end) = server.connect("two").await;
            pool.put(pool.key(1, None, false, 7), one, 0);
            pool.put(pool.key(1, None, true, 7), two, 0);
            if ends {
                pool.end_run(7);
                pool.end_run(7);
            }
            let key = pool.key(1, None, false, asks);
            assert_eq!(pool.take(&key).is_some(), want, "{why}: run {asks}, over: {ends}");
            let left = match reuse {
                Reuse::Never => 0,
                _ if ends && reuse == Reuse::Journey => 0,
                _ => 2 - usize::from(want),
            };
            assert_eq!(counted(&pool), left, "{why}: run {asks}, over: {ends}");
        }
    }
}

#[tokio::test]
async fn a_run_leaves_nothing_behind() {
    let (server, mut pool) = (Server::start().await, Pool::new(Reuse::Journey));
    let mut ends = Vec::new();
    for run in 0..3 {
        let key = pool.key(1, None, false, run);
        for _ in 0..4 {
            let (connection, end) = server.connect("x").await;
            pool.put(key, connection, 0);
            drop(pool.take(&key));
            let (connection, other_end) = server.connect("y").await;
            pool.put(key, connection, 0);
            ends.extend([end, other_end]);
        }
        assert!(pool.by_run.get(&run).is_some_and(|keys| keys.len() == 1), "a key is noted once");
        pool.end_run(run);
        assert_eq!((counted(&pool), pool.by_run.len(), pool.idle.len()), (0, 0, 0));
    }
}

//! A tiny HTTP client that shows everything and decides nothing: no redirects, no cookies, no retries.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::playground::Error;
use crate::playground::server::Playground;

/// A playground on a free port.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) shutdown: CancellationToken,
    pub(super) ended: JoinHandle<Result<(), Error>>,
}

impl Server {
    pub(super) async fn start(workers: usize) -> Server {
        let workers = NonZeroUsize::new(workers).expect("a test names at least one worker");
        let playground =
            Playground::bind("127.0.0.1:0", workers, std::time::Duration::ZERO).await.expect("a free port");
        let (address, shutdown) = (playground.address(), CancellationToken::new());
        let ended = tokio::spawn(playground.serve(shutdown.clone()));
        Server { address, shutdown, ended }
    }

    pub(super) async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.expect("it listens"), unread: Vec::new() }
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.ended.await.expect("no panic").expect("no error");
    }

    /// Waits (without a clock: by asking again) until a number of `/stats` is what it should become.
    pub(super) async fn until(&self, pointer: &str, wanted: u64) -> Value {
        let mut client = self.client().await;
        let mut stats = Value::Null;
        for _ in 0..100_000 {
            stats = client.get("/stats").await.json();
            if stats.pointer(pointer) == Some(&Value::from(wanted)) {
                return stats;
            }
        }
        panic!("{pointer} never became {wanted}: {stats}");
    }
}

/// One connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub(super) async fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "", "").await
    }

    /// `headers` are whole lines, each with its `\r\n`.
    pub(super) async fn ask(&mut self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        self.send(method, target, &format!("content-length: {}\r\n{headers}", body.len()), body).await;
        self.answer(method == "HEAD").await.expect("an answer")
    }

    pub(super) async fn send(&mut self, method: &str, target: &str, headers: &str, body: &str) {
        let request = format!("{method} {target} HTTP/1.1\r\nhost: test\r\n{headers}\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
    }

    /// Reads on; false at the end of the connection (an abort is an end too).
    pub(super) async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.unread).await.is_ok_and(|bytes| bytes > 0)
    }

    /// The next answer, or what came of it before the connection ended.
    pub(super) async fn answer(&mut self, is_head: bool) -> Result<Answer, String> {
        let (status, headers) = self.head().await?;
        let mut answer = Answer { status, headers, body: Vec::new() };
        if is_head || matches!(status, 204 | 304) {
            return Ok(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            while let length @ 1.. = self.chunk_length().await? {
                answer.body.extend(self.take(length).await?);
                self.take(2).await?;
            }
            self.take(2).await?;
        } else {
            let length = answer.header("content-length").expect("a length").parse().expect("a number");
            answer.body = self.take(length).await?;
        }
        Ok(answer)
    }

    /// Status and headers, names in small letters (as hyper sends them).
    pub(super) async fn head(&mut self) -> Result<(u16, Vec<(String, String)>), String> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { return Ok((status, headers)) };
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    async fn chunk_length(&mut self) -> Result<usize, String> {
        Ok(usize::from_str_radix(&self.line().await?, 16).expect("a chunk's length"))
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line = self.take(end + 2).await?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.more().await {
                return Err(self.rest());
            }
        }
    }

    pub(super) async fn take(&mut self, bytes: usize) -> Result<Vec<u8>, String> {
        while self.unread.len() < bytes {
            if !self.more().await {
                return Err(self.rest());
            }
        }
        Ok(self.unread.drain(..bytes).collect())
    }

    fn rest(&self) -> String {
        format!("the connection ended after {:?}", String::from_utf8_lossy(&self.unread))
    }
}

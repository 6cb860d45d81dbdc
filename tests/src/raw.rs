//! A server that answers with bytes of the test's own, right or wrong, and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET /path HTTP/1.1`
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The number of its connection, from 0.
    pub connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }
}

/// The server; it ends with the test's process.
#[derive(Debug)]
pub struct Raw {
    pub port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Raw {
    /// Answers each request with bytes; an empty answer closes the connection.
    pub fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (Ok(stream), kept, answer) = (stream, kept.clone(), answer.clone()) else { continue };
                std::thread::spawn(move || serve(number, &stream, &kept, &*answer));
            }
        });
        Self { port, asked }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no panics").clone()
    }

    /// `http://127.0.0.1:PORT` with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// What comes over a broken connection is nobody's error here.
fn serve(number: usize, stream: &TcpStream, asked: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Vec<u8>) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader) {
        request.connection = number;
        asked.lock().expect("no panics").push(request.clone());
        let bytes = answer(&request);
        let mut stream = stream;
        if bytes.is_empty() || stream.write_all(&bytes).is_err() || is_closing(&bytes) {
            break;
        }
    }
    drop(stream.shutdown(std::net::Shutdown::Both));
}

fn is_closing(answer: &[u8]) -> bool {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer, |end| &answer[..end]);
    !head.starts_with(b"HTTP/1.1") || String::from_utf8_lossy(head).to_lowercase().contains("connection: close")
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut request = Request { line: line(reader)?, ..Request::default() };
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.split_once(':') else { break };
        request.headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line).ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// An answer with a length, `head` being status and further headers: `200 OK\r\nx: y`.
pub fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

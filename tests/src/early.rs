//! A server that answers before it has read what it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// No body fits into the buffers between.
const RECEIVE_BYTES: usize = 4 * 1024;
/// What doesn't happen meanwhile will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server. `POST` is answered at once; its body is read once there is a `GET`, which is answered when that is done.
#[derive(Debug)]
pub struct Early {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    got: bool,
    rest: Option<bool>,
}

impl Early {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, RECEIVE_BYTES).expect("a small buffer");
        let port = listener.local_addr().expect("it is bound").port();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        Self { port, state }
    }

    /// Whether the whole body came; none: that isn't known yet.
    pub fn rest_came(&self) -> Option<bool> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).rest
    }
}

fn serve(stream: &TcpStream, (state, changed): &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(64, stream);
    let change = |change: fn(&mut State, bool), with| {
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner), with);
        changed.notify_all();
    };
    let wait = |until: fn(&State) -> bool| {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(state, PATIENCE, |state| !until(state)));
    };
    loop {
        let (mut is_post, mut length) = (false, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            is_post |= line.starts_with("POST");
            if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        if !is_post {
            change(|state, _| state.got = true, true);
            wait(|state| state.rest.is_some());
        }
        (&*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")?;
        if is_post {
            wait(|state| state.got);
            let came = reader.read_exact(&mut vec![0; length]);
            change(|state, came| state.rest = Some(came), came.is_ok());
            came?;
        }
    }
}

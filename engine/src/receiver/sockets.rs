//! The sockets that a processor sends through: only at endpoints that were granted, and each made once.

use std::sync::Arc;
use std::time::Duration;

use crate::wire::batch::Batch;
use crate::wire::dump::{self, Dump};
use crate::wire::socket::{Full, Options, Parcel, Push};
use crate::wire::zmtp::FRAME_BYTES_MAX;

/// Sockets of a processor. One more is an error.
const SOCKETS_MAX: usize = 16;
/// How long what still waits at the end may take to be sent.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Bind,
    Connect,
}

/// All sockets of a processor; they outlive its instances.
#[derive(Default)]
pub struct Sockets {
    granted: Arc<[String]>,
    open: Vec<Socket>,
}

struct Socket {
    side: Side,
    endpoint: String,
    push: Arc<Push>,
}

/// A socket that waits for its peers in bounds and never makes its processor wait.
pub fn push() -> Push {
    Push::new(Options { full: Full::DropNewest, ..Options::new("receiver") })
}

/// What hands dumps to a socket; it takes one only if there is room.
pub fn output(push: Arc<Push>) -> Box<dyn FnMut(&Dump) -> bool + Send> {
    Box::new(move |dump| push.try_send(Parcel::message(&[&dump::encode(dump)])).is_ok())
}

/// Sends what waits, and says what could not be sent.
pub async fn close(spec: &str, endpoint: &str, push: Push) {
    let counts = push.close(LINGER).await;
    if counts.waiting > 0 {
        tracing::warn!("{spec}: {} messages to {endpoint} were not sent: nobody took them", counts.waiting);
    }
}

impl Sockets {
    pub fn new(granted: Arc<[String]>) -> Self {
        Self { granted, open: Vec::new() }
    }

    /// The number of the socket bound there; it is bound if it isn't yet.
    pub async fn bind(&mut self, endpoint: String) -> Result<u32, String> {
        if let Some(number) = self.find(Side::Bind, &endpoint) {
            return Ok(number);
        }
        self.permit(&endpoint)?;
        let mut push = push();
        let bound = push.bind(&endpoint).await.map_err(|error| error.to_string())?;
        tracing::info!("a processor sends at {bound}");
        Ok(self.add(Side::Bind, endpoint, push))
    }

    /// The number of the socket connected there; it is connected, in the background, if it isn't yet.
    pub fn connect(&mut self, endpoint: String) -> Result<u32, String> {
        if let Some(number) = self.find(Side::Connect, &endpoint) {
            return Ok(number);
        }
        self.permit(&endpoint)?;
        let mut push = push();
        push.connect(&endpoint).map_err(|error| error.to_string())?;
        Ok(self.add(Side::Connect, endpoint, push))
    }

    fn find(&self, side: Side, endpoint: &str) -> Option<u32> {
        let at = self.open.iter().position(|socket| socket.side == side && socket.endpoint == endpoint)?;
        u32::try_from(at).ok()
    }

    fn permit(&self, endpoint: &String) -> Result<(), String> {
        if !self.granted.contains(endpoint) {
            let shown = endpoint.escape_debug();
            return Err(format!("no processor may use {shown}: start the receiver with --grant-socket={shown}"));
        }
        if self.open.len() >= SOCKETS_MAX {
            return Err(format!("a processor has {SOCKETS_MAX} sockets at most"));
        }
        Ok(())
    }

    fn add(&mut self, side: Side, endpoint: String, push: Push) -> u32 {
        self.open.push(Socket { side, endpoint, push: Arc::new(push) });
        self.open.len() as u32 - 1
    }

    pub fn get(&self, number: u32) -> Option<Arc<Push>> {
        self.open.get(number as usize).map(|socket| socket.push.clone())
    }

    /// Sends messages; answers how many found no room or are larger than any peer takes.
    pub async fn send(&self, number: u32, messages: &[Vec<u8>]) -> u32 {
        let Some(push) = self.get(number) else { return u32::try_from(messages.len()).unwrap_or(u32::MAX) };
        let mut dropped = 0;
        let mut batch = Batch::default();
        for message in messages {
            if message.len() > FRAME_BYTES_MAX {
                dropped += 1;
                continue;
            }
            batch.push(message);
            if batch.is_full() {
                dropped += push.send(Parcel::from(&batch)).await;
                batch = Batch::default();
            }
        }
        dropped += push.send(Parcel::from(&batch)).await;
        u32::try_from(dropped).unwrap_or(u32::MAX)
    }

    /// Sends what waits. Whoever else has a socket has to have given it back.
    pub async fn close(self, spec: &str) {
        for Socket { endpoint, push, .. } in self.open {
            if let Some(push) = Arc::into_inner(push) {
                close(spec, &endpoint, push).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_granted() {
        let granted = "tcp://127.0.0.1:0".to_owned();
        let mut sockets = Sockets::new(Arc::from([granted.clone(), "nonsense".to_owned()]));
        for (side, endpoint, want, why) in [
            (Side::Bind, "tcp://127.0.0.1:0", Ok(0), "granted"),
            (Side::Bind, "tcp://127.0.0.1:0", Ok(0), "the same again"),
            (Side::Bind, "tcp://127.0.0.1:00", Err("--grant-socket=tcp://127.0.0.1:00"), "not to the letter"),
            (Side::Connect, "tcp://10.0.0.1:80", Err("no processor may use tcp://10.0.0.1:80"), "another"),
            (Side::Connect, "tcp://127.0.0.1:0", Err("port 0 can be bound"), "what can't be connected to"),
            (Side::Bind, "nonsense", Err("`nonsense` is no endpoint"), "granted, but none"),
            (Side::Bind, "\u{1b}[2J", Err("no processor may use \\u{1b}[2J"), "what would change a terminal"),
        ] {
            let got = match side {
                Side::Bind => sockets.bind(endpoint.to_owned()).await,
                Side::Connect => sockets.connect(endpoint.to_owned()),
            };
            match (got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => assert!(got.contains(want), "{why}: {got}"),
                (got, want) => panic!("{why}: {got:?}, {want:?}"),
            }
        }
        assert_eq!(sockets.open.len(), 1, "those that failed leave nothing");
    }

    #[tokio::test]
    async fn the_number_of_sockets_is_bounded() {
        let endpoints: Vec<_> = (1..=SOCKETS_MAX + 1).map(|port| format!("tcp://127.0.0.1:{port}")).collect();
        let mut sockets = Sockets::new(endpoints.clone().into());
        let mut opened = Vec::new();
        for endpoint in endpoints {
            opened.push(sockets.connect(endpoint).is_ok());
        }
        assert_eq!(opened.iter().filter(|opened| **opened).count(), SOCKETS_MAX);
        assert_eq!(opened.last(), Some(&false));
    }

    #[tokio::test]
    async fn what_no_peer_takes_is_dropped_and_counted() {
        let mut sockets = Sockets::new(Arc::from(["tcp://127.0.0.1:0".to_owned()]));
        let number = sockets.bind("tcp://127.0.0.1:0".to_owned()).await.unwrap();
        let messages = [vec![0; 10], vec![0; FRAME_BYTES_MAX + 1], vec![0; 20]];
        assert_eq!(sockets.send(number, &messages).await, 1, "it is too large");
        assert_eq!(sockets.send(number + 1, &messages).await, 3, "there is no such socket");
        let push = sockets.get(number).unwrap();
        assert_eq!(push.counts().waiting, 2, "the others wait for a peer");
    }
}

//! From the first byte to a peer that is known.

use super::command::{Command, Property};
use super::decoder::{Decoder, Item};
use super::greeting::{GREETING_BYTES, Greeting};
use super::kind::SocketType;
use super::mechanism::{Mechanism, Step};
use super::mite::{Name, property};
use super::peer::Peer;
use super::{Limits, Violation};

/// One side of a handshake. [`Self::output`] is to be sent whenever there is some, what comes goes into [`Self::decoder`],
/// and [`Self::proceed`] answers the peer in the end.
pub struct Handshake {
    ours: SocketType,
    mechanism: Mechanism,
    properties: Vec<Property>,
    /// What the peer's greeting said, once it is there.
    minor: Option<u8>,
    output: Vec<u8>,
    decoder: Decoder,
}

impl Handshake {
    /// Says who we are with these words.
    pub fn new(ours: SocketType, name: &Name, limits: Limits) -> Self {
        let mechanism = Mechanism::Null;
        let mut properties = vec![("Socket-Type".to_owned(), ours.as_str().as_bytes().to_owned())];
        if ours == SocketType::Req {
            properties.push(("Identity".to_owned(), Vec::new()));
        }
        properties.extend(name.properties());
        let greeting = Greeting { major: 3, minor: 1, mechanism: mechanism.name().to_owned(), as_server: false };
        let output = greeting.bytes().to_vec();
        Self { ours, mechanism, properties, minor: None, output, decoder: Decoder::new(limits) }
    }

    /// Takes what is to be sent now.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Where what comes is put; holds what came after the handshake when it is over.
    pub fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }

    /// Goes on with what has come; none: more is needed. On an error there may be output, which tells the peer why.
    pub fn proceed(&mut self) -> Result<Option<Peer>, Violation> {
        if self.minor.is_none() && !self.greet()? {
            return Ok(None);
        }
        loop {
            match self.decoder.decode()? {
                None => return Ok(None),
                Some(Item::Command(command)) => match self.mechanism.take(command)? {
                    Step::Say(command) => command.put(&mut self.output),
                    Step::Done(properties) => return self.know(&properties).map(Some),
                },
                Some(Item::Parcel(_)) => {
                    return Err(Violation::Unexpected { got: "a message".to_owned(), want: "READY" });
                }
            }
        }
    }

    /// Whether the peer's greeting is there.
    fn greet(&mut self) -> Result<bool, Violation> {
        let Some(greeting) = Greeting::read(self.decoder.bytes())? else { return Ok(false) };
        self.decoder.take(GREETING_BYTES);
        if greeting.mechanism != self.mechanism.name() {
            return Err(Violation::Mechanism { theirs: greeting.mechanism, ours: self.mechanism.name() });
        }
        // Of a later major version, the peer adapts to ours.
        self.minor = Some(if greeting.major > 3 { 1 } else { greeting.minor.min(1) });
        let properties = std::mem::take(&mut self.properties);
        if let Some(command) = self.mechanism.begin(properties) {
            command.put(&mut self.output);
        }
        Ok(true)
    }

    fn know(&mut self, properties: &[Property]) -> Result<Peer, Violation> {
        let theirs = property(properties, "Socket-Type").unwrap_or_default().escape_ascii().to_string();
        if !self.ours.talks_to(&theirs) {
            let violation = Violation::SocketType { theirs, ours: self.ours.as_str() };
            Command::Error(format!("{} refuses: {violation}", self.ours.as_str())).put(&mut self.output);
            return Err(violation);
        }
        Ok(Peer {
            minor: self.minor.unwrap_or(0),
            socket_type: theirs,
            identity: property(properties, "Identity").unwrap_or_default().to_owned(),
            name: Name::read(properties),
            address: String::new(),
            connection: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::zmtp::frame::put;

    const RUNNER: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/wire/zmtp.runner_to_controller.bin"));

    fn name(kind: &str) -> Name {
        Name { kind: kind.to_owned(), id: "0123456789abcdef".to_owned(), socket: 3 }
    }

    fn handshake(ours: SocketType) -> Handshake {
        Handshake::new(ours, &name("collector"), Limits::default())
    }

    fn feed(ours: SocketType, bytes: &[u8], size: usize) -> (Result<Option<Peer>, Violation>, Handshake) {
        let mut handshake = handshake(ours);
        let mut answer = Ok(None);
        for piece in bytes.chunks(size) {
            handshake.decoder().buffer().extend_from_slice(piece);
            if answer == Ok(None) {
                answer = handshake.proceed();
            }
        }
        (answer, handshake)
    }

    #[test]
    fn two_of_ours_know_each_other() {
        let (mut push, mut pull) = (handshake(SocketType::Push), handshake(SocketType::Pull));
        let mut known = (None, None);
        for _ in 0..2 {
            pull.decoder().buffer().extend_from_slice(&push.output());
            known.1 = known.1.or(pull.proceed().unwrap());
            push.decoder().buffer().extend_from_slice(&pull.output());
            known.0 = known.0.or(push.proceed().unwrap());
        }
        for (peer, socket_type) in [(known.0, "PULL"), (known.1, "PUSH")] {
            let peer = peer.expect("known after two rounds");
            assert_eq!((peer.socket_type.as_str(), peer.minor, peer.name), (socket_type, 1, Some(name("collector"))));
        }
    }

    #[test]
    fn a_captured_python_runner() {
        let (answer, handshake) = feed(SocketType::Rep, RUNNER, RUNNER.len());
        let peer = answer.unwrap().unwrap();
        assert_eq!((peer.socket_type.as_str(), peer.minor, peer.name, peer.identity), ("REQ", 1, None, vec![]));
        assert_eq!(handshake.decoder.bytes(), &RUNNER[64 + 40..], "what comes after is still there");
    }

    fn ready(properties: &[(&str, &[u8])], minor: u8, mechanism: &str) -> Vec<u8> {
        let mut out = Greeting { major: 3, minor, mechanism: mechanism.to_owned(), as_server: false }.bytes().to_vec();
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        Command::Ready(properties).put(&mut out);
        out
    }

    #[test]
    fn who_is_refused() {
        let mut message = ready(&[], 1, "NULL")[..64].to_owned();
        put(&mut message, 0, b"too soon");
        let mut error = message[..64].to_owned();
        Command::Error("go away".to_owned()).put(&mut error);
        let refusal = |theirs: &str| Violation::SocketType { theirs: theirs.to_owned(), ours: "PULL" };
        for (bytes, want, tells) in [
            (ready(&[("Socket-Type", b"PULL")], 1, "NULL"), refusal("PULL"), true),
            (ready(&[], 1, "NULL"), refusal(""), true),
            (ready(&[], 1, "CURVE"), Violation::Mechanism { theirs: "CURVE".to_owned(), ours: "NULL" }, false),
            (message, Violation::Unexpected { got: "a message".to_owned(), want: "READY" }, false),
            (error, Violation::Refused { reason: "go away".to_owned() }, false),
        ] {
            let (answer, mut handshake) = feed(SocketType::Pull, &bytes, bytes.len());
            assert_eq!(answer, Err(want));
            let output = handshake.output();
            assert_eq!(output.windows(6).any(|bytes| bytes == b"\x05ERROR"), tells, "{output:?}");
        }
    }

    #[test]
    fn versions() {
        for (minor, pings) in [(0, false), (1, true), (9, true)] {
            let bytes = ready(&[("socket-type", b"PUSH")], minor, "NULL");
            for size in [1, 7, bytes.len()] {
                let peer = feed(SocketType::Pull, &bytes, size).0.unwrap().unwrap();
                assert_eq!((peer.knows_ping(), peer.minor <= 1), (pings, true), "3.{minor}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, size in 1..80_usize, cut in 0..104_usize) {
            let _ = feed(SocketType::Rep, &bytes, size);
            let _ = feed(SocketType::Rep, &[&RUNNER[..cut], &bytes].concat(), size);
        }
    }
}

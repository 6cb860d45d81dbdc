//! PULL: takes records of all its peers, each peer in its turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::connection::{Connection, Course, End, Traffic};
use super::endpoint::Endpoint;
use super::endpoints::{Endpoints, Error, Serve};
use super::gather::Gather;
use super::inbox::Inbox;
use super::links::Links;
use super::lock;
use super::options::Options;
use super::stream::Stream;
use crate::wire::zmtp::Violation;
use crate::wire::zmtp::command::Command;
use crate::wire::zmtp::kind::SocketType;
use crate::wire::zmtp::mite::Word;
use crate::wire::zmtp::parcel::Parcel;
use crate::wire::zmtp::peer::Peer;

/// What a note costs beside its bytes, so that empty ones don't pile up.
const NOTE_BYTES: usize = 64;

/// A socket that receives records.
pub struct Pull {
    endpoints: Endpoints<Core>,
}

/// What a peer sent.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub peer: Arc<Peer>,
    pub what: Received,
}

/// Records, or something beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Whole messages, as they came: to be walked through, or sent on as they are.
    Parcel(Parcel),
    /// What one of ours tells under a key ([`Push::note`](super::Push::note)); the newest of a peer and key counts. No message.
    Note { key: Vec<u8>, body: Vec<u8> },
}

struct Core {
    options: Options,
    state: Mutex<State>,
    /// Something is in an inbox that was empty.
    arrived: Notify,
    enough: AtomicBool,
}

#[derive(Default)]
struct State {
    inbox: Inbox<Incoming>,
    links: Links,
    lanes: HashMap<u64, Held>,
    received: u64,
}

/// A connection, and whether it waits for the owner to take something.
struct Held {
    peer: Arc<Peer>,
    wake: Arc<Notify>,
    held: bool,
    /// It is disconnected, and some of what it sent isn't taken yet.
    gone: bool,
}

impl Pull {
    pub fn new(options: Options) -> Self {
        let (state, arrived, enough) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        Self { endpoints: Endpoints::new(Core { options, state, arrived, enough }) }
    }

    /// Binds to `tcp://host:port` or `ipc://path`; answers where it is bound really, which matters for port 0.
    pub async fn bind(&mut self, endpoint: &str) -> Result<Endpoint, Error> {
        self.endpoints.bind(endpoint).await
    }

    /// Connects in the background, and again whenever the connection is lost.
    pub fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        self.endpoints.connect(endpoint)
    }

    /// What came next. May be given up while it waits: nothing is lost by that.
    pub async fn receive(&mut self) -> Incoming {
        // Lets connections read now and then.
        tokio::task::consume_budget().await;
        loop {
            if let Some(incoming) = self.try_receive() {
                return incoming;
            }
            self.endpoints.core.arrived.notified().await;
        }
    }

    /// What came next, if it is there.
    pub fn try_receive(&mut self) -> Option<Incoming> {
        let core = &self.endpoints.core;
        let mut state = lock(&core.state);
        let (connection, incoming) = state.inbox.pop()?;
        let bytes = state.inbox.bytes(connection);
        if let Some(lane) = state.lanes.get_mut(&connection)
            && lane.held
            && bytes <= core.options.receive_bytes / 2
        {
            lane.held = false;
            lane.wake.notify_one();
        }
        Some(incoming)
    }

    /// Tells peers of ours to send nothing more: they finish what they have begun and are gone then. What they sent is to be
    /// received as before; there is nothing more once [`Self::is_left`].
    pub fn enough(&self) {
        let core = &self.endpoints.core;
        core.enough.store(true, Ordering::Release);
        lock(&core.state).lanes.values().for_each(|lane| lane.wake.notify_one());
    }

    /// Whether no peer of ours is connected any more and all that came was received.
    pub fn is_left(&self) -> bool {
        let state = lock(&self.endpoints.core.state);
        state.inbox.is_empty() && !state.lanes.values().any(|lane| !lane.gone && lane.peer.name.is_some())
    }

    /// Who is connected.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        let state = lock(&self.endpoints.core.state);
        state.lanes.values().filter(|lane| !lane.gone).map(|lane| lane.peer.clone()).collect()
    }

    /// Records received so far.
    pub fn received(&self) -> u64 {
        lock(&self.endpoints.core.state).received
    }

    /// Records that peers of ours wrote and that never came. Known of a connection that was lost once its peer is back.
    pub fn missing(&self) -> u64 {
        lock(&self.endpoints.core.state).links.missing()
    }
}

impl Serve for Core {
    const TYPE: SocketType = SocketType::Pull;

    fn options(&self) -> &Options {
        &self.options
    }

    async fn serve(self: Arc<Self>, mut connection: Connection<Stream>, peer: Arc<Peer>) -> End {
        let mut lane = Lane::new(self, peer);
        let end = connection.run(&mut lane).await;
        drop(connection);
        lane.leave();
        // Keeps its place until all is taken, so that peers that come and go don't fill the memory.
        while lane.holds(|inbox, connection| inbox.has(connection)) {
            lane.wake.notified().await;
        }
        if lane.core.enough.load(Ordering::Acquire) {
            // Another connection would only bring what can't be taken any more.
            drop(lane);
            std::future::pending::<()>().await;
        }
        end
    }
}

/// One peer's part of the socket.
struct Lane {
    core: Arc<Core>,
    peer: Arc<Peer>,
    wake: Arc<Notify>,
    gather: Gather,
    /// Where the writer is on its link.
    position: u64,
    /// It was told that it's enough.
    told: bool,
}

impl Lane {
    fn new(core: Arc<Core>, peer: Arc<Peer>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut state = lock(&core.state);
        if let Some(name) = &peer.name {
            state.links.open(name);
        }
        state.lanes.insert(peer.connection, Held { peer: peer.clone(), wake: wake.clone(), held: false, gone: false });
        drop(state);
        Self { core, peer, wake, gather: Gather::default(), position: 0, told: false }
    }

    fn leave(&self) {
        if let Some(lane) = lock(&self.core.state).lanes.get_mut(&self.peer.connection) {
            lane.gone = true;
        }
    }

    /// Whether this is so; if it is, the owner wakes this connection once it has taken something.
    fn holds(&self, so: impl Fn(&Inbox<Incoming>, u64) -> bool) -> bool {
        let mut state = lock(&self.core.state);
        let holds = so(&state.inbox, self.peer.connection);
        if let Some(lane) = state.lanes.get_mut(&self.peer.connection) {
            lane.held = holds;
        }
        holds
    }

    fn put(&self, state: &mut State, what: Received, bytes: usize) {
        let incoming = Incoming { peer: self.peer.clone(), what };
        if state.inbox.push(self.peer.connection, incoming, bytes) {
            self.core.arrived.notify_one();
        }
    }
}

impl Traffic for Lane {
    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    fn course(&self) -> Course {
        Course::On
    }

    fn has_room(&self) -> bool {
        let max = self.core.options.receive_bytes;
        !self.holds(|inbox, connection| inbox.bytes(connection) > max)
    }

    fn take(&mut self, parcel: Parcel) -> Result<(), Violation> {
        let (records, bytes) = (parcel.len() as u64, parcel.bytes().len());
        self.position += records;
        let core = self.core.clone();
        let mut state = lock(&core.state);
        state.received += records;
        if let Some(name) = &self.peer.name {
            state.links.read(name, records, self.position);
        }
        self.put(&mut state, Received::Parcel(parcel), bytes);
        Ok(())
    }

    fn hear(&mut self, word: Word) {
        let core = self.core.clone();
        let mut state = lock(&core.state);
        match (word, &self.peer.name) {
            (Word::At(position), Some(name)) => {
                self.position = position;
                state.links.read(name, 0, position);
            }
            (Word::Note { key, body }, Some(_)) => {
                let bytes = NOTE_BYTES + key.len() + body.len();
                self.put(&mut state, Received::Note { key, body }, bytes);
            }
            (Word::Enough, _) | (_, None) => {}
        }
    }

    fn gather(&mut self) -> &mut Gather {
        &mut self.gather
    }

    fn fill(&mut self) {
        if !self.told && self.peer.name.is_some() && self.core.enough.load(Ordering::Acquire) {
            self.told = true;
            Command::Mite(Word::Enough).put(self.gather.head());
        }
    }

    fn written(&mut self) {
        self.gather.clear();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        lock(&self.core.state).lanes.remove(&self.peer.connection);
    }
}

//! PULL: takes records of all its peers, each peer in its turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::connection::{Connection, Course, End, Traffic};
use super::endpoint::Endpoint;
use super::endpoints::{Endpoints, Error, Serve};
use super::gather::Gather;
use super::inbox::Inbox;
use super::links::Links;
use super::lock;
use super::notes::{NoteTooLarge, Notes};
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
/// How long a peer that has sent its last after [`Pull::enough`] is kept for what it is to be told at the end.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
    /// A peer was told something, or is gone.
    told: Notify,
    enough: AtomicBool,
    /// There will be no more notes.
    goodbye: AtomicBool,
}

#[derive(Default)]
struct State {
    inbox: Inbox<Incoming>,
    links: Links,
    lanes: HashMap<u64, Held>,
    notes: Notes,
    received: u64,
}

/// A connection, and whether it waits for the owner to take something.
struct Held {
    peer: Arc<Peer>,
    wake: Arc<Notify>,
    held: bool,
    /// It is disconnected, and some of what it sent isn't taken yet.
    gone: bool,
    /// Version of the newest note that was written to it.
    noted: u64,
    /// It can be told something.
    listens: bool,
}

impl Pull {
    pub fn new(options: Options) -> Self {
        let (arrived, told) = (Notify::new(), Notify::new());
        let (enough, goodbye) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { endpoints: Endpoints::new(Core { options, state: Mutex::default(), arrived, told, enough, goodbye }) }
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

    /// Tells every peer that is ours, now or when it comes, something under a key, as [`Push::note`](super::Push::note) does the
    /// other way. Others never see it.
    pub fn note(&self, key: &[u8], body: &[u8]) -> Result<(), NoteTooLarge> {
        self.note_for(&[], key, body)
    }

    /// The same for peers of these kinds alone (none: all).
    pub fn note_for(&self, kinds: &'static [&'static str], key: &[u8], body: &[u8]) -> Result<(), NoteTooLarge> {
        let mut state = lock(&self.endpoints.core.state);
        state.notes.put(kinds, key, body)?;
        state.lanes.values().for_each(|lane| lane.wake.notify_one());
        Ok(())
    }

    /// Waits, for `most` at most, until all peers that still listen were told all notes: those that are connected, and those that have
    /// sent their last after [`Self::enough`], which are kept for this for 3 s. Answers whether they were.
    pub async fn goodbye(&self, most: Duration) -> bool {
        let core = &self.endpoints.core;
        core.goodbye.store(true, Ordering::Release);
        lock(&core.state).lanes.values().for_each(|lane| lane.wake.notify_one());
        let told = async {
            loop {
                // Made before looking, so that no change in between is missed.
                let told = core.told.notified();
                if core.has_told_all() {
                    return;
                }
                told.await;
            }
        };
        timeout(most, told).await.is_ok()
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

impl Core {
    fn has_told_all(&self) -> bool {
        let state = lock(&self.state);
        let version = state.notes.version();
        !state.lanes.values().any(|lane| lane.listens && lane.noted < version)
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
        lane.leave();
        if matches!(end, End::Closed) && lane.peer.name.is_some() && lane.core.enough.load(Ordering::Acquire) {
            let told = async {
                lane.until_goodbye().await;
                connection.last_words(&mut lane).await
            };
            // One that can't be told in time isn't.
            drop(timeout(LAST_WORDS, told).await);
        }
        drop(connection);
        lane.listens_no_more();
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
    /// Version of the newest note that is gathered for it.
    noted: u64,
}

impl Lane {
    fn new(core: Arc<Core>, peer: Arc<Peer>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut state = lock(&core.state);
        if let Some(name) = &peer.name {
            state.links.open(name);
        }
        let (peer_is, wakes, listens) = (peer.clone(), wake.clone(), peer.name.is_some());
        let held = Held { peer: peer_is, wake: wakes, held: false, gone: false, noted: 0, listens };
        state.lanes.insert(peer.connection, held);
        drop(state);
        Self { core, peer, wake, gather: Gather::default(), position: 0, told: false, noted: 0 }
    }

    fn leave(&self) {
        if let Some(lane) = lock(&self.core.state).lanes.get_mut(&self.peer.connection) {
            lane.gone = true;
        }
    }

    fn listens_no_more(&self) {
        if let Some(lane) = lock(&self.core.state).lanes.get_mut(&self.peer.connection) {
            lane.listens = false;
        }
        self.core.told.notify_waiters();
    }

    async fn until_goodbye(&self) {
        while !self.core.goodbye.load(Ordering::Acquire) {
            self.wake.notified().await;
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
        let Some(name) = &self.peer.name else { return };
        if !self.told && self.core.enough.load(Ordering::Acquire) {
            self.told = true;
            Command::Mite(Word::Enough).put(self.gather.head());
        }
        lock(&self.core.state).notes.tell(&name.kind, &mut self.noted, self.gather.head());
    }

    fn written(&mut self) {
        self.gather.clear();
        if let Some(lane) = lock(&self.core.state).lanes.get_mut(&self.peer.connection) {
            lane.noted = self.noted;
        }
        self.core.told.notify_waiters();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        lock(&self.core.state).lanes.remove(&self.peer.connection);
    }
}

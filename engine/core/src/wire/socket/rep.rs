//! REP: requests of many peers, answered in any order.
//!
//! A REQ and a DEALER are answered alike: what stands before a request (its envelope, up to an empty frame) comes back before the
//! reply. There is no lock step: a request that is never answered keeps nobody but its own peer waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use tokio::sync::Notify;

use super::connection::{Connection, Course, End, Traffic};
use super::endpoint::Endpoint;
use super::endpoints::{Endpoints, Error, Serve};
use super::gather::Gather;
use super::inbox::Inbox;
use super::lock;
use super::options::Options;
use super::stream::Stream;
use crate::wire::zmtp::Violation;
use crate::wire::zmtp::kind::SocketType;
use crate::wire::zmtp::parcel::{Message, Parcel};
use crate::wire::zmtp::peer::Peer;

/// A socket that answers requests.
pub struct Rep {
    endpoints: Endpoints<Core>,
}

/// What happens to a REP. Of one peer these come in order: it is connected, asks, is disconnected.
#[derive(Debug)]
pub enum Event {
    Connected(Arc<Peer>),
    Request(Request),
    /// Its requests that are still open can't be answered any more.
    Disconnected(Arc<Peer>),
}

/// A request, and the right to answer it.
#[derive(Debug)]
pub struct Request {
    pub peer: Arc<Peer>,
    pub body: Bytes,
    pub responder: Responder,
}

/// Answers one request, at any time. Dropping it leaves the request unanswered, which closes nothing.
#[derive(Debug)]
pub struct Responder {
    /// Weak: one that waits in the socket's own inbox must not keep the socket.
    core: Weak<Core>,
    connection: u64,
    /// As it stands on the wire, and how many frames it has.
    envelope: Bytes,
    frames: usize,
}

struct Core {
    options: Options,
    state: Mutex<State>,
    /// Something is in an inbox that was empty.
    arrived: Notify,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    inbox: Inbox<Event>,
    lanes: HashMap<u64, Open>,
}

/// A peer's open requests and replies.
struct Open {
    peer: Arc<Peer>,
    wake: Arc<Notify>,
    /// Requests whose responder is still there.
    requests: usize,
    replies: VecDeque<Parcel>,
    /// It is disconnected, and some of what it sent isn't taken yet.
    gone: bool,
}

impl Rep {
    pub fn new(options: Options) -> Self {
        Self { endpoints: Endpoints::new(Core { options, state: Mutex::default(), arrived: Notify::new() }) }
    }

    /// Binds to `tcp://host:port` or `ipc://path`; answers where it is bound really, which matters for port 0.
    pub async fn bind(&mut self, endpoint: &str) -> Result<Endpoint, Error> {
        self.endpoints.bind(endpoint).await
    }

    /// Connects in the background, and again whenever the connection is lost.
    pub fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        self.endpoints.connect(endpoint)
    }

    /// What happens next. May be given up while it waits: nothing is lost by that.
    pub async fn next(&mut self) -> Event {
        tokio::task::consume_budget().await;
        loop {
            let popped = lock(&self.endpoints.core.state).pop();
            if let Some(event) = popped {
                return event;
            }
            self.endpoints.core.arrived.notified().await;
        }
    }

    /// Who is connected.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        let state = lock(&self.endpoints.core.state);
        state.lanes.values().filter(|lane| !lane.gone).map(|lane| lane.peer.clone()).collect()
    }
}

impl State {
    fn pop(&mut self) -> Option<Event> {
        let (connection, event) = self.inbox.pop()?;
        if let Some(lane) = self.lanes.get(&connection) {
            lane.wake.notify_one();
        }
        Some(event)
    }
}

impl Responder {
    /// Sends a reply. Answers whether its peer is still there; a reply to one that isn't goes nowhere.
    pub fn answer(self, body: &[u8]) -> bool {
        let reply = Parcel::after(&self.envelope, self.frames, body);
        let Some(core) = self.core.upgrade() else { return false };
        let mut state = lock(&core.state);
        // The drop of this responder wakes the connection.
        let lane = state.lanes.get_mut(&self.connection).filter(|lane| !lane.gone);
        lane.map(|lane| lane.replies.push_back(reply)).is_some()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        if let Some(lane) = lock(&core.state).lanes.get_mut(&self.connection) {
            lane.requests -= 1;
            lane.wake.notify_one();
        }
    }
}

impl Serve for Core {
    const TYPE: SocketType = SocketType::Rep;

    fn options(&self) -> &Options {
        &self.options
    }

    async fn serve(self: Arc<Self>, mut connection: Connection<Stream>, peer: Arc<Peer>) -> End {
        let mut lane = Lane::new(self, peer);
        let end = connection.run(&mut lane).await;
        drop(connection);
        lane.leave();
        // Keeps its place until all is taken, so that peers that come and go don't fill the memory.
        while lock(&lane.core.state).inbox.has(lane.peer.connection) {
            lane.wake.notified().await;
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
}

impl Lane {
    fn new(core: Arc<Core>, peer: Arc<Peer>) -> Self {
        let wake = Arc::new(Notify::new());
        let open = Open { peer: peer.clone(), wake: wake.clone(), requests: 0, replies: VecDeque::new(), gone: false };
        let lane = Self { core, peer, wake, gather: Gather::default() };
        let mut state = lock(&lane.core.state);
        state.lanes.insert(lane.peer.connection, open);
        lane.put(&mut state, Event::Connected(lane.peer.clone()), 0);
        drop(state);
        lane
    }

    fn put(&self, state: &mut State, event: Event, bytes: usize) {
        if state.inbox.push(self.peer.connection, event, bytes) {
            self.core.arrived.notify_one();
        }
    }

    fn leave(&self) {
        let mut state = lock(&self.core.state);
        if let Some(lane) = state.lanes.get_mut(&self.peer.connection) {
            (lane.gone, lane.replies) = (true, VecDeque::new());
        }
        self.put(&mut state, Event::Disconnected(self.peer.clone()), 0);
    }

    fn request(&self, parcel: &Parcel, message: Message) -> Result<Request, Violation> {
        let (envelope, frames, body) = message.open().ok_or_else(|| Violation::Unexpected {
            got: format!("a message of {} frames", message.frames().count()),
            want: "a request: an empty frame and one more",
        })?;
        let (envelope, connection) = (parcel.share(envelope), self.peer.connection);
        let responder = Responder { core: Arc::downgrade(&self.core), connection, envelope, frames };
        Ok(Request { peer: self.peer.clone(), body: parcel.share(body), responder })
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
        let state = lock(&self.core.state);
        let open = state.lanes.get(&self.peer.connection).map_or(0, |lane| lane.requests + lane.replies.len());
        open < self.core.options.requests_max
            && state.inbox.bytes(self.peer.connection) <= self.core.options.receive_bytes
    }

    fn take(&mut self, parcel: Parcel) -> Result<(), Violation> {
        for message in parcel.messages() {
            let request = self.request(&parcel, message);
            let mut state = lock(&self.core.state);
            // Counted before anything can go wrong: a responder that is dropped counts down.
            if let (Ok(_), Some(lane)) = (&request, state.lanes.get_mut(&self.peer.connection)) {
                lane.requests += 1;
            }
            self.put(&mut state, Event::Request(request?), message.bytes().len());
        }
        Ok(())
    }

    fn gather(&mut self) -> &mut Gather {
        &mut self.gather
    }

    fn fill(&mut self) {
        if let Some(lane) = lock(&self.core.state).lanes.get_mut(&self.peer.connection) {
            while lane.replies.front().is_some_and(|reply| self.gather.has_room(reply)) {
                lane.replies.pop_front().into_iter().for_each(|reply| self.gather.push(reply));
            }
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

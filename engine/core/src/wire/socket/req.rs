//! REQ: asks, waits for the reply, and is never stuck.
//!
//! A request that isn't answered in time closes its connection, so that a late reply can't be taken for the one to the next
//! request; another connection is made at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::connection::{Connection, Course, End, Traffic};
use super::endpoint::Endpoint;
use super::endpoints::{Endpoints, Error, Serve};
use super::gather::Gather;
use super::lock;
use super::options::Options;
use super::stream::Stream;
use crate::wire::zmtp::Violation;
use crate::wire::zmtp::kind::SocketType;
use crate::wire::zmtp::parcel::Parcel;
use crate::wire::zmtp::peer::Peer;

/// A socket that asks.
pub struct Req {
    endpoints: Endpoints<Core>,
}

/// An answer, and whose it is.
#[derive(Clone, Debug)]
pub struct Reply {
    pub peer: Arc<Peer>,
    pub body: Bytes,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request may have been read or not; if nobody was there at all it was not.
    #[error("no reply in time")]
    Timeout,
    /// The request may have been read or not.
    #[error("the connection was lost while waiting for the reply")]
    Lost,
}

struct Core {
    options: Options,
    state: Mutex<State>,
    /// The state of a lane has changed.
    changed: Notify,
}

#[derive(Default)]
struct State {
    lanes: Vec<Slot>,
    /// The lane to look at first.
    turn: usize,
}

/// A connection and what is asked by it.
struct Slot {
    peer: Arc<Peer>,
    wake: Arc<Notify>,
    asking: Asking,
    /// The connection is gone, right after its answer came.
    gone: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asking {
    Nothing,
    /// To be written.
    This(Parcel),
    /// Is being written, or was.
    Written,
    Answered(Bytes),
    /// Nobody waits for the reply any more: the connection has to go.
    GivenUp,
    /// The connection is gone, and no byte of the request went by it.
    Unsent,
    /// The connection is gone.
    Lost,
}

impl Req {
    pub fn new(options: Options) -> Self {
        Self { endpoints: Endpoints::new(Core { options, state: Mutex::default(), changed: Notify::new() }) }
    }

    /// Binds to `tcp://host:port` or `ipc://path`; answers where it is bound really, which matters for port 0.
    pub async fn bind(&mut self, endpoint: &str) -> Result<Endpoint, Error> {
        self.endpoints.bind(endpoint).await
    }

    /// Connects in the background, and again whenever the connection is lost.
    pub fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        self.endpoints.connect(endpoint)
    }

    /// Asks the next peer, waiting for one to come if need be; the deadline holds for all of it. Given up while it waits, it is
    /// as after a timeout.
    pub async fn request(&mut self, body: &[u8], deadline: Duration) -> Result<Reply, RequestError> {
        let request = Parcel::message(&[b"", body]);
        timeout(deadline, self.endpoints.core.exchange(request)).await.unwrap_or(Err(RequestError::Timeout))
    }

    /// Who is connected.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        lock(&self.endpoints.core.state).lanes.iter().map(|lane| lane.peer.clone()).collect()
    }
}

impl Core {
    async fn exchange(&self, request: Parcel) -> Result<Reply, RequestError> {
        loop {
            let Some(question) = self.ask(&request) else {
                self.changed.notified().await;
                continue;
            };
            if let Some(result) = question.result().await {
                return result;
            }
        }
    }

    /// Asks a peer that isn't asked anything, if there is one.
    fn ask(&self, request: &Parcel) -> Option<Question<'_>> {
        let mut state = lock(&self.state);
        let State { lanes, turn } = &mut *state;
        let places = (0..lanes.len()).map(|step| (*turn + step) % lanes.len());
        let place = places.into_iter().find(|place| lanes[*place].asking == Asking::Nothing)?;
        *turn = place + 1;
        let lane = &mut lanes[place];
        lane.asking = Asking::This(request.clone());
        lane.wake.notify_one();
        Some(Question { core: self, connection: lane.peer.connection })
    }
}

impl State {
    fn lane(&mut self, connection: u64) -> Option<&mut Slot> {
        self.lanes.iter_mut().find(|lane| lane.peer.connection == connection)
    }

    fn remove(&mut self, connection: u64) {
        self.lanes.retain(|lane| lane.peer.connection != connection);
    }
}

/// A request on its way. Dropped before the reply came, it gives the connection up.
struct Question<'a> {
    core: &'a Core,
    connection: u64,
}

impl Question<'_> {
    /// None: the request has to go by another connection.
    async fn result(&self) -> Option<Result<Reply, RequestError>> {
        loop {
            let (asking, peer) = {
                let mut state = lock(&self.core.state);
                let lane = state.lane(self.connection)?;
                (lane.asking.clone(), lane.peer.clone())
            };
            match asking {
                Asking::Answered(body) => return Some(Ok(Reply { peer, body })),
                Asking::Lost => return Some(Err(RequestError::Lost)),
                Asking::Unsent => return None,
                _ => self.core.changed.notified().await,
            }
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.core.state);
        let Some(lane) = state.lane(self.connection) else { return };
        match lane.asking {
            Asking::Answered(_) if !lane.gone => lane.asking = Asking::Nothing,
            Asking::Answered(_) | Asking::Unsent | Asking::Lost => state.remove(self.connection),
            _ => {
                lane.asking = Asking::GivenUp;
                lane.wake.notify_one();
            }
        }
    }
}

impl Serve for Core {
    const TYPE: SocketType = SocketType::Req;

    fn options(&self) -> &Options {
        &self.options
    }

    async fn serve(self: Arc<Self>, mut connection: Connection<Stream>, peer: Arc<Peer>) -> End {
        let mut lane = Lane::new(self, peer);
        connection.run(&mut lane).await
    }
}

/// One peer's part of the socket.
struct Lane {
    core: Arc<Core>,
    connection: u64,
    wake: Arc<Notify>,
    gather: Gather,
}

impl Lane {
    fn new(core: Arc<Core>, peer: Arc<Peer>) -> Self {
        let (connection, wake) = (peer.connection, Arc::new(Notify::new()));
        lock(&core.state).lanes.push(Slot { peer, wake: wake.clone(), asking: Asking::Nothing, gone: false });
        core.changed.notify_one();
        Self { core, connection, wake, gather: Gather::default() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        lock(&self.core.state).lane(self.connection).map(act)
    }
}

impl Traffic for Lane {
    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    fn course(&self) -> Course {
        let gone = self.with(|lane| lane.asking == Asking::GivenUp);
        if gone == Some(true) { Course::Abort } else { Course::On }
    }

    fn has_room(&self) -> bool {
        true
    }

    fn take(&mut self, parcel: Parcel) -> Result<(), Violation> {
        for message in parcel.messages() {
            let Some((_, 1, body)) = message.open() else {
                let got = format!("a message of {} frames", message.frames().count());
                return Err(Violation::Unexpected { got, want: "a reply: an empty frame and one more" });
            };
            let answered = self.with(|lane| {
                let asked = lane.asking == Asking::Written;
                if asked {
                    lane.asking = Asking::Answered(parcel.share(body));
                }
                asked
            });
            if answered == Some(true) {
                self.core.changed.notify_one();
            } else {
                tracing::debug!("a reply that nobody asked for");
            }
        }
        Ok(())
    }

    fn gather(&mut self) -> &mut Gather {
        &mut self.gather
    }

    fn fill(&mut self) {
        let request = self.with(|lane| match &lane.asking {
            Asking::This(request) => {
                let request = request.clone();
                lane.asking = Asking::Written;
                Some(request)
            }
            _ => None,
        });
        request.flatten().into_iter().for_each(|request| self.gather.push(request));
    }

    fn written(&mut self) {
        self.gather.clear();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let unsent = !self.gather.clear().rest.is_empty();
        let mut state = lock(&self.core.state);
        let Some(lane) = state.lane(self.connection) else { return };
        match lane.asking {
            Asking::Nothing | Asking::GivenUp => state.remove(self.connection),
            Asking::Answered(_) => lane.gone = true,
            Asking::This(_) => lane.asking = Asking::Unsent,
            _ => lane.asking = if unsent { Asking::Unsent } else { Asking::Lost },
        }
        drop(state);
        self.core.changed.notify_one();
    }
}

//! PUSH: every record goes to one peer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Course, End, Traffic};
use super::endpoint::Endpoint;
use super::endpoints::{Endpoints, Error, Serve};
use super::gather::Gather;
use super::groups::{Group, Grouped};
use super::links::Links;
use super::lock;
use super::notes::{Heard, NoteTooLarge, Notes, Told};
use super::options::{Full, Options};
use super::spread::{Bounds, Counts};
use super::stream::Stream;
use crate::wire::zmtp::Violation;
use crate::wire::zmtp::command::Command;
use crate::wire::zmtp::kind::SocketType;
use crate::wire::zmtp::mite::Word;
use crate::wire::zmtp::parcel::Parcel;
use crate::wire::zmtp::peer::Peer;

/// PINGs whose answer is waited for; older ones are forgotten, so more is unsure than need be.
const ASKED_MAX: usize = 128;
/// Before it connects again to a peer that has had enough: that one is about to leave, and would only say so again.
const AWAY: Duration = Duration::from_secs(1);

/// A socket that sends records to its peers in turns.
pub struct Push {
    endpoints: Endpoints<Core>,
}

struct Core {
    options: Options,
    state: Mutex<State>,
    /// Somebody may have made room, or be gone.
    changed: Notify,
    /// A peer has told something.
    told: Notify,
    closing: AtomicBool,
}

struct State {
    groups: Grouped<Arc<Notify>>,
    links: Links,
    peers: Vec<Arc<Peer>>,
    notes: Notes,
    heard: Heard,
}

impl Push {
    pub fn new(options: Options) -> Self {
        let bounds = Bounds { bytes: options.queue_bytes, records: options.queue_records };
        let state = State {
            groups: Grouped::new(options.groups, bounds),
            links: Links::default(),
            peers: Vec::new(),
            notes: Notes::default(),
            heard: Heard::default(),
        };
        let (state, changed, told) = (Mutex::new(state), Notify::new(), Notify::new());
        let closing = AtomicBool::new(false);
        Self { endpoints: Endpoints::new(Core { options, state, changed, told, closing }) }
    }

    /// Binds to `tcp://host:port` or `ipc://path`; answers where it is bound really, which matters for port 0.
    pub async fn bind(&mut self, endpoint: &str) -> Result<Endpoint, Error> {
        self.endpoints.bind(endpoint).await
    }

    /// Connects in the background, and again whenever the connection is lost.
    pub fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        self.endpoints.connect(endpoint)
    }

    /// Queues a parcel to the next peer (of each group) that has room. If none has, it waits or drops the parcel, as [`Options::full`]
    /// says; answers how many records were dropped, in all groups. Given up while it waits, nothing was queued and nothing is counted.
    pub async fn send(&self, parcel: impl Into<Parcel>) -> u64 {
        let mut parcel = parcel.into();
        let core = &self.endpoints.core;
        // Lets connections write now and then, instead of filling their queues to the brim first.
        tokio::task::consume_budget().await;
        if core.options.full == Full::DropNewest && !parcel.is_empty() {
            let (dropped, wake) = lock(&core.state).groups.offer_or_drop(&parcel, Instant::now());
            wake.into_iter().for_each(|wake| wake.notify_one());
            return dropped;
        }
        loop {
            // Made before looking, so that no change in between is missed.
            let changed = core.changed.notified();
            match self.try_send(parcel) {
                Ok(()) => return 0,
                Err(back) => parcel = back,
            }
            changed.await;
        }
    }

    /// Queues a parcel, or gives it back uncounted if there is no room (in one of the groups).
    pub fn try_send(&self, parcel: Parcel) -> Result<(), Parcel> {
        if parcel.is_empty() {
            return Ok(());
        }
        let wake = lock(&self.endpoints.core.state).groups.offer(parcel, Instant::now())?;
        wake.into_iter().for_each(|wake| wake.notify_one());
        Ok(())
    }

    /// Tells every peer that is ours, now or when it comes, something under a key; the newest of a key replaces the ones
    /// before. Peers get all of them, apart from records, and others never see them.
    pub fn note(&self, key: &[u8], body: &[u8]) -> Result<(), NoteTooLarge> {
        let mut state = lock(&self.endpoints.core.state);
        state.notes.put(&[], key, body)?;
        state.groups.wakes().for_each(|wake| wake.notify_one());
        Ok(())
    }

    /// What a peer of ours told next ([`Pull::note`](super::Pull::note)): the newest under each key, once. May be given up while it
    /// waits. What nobody takes is bounded, see [`Heard`].
    pub async fn told(&self) -> Told {
        loop {
            if let Some(told) = self.try_told() {
                return told;
            }
            self.endpoints.core.told.notified().await;
        }
    }

    /// What a peer of ours told next, if it has.
    pub fn try_told(&self) -> Option<Told> {
        lock(&self.endpoints.core.state).heard.pop()
    }

    /// Of all groups together: with several, a record counts once in each.
    pub fn counts(&self) -> Counts {
        lock(&self.endpoints.core.state).groups.counts()
    }

    /// Each group with its counts, in the order they came; one group as long as nobody has.
    pub fn groups(&self) -> Vec<Group> {
        lock(&self.endpoints.core.state).groups.groups()
    }

    /// Who is connected.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        lock(&self.endpoints.core.state).peers.clone()
    }

    /// Waits for `linger` at most until all is written and read by the peers. What then waits was not sent; what then was sent to a peer
    /// that didn't say it has it is unsure.
    pub async fn close(self, linger: Duration) -> Counts {
        let core = self.endpoints.core.clone();
        core.closing.store(true, Ordering::Release);
        lock(&core.state).groups.wakes().for_each(|wake| wake.notify_one());
        // Late or not, the counts say what was done.
        let _ = timeout(linger, core.until(Core::is_settled)).await;
        drop(self);
        // Connections that were cut off give back what they had.
        core.until(|core| lock(&core.state).groups.is_alone()).await;
        lock(&core.state).groups.counts()
    }
}

impl Core {
    /// Waits for something to be so.
    async fn until(&self, so: impl Fn(&Self) -> bool) {
        loop {
            // Made before looking, so that no change in between is missed.
            let changed = self.changed.notified();
            if so(self) {
                return;
            }
            changed.await;
        }
    }

    /// All is sent and every peer is done.
    fn is_settled(&self) -> bool {
        let state = lock(&self.state);
        state.groups.counts().waiting == 0 && state.groups.is_alone()
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Whether connections are wanted: while closing, only for what comes back from one that was lost.
    fn wants_peers(&self) -> bool {
        !self.is_closing() || lock(&self.state).groups.has_waiting()
    }
}

impl Serve for Core {
    const TYPE: SocketType = SocketType::Push;

    fn options(&self) -> &Options {
        &self.options
    }

    async fn serve(self: Arc<Self>, mut connection: Connection<Stream>, peer: Arc<Peer>) -> End {
        let mut lane = Lane::new(self.clone(), peer);
        let end = connection.run(&mut lane).await;
        lane.finished = matches!(end, End::Finished);
        let enough = lane.enough;
        drop((lane, connection));
        if enough {
            sleep(AWAY).await;
        }
        self.until(Self::wants_peers).await;
        end
    }
}

/// One peer's part of the socket.
struct Lane {
    core: Arc<Core>,
    peer: Arc<Peer>,
    group: usize,
    wake: Arc<Notify>,
    gather: Gather,
    /// Whether a word about the position was said.
    positioned: bool,
    /// Version of the newest note it was told.
    noted: u64,
    /// Records of this connection: gathered, wholly written, known to have been read.
    gathered: u64,
    written: u64,
    proven: u64,
    /// PINGs and what had been gathered before each.
    asked: VecDeque<(u64, u64)>,
    finished: bool,
    /// The peer is about to leave.
    enough: bool,
}

impl Lane {
    fn new(core: Arc<Core>, peer: Arc<Peer>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut state = lock(&core.state);
        if let Some(name) = &peer.name {
            state.links.open(name);
        }
        state.peers.push(peer.clone());
        let kind = peer.name.as_ref().map(|name| name.kind.as_str());
        let group = state.groups.add(kind, peer.connection, wake.clone(), Instant::now());
        drop(state);
        core.changed.notify_waiters();
        let (gather, asked) = (Gather::default(), VecDeque::new());
        let (gathered, written, proven) = (0, 0, 0);
        Self {
            core,
            peer,
            group,
            wake,
            gather,
            positioned: false,
            noted: 0,
            gathered,
            written,
            proven,
            asked,
            finished: false,
            enough: false,
        }
    }

    /// What the peer is told beside records, if it is one of ours.
    fn words(&mut self, state: &State, records: bool) {
        let Some(name) = &self.peer.name else { return };
        if records || !self.positioned {
            self.positioned = true;
            Command::Mite(Word::At(state.links.written(name))).put(self.gather.head());
        }
        state.notes.tell(&name.kind, &mut self.noted, self.gather.head());
    }
}

impl Traffic for Lane {
    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    fn course(&self) -> Course {
        if self.core.is_closing() || self.enough { Course::Finish } else { Course::On }
    }

    fn has_room(&self) -> bool {
        true
    }

    fn take(&mut self, _: Parcel) -> Result<(), Violation> {
        Err(Violation::Unexpected { got: "a message".to_owned(), want: "nothing but commands" })
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Enough => self.enough = true,
            Word::Note { key, body } if self.peer.name.is_some() => {
                lock(&self.core.state).heard.put(&self.peer, key, body);
                self.core.told.notify_one();
            }
            Word::Note { .. } | Word::At(_) => {}
        }
    }

    fn gather(&mut self) -> &mut Gather {
        &mut self.gather
    }

    fn fill(&mut self) {
        if self.enough {
            return;
        }
        let core = self.core.clone();
        let mut state = lock(&core.state);
        let first = state.groups.of(self.group).take(self.peer.connection, |_| true);
        self.words(&state, first.is_some());
        let mut next = first;
        while let Some(parcel) = next {
            self.gathered += parcel.len() as u64;
            self.gather.push(parcel);
            next = state.groups.of(self.group).take(self.peer.connection, |parcel| self.gather.has_room(parcel));
        }
        drop(state);
        if self.gather.parcel_bytes() > 0 {
            core.changed.notify_waiters();
        }
    }

    fn written(&mut self) {
        let fate = self.gather.clear();
        if fate.written > 0 {
            self.written += fate.written;
            let mut state = lock(&self.core.state);
            state.groups.of(self.group).sent(fate.written);
            if let Some(name) = &self.peer.name {
                state.links.write(name, fate.written);
            }
        }
    }

    fn asked(&mut self, number: u64) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back((number, self.gathered));
    }

    fn answered(&mut self, number: u64) {
        while let Some((asked, gathered)) = self.asked.front().copied().filter(|(asked, _)| *asked <= number) {
            self.asked.pop_front();
            if asked == number {
                self.proven = gathered;
            }
        }
    }
}

impl Drop for Lane {
    /// However the connection ended: what wasn't touched goes to others, the rest is accounted for.
    fn drop(&mut self) {
        let fate = self.gather.clear();
        let mut state = lock(&self.core.state);
        state.groups.of(self.group).sent(fate.written);
        if let Some(name) = &self.peer.name {
            state.links.write(name, fate.written);
        }
        let unsure = if self.finished { 0 } else { self.written + fate.written - self.proven };
        state.groups.of(self.group).remove(self.peer.connection, fate.rest, unsure, |wake| wake.notify_one());
        state.peers.retain(|peer| peer.connection != self.peer.connection);
        drop(state);
        self.core.changed.notify_waiters();
    }
}

//! A worker's way through its tenant's quota: what is over it waits here, in the order it came.
//!
//! Only the first of those who wait takes a turn that is still to come, so a worker owes no more than one of each kind, and however many
//! wait, none of them costs anything meanwhile.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::sync::{Mutex, Notify};

use super::brakes::Brake;
use super::{Bucket, Kind, Quota};
use crate::component::limits::Total;
use crate::runner::clock::{Nanos, machine_now};
use crate::runner::http::{Key, Origin, OriginHost};
use crate::runner::timers::At;
use crate::runner::worker;

/// Who waits for a connection that somebody else holds looks again after so long.
const LOOK: Nanos = 5_000_000;

/// See the module.
pub struct Door {
    quota: Arc<Quota>,
    starts: Mutex<()>,
    requests: Mutex<()>,
    messages: Arc<Messages>,
    connections: Mutex<()>,
    /// A connection of this worker is idle now, or closed.
    freed: Notify,
    targets: RefCell<Targets>,
}

/// The targets' brakes by the number of their origin, as of a version of them.
#[derive(Default)]
struct Targets {
    version: u64,
    known: Vec<Option<Option<Rc<Target>>>>,
}

struct Target {
    brake: Arc<Brake>,
    origin: u32,
    requests: Mutex<()>,
}

/// An open connection, as it is counted.
pub struct Slot {
    quota: Arc<Quota>,
    brake: Option<Arc<Brake>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.quota.connections.give_back(1);
        if let Some(brake) = &self.brake {
            brake.connections.give_back(1);
        }
        worker::try_with(|worker| worker.door.as_ref().map(|door| door.freed.notify_one()));
    }
}

/// What waits, from its first moment to its last, however that comes.
struct Waiting<'a> {
    quota: &'a Quota,
    kind: Kind,
    since: Nanos,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.quota.hold(self.kind, machine_now().saturating_sub(self.since));
    }
}

async fn until(due: Nanos) {
    let due = worker::with(|worker| worker.clock.of_machine(due));
    At::new(due).await;
}

/// Until one more may go.
async fn pass(quota: &Quota, kind: Kind, gate: &Mutex<()>, bucket: &Bucket) {
    if gate.try_lock().is_ok() && bucket.try_take(machine_now()) {
        return;
    }
    let _waiting = Waiting { quota, kind, since: machine_now() };
    let _turn = gate.lock().await;
    until(bucket.reserve(machine_now())).await;
}

/// The way of messages that journeys send themselves. Apart from the rest, since a journey waits here within a call of its own, which the
/// engine might let go on in another thread.
pub struct Messages {
    quota: Arc<Quota>,
    turn: Mutex<()>,
}

impl Messages {
    /// Until one more may be sent. It waits, as whatever is over a rate does: nothing that it says is lost, and a journey that has too much
    /// to say gets slower, and is told why.
    pub async fn pass(&self) {
        pass(&self.quota, Kind::Messages, &self.turn, &self.quota.messages).await;
    }
}

impl Door {
    pub fn new(quota: Arc<Quota>) -> Self {
        let (starts, requests, connections) = (Mutex::default(), Mutex::default(), Mutex::default());
        let messages = Arc::new(Messages { quota: quota.clone(), turn: Mutex::default() });
        let (freed, targets) = (Notify::new(), RefCell::default());
        Self { quota, starts, requests, messages, connections, freed, targets }
    }

    fn waiting(&self, kind: Kind) -> Waiting<'_> {
        Waiting { quota: &self.quota, kind, since: machine_now() }
    }

    async fn pass(&self, kind: Kind, gate: &Mutex<()>, bucket: &Bucket) {
        pass(&self.quota, kind, gate, bucket).await;
    }

    /// Until one more run may begin. False: no more begin.
    pub async fn start(&self) -> bool {
        let mut pass = pin!(self.pass(Kind::Starts, &self.starts, &self.quota.starts));
        poll_fn(|context| {
            if worker::with(|worker| worker.stopping.get()) {
                return Poll::Ready(false);
            }
            pass.as_mut().poll(context).map(|()| true)
        })
        .await
    }

    /// The way of messages.
    pub fn messages(&self) -> Arc<Messages> {
        self.messages.clone()
    }

    /// Until a request may begin. With the connection that it may open, unless one is there already.
    pub async fn request(&self, origin: &Origin, key: &Key) -> Option<Slot> {
        self.pass(Kind::Requests, &self.requests, &self.quota.requests).await;
        let target = self.target(origin);
        if let Some(target) = &target {
            self.pass(Kind::TargetRequests, &target.requests, &target.brake.requests).await;
        }
        if self.quota.bytes.open_at() > machine_now() {
            let _waiting = self.waiting(Kind::Bytes);
            while self.quota.bytes.open_at() > machine_now() {
                until(self.quota.bytes.open_at()).await;
            }
        }
        let free = self.connections.try_lock().is_ok();
        if free && has_idle(key) {
            return None;
        }
        match self.slot(target.as_deref()) {
            Ok(slot) if free => Some(slot),
            Ok(slot) => {
                // Others came before: it waits for its turn like them.
                drop(slot);
                self.connection(target.as_deref(), key, Kind::Connections).await
            }
            Err(kind) => self.connection(target.as_deref(), key, kind).await,
        }
    }

    /// Until there is an idle connection or one may be opened.
    async fn connection(&self, target: Option<&Target>, key: &Key, kind: Kind) -> Option<Slot> {
        let _waiting = self.waiting(kind);
        let _turn = self.connections.lock().await;
        while !has_idle(key) {
            match self.slot(target) {
                Ok(slot) => return Some(slot),
                Err(kind) => self.make_room(kind, target).await,
            }
        }
        None
    }

    /// One that may be opened where an idle one turned out to be closed.
    pub async fn another(&self, origin: &Origin) -> Slot {
        let target = self.target(origin);
        loop {
            match self.slot(target.as_deref()) {
                Ok(slot) => return slot,
                Err(kind) => self.make_room(kind, target.as_deref()).await,
            }
        }
    }

    /// A connection that may be opened now; else what holds it back.
    fn slot(&self, target: Option<&Target>) -> Result<Slot, Kind> {
        if !self.quota.connections.try_take(1) {
            return Err(Kind::Connections);
        }
        let brake = target.map(|target| target.brake.clone());
        if brake.as_ref().is_some_and(|brake| !brake.connections.try_take(1)) {
            self.quota.connections.give_back(1);
            return Err(Kind::TargetConnections);
        }
        Ok(Slot { quota: self.quota.clone(), brake })
    }

    /// Closes an idle connection here, or asks whoever has one; then waits a moment.
    async fn make_room(&self, kind: Kind, target: Option<&Target>) {
        match target.filter(|_| kind == Kind::TargetConnections) {
            Some(target) => target.brake.crowded.store(true, Ordering::Relaxed),
            None => self.quota.crowded.store(true, Ordering::Relaxed),
        }
        if self.close_one() {
            return;
        }
        let look = pin!(until(machine_now() + LOOK));
        tokio::select! {
            () = self.freed.notified() => {}
            () = look => {}
        }
    }

    /// Closes an idle connection if somebody waits for one. Whether it did.
    pub fn close_one(&self) -> bool {
        let is_wanted = |crowded: &AtomicBool| crowded.swap(false, Ordering::Relaxed);
        let mut closed = is_wanted(&self.quota.crowded) && close_idle(None);
        let targets: Vec<_> = self.targets.borrow().known.iter().flatten().flatten().cloned().collect();
        for target in targets {
            if is_wanted(&target.brake.crowded) && target.brake.connections.limit().is_some() {
                closed |= close_idle(Some(target.origin));
            }
        }
        closed
    }

    /// A connection is idle.
    pub fn freed(&self) {
        self.freed.notify_one();
    }

    /// So many bytes of bodies have come and gone.
    pub fn spend(&self, bytes: u64) {
        self.quota.bytes.spend(machine_now(), bytes);
    }

    /// There was no memory for a run, which has waited so long.
    pub fn no_memory(&self, nanos: Nanos) {
        self.quota.hold(Kind::Memory, nanos);
    }

    /// The brake of an origin. Origins are bounded by the worker's table of them.
    fn target(&self, origin: &Origin) -> Option<Rc<Target>> {
        let brakes = &self.quota.brakes;
        let mut targets = self.targets.borrow_mut();
        if targets.version != brakes.version() {
            targets.version = brakes.version();
            // What is known of one that is still there stays, since others wait at it.
            targets.known.iter_mut().filter(|known| matches!(known, Some(None))).for_each(|known| *known = None);
        }
        let at = origin.id as usize;
        if targets.known.len() <= at {
            targets.known.resize_with(at + 1, || None);
        }
        let known = &mut targets.known[at];
        if known.is_none() {
            let brake = brakes.of(&name(origin));
            let target = |brake| Rc::new(Target { brake, origin: origin.id, requests: Mutex::default() });
            *known = Some(brake.map(target));
        }
        known.clone().flatten()
    }
}

/// `host:port`, as the file of tenants has it.
fn name(origin: &Origin) -> String {
    match &origin.host {
        OriginHost::Name(name) => format!("{name}:{}", origin.port),
        OriginHost::Address(address) => SocketAddr::new(*address, origin.port).to_string(),
    }
}

fn has_idle(key: &Key) -> bool {
    worker::with(|worker| worker.http.has_idle(key))
}

fn close_idle(origin: Option<u32>) -> bool {
    worker::with(|worker| worker.http.close_one(origin))
}

/// The tenant's memory, for a run's instance.
pub fn memory() -> Option<Arc<Total>> {
    worker::with(|worker| worker.settings.quota.as_ref().map(|quota| quota.memory.clone()))
}

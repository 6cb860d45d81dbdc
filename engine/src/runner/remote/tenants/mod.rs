//! A runner for many: each tenant has a controller, messages and limits of its own, and notices nothing of the others.
//!
//! All control conversations are tasks of the program's first thread. Journeys run on threads of their own tenant, so that the system
//! divides the CPU between tenants, host calls included, and none can keep another from its core by what it computes.

mod roster;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::line::Line;
use super::serving::{Common, Serving};
use super::{Args, Error, Met, meet};
use crate::policy::{Tenant, Tenants};
use crate::runner::machine;
use crate::runner::quota::{Brakes, Quota};
use roster::Change;

/// After a test, and after one that could not be run, until the next hello.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two hellos to a controller whose test can't be run here.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Told to stop, the runner ends after so long, whatever is still under way.
const END: Duration = Duration::from_secs(2);

/// All tenants that are served.
struct House<'a> {
    args: &'a Args,
    served: BTreeMap<String, Tenant>,
    rooms: BTreeMap<String, Room>,
    brakes: Arc<Brakes>,
    common: Common,
    tasks: JoinSet<()>,
}

/// What is there of a tenant.
struct Room {
    serving: Rc<Serving>,
    shutdown: CancellationToken,
}

/// Serves all tenants of a file until told to stop; reads the file again at each SIGHUP.
pub async fn run(args: &Args, path: &Path, shutdown: CancellationToken) -> Result<(), Error> {
    let tenants = read(path)?;
    machine::prepare(None, None).iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut again = signal(SignalKind::hangup())?;
    let local = LocalSet::new();
    let serve = async {
        let mut house = House::new(args);
        house.take(&tenants);
        tracing::info!("{}: serving {} tenants", path.display(), house.rooms.len());
        loop {
            tokio::select! {
                Some(_) = again.recv() => match read(path) {
                    Ok(tenants) => {
                        house.take(&tenants);
                        tracing::info!("{}: read again, serving {} tenants", path.display(), house.rooms.len());
                    }
                    Err(error) => tracing::error!("{error}; nothing is changed"),
                },
                Some(ended) = house.tasks.join_next() => house.ended(ended),
                () = shutdown.cancelled() => break,
            }
        }
        house.close().await;
    };
    local.run_until(serve).await;
    Ok(())
}

/// Nothing of a file holds of which anything is wrong.
fn read(path: &Path) -> Result<Tenants, Error> {
    let tenants = Tenants::read(path)?;
    for tenant in &tenants.tenants {
        let wrong = |what: &str, source| {
            let what = format!("{}: tenant `{}`: {what}", path.display(), tenant.name);
            Error::Tenant { what, source }
        };
        Line::open(&tenant.controller_socket).map_err(|error| wrong("controller_socket", error))?;
        super::check(&tenant.message_socket).map_err(|error| wrong("message_socket", error))?;
    }
    Ok(tenants)
}

impl<'a> House<'a> {
    fn new(args: &'a Args) -> Self {
        Self {
            args,
            served: BTreeMap::new(),
            rooms: BTreeMap::new(),
            brakes: Arc::default(),
            common: Common::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Serves these from now on.
    fn take(&mut self, tenants: &Tenants) {
        self.brakes.set(&tenants.brakes);
        for change in roster::changes(&self.served, &tenants.tenants) {
            match change {
                Change::Begin(tenant) => self.begin(&tenant),
                Change::Limit(tenant) => {
                    let holding = self.rooms.get(&tenant.name).and_then(|room| room.serving.tenant.as_ref());
                    if let Some(holding) = holding {
                        holding.quota.set(&tenant.policy.limits);
                        holding.policy.replace(tenant.policy.clone());
                    }
                }
                Change::End(name) => {
                    if let Some(room) = self.rooms.remove(&name) {
                        room.shutdown.cancel();
                    }
                }
            }
        }
        self.served = tenants.tenants.iter().map(|tenant| (tenant.name.clone(), tenant.clone())).collect();
    }

    fn begin(&mut self, tenant: &Tenant) {
        let quota = Arc::new(Quota::new(&tenant.policy.limits, self.brakes.clone()));
        let serving = Rc::new(Serving::tenant(tenant, quota, self.args, &self.common));
        let shutdown = CancellationToken::new();
        let span = tracing::error_span!("tenant", name = tenant.name);
        self.tasks.spawn_local(serve(serving.clone(), shutdown.clone()).instrument(span));
        self.rooms.insert(tenant.name.clone(), Room { serving, shutdown });
    }

    /// A task ends when its tenant isn't served any more.
    fn ended(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended {
            tracing::error!("a tenant's task has panicked; please report it: {error}");
        }
    }

    /// Lets all come to their end, for a moment.
    async fn close(mut self) {
        self.rooms.values().for_each(|room| room.shutdown.cancel());
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                self.ended(ended);
            }
        };
        let mut all = std::pin::pin!(all);
        if tokio::time::timeout(END, &mut all).await.is_err() {
            tracing::warn!("not all has come to its end within {} s: the rest is lost", END.as_secs());
        }
    }
}

/// Test after test of one tenant. Nothing that is wrong with one ends the runner.
async fn serve(serving: Rc<Serving>, shutdown: CancellationToken) {
    let mut line = match Line::open(&serving.controller_socket) {
        Ok(line) => line,
        // It was looked at when the file was read.
        Err(error) => return tracing::error!("controller_socket: {error}"),
    };
    let (mut avoided, mut pause) = (None, PAUSE);
    tracing::info!("asking {} for tests", serving.controller_socket);
    while !shutdown.is_cancelled() {
        match meet(&serving, &mut line, avoided.as_deref(), &shutdown).await {
            Ok(Met::Stopped) => return,
            Ok(Met::Avoided) => pause = (pause * 2).min(PAUSE_MAX),
            Ok(Met::Ran(_) | Met::Nonsense) => pause = PAUSE,
            Err((run_id, error)) => {
                tracing::error!("{error}");
                (avoided, pause) = (run_id, PAUSE);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

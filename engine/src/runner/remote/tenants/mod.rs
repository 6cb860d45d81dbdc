//! A runner for many: each tenant has a controller, messages and limits of its own, and notices nothing of the others.
//!
//! All control conversations are tasks of the program's first thread. Journeys run on threads of their own tenant, so that the system
//! divides the CPU between tenants, host calls included, and none can keep another from its core by what it computes.

mod metrics;
mod roster;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::line::Line;
use super::outgoing::Exit;
use super::serving::{Common, Holding, Serving};
use super::{Args, Error, Met, meet};
use crate::component::ticker::Ticking;
use crate::policy::{Policy, Tenant, Tenants};
use crate::runner::share::Shares;
use crate::runner::{Crowd, machine, worker_count};
use metrics::{View, Views};
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
    views: Arc<Views>,
    common: Common,
    shares: Arc<Shares>,
    ticking: Arc<Ticking>,
    exit: Exit,
    tasks: JoinSet<()>,
}

/// What is there of a tenant.
struct Room {
    serving: Rc<Serving>,
    shutdown: CancellationToken,
}

/// Serves all tenants of a file until told to stop; reads the file again at each SIGHUP.
pub async fn run(args: &Args, path: &Path, shutdown: CancellationToken) -> Result<(), Error> {
    let tenants = read(args, path)?;
    // The allocator would like to have 2 MiB at a time for each of a thousand tenants' threads.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!("memory comes in large pages: {error}");
    }
    machine::prepare(None, None).iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut again = signal(SignalKind::hangup())?;
    let web = match &args.web_address {
        Some(address) => Some(crate::web::bind(address).await?),
        None => None,
    };
    let mut house = House::new(args)?;
    if let Some(listener) = web {
        tracing::info!("--web-address: http://{}/metrics", listener.local_addr()?);
        let views = house.views.clone();
        let shown = move || metrics::families(&views);
        tokio::spawn(crate::web::serve(listener, Arc::new(shown), shutdown.clone()));
    }
    let local = LocalSet::new();
    let serve = async {
        house.take(&tenants);
        tracing::info!("{}: serving {} tenants", path.display(), house.rooms.len());
        loop {
            tokio::select! {
                Some(_) = again.recv() => match read(args, path) {
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

/// Nothing of a file holds of which anything is wrong. What the runner's options say holds beside it.
fn read(args: &Args, path: &Path) -> Result<Tenants, Error> {
    let mut tenants = Tenants::read(path)?;
    for tenant in &mut tenants.tenants {
        tenant.policy = Arc::new(args.policy.narrow(Policy::clone(&tenant.policy)));
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
    fn new(args: &'a Args) -> std::io::Result<Self> {
        let shares = Arc::new(Shares::default());
        let (ticked, cores) = (shares.clone(), worker_count(None));
        Ok(Self {
            args,
            served: BTreeMap::new(),
            rooms: BTreeMap::new(),
            views: Arc::default(),
            common: Common::new(),
            shares,
            ticking: Arc::new(Ticking::start(move || ticked.tick(cores))?),
            exit: Exit::open()?,
            tasks: JoinSet::new(),
        })
    }

    /// Serves these from now on.
    fn take(&mut self, tenants: &Tenants) {
        self.views.brakes.set(&tenants.brakes);
        self.exit.set_tenants(tenants.tenants.len());
        for change in roster::changes(&self.served, &tenants.tenants) {
            match change {
                Change::Begin(tenant) => self.begin(&tenant),
                Change::Limit(tenant) => {
                    let holding = self.rooms.get(&tenant.name).and_then(|room| room.serving.tenant.as_ref());
                    if let Some(holding) = holding {
                        holding.set(&tenant);
                    }
                }
                Change::End(name) => self.end(&name),
            }
        }
        self.served = tenants.tenants.iter().map(|tenant| (tenant.name.clone(), tenant.clone())).collect();
    }

    fn begin(&mut self, tenant: &Tenant) {
        let share = self.shares.add(tenant.weight);
        let crowd = Crowd { share: share.clone(), ticking: self.ticking.clone() };
        let holding = Holding::new(tenant, &self.views.brakes, crowd, self.exit.way());
        let view = View { quota: holding.quota.clone(), account: holding.account.clone(), share };
        self.views.tenants.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.name.clone(), view);
        let serving = Rc::new(Serving::tenant(tenant, self.args, &self.common, holding));
        let shutdown = CancellationToken::new();
        let span = tracing::error_span!("tenant", name = tenant.name);
        self.tasks.spawn_local(serve(serving.clone(), shutdown.clone()).instrument(span));
        self.rooms.insert(tenant.name.clone(), Room { serving, shutdown });
    }

    fn end(&mut self, name: &str) {
        let Some(room) = self.rooms.remove(name) else { return };
        self.views.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(holding) = &room.serving.tenant {
            self.shares.remove(&holding.crowd.share);
        }
        room.shutdown.cancel();
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
                if let Some(account) = serving.account() {
                    account.refused.fetch_add(1, Ordering::Relaxed);
                }
                (avoided, pause) = (run_id, PAUSE);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

//! Whom a runner serves: a controller, and what its tests may have here.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Args;
use crate::component::compiler::Bounds;
use crate::policy::{self, Limits, Policy};
use crate::runner::quota::Quota;
use crate::runner::worker_count;

/// What a tenant's runs get to come to their end when the runner is told to stop; a lone runner's take as long as they take.
const GRACE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Serving {
    pub controller_socket: String,
    pub message_socket: Vec<String>,
    workers: Option<NonZeroU32>,
    options: policy::Args,
    /// What components may be.
    pub components: Bounds,
    pub tenant: Option<Holding>,
    common: Common,
}

/// What a tenant may have, which may change while its tests run.
pub struct Holding {
    pub quota: Arc<Quota>,
    pub policy: RefCell<Arc<Policy>>,
}

/// What all controllers of a process have in common.
#[derive(Clone)]
pub struct Common {
    /// Tells apart those of its senders of messages.
    parts: Rc<Cell<u32>>,
    /// So many components are compiled at a time.
    compiling: Arc<Semaphore>,
}

impl Common {
    pub fn new() -> Self {
        let cores = worker_count(None) as usize;
        Self { parts: Rc::default(), compiling: Arc::new(Semaphore::new(cores)) }
    }
}

impl Serving {
    /// The one controller of a runner without tenants.
    pub fn alone(args: &Args) -> Self {
        Self {
            controller_socket: args.controller_socket.clone(),
            message_socket: args.message_socket.clone(),
            workers: args.workers,
            options: args.policy.clone(),
            components: args.components,
            tenant: None,
            common: Common::new(),
        }
    }

    pub fn tenant(tenant: &policy::Tenant, quota: Arc<Quota>, args: &Args, common: &Common) -> Self {
        Self {
            controller_socket: tenant.controller_socket.clone(),
            message_socket: tenant.message_socket.clone(),
            workers: args.workers,
            options: args.policy.clone(),
            components: args.components,
            tenant: Some(Holding { quota, policy: RefCell::new(tenant.policy.clone()) }),
            common: common.clone(),
        }
    }

    /// A number for one more sender of messages.
    pub fn next_part(&self) -> u32 {
        self.common.parts.set(self.common.parts.get() + 1);
        self.common.parts.get()
    }

    /// What a test that begins now may have.
    pub fn limits(&self) -> Limits {
        self.tenant.as_ref().map(|tenant| tenant.policy.borrow().limits.clone()).unwrap_or_default()
    }

    /// What a test that begins now may reach and send.
    pub fn policy(&self) -> Policy {
        match &self.tenant {
            Some(tenant) => self.options.narrow(Policy::clone(&tenant.policy.borrow())),
            None => self.options.policy(),
        }
    }

    pub fn quota(&self) -> Option<Arc<Quota>> {
        self.tenant.as_ref().map(|tenant| tenant.quota.clone())
    }

    /// Threads for a test: never more than it may have journeys at once.
    pub fn workers(&self) -> u32 {
        worker_count(self.workers).min(self.limits().journeys.unwrap_or(u32::MAX).max(1))
    }

    /// What runs get to come to their end when the runner is told to stop; none: as long as they take.
    pub fn grace(&self) -> Option<Duration> {
        self.tenant.as_ref().map(|_| GRACE)
    }

    /// Until it is this controller's turn to have something compiled.
    pub async fn compiling(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        self.common.compiling.clone().acquire_owned().await.ok()
    }
}

//! Whom a runner serves: a controller, and what its tests may have here.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Args;
use super::account::Account;
use super::outgoing::{OpenError, Outgoing, Way};
use crate::component::compiler::Bounds;
use crate::policy::{self, Limits, Policy, Tenant};
use crate::runner::quota::{Brakes, Quota};
use crate::runner::{Crowd, worker_count};

/// What a tenant's runs get to come to their end when the runner is told to stop; a lone runner's take as long as they take.
const GRACE: Duration = Duration::from_secs(1);

/// How often a controller is told how its test stands, and asked for orders.
const EXCHANGE: Duration = Duration::from_millis(100);
/// So many tests at once are few.
const TESTS_FEW: u32 = 100;

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
    pub crowd: Crowd,
    pub account: Arc<Account>,
    /// Where its messages leave.
    messages: Way,
}

/// What all controllers of a process have in common.
#[derive(Clone)]
pub struct Common {
    /// Tells apart those of its senders of messages.
    parts: Rc<Cell<u32>>,
    /// So many components are compiled at a time.
    compiling: Arc<Semaphore>,
    /// Tests that run now.
    tests: Rc<Cell<u32>>,
}

/// A test that runs, as it is counted.
pub struct Running(Rc<Cell<u32>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// How often a controller is told how its test stands, and asked for orders: less often where many are, so that telling takes no more than a
/// part of a core, and never so seldom that one would give the runner up.
fn exchange_every(tests: u32) -> Duration {
    EXCHANGE * (tests / TESTS_FEW).clamp(1, 5)
}

impl Holding {
    pub fn new(tenant: &Tenant, brakes: &Arc<Brakes>, crowd: Crowd, messages: &Way) -> Self {
        Self {
            quota: Arc::new(Quota::new(&tenant.policy.limits, brakes.clone())),
            policy: RefCell::new(tenant.policy.clone()),
            crowd,
            account: Arc::default(),
            messages: messages.clone(),
        }
    }

    /// From now on.
    pub fn set(&self, tenant: &Tenant) {
        self.quota.set(&tenant.policy.limits);
        self.crowd.share.set_weight(tenant.weight);
        self.policy.replace(tenant.policy.clone());
    }
}

impl Common {
    pub fn new() -> Self {
        let cores = worker_count(None) as usize;
        Self { parts: Rc::default(), compiling: Arc::new(Semaphore::new(cores)), tests: Rc::default() }
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

    /// One tenant of many.
    pub fn tenant(tenant: &Tenant, args: &Args, common: &Common, holding: Holding) -> Self {
        Self {
            controller_socket: tenant.controller_socket.clone(),
            message_socket: tenant.message_socket.clone(),
            workers: args.workers,
            options: args.policy.clone(),
            components: args.components,
            tenant: Some(holding),
            common: common.clone(),
        }
    }

    /// The way out of a test's messages.
    pub fn outgoing(&self, test: &str, run_id: &str) -> Result<Outgoing, OpenError> {
        let messages = self.tenant.as_ref().map(|tenant| &tenant.messages);
        Outgoing::open(&self.message_socket, test, run_id, self.next_part(), messages)
    }

    pub fn crowd(&self) -> Option<Crowd> {
        self.tenant.as_ref().map(|tenant| tenant.crowd.clone())
    }

    pub fn account(&self) -> Option<Arc<Account>> {
        self.tenant.as_ref().map(|tenant| tenant.account.clone())
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
            Some(tenant) => Policy::clone(&tenant.policy.borrow()),
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

    /// One more test runs, until this is dropped.
    pub fn running(&self) -> Running {
        self.common.tests.set(self.common.tests.get() + 1);
        Running(self.common.tests.clone())
    }

    /// How often a controller is told how its test stands now.
    pub fn exchange_every(&self) -> Duration {
        exchange_every(self.common.tests.get())
    }

    /// Until it is this controller's turn to have something compiled.
    pub async fn compiling(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        self.common.compiling.clone().acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tests_are_told_of_less_often() {
        for (tests, millis, why) in [
            (0, 100, "none yet"),
            (1, 100, "one"),
            (199, 100, "few"),
            (200, 200, "many"),
            (10_000, 500, "a controller gives up after 2 s"),
        ] {
            assert_eq!(exchange_every(tests), Duration::from_millis(millis), "{why}");
        }
    }
}

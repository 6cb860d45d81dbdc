//! What a journey has in the host: one file per WIT interface, and the state they share.

mod config;
mod flat;
mod http;
mod messages;
mod script;
mod secrets;
mod timing;
mod transaction;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::{WasiCtxView, WasiView};

pub use self::http::Handles;
pub use self::messages::{cut_off, report_trap, wasm_trace};

use super::clock::Nanos;
use super::http::{Session, shelf};
use super::transactions::{ROOT_ID, Transactions};
use super::worker;
use crate::component::bindings::http::Error as HttpError;
use crate::component::limits::{Limits, Total};
use crate::component::wasi::Wasi;
use crate::wire::message::{Identity, Place};

/// The data of a journey's store.
pub struct State {
    wasi: Wasi,
    script: Arc<[u8]>,
    pub limits: Limits,
    /// What the host keeps of bodies for this journey.
    shelf: Arc<Total>,
    /// Slices that the guest has computed through since it last called the host.
    pub slices: u32,
    pub run: Run,
    handles: Handles,
    session: Arc<Mutex<Session>>,
    /// What the session of every run begins with.
    entered: Session,
}

/// The run going on.
pub struct Run {
    /// The journey's spec.
    pub journey: Arc<str>,
    pub identity: Arc<Identity>,
    pub context_id: u64,
    pub transactions: Transactions,
    /// This is no run but what stands around runs: in no figure, and without messages of its own.
    pub apart: bool,
    /// Whether a failure of this run has been told about.
    pub reported: bool,
    /// Messages that a limit kept from being made.
    pub refused: u64,
    /// The due time of the timer that let the journey go on last, if nothing else has since.
    pub woken: Option<Nanos>,
    /// Why the last request made through `flat` has no answer.
    failure: Option<HttpError>,
    /// The handle of the last answer, whose message may still get more fields.
    unsealed: Option<u32>,
}

impl State {
    pub fn new(package: Arc<str>, script: Arc<[u8]>, journey: Arc<str>, identity: Identity, limits: Limits) -> Self {
        let (secrets, step) = worker::with(|worker| (worker.settings.secrets.clone(), worker.settings.clock));
        Self {
            wasi: Wasi::limited(&package, secrets, step),
            script,
            shelf: shelf(limits.memory_max()),
            limits,
            slices: 0,
            run: Run {
                journey,
                identity: Arc::new(identity),
                context_id: 0,
                transactions: Transactions::default(),
                apart: false,
                reported: false,
                refused: 0,
                woken: None,
                failure: None,
                unsealed: None,
            },
            handles: Handles::default(),
            session: Arc::default(),
            entered: Session::default(),
        }
    }

    /// Every call of the host but those on an answer begins here: the guest isn't computing without end, and what it could
    /// have added to its last answer's message is added.
    fn enter(&mut self) -> wasmtime::Result<()> {
        if !self.run.transactions.are_open() {
            wasmtime::bail!("a component may call mite only in a run, not while it is being made");
        }
        self.slices = 0;
        self.seal();
        Ok(())
    }

    /// Nothing is added to the last answer's message any more.
    fn seal(&mut self) {
        if let Some(answer) = self.run.unsealed.take() {
            self.handles.seal(answer);
        }
    }

    /// Where in the run a transaction of that number is.
    fn place(&self, transaction: u32) -> Place<'_> {
        let open = self.run.transactions.get(transaction);
        Place { identity: &self.run.identity, transaction: &open.name.full, transaction_id: open.id }
    }

    /// A run begins: its transactions start anew, and its cookies with those that the instance was entered with.
    pub fn begin_run(&mut self, identify: impl FnOnce(&mut Identity), context_id: u64) {
        // A request of the run before may still hold its identity; then this one gets its own.
        identify(Arc::make_mut(&mut self.run.identity));
        self.run.context_id = context_id;
        self.run.apart = false;
        self.run.reported = false;
        self.limits.exhausted = false;
        self.slices = 0;
        self.wasi.stderr.forget_tail();
        if let Some(session) = Arc::get_mut(&mut self.session) {
            session.get_mut().unwrap_or_else(PoisonError::into_inner).begin(&self.entered);
        } else {
            self.session = Arc::new(Mutex::new(self.entered.clone()));
        }
        worker::with(|worker| {
            let root = worker.names.borrow().root();
            self.run.transactions.begin_run(root, worker.just_now());
        });
    }

    /// What stands around runs begins.
    pub fn begin_apart(&mut self, identify: impl FnOnce(&mut Identity)) {
        self.begin_run(identify, 0);
        self.run.apart = true;
        self.run.woken = None;
    }

    /// It went well: its cookies are those that runs begin with.
    pub fn keep_session(&mut self) {
        self.entered = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
    }

    /// Handles that the guest has not dropped.
    pub fn handles_held(&self) -> usize {
        self.handles.held()
    }

    /// A run is over: what it left behind is given up, and its transactions end.
    pub fn end_run(&mut self, had_error: bool) {
        self.seal();
        self.handles.cancel_pending();
        self.end_transaction(ROOT_ID, had_error);
        worker::with(|worker| {
            worker.http.end_run(self.run.context_id);
            worker.outbox.borrow_mut().counts.refused += std::mem::take(&mut self.run.refused);
        });
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

//! `transaction`: named, timed parts of a run.

use wasmtime::Result;

use super::State;
use crate::component::bindings::transaction::{Host, Outcome};
use crate::runner::transactions::ROOT_ID;
use crate::runner::worker;
use crate::wire::message::{Place, txn};

impl State {
    /// Ends a transaction and those inside of it.
    pub(super) fn end_transaction(&mut self, id: u32, had_error: bool) {
        worker::with(|worker| {
            let now = worker.clock.now();
            if id == ROOT_ID {
                // In the same moment the next run begins.
                worker.lately.set(now);
            }
            for ended in self.run.transactions.end(id) {
                if self.run.apart {
                    continue;
                }
                let (start, end) = (worker.clock.unix(ended.start), worker.clock.unix(now));
                let place =
                    Place { identity: &self.run.identity, transaction: &ended.name.full, transaction_id: ended.id };
                worker.outbox.borrow_mut().write(|out| txn(out, start, end, had_error, place));
                worker.tally.borrow_mut().transaction_ended(ended.name.number, now - ended.start, had_error);
            }
        });
    }
}

impl Host for State {
    fn begin(&mut self, name: String, parent: u32) -> Result<u32> {
        self.enter()?;
        if self.run.apart {
            // Nobody measures it.
            return Ok(ROOT_ID);
        }
        worker::with(|worker| {
            let (names, tally) = (&mut worker.names.borrow_mut(), &mut worker.tally.borrow_mut());
            Ok(self.run.transactions.begin(&name, parent, worker.clock.now(), names, tally)?)
        })
    }

    fn end(&mut self, id: u32, outcome: Outcome) -> Result<()> {
        self.enter()?;
        // The root is the runner's to end.
        if id == ROOT_ID && !matches!(outcome, Outcome::FailedWith(_)) || !self.run.transactions.is_open(id) {
            return Ok(());
        }
        let had_error = match outcome {
            Outcome::Ok | Outcome::Cancelled => false,
            Outcome::Failed => true,
            Outcome::FailedWith(failure) => {
                self.report(&failure, id);
                true
            }
        };
        if id != ROOT_ID {
            self.end_transaction(id, had_error);
        }
        Ok(())
    }
}

//! `messages`: what a journey tells the world itself, and what is told about its failures.

use wasmtime::Result;

use super::State;
use crate::component::bindings::messages::{Failure, FailureKind, Host};
use crate::policy::secrets::cut;
use crate::runner::quota::Label;
use crate::runner::transactions::ROOT_ID;
use crate::runner::worker;
use crate::wire::message::{self, MEASURED_TYPES, failure, free, own_pairs};
use crate::wire::totals;

const MESSAGE_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: u32 = 64;
const TYPE_BYTES_MAX: usize = 64;
/// Types that components of the pipeline do something with: whatever limit there is on names, these keep theirs.
const ACTED_UPON: [&str; 4] = ["error", "exception", "data_created", "purge_data"];
/// Texts of a failure are cut here.
const TEXT_BYTES_MAX: usize = 4 * 1024;
const STACKTRACE_BYTES_MAX: usize = 32 * 1024;
/// The message of a failure in the summary is cut here.
const SUMMARY_BYTES_MAX: usize = 200;

impl Host for State {
    async fn send(&mut self, message_type: String, fields: Vec<u8>, transaction: u32) -> Result<()> {
        self.enter()?;
        if message_type.is_empty() || message_type.len() > TYPE_BYTES_MAX || fields.len() > MESSAGE_BYTES_MAX {
            self.run.refused += 1;
            return Ok(());
        }
        if MEASURED_TYPES.contains(&message_type.as_str()) {
            wasmtime::bail!(
                "a journey can't send messages of the type `{message_type}`: mite makes those itself, of what it measures"
            );
        }
        let (own, count) = match own_pairs(&fields, &[]) {
            Ok(own) => own,
            Err(reason) => wasmtime::bail!("the fields of message `{}`: {reason}", message_type.escape_debug()),
        };
        if count > FIELDS_MAX {
            self.run.refused += 1;
            return Ok(());
        }
        if let Some(messages) = worker::with(|worker| worker.door.as_ref().map(|door| door.messages())) {
            messages.pass().await;
        }
        let place = self.place(transaction);
        worker::with(|worker| {
            let now = worker.clock.unix(worker.clock.now());
            let message_type = match message_type.as_str() {
                acted_upon if ACTED_UPON.contains(&acted_upon) => acted_upon,
                other => worker.tally.borrow_mut().label(Label::Message, other),
            };
            worker.outbox.borrow_mut().write(|out| free(out, message_type, &own, count, now, place));
        });
        Ok(())
    }
}

impl State {
    /// Tells about a failure, once a run.
    pub fn report(&mut self, told: &Failure, transaction: u32) {
        let (message_type, stacktrace) = match told.kind {
            FailureKind::Error => ("error", None),
            FailureKind::Exception => ("exception", Some(told.stacktrace.as_deref().unwrap_or_default())),
        };
        let taken = ["message", "ex_type", "location", "stacktrace"];
        // Fields that aren't a map are the SDK's mistake: the failure itself matters more.
        let small = Some(&told.fields).filter(|fields| fields.len() <= MESSAGE_BYTES_MAX);
        let (extra, extra_fields) = small.and_then(|fields| own_pairs(fields, &taken).ok()).unwrap_or_default();
        let over = small.is_none() || extra_fields > FIELDS_MAX;
        self.run.refused += u64::from(over);
        let (extra, extra_fields) = if over { (&[][..], 0) } else { (&extra[..], extra_fields) };
        let secrets = worker::with(|worker| worker.settings.secrets.clone());
        let [message, ex_type, location] =
            [(&told.message, TEXT_BYTES_MAX), (&told.ex_type, SUMMARY_BYTES_MAX), (&told.location, SUMMARY_BYTES_MAX)]
                .map(|(text, most)| secrets.cut(text, most));
        let stacktrace = stacktrace.map(|trace| secrets.cut(trace, STACKTRACE_BYTES_MAX));
        let failed = message::Failure {
            message_type,
            message: &message,
            ex_type: &ex_type,
            location: &location,
            stacktrace: stacktrace.as_deref(),
            extra,
            extra_fields,
        };
        let place = self.place(transaction);
        worker::with(|worker| {
            let now = worker.clock.unix(worker.clock.now());
            worker.outbox.borrow_mut().write(|out| failure(out, &failed, now, place));
            worker.tally.borrow_mut().failure(totals::Failure {
                journey: self.run.journey.to_string(),
                transaction: place.transaction.to_owned(),
                ex_type: failed.ex_type.to_owned(),
                message: cut(failed.message, SUMMARY_BYTES_MAX).to_owned(),
            });
        });
        self.run.reported = true;
    }
}

/// Tells about a trap, unless the guest has done so itself (as a panic does).
pub fn report_trap(state: &mut State, trap: &wasmtime::Error) {
    // A panic has told about itself before it traps.
    let is_panic = matches!(trap.downcast_ref(), Some(wasmtime::Trap::UnreachableCodeReached));
    if state.run.reported && is_panic && !state.limits.exhausted {
        return;
    }
    let said = state.wasi.stderr.take_tail();
    let cause = trap.root_cause().to_string();
    let (ex_type, message) = if state.limits.exhausted {
        ("OutOfMemory", "OutOfMemory: the journey wanted more memory than it may have".to_owned())
    } else if let Some(trap) = trap.downcast_ref::<wasmtime::Trap>() {
        ("Trap", format!("Trap: {}", trap.to_string().trim_start_matches("wasm trap: ")))
    } else {
        ("Trap", format!("Trap: {cause}"))
    };
    let stacktrace = format!("{said}{}", wasm_trace(trap));
    let failure = Failure {
        kind: FailureKind::Exception,
        ex_type: ex_type.to_owned(),
        message,
        location: String::new(),
        stacktrace: Some(stacktrace),
        fields: Vec::new(),
    };
    state.report(&failure, ROOT_ID);
}

/// The causes of a trap and where in the guest it was; never the engine's own frames.
pub fn wasm_trace(trap: &wasmtime::Error) -> String {
    let causes: Vec<_> = trap.chain().map(ToString::to_string).collect();
    // The frames are the outermost cause, if there are any.
    causes.join("\n")
}

/// Tells about a run that a limit on its time has cut off.
pub fn cut_off(state: &mut State, limit: std::time::Duration) {
    let failure = Failure {
        kind: FailureKind::Exception,
        ex_type: "JourneyTimeout".to_owned(),
        message: format!("JourneyTimeout: the run was cut off after {} s", limit.as_secs_f64()),
        location: String::new(),
        stacktrace: None,
        fields: Vec::new(),
    };
    state.report(&failure, ROOT_ID);
}

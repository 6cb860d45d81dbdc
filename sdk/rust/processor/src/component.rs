//! The component's exports: what the host calls.
use crate::bindings::exports::mite::processor::processors::{Contents, Guest};
use crate::bindings::mite::processor::progress;
use crate::crash;
use crate::error::Result;
use crate::message::Message;
use crate::registry::{self, Process};
use std::cell::RefCell;

thread_local!(
    /// The processor of this instance.
    static OPEN: RefCell<Option<Box<dyn Process>>> = const { RefCell::new(None) }
);

pub struct Component;

impl Guest for Component {
    fn describe() -> Contents {
        Contents { processors: registry::names(), sdk: concat!("rust ", env!("CARGO_PKG_VERSION")).into() }
    }

    fn open(name: String) -> Result<(), String> {
        let registered = registry::find(&name).ok_or("this component doesn't have it")?;
        let processor = (registered.open)().map_err(|error| error.to_string())?;
        OPEN.set(Some(processor));
        Ok(())
    }

    fn process(messages: Vec<Vec<u8>>) {
        OPEN.with_borrow_mut(|open| {
            let Some(processor) = open else { return };
            crash::busy(true);
            for (position, message) in (0..).zip(&messages) {
                progress::at(position);
                if let Err(error) = process(&mut **processor, message) {
                    progress::failed(&error.to_string());
                }
            }
            crash::busy(false);
        });
    }

    fn tick() -> Result<(), String> {
        with(|processor| processor.tick())
    }

    fn close() -> Result<(), String> {
        with(|processor| processor.close())
    }
}

/// The raw one first, as in Python.
pub fn process(processor: &mut dyn Process, message: &[u8]) -> Result {
    processor.raw(message)?;
    if processor.decodes() { processor.message(&Message::decode(message)?) } else { Ok(()) }
}

fn with(act: impl FnOnce(&mut dyn Process) -> Result) -> Result<(), String> {
    OPEN.with_borrow_mut(|open| match open {
        Some(processor) => act(&mut **processor).map_err(|error| error.to_string()),
        None => Ok(()),
    })
}

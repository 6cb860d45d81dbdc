//! `print`: text for people.

use wasmtime::Result;

use super::Host;
use crate::receiver::bindings::print;

impl print::Host for Host {
    fn line(&mut self, text: String) -> Result<()> {
        self.printer.line(&text);
        Ok(())
    }
}

//! `secrets`: texts that stand for what is filled in when a request is sent.

use wasmtime::Result;

use super::State;
use crate::component::bindings::secrets::Host;
use crate::runner::worker;

impl Host for State {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        self.enter()?;
        Ok(worker::with(|worker| worker.settings.secrets.stand_in(&name).map(str::to_owned)))
    }
}

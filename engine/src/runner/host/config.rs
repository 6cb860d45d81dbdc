//! `config`: what the test was started with.

use wasmtime::Result;

use super::State;
use crate::component::bindings::config::Host;
use crate::policy::secrets::cut;
use crate::runner::worker;

impl Host for State {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.enter()?;
        Ok(worker::with(|worker| worker.config.borrow().get(&key).map(<[u8]>::to_vec)))
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        self.enter()?;
        Ok(worker::with(|worker| worker.config.borrow().keys().map(str::to_owned).collect()))
    }

    fn set(&mut self, key: String, _: Vec<u8>) -> Result<Result<(), String>> {
        self.enter()?;
        Ok(Err(format!(
            "a journey can't set config `{}`: only functions of a scenario can",
            cut(&key, 256).escape_debug()
        )))
    }
}

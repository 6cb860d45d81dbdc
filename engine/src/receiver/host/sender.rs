//! `sender`: messages to other programs.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Host;
use crate::receiver::bindings::{Sender, sender};

impl sender::Host for Host {}

impl sender::HostSender for Host {
    async fn bind(&mut self, endpoint: String) -> Result<Result<Resource<Sender>, String>> {
        Ok(self.sockets.bind(endpoint).await.map(Resource::new_own))
    }

    fn connect(&mut self, endpoint: String) -> Result<Result<Resource<Sender>, String>> {
        Ok(self.sockets.connect(endpoint).map(Resource::new_own))
    }

    async fn send(&mut self, sender: Resource<Sender>, messages: Vec<Vec<u8>>) -> Result<u32> {
        Ok(self.sockets.send(sender.rep(), &messages).await)
    }

    /// The socket stays: what waits in it is still to be sent.
    fn drop(&mut self, _: Resource<Sender>) -> Result<()> {
        Ok(())
    }
}

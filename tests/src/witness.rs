//! Somebody who reads along: what came through an output of a duplicator, and when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mite_core::wire::socket::{Options, Pull, Received};
use tokio::sync::oneshot;

use crate::files;

/// A PULL of ours, of a kind of its own, so that it gets every message beside all other consumers.
#[derive(Debug)]
pub struct Witness {
    seen: Arc<Mutex<Vec<(Instant, u64)>>>,
    /// Dropped when it should leave.
    _end: oneshot::Sender<()>,
}

impl Witness {
    pub fn connect(endpoint: &str) -> Self {
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let (end, ended) = oneshot::channel::<()>();
        let (kept, endpoint) = (seen.clone(), endpoint.to_owned());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = read(&endpoint, &kept) => {}
                    // Either way it is over.
                    _ = ended => {}
                }
            });
        });
        Self { seen, _end: end }
    }

    /// When each numbered message came, in the order they came.
    pub fn seen(&self) -> Vec<(Instant, u64)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn read(endpoint: &str, seen: &Mutex<Vec<(Instant, u64)>>) {
    let mut pull = Pull::new(Options::new("witness"));
    pull.connect(endpoint).expect("an endpoint");
    loop {
        if let Received::Parcel(parcel) = pull.receive().await.what {
            let now = Instant::now();
            let number = |record| files::field(&files::decode(record)[0], "number").and_then(rmpv::Value::as_u64);
            let new: Vec<_> = parcel.records().filter_map(number).map(|number| (now, number)).collect();
            seen.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
        }
    }
}

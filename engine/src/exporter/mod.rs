//! Adds up what all stats send and shows it to Prometheus.

mod accounts;
mod expiry;
mod label;
pub mod process;
mod state;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::state::{Help, Limits, State};
pub use crate::web::{Error, bind, text};

/// Answers until `shutdown`, and then what is under way, for 5 seconds at most.
pub async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, shutdown: CancellationToken) -> Result<(), Error> {
    // A merge that panicked has left whole figures behind: each is changed at once.
    let families = move || state.lock().unwrap_or_else(PoisonError::into_inner).families();
    crate::web::serve(listener, Arc::new(families), shutdown).await
}

//! Reading the secrets of a test.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit};

use crate::policy::{Policy, SecretError, Secrets};

/// Reads the values of a policy's secrets. A process that has any writes no image of its memory when it fails.
pub fn read(policy: &Policy) -> Result<Arc<Secrets>, SecretError> {
    if !policy.secrets.is_empty() {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = rustix::process::setrlimit(Resource::Core, none) {
            tracing::warn!("an image of the memory may be written if mite fails, secrets with it: {error}");
        }
    }
    Secrets::read(&policy.secrets, random).map(Arc::new)
}

/// Keyed by the system's random numbers: what one journey knows says nothing of the next number.
fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one("secret"));
    half() << 64 | half()
}

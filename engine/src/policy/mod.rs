//! What a tenant's journeys may do: the targets they may reach, their limits, their secrets.
//!
//! Everything here is a function of what it is given: who enforces it has the sockets. The format of the file is in
//! `docs/policy.md`.
//!
//! ```text
//! file      tenants.toml: every tenant's policy, and the operator's brakes
//! limits    how much of everything, with units
//! targets   what may be reached: names, then addresses
//! rule      one rule about targets
//! address   what kind of network an address leads into
//! secrets   texts that stand for secrets, and their values
//! args      the local user's policy, from options
//! ```

pub mod address;
mod args;
mod file;
mod limits;
mod rule;
pub mod secrets;
mod targets;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use args::Args;
pub use file::{Brake, Error, Tenant, Tenants};
pub use limits::Limits;
pub use rule::{Goal, Host, Rule};
pub use secrets::{SecretError, Secrets};
pub use targets::{Denied, Targets};

/// What one tenant's journeys may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// What they may reach. In a file of tenants nothing is reachable unless a rule allows it; the local user, who has no file, may reach
    /// everything but link-local and metadata addresses.
    pub targets: Targets,
    /// How much they may have. None set: no more than mite itself limits.
    pub limits: Limits,
    /// Their secrets by name.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Where a secret comes from, and where it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    /// Its value, but for a line end at the end of the file.
    pub file: PathBuf,
    /// Where requests may take it, beside what the policy says of all requests; none: wherever they may go.
    pub targets: Option<Targets>,
}

impl Policy {
    /// The local user's without any option.
    pub fn local() -> Self {
        Self { targets: Targets::of_options(&[], &[]), limits: Limits::default(), secrets: BTreeMap::new() }
    }
}

/// Names of secrets are up to 64 of `A-Z a-z 0-9 . _ -`.
fn check_secret_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(format!("`{}` is not a secret's name: 1 to 64 of `A-Z a-z 0-9 . _ -`", shown.escape_debug()))
}

//! The operator's brakes: how much one target is asked by all tenants together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Bucket;
use crate::component::limits::Total;
use crate::policy;

/// All targets with a brake. Bounded by the file they are from: one that is taken out of it stays here without limits.
#[derive(Debug, Default)]
pub struct Brakes {
    by_target: Mutex<BTreeMap<String, Arc<Brake>>>,
    /// Counts changes, so that workers needn't ask again and again.
    version: AtomicU64,
}

/// Of one target.
#[derive(Debug, Default)]
pub struct Brake {
    pub requests: Bucket,
    pub connections: Total,
    /// Somebody waits for a connection: whoever has one to spare closes it.
    pub crowded: AtomicBool,
}

impl Brakes {
    /// From now on.
    pub fn set(&self, wanted: &BTreeMap<String, policy::Brake>) {
        let mut by_target = self.by_target.lock().unwrap_or_else(PoisonError::into_inner);
        for target in wanted.keys() {
            by_target.entry(target.clone()).or_default();
        }
        for (target, brake) in by_target.iter() {
            let wanted = wanted.get(target);
            brake.requests.set(wanted.and_then(|wanted| wanted.requests_per_second));
            brake.connections.set(wanted.and_then(|wanted| wanted.connections).map(u64::from));
        }
        drop(by_target);
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Of the target `host:port`, if it has one.
    pub fn of(&self, target: &str) -> Option<Arc<Brake>> {
        self.by_target.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, Arc<Brake>> {
        self.by_target.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_hold_one_see_what_becomes_of_it() {
        let brakes = Brakes::default();
        let wanted = |rate| {
            BTreeMap::from([(
                "a:1".to_owned(),
                policy::Brake { requests_per_second: Some(rate), connections: Some(1) },
            )])
        };
        brakes.set(&wanted(5.0));
        let (held, version) = (brakes.of("a:1").expect("it is there"), brakes.version());
        assert!(brakes.of("a:2").is_none());
        brakes.set(&wanted(7.0));
        assert_eq!((held.requests.limit(), held.connections.limit()), (Some(7.0), Some(1)));
        brakes.set(&BTreeMap::new());
        assert_eq!((held.requests.limit(), held.connections.limit()), (None, None), "taken out of the file");
        assert_eq!(brakes.version(), version + 2);
    }
}

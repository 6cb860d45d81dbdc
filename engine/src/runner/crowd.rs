//! What the tenants of a process have in common, and how often each does what it does only because time passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::share::Share;
use crate::component::ticker::{Ticked, Ticking};

/// Tests that share a process are a crowd beyond this: with a thousand of them, what workers do only because time passes would take
/// more than the machine has.
const FEW: u32 = 20;

/// A tenant among others.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// This tenant's part of the CPU.
    pub share: Arc<Share>,
    pub ticking: Arc<Ticking>,
}

impl Crowd {
    /// Ends the slices of an engine's guests while this tenant has any that compute, and calls `also` once a millisecond.
    pub fn tick(&self, engine: &wasmtime::Engine, mut also: impl FnMut() + Send + 'static) -> Ticked {
        let (share, engine) = (self.share.clone(), engine.clone());
        self.ticking.add(move || {
            if share.is_busy() {
                engine.increment_epoch();
            }
            also();
        })
    }
}

/// How often things are done: as usual, and in a crowd less often.
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<AtomicU32>);

impl Pace {
    /// Of one who is alone, or of one among others.
    pub fn of(crowd: Option<&Crowd>) -> Self {
        Self(crowd.map_or_else(Arc::default, |crowd| crowd.ticking.count()))
    }

    /// The time until it is done again, so that all together do it no more often than twenty do as usual. Never more than `most`.
    pub fn every(&self, usual: Duration, most: Duration) -> Duration {
        (usual * (self.0.load(Ordering::Relaxed) / FEW).max(1)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_does_things_less_often() {
        let ms = Duration::from_millis;
        for (tests, usual, most, want, why) in [
            (0, 10, 500, 10, "alone"),
            (20, 10, 500, 10, "few"),
            (39, 10, 500, 10, "still few"),
            (40, 10, 500, 20, "twice as many"),
            (1_000, 10, 1_000, 500, "a thousand"),
            (1_000, 10, 50, 50, "what can't wait longer"),
            (u32::MAX, 100, 500, 500, "however many"),
        ] {
            let pace = Pace(Arc::new(AtomicU32::new(tests)));
            assert_eq!(pace.every(ms(usual), ms(most)), ms(want), "{why}");
        }
    }
}

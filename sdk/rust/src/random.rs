//! Chance, seeded by the host for each instance.
use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

thread_local!(static STATE: Cell<u64> = Cell::new(seed()));

fn seed() -> u64 {
    // std asks the host for the keys of its hash maps; a hash of nothing under them is as random as they are.
    RandomState::new().build_hasher().finish() | 1
}

/// xorshift64*: good enough to draw users and pauses, and a dozen instructions.
fn next() -> u64 {
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

/// A number from 0 up to but not including 1.
pub fn random() -> f64 {
    (next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// One of them; none of none.
pub fn choose<T>(of: &[T]) -> Option<&T> {
    of.get((random() * of.len() as f64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread() {
        let draws: Vec<f64> = (0..1000).map(|_| random()).collect();
        assert!(draws.iter().all(|d| (0.0..1.0).contains(d)));
        let mean = draws.iter().sum::<f64>() / 1000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
        assert_eq!(choose::<u8>(&[]), None);
        assert_eq!(choose(&[7]), Some(&7));
    }
}

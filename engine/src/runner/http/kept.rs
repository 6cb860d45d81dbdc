//! Bodies that the host keeps for a journey: those of its requests on their way and of answers that it holds. Its own memory doesn't have
//! room for them, so they have a limit of their own.

use std::sync::Arc;

use super::body::BODY_BYTES_MAX;
use crate::component::limits::Total;

/// Why there is no room for more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bodies of requests and answers that the journey holds would have more than {0} bytes together")]
pub struct Full(u64);

/// All that a journey may have kept: as much as its memory may have, and the largest body in any case.
pub fn shelf(memory_max: usize) -> Arc<Total> {
    let total = Total::default();
    total.set(Some(memory_max.max(BODY_BYTES_MAX) as u64));
    Arc::new(total)
}

/// What is kept of one body; given back when it is dropped. By default there is no limit.
#[derive(Debug, Default)]
pub struct Kept {
    of: Option<Arc<Total>>,
    bytes: u64,
}

impl Kept {
    /// Nothing yet, of what a journey may have.
    pub fn of(shelf: Arc<Total>) -> Self {
        Self { of: Some(shelf), bytes: 0 }
    }

    /// Nothing yet, of the same.
    pub fn another(&self) -> Self {
        Self { of: self.of.clone(), bytes: 0 }
    }

    /// Makes room for so many bytes more.
    pub fn more(&mut self, bytes: usize) -> Result<(), Full> {
        let Some(total) = self.of.as_ref().filter(|_| bytes > 0) else { return Ok(()) };
        if !total.try_take(bytes as u64) {
            return Err(Full(total.limit().unwrap_or(u64::MAX)));
        }
        self.bytes += bytes as u64;
        Ok(())
    }
}

/// Alike where they keep as much.
impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Kept {}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(total) = &self.of {
            total.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_journey_share_its_shelf() {
        let shelf = shelf(100);
        assert_eq!(shelf.limit(), Some(BODY_BYTES_MAX as u64), "the largest body has room");
        shelf.set(Some(100));
        let mut request = Kept::of(shelf.clone());
        let mut answer = request.another();
        for (bytes, of_answer, used, why) in [
            (60, false, Ok(60), "there is room"),
            (40, true, Ok(100), "for both, just so"),
            (0, true, Ok(100), "nothing always has room"),
            (1, false, Err(Full(100)), "a byte more"),
        ] {
            let kept = if of_answer { &mut answer } else { &mut request };
            assert_eq!(kept.more(bytes).map(|()| shelf.used()), used, "{why}");
        }
        drop(request);
        assert_eq!((shelf.used(), answer.more(60), shelf.used()), (40, Ok(()), 100), "given back");
        assert_eq!(Kept::default().more(usize::MAX), Ok(()), "no limit");
    }
}

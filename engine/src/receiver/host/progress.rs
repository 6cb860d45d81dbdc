//! `progress`: how far a call has come, so that each message's fate is known even if it traps.

use wasmtime::Result;

use super::Host;
use crate::receiver::bindings::progress;

/// Of a call of `process`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages of the call.
    messages: u32,
    /// The one that it is at.
    position: Option<u32>,
    /// The last one that it failed on.
    failed_at: Option<u32>,
    /// How many it failed on.
    failed: u32,
    /// Why it failed on the first of them.
    reason: Option<String>,
}

/// What became of the messages of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    pub taken: u32,
    pub failed: u32,
    /// Why it failed on the first.
    pub reason: Option<String>,
}

impl Progress {
    /// A call with so many messages begins.
    pub fn begin(messages: u32) -> Self {
        Self { messages, ..Self::default() }
    }

    fn at(&mut self, position: u32) -> bool {
        let rises = self.position.is_none_or(|before| position > before) && position < self.messages;
        if rises {
            self.position = Some(position);
        }
        rises
    }

    fn failed(&mut self, reason: String) {
        if self.position.is_some() && self.position != self.failed_at {
            self.failed_at = self.position;
            self.failed += 1;
            self.reason.get_or_insert(reason);
        }
    }

    /// The call is over.
    pub fn end(self) -> Fate {
        Fate { taken: self.messages - self.failed, failed: self.failed, reason: self.reason }
    }

    /// The call has trapped: the message at hand has failed, and those after it are as if never given.
    pub fn trap(mut self, reason: String) -> Fate {
        let Some(position) = self.position else {
            return Fate { taken: 0, failed: self.messages, reason: Some(reason) };
        };
        self.failed(reason);
        Fate { taken: position + 1 - self.failed, failed: self.failed, reason: self.reason }
    }
}

impl progress::Host for Host {
    fn at(&mut self, position: u32) -> Result<()> {
        if self.progress.at(position) {
            self.slices = 0;
        }
        Ok(())
    }

    fn failed(&mut self, reason: String) -> Result<()> {
        self.progress.failed(reason);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Step {
        At(u32),
        Failed,
    }
    use Step::{At, Failed};

    #[test]
    fn each_message_has_one_fate() {
        for (steps, ended, trapped, why) in [
            (&[][..], (4, 0), (0, 4), "it tells nothing: a trap costs all"),
            (&[At(0), At(1), At(2), At(3)], (4, 0), (3, 1), "it trapped at the last"),
            (&[At(0)], (4, 0), (0, 1), "at the first: the other three are given again"),
            (&[At(0), Failed, At(1)], (3, 1), (0, 2), "it failed before it trapped"),
            (&[At(0), At(1), Failed], (3, 1), (1, 1), "failed and trapped on the same one"),
            (&[At(0), Failed, Failed, Failed], (3, 1), (0, 1), "a message fails once"),
            (&[Failed], (4, 0), (0, 4), "a failure of no message"),
            (&[At(2), At(1), At(2), Failed, At(0)], (3, 1), (2, 1), "positions only rise"),
            (&[At(4), At(u32::MAX), Failed], (4, 0), (0, 4), "beyond the list"),
        ] {
            let mut progress = Progress::begin(4);
            for step in steps {
                match step {
                    At(position) => drop(progress.at(*position)),
                    Failed => progress.failed("f".to_owned()),
                }
            }
            let (end, trap) = (progress.clone().end(), progress.trap("t".to_owned()));
            assert_eq!((end.taken, end.failed), ended, "{why}");
            assert_eq!((trap.taken, trap.failed), trapped, "{why}");
        }
    }
}

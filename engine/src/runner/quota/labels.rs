//! The names that a test has made, where there is a limit on how many.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Kind, Quota};
use crate::policy::Limits;

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Request,
    Transaction,
    /// A type of the journeys' own messages.
    Message,
}

impl Label {
    fn words(self) -> &'static str {
        match self {
            Self::Request => "names of requests",
            Self::Transaction => "names of transactions",
            Self::Message => "types of messages",
        }
    }
}

/// So many names of each kind, whichever worker comes with one first. Workers ask for a name that they don't know yet: what they may have
/// they keep.
#[derive(Debug)]
pub struct Labels {
    most: usize,
    known: [Mutex<HashSet<Box<str>>>; 3],
    said: [AtomicBool; 3],
    quota: Option<Arc<Quota>>,
}

impl Labels {
    /// Of a test that begins; none: there is no limit.
    pub fn of(limits: &Limits, quota: Option<Arc<Quota>>) -> Option<Arc<Self>> {
        let most = usize::try_from(limits.labels?).unwrap_or(usize::MAX);
        Some(Arc::new(Self { most, known: Default::default(), said: Default::default(), quota }))
    }

    /// Whether there is room for the name: it is one of the first, or known already.
    pub fn admit(&self, label: Label, name: &str) -> bool {
        let mut known = self.known[label as usize].lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(name) || (known.len() < self.most && known.insert(name.into()))
    }

    /// Something counts under `other` since its name found no room.
    pub fn folded(&self, label: Label) {
        if !self.said[label as usize].swap(true, Ordering::Relaxed) {
            let (what, most) = (label.words(), self.most);
            tracing::warn!("there are more than {most} {what} (labels): further ones count under `other`");
        }
        if let Some(quota) = &self.quota {
            quota.hold(Kind::Labels, 0);
        }
    }
}

/// What a worker knows of them: names that have room are looked up without a lock. Bounded by the limit.
#[derive(Debug, Default)]
pub struct Known {
    labels: Option<Arc<Labels>>,
    known: [HashSet<Box<str>>; 3],
}

impl Known {
    pub fn new(labels: Option<Arc<Labels>>) -> Self {
        Self { labels, known: Default::default() }
    }

    /// Whether there is room for the name.
    pub fn admit(&mut self, label: Label, name: &str) -> bool {
        let Some(labels) = &self.labels else { return true };
        let known = &mut self.known[label as usize];
        known.contains(name) || (labels.admit(label, name) && known.insert(name.into()))
    }

    /// Something counts under `other` since its name found no room.
    pub fn folded(&self, label: Label) {
        if let Some(labels) = &self.labels {
            labels.folded(label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::quota::Brakes;

    #[test]
    fn the_first_have_room() {
        let limits = Limits { labels: Some(2), ..Limits::default() };
        let quota = Arc::new(Quota::new(&limits, Arc::new(Brakes::default())));
        let labels = Labels::of(&limits, Some(quota.clone())).expect("there is a limit");
        for (label, name, room, why) in [
            (Label::Request, "a", true, "the first"),
            (Label::Request, "b", true, "the second"),
            (Label::Request, "c", false, "one too many"),
            (Label::Request, "a", true, "it is known"),
            (Label::Request, "c", false, "it still isn't"),
            (Label::Transaction, "c", true, "each kind has its own"),
            (Label::Message, "c", true, "this too"),
        ] {
            assert_eq!(labels.admit(label, name), room, "{why}");
        }
        assert_eq!(quota.held(Kind::Labels), (0, 0), "asking is no use of it");
        labels.folded(Label::Request);
        labels.folded(Label::Message);
        assert_eq!(quota.held(Kind::Labels), (2, 0));
        assert!(Labels::of(&Limits::default(), None).is_none());
        let (mut one, mut other) = (Known::new(Some(labels.clone())), Known::new(Some(labels)));
        assert!(one.admit(Label::Message, "d") && other.admit(Label::Message, "d") && other.admit(Label::Message, "c"));
        assert!(!other.admit(Label::Message, "e") && !one.admit(Label::Message, "e"), "for all workers together");
        assert!(Known::default().admit(Label::Message, "e"), "no limit");
    }
}

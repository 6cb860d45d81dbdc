//! Messages that travel together.

/// The most messages in a batch.
pub const BATCH_MESSAGES_MAX: usize = 100;
/// A batch is closed by the message that brings it to this many bytes.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Some messages, each one msgpack map, back to back.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each message ends in `bytes`.
    ends: Vec<u32>,
}

impl Batch {
    pub fn with_capacity() -> Self {
        Self { bytes: Vec::with_capacity(BATCH_BYTES + 1024), ends: Vec::with_capacity(BATCH_MESSAGES_MAX) }
    }

    /// Where to write the next message; [`Self::end_message`] makes it one.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What was written since the last message is a message.
    pub fn end_message(&mut self) {
        // A batch is closed at 64 KiB and a message has at most 16 MiB, so this always fits.
        self.ends.push(self.bytes.len() as u32);
    }

    pub fn push(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
        self.end_message();
    }

    /// Empties it and keeps its room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Gives room back that a batch sent early doesn't need, so that what waits in a queue is as large as it says.
    pub fn shrink(&mut self) {
        if self.bytes.len() < BATCH_BYTES / 4 {
            self.bytes.shrink_to_fit();
            self.ends.shrink_to_fit();
        }
    }

    /// Whether it should go on its way.
    pub fn is_full(&self) -> bool {
        self.ends.len() >= BATCH_MESSAGES_MAX || self.bytes.len() >= BATCH_BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All messages as they stand in a file: back to back.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each message.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start as usize..*end as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_apart() {
        let mut batch = Batch::with_capacity();
        assert!(batch.is_empty() && batch.messages().next().is_none());
        batch.push(b"one");
        batch.buffer().extend_from_slice(b"t");
        batch.buffer().extend_from_slice(b"wo");
        assert_eq!(batch.len(), 1, "what isn't ended is no message");
        batch.end_message();
        batch.push(b"");
        batch.push(b"three");
        let messages: Vec<_> = batch.messages().collect();
        assert_eq!(messages, [b"one".as_slice(), b"two", b"", b"three"]);
        assert_eq!((batch.len(), batch.bytes()), (4, b"onetwothree".as_slice()));
    }

    #[test]
    fn full_by_messages_or_bytes() {
        for (messages, bytes, full, why) in [
            (0, 0, false, "empty"),
            (99, 10, false, "one less than the most"),
            (100, 10, true, "the most messages"),
            (1, BATCH_BYTES - 1, false, "one byte less"),
            (1, BATCH_BYTES, true, "the bytes of one"),
            (1, 16 << 20, true, "the largest message: it goes alone"),
            (64, 1024, true, "the bytes of many"),
        ] {
            let mut batch = Batch::default();
            (0..messages).for_each(|_| batch.push(&vec![0; bytes]));
            assert_eq!(batch.is_full(), full, "{why}");
            assert_eq!((batch.len(), batch.bytes().len()), (messages, messages * bytes), "{why}");
        }
    }

    #[test]
    fn a_small_batch_gives_its_room_back() {
        for (bytes, shrinks, why) in [(100, true, "sent early"), (BATCH_BYTES / 4, false, "large enough")] {
            let mut batch = Batch::with_capacity();
            batch.push(&vec![7; bytes]);
            batch.shrink();
            assert_eq!(batch.bytes.capacity() < BATCH_BYTES / 4, shrinks, "{why}");
            assert_eq!(batch.messages().next().map(<[u8]>::len), Some(bytes), "{why}");
        }
    }
}

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

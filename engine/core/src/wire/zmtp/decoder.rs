//! A stream of bytes into parcels and commands.

use bytes::{Buf, Bytes, BytesMut};

use super::command::Command;
use super::frame::Header;
use super::parcel::Parcel;
use super::{Limits, Violation};

/// A connection begins with a buffer of this size, since most are quiet ...
const BUFFER_BYTES_MIN: usize = 8 << 10;
/// ... and one that is filled in one go grows up to this.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// What a stream holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// All whole messages that are there, up to the next command.
    Parcel(Parcel),
    Command(Command),
}

/// Finds frames in bytes, however these come apart. Memory is taken for bytes that came, never for such as were announced: the
/// buffer at most doubles when it is full.
pub struct Decoder {
    limits: Limits,
    buffer: BytesMut,
    /// What is asked of the allocator next; doubled whenever there is no room at all, which is so at first.
    block: usize,
    /// Bytes of whole messages at the front of the buffer, and their frames.
    whole: usize,
    records: usize,
    /// Bytes of whole frames after that, of a message whose end is to come, and their number.
    part: usize,
    frames: usize,
}

impl Decoder {
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), block: BUFFER_BYTES_MIN / 2, whole: 0, records: 0, part: 0, frames: 0 }
    }

    /// Where to put the bytes that came; there is room for some.
    pub fn buffer(&mut self) -> &mut BytesMut {
        let free = self.buffer.capacity() - self.buffer.len();
        if free == 0 {
            self.block = (2 * self.block).min(BUFFER_BYTES_MAX);
        }
        // The last quarter of a block isn't read into: parcels that are still held keep a whole block, and a small piece costs a
        // system call as a large one does.
        if free < self.block / 4 {
            self.buffer.reserve(self.block.max(self.buffer.len()));
        }
        &mut self.buffer
    }

    /// What came next; none: more bytes are needed.
    pub fn decode(&mut self) -> Result<Option<Item>, Violation> {
        loop {
            let at = self.whole + self.part;
            let header = Header::read(&self.buffer[at..], &self.limits)?;
            if let Some(header) = &header {
                self.check(header)?;
            }
            match header.filter(|header| self.buffer.len() - at >= header.frame_bytes()) {
                Some(header) if header.command && self.whole == 0 => return self.command(&header).map(Some),
                Some(header) if !header.command => self.frame(&header),
                _ => return Ok(self.parcel()),
            }
        }
    }

    fn check(&self, header: &Header) -> Result<(), Violation> {
        if header.command {
            return Ok(());
        }
        if self.frames >= self.limits.frames_max {
            return Err(Violation::TooManyFrames { limit: self.limits.frames_max });
        }
        let (bytes, limit) = (self.part + header.frame_bytes(), self.limits.message_bytes_max);
        if bytes > limit {
            return Err(Violation::TooLarge { what: "a message", bytes: bytes as u64, limit });
        }
        Ok(())
    }

    /// Goes on behind a frame.
    fn frame(&mut self, header: &Header) {
        self.part += header.frame_bytes();
        self.frames += 1;
        if !header.more {
            self.whole += std::mem::take(&mut self.part);
            self.records += std::mem::take(&mut self.frames);
        }
    }

    /// Takes out all whole messages.
    fn parcel(&mut self) -> Option<Item> {
        if self.whole == 0 {
            return None;
        }
        let bytes = self.buffer.split_to(std::mem::take(&mut self.whole)).freeze();
        Some(Item::Parcel(Parcel::checked(bytes, std::mem::take(&mut self.records))))
    }

    /// Takes out a command, which may stand between the frames of a message: libzmq puts its PING there.
    fn command(&mut self, header: &Header) -> Result<Item, Violation> {
        let (start, size) = (self.part, header.frame_bytes());
        let command = Command::read(&self.buffer[start + header.header_bytes..start + size]);
        self.buffer.copy_within(..start, size);
        self.buffer.advance(size);
        command.map(Item::Command)
    }

    /// What is there, not looked at: for what comes before the first frame.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes some of it away.
    pub fn take(&mut self, size: usize) -> Bytes {
        self.buffer.split_to(size).freeze()
    }
}

#[cfg(test)]
mod tests;

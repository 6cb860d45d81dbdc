//! Whole messages as they stand on the wire.

use bytes::Bytes;

use super::frame::{self, Header, MORE};
use super::{FRAMES_MAX, Limits};
use crate::wire::batch::Batch;

/// Some whole messages, frame headers included. A clone shares the bytes, so the same parcel may be queued to many sockets,
/// and what was received goes on as it came: nothing is decoded or encoded again.
///
/// It can only be made by what writes or has checked frames, so walking it finds frames and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    bytes: Bytes,
    records: usize,
}

impl Parcel {
    /// What the decoder has walked over: whole messages with so many frames in all.
    pub(super) fn checked(bytes: Bytes, records: usize) -> Self {
        Self { bytes, records }
    }

    /// One message of these frames.
    pub fn message(frames: &[&[u8]]) -> Self {
        let mut out = Vec::with_capacity(frames.iter().map(|frame| frame::frame_bytes(frame.len())).sum());
        for (place, body) in frames.iter().enumerate() {
            frame::put(&mut out, if place + 1 < frames.len() { MORE } else { 0 }, body);
        }
        Self { bytes: out.into(), records: frames.len() }
    }

    /// One message: frames that have others after them, as they stand on the wire, and a last one.
    pub fn after(envelope: &[u8], envelope_frames: usize, body: &[u8]) -> Self {
        let mut out = Vec::with_capacity(envelope.len() + frame::frame_bytes(body.len()));
        out.extend_from_slice(envelope);
        frame::put(&mut out, 0, body);
        Self { bytes: out.into(), records: envelope_frames + 1 }
    }

    /// All bytes, as they stand on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many records there are: frames of all its messages.
    pub fn len(&self) -> usize {
        self.records
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Each record, whichever message it stands in.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        Frames { rest: &self.bytes }.map(|(_, body)| body)
    }

    /// Each message.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        Messages { rest: &self.bytes }
    }

    /// A record of this parcel to keep: shares the parcel's bytes, which stay in memory for as long.
    pub fn share(&self, record: &[u8]) -> Bytes {
        self.bytes.slice_ref(record)
    }
}

/// A batch is one message of as many frames as it has records (more than one if it has more than [`FRAMES_MAX`] records). A record
/// has at most 16 MiB ([`super::FRAME_BYTES_MAX`]), which whoever makes records sees to: no reader of ours takes a larger one.
impl From<&Batch> for Parcel {
    fn from(batch: &Batch) -> Self {
        let records = batch.len();
        let mut out = Vec::with_capacity(batch.messages().map(|record| frame::frame_bytes(record.len())).sum());
        for (place, record) in (1..).zip(batch.messages()) {
            let last = place == records || place % FRAMES_MAX == 0;
            frame::put(&mut out, if last { 0 } else { MORE }, record);
        }
        Self { bytes: out.into(), records }
    }
}

/// A message of a parcel.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// As it stands on the wire.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn frames(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Frames { rest: self.bytes }.map(|(_, body)| body)
    }

    /// Opens a request or a reply: its envelope as it stands on the wire (up to the first empty frame), the number of frames in
    /// that, and the body. None: there is no empty frame, or not one frame after it.
    pub fn open(&self) -> Option<(&'a [u8], usize, &'a [u8])> {
        let mut frames = Frames { rest: self.bytes };
        let count = frames.by_ref().position(|(_, body)| body.is_empty())? + 1;
        let envelope = &self.bytes[..self.bytes.len() - frames.rest.len()];
        let (header, body) = frames.next()?;
        (!header.more).then_some((envelope, count, body))
    }
}

/// Nothing is too large for who walks what was checked.
const ALL: Limits = Limits { frame_bytes_max: usize::MAX, frames_max: usize::MAX, message_bytes_max: usize::MAX };

struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = (Header, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let header = Header::read(self.rest, &ALL).ok()??;
        let (frame, rest) = self.rest.split_at_checked(header.frame_bytes())?;
        self.rest = rest;
        Some((header, &frame[header.header_bytes..]))
    }
}

struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut frames = Frames { rest: self.rest };
        frames.by_ref().find(|(header, _)| !header.more)?;
        let (bytes, rest) = self.rest.split_at(self.rest.len() - frames.rest.len());
        self.rest = rest;
        Some(Message { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        records.iter().for_each(|record| batch.push(record));
        batch
    }

    #[test]
    fn a_batch_is_a_message_of_many_frames() {
        let long = [7; 300];
        for (records, messages, why) in [
            (vec![], 0, "an empty batch is nothing at all"),
            (vec![&b"one"[..]], 1, "one"),
            (vec![b"one", b"", b"three", &long], 1, "long ones and empty ones"),
            (vec![b"x"; FRAMES_MAX], 1, "as many as a message may have"),
            (vec![b"x"; 2 * FRAMES_MAX + 1], 3, "more than that"),
        ] {
            let parcel = Parcel::from(&batch(&records));
            assert_eq!((parcel.len(), parcel.is_empty()), (records.len(), records.is_empty()), "{why}");
            assert_eq!(parcel.records().collect::<Vec<_>>(), records, "{why}");
            assert_eq!(parcel.messages().count(), messages, "{why}");
            let frames: Vec<_> = parcel.messages().flat_map(|message| message.frames()).collect();
            assert_eq!(frames, records, "{why}");
            assert_eq!(parcel.messages().map(|m| m.bytes().len()).sum::<usize>(), parcel.bytes().len(), "{why}");
        }
    }

    #[test]
    fn on_the_wire() {
        assert_eq!(Parcel::from(&batch(&[b"a", b"bc"])).bytes(), &b"\x01\x01a\0\x02bc"[..]);
        assert_eq!(Parcel::message(&[b"", b"x"]).bytes(), &b"\x01\0\0\x01x"[..]);
        assert_eq!(Parcel::after(b"\x01\0", 1, b"x"), Parcel::message(&[b"", b"x"]));
    }

    #[test]
    fn envelopes() {
        for (frames, want, why) in [
            (&[&b""[..], b"x"][..], Some((&b"\x01\0"[..], 1, &b"x"[..])), "of a REQ"),
            (&[b"id", b"", b"x"], Some((b"\x01\x02id\x01\0", 2, b"x")), "of a DEALER"),
            (&[b"", b""], Some((b"\x01\0", 1, b"")), "an empty body"),
            (&[b"x"], None, "no empty frame"),
            (&[b""], None, "no body"),
            (&[b"", b"x", b"y"], None, "two bodies"),
        ] {
            assert_eq!(Parcel::message(frames).messages().next().and_then(|message| message.open()), want, "{why}");
        }
    }

    #[test]
    fn a_kept_record_is_not_copied() {
        let parcel = Parcel::message(&[b"one", b"two"]);
        let two = parcel.records().nth(1).unwrap();
        assert_eq!(parcel.share(two).as_ptr(), two.as_ptr());
    }
}

//! What is written in one go.

use std::io::IoSlice;

use crate::wire::zmtp::parcel::Parcel;

/// Parcels are gathered up to this, in bytes: larger writes gain nothing, and smaller ones cost three times as much per byte.
const GATHER_BYTES: usize = 64 << 10;
/// ... or up to so many.
const PARCELS_MAX: usize = 1_024;
/// Parcels smaller than this on average are copied into one piece; larger ones are cheaper to write from where they are.
const COPY_BYTES: usize = 4 << 10;
/// The most pieces of a write: more parcels than `GATHER_BYTES / COPY_BYTES` and the one that goes over are copied.
const SLICES_MAX: usize = 2 + GATHER_BYTES / COPY_BYTES;

/// Commands, then whole parcels; what of it the system has taken.
#[derive(Debug, Default)]
pub struct Gather {
    /// Commands, and after [`Self::close`] perhaps all parcels too.
    head: Vec<u8>,
    /// Bytes of commands in it.
    commands: usize,
    copied: bool,
    parcels: Vec<Parcel>,
    parcel_bytes: usize,
    written: usize,
}

/// What became of parcels that were gathered.
#[derive(Debug, Default, PartialEq)]
pub struct Fate {
    /// Records of parcels the system took, wholly or in part.
    pub written: u64,
    /// Parcels of which it took nothing.
    pub rest: Vec<Parcel>,
}

impl Gather {
    /// Where to write commands; before any parcel is taken in.
    pub fn head(&mut self) -> &mut Vec<u8> {
        &mut self.head
    }

    /// Whether this parcel still fits. The first always does.
    pub fn has_room(&self, parcel: &Parcel) -> bool {
        self.parcels.is_empty()
            || (self.parcel_bytes + parcel.bytes().len() <= GATHER_BYTES && self.parcels.len() < PARCELS_MAX)
    }

    pub fn push(&mut self, parcel: Parcel) {
        self.parcel_bytes += parcel.bytes().len();
        self.parcels.push(parcel);
    }

    /// Nothing more goes in: it is ready to be written.
    pub fn close(&mut self) {
        self.commands = self.head.len();
        self.copied = self.parcels.len() > 1 && self.parcel_bytes / self.parcels.len() < COPY_BYTES;
        if self.copied {
            self.head.reserve(self.parcel_bytes);
            self.parcels.iter().for_each(|parcel| self.head.extend_from_slice(parcel.bytes()));
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.parcels.is_empty()
    }

    /// Bytes of messages in it.
    pub fn parcel_bytes(&self) -> usize {
        self.parcel_bytes
    }

    /// Calls with what is to be written next.
    pub fn with_slices<T>(&self, write: impl FnOnce(&[IoSlice]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let parcels = if self.copied { &[][..] } else { &self.parcels };
        let mut skip = self.written;
        let mut count = 0;
        for piece in std::iter::once(&self.head[..]).chain(parcels.iter().map(|parcel| &parcel.bytes()[..])) {
            if skip >= piece.len() {
                skip -= piece.len();
            } else if count < SLICES_MAX {
                slices[count] = IoSlice::new(&piece[skip..]);
                (skip, count) = (0, count + 1);
            }
        }
        write(&slices[..count])
    }

    /// The system took so many bytes. Answers whether that was all.
    pub fn advance(&mut self, bytes: usize) -> bool {
        self.written += bytes;
        self.written >= self.commands + self.parcel_bytes
    }

    /// Empties it; says what became of its parcels.
    pub fn clear(&mut self) -> Fate {
        let mut fate = Fate::default();
        let mut start = self.commands;
        for parcel in self.parcels.drain(..) {
            let bytes = parcel.bytes().len();
            if start < self.written {
                fate.written += parcel.len() as u64;
            } else {
                fate.rest.push(parcel);
            }
            start += bytes;
        }
        self.head.clear();
        (self.commands, self.parcel_bytes, self.written, self.copied) = (0, 0, 0, false);
        fate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(head: &[u8], sizes: &[usize]) -> Gather {
        let mut gather = Gather::default();
        gather.head().extend_from_slice(head);
        for size in sizes {
            gather.push(Parcel::message(&[&vec![7; *size]]));
        }
        gather.close();
        gather
    }

    /// All that is written when the system takes so many bytes at a time.
    fn written(gather: &mut Gather, at_a_time: usize) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let (taken, slices) = gather.with_slices(|slices| {
                let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
                (bytes.take(at_a_time).collect::<Vec<_>>(), slices.len())
            });
            assert!(!taken.is_empty() && slices <= SLICES_MAX);
            out.extend_from_slice(&taken);
            if gather.advance(taken.len()) {
                return out;
            }
        }
    }

    #[test]
    fn all_is_written_in_order() {
        for (head, sizes, copied, why) in [
            (&b"head"[..], &[][..], false, "commands alone"),
            (b"", &[10], false, "one parcel is never copied"),
            (b"head", &[10, 20, 30], true, "small ones become one piece"),
            (b"head", &[10_000, 20_000, 30_000], false, "large ones stay where they are"),
            (b"h", &[5_000; 13], false, "many"),
        ] {
            for at_a_time in [1, 7, 1_000, usize::MAX] {
                let mut gather = gather(head, sizes);
                assert_eq!(gather.copied, copied, "{why}");
                let want: Vec<u8> =
                    head.iter().copied().chain(gather.parcels.iter().flat_map(|p| p.bytes().to_vec())).collect();
                assert_eq!(written(&mut gather, at_a_time), want, "{why}");
                assert_eq!(gather.clear(), Fate { written: sizes.len() as u64, rest: vec![] }, "{why}");
                assert!(gather.is_empty() && gather.has_room(&Parcel::default()), "{why}");
            }
        }
    }

    #[test]
    fn what_becomes_of_parcels() {
        // Four bytes of commands, then parcels of 12, 22 and 32 bytes.
        for (taken, written, rest, why) in [
            (0, 0, 3, "nothing went"),
            (4, 0, 3, "only commands went"),
            (5, 1, 2, "a byte of the first: it can't go elsewhere"),
            (16, 1, 2, "the first"),
            (17, 2, 1, "a part of the second"),
            (70, 3, 0, "all"),
        ] {
            let mut gather = gather(b"head", &[10, 20, 30]);
            gather.advance(taken);
            let fate = gather.clear();
            assert_eq!((fate.written, fate.rest.len()), (written, rest), "{why}");
        }
    }

    #[test]
    fn how_much_fits() {
        for (sizes, more, fits, why) in [
            (&[][..], 1 << 20, true, "the first always"),
            (&[1_000], 1 << 20, false, "a large one goes alone"),
            (&[32_000], 32_000, true, "just under the limit"),
            (&[32_000, 32_000], 2_000, false, "just over it"),
            (&[1; PARCELS_MAX], 1, false, "as many as there may be"),
        ] {
            assert_eq!(gather(b"", sizes).has_room(&Parcel::message(&[&vec![0; more]])), fits, "{why}");
        }
    }
}

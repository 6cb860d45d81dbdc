//! What messages look like. Nearly every message differs from one before it only in its times, numbers and texts of the same
//! length: that is seen by comparing what must not differ eight bytes at a time, and then every field is where it was.

use crate::wire::value::{Fields, Raw};

/// Longer messages are always walked.
const LENGTH_MAX: usize = 2_048;
/// Messages whose lengths differ by a multiple of this share a place.
const PLACES: usize = 256;
/// Shapes that a place keeps: the latest.
const WAYS: usize = 2;
/// A place learns from every so manyth message that it does not know: where all differ, learning costs little of what walking does.
const LEARN_EVERY: u32 = 4;

/// The shapes of messages seen lately. Limit: [`PLACES`] times [`WAYS`], 4 KiB each at most.
pub struct Shapes {
    places: Vec<Place>,
}

#[derive(Clone, Default)]
struct Place {
    ways: [Option<Box<Shape>>; WAYS],
    unknown: u32,
}

/// One shape.
#[derive(Clone)]
pub struct Shape {
    length: usize,
    /// What is compared: all bytes but the payloads of scalars and texts.
    masks: Vec<u64>,
    values: Vec<u64>,
    /// The last eight bytes, which overlap those before them.
    last: (u64, u64),
    /// Number and place of every field that is wanted.
    fields: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    number: usize,
    start: usize,
    end: usize,
}

impl Shapes {
    pub fn new() -> Self {
        Self { places: vec![Place::default(); PLACES] }
    }

    /// The shape that this message has, if it is known: then the message is one map and nothing after it.
    #[inline]
    pub fn find(&self, message: &[u8]) -> Option<&Shape> {
        let place = &self.places[message.len() % PLACES];
        place.ways.iter().flatten().find(|shape| shape.is_of(message)).map(|shape| &**shape)
    }

    /// Keeps the shape of a message that was not known and is not malformed. `number` tells which fields are wanted.
    pub fn learn(&mut self, message: &[u8], number: impl Fn(&[u8]) -> Option<usize>) {
        let place = &mut self.places[message.len() % PLACES];
        let due = place.unknown.is_multiple_of(LEARN_EVERY);
        place.unknown = place.unknown.wrapping_add(1);
        if due && let Some(shape) = Shape::of(message, number) {
            place.ways.rotate_right(1);
            place.ways[0] = Some(Box::new(shape));
        }
    }
}

impl Shape {
    fn of(message: &[u8], number: impl Fn(&[u8]) -> Option<usize>) -> Option<Self> {
        if message.len() > LENGTH_MAX {
            return None;
        }
        let mut mask = vec![0xff; message.len()];
        let mut fields = Vec::new();
        let mut cursor = Fields::new(message).ok()?;
        while let Some((key, value)) = cursor.next_bytes().ok()? {
            let end = message.len() - cursor.bytes().len();
            let start = end - value.bytes().len();
            free(value.bytes(), &mut mask[start..end]);
            fields.extend(number(key).map(|number| Span { number, start, end }));
        }
        let (chunks, _) = message.as_chunks();
        let (mask_chunks, _) = mask.as_chunks();
        let masks: Vec<u64> = mask_chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
        let values = chunks.iter().zip(&masks).map(|(chunk, mask)| u64::from_le_bytes(*chunk) & mask).collect();
        let last_mask = u64::from_le_bytes(*mask.last_chunk()?);
        let last = (last_mask, u64::from_le_bytes(*message.last_chunk()?) & last_mask);
        Some(Self { length: message.len(), masks, values, last, fields })
    }

    #[inline]
    fn is_of(&self, message: &[u8]) -> bool {
        let Some(last) = message.last_chunk().filter(|_| message.len() == self.length) else { return false };
        let (chunks, _) = message.as_chunks();
        let compared = chunks.iter().zip(&self.masks).zip(&self.values);
        let differ = |((chunk, mask), value): ((&[u8; 8], &u64), &u64)| (u64::from_le_bytes(*chunk) & mask) ^ value;
        let last = (u64::from_le_bytes(*last) & self.last.0) ^ self.last.1;
        compared.fold(last, |all, one| all | differ(one)) == 0
    }

    /// Shows every wanted field of a message of this shape, in order.
    #[inline]
    pub fn fields<'a>(&self, message: &'a [u8], mut show: impl FnMut(usize, Raw<'a>)) {
        for span in &self.fields {
            if let Some(value) = message.get(span.start..span.end) {
                show(span.number, Raw::known(value));
            }
        }
    }
}

/// Clears the bits of a mask that may differ between values of one kind and size.
fn free(value: &[u8], mask: &mut [u8]) {
    let payload = match value[0] {
        // Small numbers and booleans: they are their marker.
        0x00..=0x7f => return mask[0] = 0x80,
        0xe0..=0xff => return mask[0] = 0xe0,
        0xc2 | 0xc3 => return mask[0] = 0xfe,
        0xca..=0xd3 | 0xa0..=0xbf => 1,
        0xc4 | 0xd9 => 2,
        0xc5 | 0xda => 3,
        0xc6 | 0xdb => 5,
        // What has values inside must be the same to the byte.
        _ => return,
    };
    mask[payload..].fill(0);
}

//! One walk over a message that finds every field some stat wants.

use crate::wire::value::{Fields, Malformed, Raw};

/// Fields that all stats together may want.
pub const FIELDS_MAX: usize = 48;
/// A power of two, well over [`FIELDS_MAX`] so that few fields share a place.
const PLACES: usize = 128;
/// Messages of so many fields or more have no trail.
const TRAILS: usize = 64;
/// Bytes of a key as msgpack that a trail has room for.
const STEP_BYTES: usize = 24;
/// Where fields are put that nobody wants.
const UNWANTED: usize = FIELDS_MAX;

/// Where the fields of a message are, by the numbers that [`Picker::number`] gave; `None` for those it lacks. What is behind
/// those means nothing.
pub type Picked<'a> = [Option<Raw<'a>>; FIELDS_MAX + 1];

/// The names of the fields to find.
pub struct Picker {
    count: usize,
    /// Two that share a place stand next to each other.
    places: [Option<Place>; PLACES],
    /// By the number of a message's fields: the keys of the last such message, in order. Who writes messages writes them alike,
    /// so nearly every key stands where it stood the last time, and needn't be looked up.
    trails: Vec<Vec<Step>>,
}

/// A key that is expected, as its msgpack.
#[derive(Clone, Copy)]
struct Step {
    words: [u64; STEP_BYTES / 8],
    masks: [u64; STEP_BYTES / 8],
    length: usize,
    number: usize,
}

impl Step {
    /// None: the key is too long.
    fn new(key: &[u8], number: usize) -> Option<Self> {
        let (mut bytes, mut mask) = ([0; STEP_BYTES], [0; STEP_BYTES]);
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        mask[..key.len()].fill(0xff);
        Some(Self { words: words(&bytes), masks: words(&mask), length: key.len(), number })
    }

    #[inline(always)]
    fn is_at(&self, bytes: &[u8; STEP_BYTES]) -> bool {
        let there = words(bytes);
        (0..there.len()).fold(0, |all, at| all | ((there[at] & self.masks[at]) ^ self.words[at])) == 0
    }
}

#[inline(always)]
fn words(bytes: &[u8; STEP_BYTES]) -> [u64; STEP_BYTES / 8] {
    let (chunks, _) = bytes.as_chunks();
    std::array::from_fn(|at| u64::from_le_bytes(chunks[at]))
}

#[derive(Clone, Copy)]
struct Place {
    print: Print,
    name: &'static str,
    number: usize,
}

impl Picker {
    pub fn new() -> Self {
        Self { count: 0, places: [None; PLACES], trails: vec![Vec::new(); TRAILS] }
    }

    /// The number of a field, which is a new one if nobody wanted it before.
    pub fn number(&mut self, name: &'static str) -> usize {
        if let Some(known) = self.find(name.as_bytes()) {
            return known;
        }
        let number = self.count;
        assert!(number < FIELDS_MAX, "the table of stats wants more fields than FIELDS_MAX");
        self.count += 1;
        let print = Print::of(name.as_bytes());
        let mut place = print.place();
        while self.places[place].is_some() {
            place = (place + 1) % PLACES;
        }
        self.places[place] = Some(Place { print, name, number });
        number
    }

    /// Walks the whole message, so that what is malformed is found out before anything is counted. Of two fields of one name
    /// the last counts, as in Python.
    pub fn pick<'a>(&mut self, message: &'a [u8], picked: &mut Picked<'a>) -> Result<(), Malformed> {
        picked[..self.count].fill(None);
        let mut fields = Fields::new(message)?;
        let shape = usize::try_from(fields.count_left()).unwrap_or(usize::MAX);
        let mut followed = 0;
        for step in self.trails.get(shape).into_iter().flatten() {
            // The last few bytes of a message are too short to be looked at so.
            let is_next = |bytes: &'a [u8]| bytes.first_chunk().filter(|bytes| step.is_at(bytes)).map(|_| step.length);
            let Some(value) = fields.next_if(is_next)? else { break };
            picked[step.number] = Some(value);
            followed += 1;
        }
        self.pick_rest(fields, shape, followed, picked)
    }

    /// Looks every key up, and keeps what it finds for the next message of this shape.
    fn pick_rest<'a>(
        &mut self,
        mut fields: Fields<'a>,
        shape: usize,
        followed: usize,
        picked: &mut Picked<'a>,
    ) -> Result<(), Malformed> {
        let mut learnt = followed;
        loop {
            let before = fields.bytes();
            let Some((key, value)) = fields.next_bytes()? else { return Ok(()) };
            let number = self.find(key).unwrap_or(UNWANTED);
            picked[number] = Some(value);
            // Keys that are no text were passed over: then this one did not stand here.
            let here = Raw::split(before).ok().map(|(raw, _)| raw).filter(|raw| raw.text_bytes().is_some());
            let step = here.and_then(|raw| Step::new(raw.bytes(), number));
            if let (Some(step), Some(trail)) = (step, self.trails.get_mut(shape))
                && learnt < TRAILS
            {
                trail.truncate(learnt);
                trail.push(step);
                learnt += 1;
            } else {
                // A trail has no gaps.
                learnt = TRAILS;
            }
        }
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<usize> {
        let print = Print::of(name);
        let mut place = print.place();
        loop {
            let known = self.places[place].as_ref()?;
            // Up to 16 bytes the print is the name.
            if known.print == print && (print.length <= 16 || known.name.as_bytes() == name) {
                return Some(known.number);
            }
            place = (place + 1) % PLACES;
        }
    }
}

/// A name as numbers: to be compared without a call. Its first and last bytes, which overlap.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print {
    first: u64,
    last: u64,
    length: usize,
}

impl Print {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (first, last) = if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        } else {
            (name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0)
        };
        Self { first, last, length: name.len() }
    }

    #[inline]
    fn place(self) -> usize {
        // An odd constant without a pattern: its product's upper bits depend on all bits.
        let mixed = (self.first ^ self.last.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 57) as usize % PLACES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_any_length_are_told_apart() {
        let names =
            ["", "a", "ab", "ba", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghijklmnop", "a_name_of_over_16_bytes"];
        let mut picker = Picker::new();
        for (number, name) in names.iter().enumerate() {
            assert_eq!(picker.number(name), number);
        }
        for (number, name) in names.iter().enumerate() {
            assert_eq!((picker.number(name), picker.find(name.as_bytes())), (number, Some(number)));
        }
        for other in ["b", "bc", "acc", "abce", "a_name_of_XXXX_16_bytes", "abcdefghijklmnoq"] {
            assert_eq!(picker.find(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_was_expected_makes_no_difference() {
        let mut picker = Picker::new();
        let (first, second) = (picker.number("first"), picker.number("a_key_that_is_longer_than_a_step"));
        let key = |text: &str| [&[0xd9, text.len() as u8], text.as_bytes()].concat();
        let short = |text: &str| [&[0xa0 | text.len() as u8], text.as_bytes()].concat();
        let (long, pad) = (key("a_key_that_is_longer_than_a_step"), short("some_other_field_at_the_end"));
        let map = |pairs: &[(&[u8], u8)]| {
            let pairs: Vec<u8> = pairs.iter().flat_map(|(key, value)| [key, [*value].as_slice()].concat()).collect();
            [&[0x83], pairs.as_slice()].concat()
        };
        let three = |one: &[u8], value| map(&[(one, value), (&long, 2), (&pad, 3)]);
        let usual = three(&short("first"), 1);
        for (message, want, why) in [
            (usual.clone(), [Some(1), Some(2)], "the first time"),
            (usual.clone(), [Some(1), Some(2)], "the same again"),
            (map(&[(&long, 5), (&short("first"), 6), (&pad, 7)]), [Some(6), Some(5)], "another order"),
            (map(&[(&long, 5), (&short("first"), 6), (&pad, 7)]), [Some(6), Some(5)], "that order again"),
            (usual.clone(), [Some(1), Some(2)], "the first order"),
            (three(&short("firsu"), 1), [None, Some(2)], "a letter differs"),
            (three(&short("firstly"), 1), [None, Some(2)], "a longer one"),
            (three(&[0x05], 1), [None, Some(2)], "a key that is no text"),
            (usual.clone(), [Some(1), Some(2)], "text again"),
            (three(&key("first"), 9), [Some(9), Some(2)], "another form of it"),
            (usual.clone(), [Some(1), Some(2)], "the usual one"),
            ([&[0x81], short("first").as_slice(), &[4]].concat(), [Some(4), None], "fewer fields"),
            ([&[0x81], short("first").as_slice(), &[5]].concat(), [Some(5), None], "too short to be looked at once"),
        ] {
            let mut picked = [None; FIELDS_MAX + 1];
            picker.pick(&message, &mut picked).unwrap();
            assert_eq!([first, second].map(|number| picked[number].and_then(Raw::as_u64)), want, "{why}");
        }
        let mut picked = [None; FIELDS_MAX + 1];
        for cut in 0..usual.len() {
            assert!(picker.pick(&usual[..cut], &mut picked).is_err(), "cut at {cut}");
        }
        assert!(picker.pick(&[usual.as_slice(), &[0]].concat(), &mut picked).is_err(), "bytes after the end");
    }

    #[test]
    fn the_last_of_two_counts() {
        let mut picker = Picker::new();
        let number = picker.number("a");
        let mut picked = [None; FIELDS_MAX + 1];
        picker.pick(b"\x82\xa1a\x01\xa1a\x02", &mut picked).unwrap();
        assert_eq!(picked[number].map(Raw::bytes), Some(&b"\x02"[..]));
        picker.pick(b"\x80", &mut picked).unwrap();
        assert_eq!(picked[number], None);
    }
}

//! One walk over a message that finds every field some stat wants.

use crate::wire::value::{Fields, Malformed, Raw};

/// Fields that all stats together may want.
pub const FIELDS_MAX: usize = 48;
/// A power of two, well over [`FIELDS_MAX`] so that few fields share a place.
const PLACES: usize = 128;

/// Where the fields of a message are, by the numbers that [`Picker::number`] gave; `None` for those it lacks.
pub type Picked<'a> = [Option<Raw<'a>>; FIELDS_MAX];

/// The names of the fields to find.
pub struct Picker {
    count: usize,
    /// Two that share a place stand next to each other.
    places: [Option<Place>; PLACES],
}

#[derive(Clone, Copy)]
struct Place {
    print: Print,
    name: &'static str,
    number: usize,
}

impl Picker {
    pub fn new() -> Self {
        Self { count: 0, places: [None; PLACES] }
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
    pub fn pick<'a>(&self, message: &'a [u8], picked: &mut Picked<'a>) -> Result<(), Malformed> {
        picked[..self.count].fill(None);
        let mut fields = Fields::new(message)?;
        while let Some((key, value)) = fields.next_bytes()? {
            if let Some(number) = self.find(key) {
                picked[number] = Some(value);
            }
        }
        Ok(())
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
    fn the_last_of_two_counts() {
        let mut picker = Picker::new();
        let number = picker.number("a");
        let mut picked = [None; FIELDS_MAX];
        picker.pick(b"\x82\xa1a\x01\xa1a\x02", &mut picked).unwrap();
        assert_eq!(picked[number].map(Raw::bytes), Some(&b"\x02"[..]));
        picker.pick(b"\x80", &mut picked).unwrap();
        assert_eq!(picked[number], None);
    }
}

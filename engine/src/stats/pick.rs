//! One walk over a message that finds every field some stat wants.

use super::shape::Shapes;
use crate::wire::value::{Fields, Malformed, Raw};

/// Fields that all stats together may want.
pub const FIELDS_MAX: usize = 48;
/// A power of two, well over [`FIELDS_MAX`] so that few fields share a place.
const PLACES: usize = 128;
/// Where the fields of a message are, by the numbers that [`Picker::number`] gave; `None` for those it lacks. What is behind
/// those means nothing.
pub type Picked<'a> = [Option<Raw<'a>>; FIELDS_MAX];

/// The names of the fields to find.
pub struct Picker {
    count: usize,
    /// Two that share a place stand next to each other.
    places: [Option<Place>; PLACES],
    shapes: Shapes,
}

#[derive(Clone, Copy)]
struct Place {
    print: Print,
    name: &'static str,
    number: usize,
}

impl Picker {
    pub fn new() -> Self {
        Self { count: 0, places: [None; PLACES], shapes: Shapes::new() }
    }

    /// The number of a field, which is a new one if nobody wanted it before.
    pub fn number(&mut self, name: &'static str) -> usize {
        if let Some(known) = find(&self.places, name.as_bytes()) {
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
        if let Some(shape) = self.shapes.find(message) {
            shape.fields(message, |number, value| picked[number] = Some(value));
            return Ok(());
        }
        self.walk(message, picked)?;
        let Self { shapes, places, .. } = self;
        shapes.learn(message, |name| find(places, name));
        Ok(())
    }

    /// Looks every key up.
    fn walk<'a>(&self, message: &'a [u8], picked: &mut Picked<'a>) -> Result<(), Malformed> {
        let mut fields = Fields::new(message)?;
        while let Some((key, value)) = fields.next_bytes()? {
            if let Some(number) = find(&self.places, key) {
                picked[number] = Some(value);
            }
        }
        Ok(())
    }
}

#[inline]
fn find(places: &[Option<Place>; PLACES], name: &[u8]) -> Option<usize> {
    let print = Print::of(name);
    let mut place = print.place();
    loop {
        let known = places[place].as_ref()?;
        // Up to 16 bytes the print is the name.
        if known.print == print && (print.length <= 16 || known.name.as_bytes() == name) {
            return Some(known.number);
        }
        place = (place + 1) % PLACES;
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
    use proptest::prelude::*;

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
            assert_eq!((picker.number(name), find(&picker.places, name.as_bytes())), (number, Some(number)));
        }
        for other in ["b", "bc", "acc", "abce", "a_name_of_XXXX_16_bytes", "abcdefghijklmnoq"] {
            assert_eq!(find(&picker.places, other.as_bytes()), None, "{other}");
        }
    }

    const NAMES: [&str; 4] = ["type", "a", "total_time", "a_key_that_is_longer_than_16_bytes"];

    fn picker() -> Picker {
        let mut picker = Picker::new();
        NAMES.iter().for_each(|name| {
            picker.number(name);
        });
        picker
    }

    fn pick<'a>(picker: &mut Picker, message: &'a [u8]) -> Result<Vec<Option<&'a [u8]>>, Malformed> {
        let mut picked = [None; FIELDS_MAX];
        picker.pick(message, &mut picked)?;
        Ok(picked[..NAMES.len()].iter().map(|value| value.map(Raw::bytes)).collect())
    }

    fn message(fields: &[(rmpv::Value, rmpv::Value)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &rmpv::Value::Map(fields.to_vec())).unwrap();
        bytes
    }

    #[test]
    fn a_shape_is_known_again_and_nothing_else_is() {
        let one = |a: rmpv::Value| {
            message(&[("type".into(), "txn".into()), ("a".into(), a), ("b_c_d_e_f_g_h_i_j".into(), 7.into())])
        };
        let mut picker = picker();
        let known = one(0.5.into());
        assert!(picker.shapes.find(&known).is_none());
        pick(&mut picker, &known).unwrap();
        for (message, is_known, why) in [
            (known.clone(), true, "the same"),
            (one((-1.5).into()), true, "another number"),
            (one("12345678".into()), false, "a text of that length"),
            (one(0.into()), false, "a shorter number"),
            (known[..known.len() - 1].to_vec(), false, "one byte less"),
            ([known.as_slice(), &[0]].concat(), false, "one byte more"),
            (known.iter().map(|byte| if *byte == b'a' { b'c' } else { *byte }).collect(), false, "another key"),
            (known.iter().map(|byte| if *byte == 7 { 100 } else { *byte }).collect(), true, "another small number"),
            (known.iter().map(|byte| if *byte == 7 { 0xc0 } else { *byte }).collect(), false, "nil for a number"),
        ] {
            assert_eq!(picker.shapes.find(&message).is_some(), is_known, "{why}");
        }
    }

    fn value() -> impl Strategy<Value = rmpv::Value> {
        prop_oneof![
            any::<i64>().prop_map(Into::into),
            (-40_i64..200).prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<f32>().prop_map(Into::into),
            any::<bool>().prop_map(Into::into),
            Just(rmpv::Value::Nil),
            "[a-c]{0,40}".prop_map(Into::into),
            proptest::collection::vec(any::<u8>(), 0..5).prop_map(rmpv::Value::Binary),
            proptest::collection::vec(0_u8..200, 0..3)
                .prop_map(|items| rmpv::Value::Array(items.into_iter().map(Into::into).collect())),
        ]
    }

    fn key() -> impl Strategy<Value = rmpv::Value> {
        prop_oneof![
            proptest::sample::select(&NAMES[..]).prop_map(Into::into),
            "[a-c]{0,2}".prop_map(Into::into),
            value()
        ]
    }

    proptest! {
        /// Whoever has seen much picks what one picks who has seen nothing, of messages that are alike and of broken ones too.
        #[test]
        fn what_was_seen_before_makes_no_difference(
            keys in proptest::collection::vec(key(), 0..6),
            values in proptest::collection::vec(proptest::collection::vec(value(), 6), 1..8),
            changes in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<bool>()), 0..20),
        ) {
            let mut used = picker();
            let plain = values.iter().map(|values| message(&keys.iter().cloned().zip(values.iter().cloned()).collect::<Vec<_>>()));
            let mut messages: Vec<Vec<u8>> = plain.collect();
            for (at, byte, cut) in changes {
                let mut changed = messages[usize::from(at) % messages.len()].clone();
                let at = usize::from(byte) % changed.len().max(1);
                if cut { changed.truncate(at) } else { changed.iter_mut().skip(at).take(1).for_each(|there| *there ^= byte | 1) }
                messages.push(changed);
            }
            for message in messages.iter().chain(&messages) {
                prop_assert_eq!(pick(&mut used, message), pick(&mut picker(), message));
            }
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

//! Walking msgpack without copying: where each value begins and ends, and a typed look at those that matter.
//!
//! Every byte string is safe to walk: lengths are checked against what is there, nesting ends at [`DEPTH_MAX`], nothing
//! recurses and nothing is allocated. A value is looked at only when asked, so a reader pays for the fields it wants and a
//! few nanoseconds for each of the others.

mod fields;

pub use self::fields::{Field, Fields};

/// How deep arrays and maps may be nested, the outermost included. Deeper ones are [`Malformed::Deep`].
pub const DEPTH_MAX: usize = 32;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it ends in the middle of a value")]
    Truncated,
    #[error("it has the byte 0xc1, which msgpack never uses")]
    Reserved,
    #[error("it is nested deeper than {DEPTH_MAX}")]
    Deep,
    #[error("it has text that is not UTF-8")]
    Utf8,
    #[error("it is not a map")]
    NotMap,
    #[error("it has bytes after its end")]
    Trailing,
}

/// One whole value as its bytes: lengths and nesting are checked, text is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

/// A value, one level deep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// Only what is over `i64::MAX`.
    BigInt(u64),
    /// Of either width.
    Float(f64),
    Str(&'a str),
    Bin(&'a [u8]),
    Array(Items<'a>),
    Map(Pairs<'a>),
    Ext(i8, &'a [u8]),
}

impl<'a> Raw<'a> {
    /// The value at the beginning of `bytes` and what follows it.
    #[inline(always)]
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let marker = *bytes.first().ok_or(Malformed::Truncated)?;
        let size = match SIZES[usize::from(marker)] {
            0 => long_size(bytes)?,
            size => usize::from(size),
        };
        let (value, rest) = bytes.split_at_checked(size).ok_or(Malformed::Truncated)?;
        Ok((Self(value), rest))
    }

    /// Bytes that are one value, as who asks has found out otherwise.
    #[inline]
    pub(crate) fn known(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// `bytes` as one value with nothing after it.
    pub fn whole(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match Self::split(bytes)? {
            (value, []) => Ok(value),
            _ => Err(Malformed::Trailing),
        }
    }

    /// Its msgpack, never empty.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// What it is. Checks text for UTF-8.
    pub fn view(self) -> Result<View<'a>, Malformed> {
        let bytes = self.0;
        let marker = *bytes.first().ok_or(Malformed::Truncated)?;
        Ok(match marker {
            0x00..=0x7f => View::Int(i64::from(marker)),
            0xe0..=0xff => View::Int(i64::from(marker.cast_signed())),
            0xc0 => View::Nil,
            0xc2 => View::Bool(false),
            0xc3 => View::Bool(true),
            0xca => View::Float(f64::from(f32::from_bits(unsigned(bytes, 1, 4)? as u32))),
            0xcb => View::Float(f64::from_bits(unsigned(bytes, 1, 8)?)),
            0xcc..=0xcf => int(unsigned(bytes, 1, 1 << (marker - 0xcc))?),
            0xd0 => View::Int(i64::from((unsigned(bytes, 1, 1)? as u8).cast_signed())),
            0xd1 => View::Int(i64::from((unsigned(bytes, 1, 2)? as u16).cast_signed())),
            0xd2 => View::Int(i64::from((unsigned(bytes, 1, 4)? as u32).cast_signed())),
            0xd3 => View::Int(unsigned(bytes, 1, 8)?.cast_signed()),
            0xa0..=0xbf | 0xd9..=0xdb => View::Str(str::from_utf8(payload(bytes)?).map_err(|_| Malformed::Utf8)?),
            0xc4..=0xc6 => View::Bin(payload(bytes)?),
            0xc7..=0xc9 | 0xd4..=0xd8 => ext(bytes)?,
            0x90..=0x9f | 0xdc | 0xdd => {
                let (rest, left) = inside(bytes)?;
                View::Array(Items { rest, left })
            }
            0x80..=0x8f | 0xde | 0xdf => {
                let (rest, left) = inside(bytes)?;
                View::Map(Pairs { rest, left: left / 2 })
            }
            0xc1 => return Err(Malformed::Reserved),
        })
    }

    /// Text, of a str or of a bin (Python sends methods as bin). `None` for anything else and for what is not UTF-8.
    pub fn text(self) -> Option<&'a str> {
        match self.view() {
            Ok(View::Str(text)) => Some(text),
            Ok(View::Bin(bytes)) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The bytes of a str or bin, unchecked.
    #[inline]
    pub fn text_bytes(self) -> Option<&'a [u8]> {
        match self.0.first()? {
            0xa0..=0xbf => self.0.get(1..),
            0xc4..=0xc6 | 0xd9..=0xdb => payload(self.0).ok(),
            _ => None,
        }
    }

    /// A number as a float; `None` for anything else.
    pub fn as_f64(self) -> Option<f64> {
        match self.view() {
            Ok(View::Int(int)) => Some(int as f64),
            Ok(View::BigInt(int)) => Some(int as f64),
            Ok(View::Float(float)) => Some(float),
            _ => None,
        }
    }

    /// A whole number that is not negative; `None` for anything else.
    pub fn as_u64(self) -> Option<u64> {
        match self.view() {
            Ok(View::Int(int)) => u64::try_from(int).ok(),
            Ok(View::BigInt(int)) => Some(int),
            _ => None,
        }
    }
}

/// The values of an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: u64,
}

impl<'a> Items<'a> {
    /// How many are left.
    pub fn count_left(&self) -> u64 {
        self.left
    }

    /// The msgpack of those that are left, back to back.
    pub fn bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Whoever made this has walked these bytes to their end already, so this is never an error.
        let (value, rest) = Raw::split(self.rest).ok()?;
        self.rest = rest;
        Some(value)
    }
}

/// The entries of a map, keys of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairs<'a> {
    rest: &'a [u8],
    left: u64,
}

impl Pairs<'_> {
    /// How many are left.
    pub fn count_left(&self) -> u64 {
        self.left
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Raw<'a>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (key, rest) = Raw::split(self.rest).ok()?;
        let (value, rest) = Raw::split(rest).ok()?;
        self.rest = rest;
        Some((key, value))
    }
}

/// How many bytes a value takes whose first byte says it all; 0 for others. Nearly all values are such, so this is one look
/// and one branch that is easy to foresee.
static SIZES: [u8; 256] = {
    let mut sizes = [0; 256];
    let mut marker = 0;
    while marker < 256 {
        sizes[marker] = match marker as u8 {
            0x00..=0x80 | 0x90 | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => 1,
            text @ 0xa0..=0xbf => 1 + (text & 0x1f),
            0xcc | 0xd0 => 2,
            0xcd | 0xd1 => 3,
            0xca | 0xce | 0xd2 => 5,
            0xcb | 0xcf | 0xd3 => 9,
            ext @ 0xd4..=0xd8 => 2 + (1 << (ext - 0xd4)),
            _ => 0,
        };
        marker += 1;
    }
    sizes
};

/// How many bytes a value takes (without the values inside of it) and how many values are inside of it.
fn extent(bytes: &[u8]) -> Result<(usize, u64), Malformed> {
    let marker = *bytes.first().ok_or(Malformed::Truncated)?;
    let (size, items) = match SIZES[usize::from(marker)] {
        0 => long_extent(bytes, marker)?,
        size => (usize::from(size), 0),
    };
    if size > bytes.len() { Err(Malformed::Truncated) } else { Ok((size, items)) }
}

fn long_extent(bytes: &[u8], marker: u8) -> Result<(usize, u64), Malformed> {
    Ok(match marker {
        0xc4 | 0xd9 => (2 + length(bytes, 1)?, 0),
        0xc5 | 0xda => (3 + length(bytes, 2)?, 0),
        0xc6 | 0xdb => (length(bytes, 4)?.saturating_add(5), 0),
        0xc7 => (3 + length(bytes, 1)?, 0),
        0xc8 => (4 + length(bytes, 2)?, 0),
        0xc9 => (length(bytes, 4)?.saturating_add(6), 0),
        0x81..=0x8f => (1, 2 * u64::from(marker & 0x0f)),
        0x91..=0x9f => (1, u64::from(marker & 0x0f)),
        0xdc => (3, unsigned(bytes, 1, 2)?),
        0xdd => (5, unsigned(bytes, 1, 4)?),
        0xde => (3, 2 * unsigned(bytes, 1, 2)?),
        0xdf => (5, 2 * unsigned(bytes, 1, 4)?),
        _ => return Err(Malformed::Reserved),
    })
}

/// How many bytes a value takes with all that is inside of it.
fn long_size(bytes: &[u8]) -> Result<usize, Malformed> {
    match extent(bytes)? {
        (size, 0) => Ok(size),
        (size, items) => nested(bytes, size, items),
    }
}

/// How many bytes an array or map takes with all that is inside of it. Each step takes a byte at least, so a length that
/// lies costs no more than the bytes there are.
fn nested(bytes: &[u8], size: usize, items: u64) -> Result<usize, Malformed> {
    let mut left = [0; DEPTH_MAX];
    left[0] = items;
    let (mut at, mut depth) = (size, 0);
    loop {
        while left[depth] == 0 {
            if depth == 0 {
                return Ok(at);
            }
            depth -= 1;
        }
        left[depth] -= 1;
        let (size, items) = extent(bytes.get(at..).unwrap_or_default())?;
        at += size;
        if items > 0 {
            depth += 1;
            *left.get_mut(depth).ok_or(Malformed::Deep)? = items;
        }
    }
}

/// What is inside of an array or map, and how many values that is.
#[inline]
fn inside(bytes: &[u8]) -> Result<(&[u8], u64), Malformed> {
    let (size, items) = extent(bytes)?;
    Ok((bytes.get(size..).unwrap_or_default(), items))
}

/// The bytes of a str or bin.
#[inline]
fn payload(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let head = match bytes.first() {
        Some(0xc4 | 0xd9) => 2,
        Some(0xc5 | 0xda) => 3,
        Some(0xc6 | 0xdb) => 5,
        _ => 1,
    };
    bytes.get(head..).ok_or(Malformed::Truncated)
}

fn ext(bytes: &[u8]) -> Result<View<'_>, Malformed> {
    let at = match bytes.first() {
        Some(0xc7) => 2,
        Some(0xc8) => 3,
        Some(0xc9) => 5,
        _ => 1,
    };
    let kind = bytes.get(at).ok_or(Malformed::Truncated)?;
    Ok(View::Ext(kind.cast_signed(), bytes.get(at + 1..).ok_or(Malformed::Truncated)?))
}

#[inline]
fn length(bytes: &[u8], width: usize) -> Result<usize, Malformed> {
    Ok(usize::try_from(unsigned(bytes, 1, width)?).unwrap_or(usize::MAX))
}

/// A big-endian number of `width` bytes at `at`.
#[inline]
fn unsigned(bytes: &[u8], at: usize, width: usize) -> Result<u64, Malformed> {
    let digits = bytes.get(at..at + width).ok_or(Malformed::Truncated)?;
    Ok(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

fn int(number: u64) -> View<'static> {
    i64::try_from(number).map_or(View::BigInt(number), View::Int)
}

#[cfg(test)]
mod tests;

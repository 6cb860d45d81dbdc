//! The fields of a message.

use super::{Malformed, Raw, inside};

/// One named value of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub key: &'a str,
    pub value: Raw<'a>,
}

/// A cursor over the fields of one message, which is one map and nothing after it. It walks as it goes: what is wrong shows
/// when it gets there, as its last item. Entries whose key is neither str nor bin are passed over, as Python does.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    left: u64,
}

impl<'a> Fields<'a> {
    #[inline]
    pub fn new(message: &'a [u8]) -> Result<Self, Malformed> {
        match message.first() {
            None => Err(Malformed::Truncated),
            Some(0x80..=0x8f | 0xde | 0xdf) => {
                let (rest, left) = inside(message)?;
                Ok(Self { rest, left: left / 2 })
            }
            Some(_) => Err(Malformed::NotMap),
        }
    }

    /// The next field with its key as it came, not checked for UTF-8: for those who only compare it. `None` at the end.
    #[inline(always)]
    pub fn next_bytes(&mut self) -> Result<Option<(&'a [u8], Raw<'a>)>, Malformed> {
        while self.left > 0 {
            self.left -= 1;
            let (key, rest) = Raw::split(self.rest)?;
            let (value, rest) = Raw::split(rest)?;
            self.rest = rest;
            if let Some(key) = key.text_bytes() {
                return Ok(Some((key, value)));
            }
        }
        if self.rest.is_empty() { Ok(None) } else { Err(Malformed::Trailing) }
    }

    /// What is left of the message.
    pub fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// After an error there is nothing more to say.
    fn stop(&mut self) {
        (self.rest, self.left) = (&[], 0);
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let field = self.next_bytes().and_then(|field| {
            let Some((key, value)) = field else { return Ok(None) };
            let key = str::from_utf8(key).map_err(|_| Malformed::Utf8)?;
            Ok(Some(Field { key, value }))
        });
        if field.is_err() {
            self.stop();
        }
        field.transpose()
    }
}

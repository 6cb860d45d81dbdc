//! Messages of the journey's own, and the fields they are made of.
use crate::bindings::mite::journey::messages as wire;
use crate::error::{Error, MiteError};
use crate::transaction;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cell::Cell;

thread_local!(
    /// Kept from message to message; taken while in use.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) }
);

/// Whether a msgpack value that begins so is a map.
fn is_map(first: u8) -> bool {
    matches!(first, 0x80..=0x8f | 0xde | 0xdf)
}

/// Calls `with` with the fields as a msgpack map.
#[track_caller]
pub fn with_encoded(fields: &impl Serialize, with: impl FnOnce(&[u8])) -> Result<(), Error> {
    let mut buffer = BUFFER.take();
    buffer.clear();
    let written = rmp_serde::encode::write_named(&mut buffer, fields);
    let result = match (written, buffer.first()) {
        (Ok(()), Some(&first)) if is_map(first) => {
            with(&buffer);
            Ok(())
        }
        (Ok(()), _) => Err(MiteError::new("fields must be a map or a struct: fields!{ \"name\" => value }").into()),
        (Err(error), _) => Err(Error::from(error)),
    };
    BUFFER.set(buffer);
    result
}

#[track_caller]
pub fn send(message_type: &str, fields: &impl Serialize) -> Result<(), Error> {
    with_encoded(fields, |bytes| wire::send(message_type, bytes, transaction::current()))
}

/// A field and those after it; made by [`fields!`](crate::fields).
#[derive(Clone, Debug)]
pub struct Fields<V, Rest>(pub &'static str, pub V, pub Rest);

/// The end of [`Fields`].
#[derive(Clone, Debug)]
pub struct NoFields;

/// What [`fields!`](crate::fields) makes: a list whose length is known when it is compiled, so that it is written without
/// being collected first.
pub trait FieldList {
    /// How many there are.
    const COUNT: usize;
    /// Writes them.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl FieldList for NoFields {
    const COUNT: usize = 0;
    fn write<M: SerializeMap>(&self, _map: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<V: Serialize, Rest: FieldList> FieldList for Fields<V, Rest> {
    const COUNT: usize = 1 + Rest::COUNT;
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(self.0, &self.1)?;
        self.2.write(map)
    }
}

impl Serialize for NoFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

impl<V: Serialize, Rest: FieldList> Serialize for Fields<V, Rest> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Self::COUNT))?;
        self.write(&mut map)?;
        map.end()
    }
}

/// Fields of a message: `fields!{ "item" => 7, "why" => "sold out" }`.
#[macro_export]
macro_rules! fields {
    () => { $crate::__private::NoFields };
    ($name:literal => $value:expr $(, $($rest:tt)*)?) => {
        $crate::__private::Fields($name, $value, $crate::fields!($($($rest)*)?))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(fields: impl Serialize) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let result = with_encoded(&fields, |b| bytes = b.to_vec());
        result.map(|()| bytes).map_err(|error| error.message())
    }

    #[test]
    fn fields_are_maps() {
        assert_eq!(encoded(fields! {}), Ok(vec![0x80]));
        assert_eq!(encoded(fields! { "a" => 1, "b" => "x", }), Ok(b"\x82\xa1a\x01\xa1b\xa1x".to_vec()));
        assert_eq!(encoded(std::collections::BTreeMap::from([("a", 1)])), Ok(b"\x81\xa1a\x01".to_vec()));
        assert!(encoded([1, 2]).is_err_and(|why| why.contains("must be a map")));
        assert!(encoded("text").is_err());
    }
}

//! The headers of a response as they came: nothing is copied or looked up before somebody asks.

use std::ops::Range;

/// A response's headers, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    head: Box<[u8]>,
    fields: Box<[Field]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Range<u32>,
    value: Range<u32>,
}

impl Headers {
    /// Of pairs that lie in `head`, as a parser has found them.
    pub fn new(head: &[u8], pairs: &[httparse::Header<'_>]) -> Self {
        let start = head.as_ptr().addr();
        let within = |part: &[u8]| {
            // An empty value may point anywhere; a head has far fewer bytes than 4 GiB.
            let from = part.as_ptr().addr().wrapping_sub(start).min(head.len() - part.len()) as u32;
            from..from + part.len() as u32
        };
        let field =
            |pair: &httparse::Header<'_>| Field { name: within(pair.name.as_bytes()), value: within(pair.value) };
        Self { head: head.into(), fields: pairs.iter().map(field).collect() }
    }

    /// Each name, as it came, with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            // A parser takes nothing but ASCII for a name.
            let name = std::str::from_utf8(self.part(&field.name)).unwrap_or_default();
            (name, self.part(&field.value))
        })
    }

    /// All values of a name, in any case.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let wanted = name.as_bytes();
        let of_name = self.fields.iter().filter(|field| self.part(&field.name).eq_ignore_ascii_case(wanted));
        of_name.map(|field| self.part(&field.value))
    }

    /// The first value of a name.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.get_all(name).next()
    }

    /// The elements of all values of a name that is a list (RFC 9110, 5.6.1), without the space around them.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let elements = self.get_all(name).flat_map(|value| value.split(|byte| *byte == b','));
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    fn part(&self, range: &Range<u32>) -> &[u8] {
        &self.head[range.start as usize..range.end as usize]
    }
}

#[cfg(test)]
impl Headers {
    /// Of pairs, as if they had come so.
    pub fn of(pairs: &[(&str, &[u8])]) -> Self {
        let (mut head, mut fields) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let mut add = |part: &[u8]| {
                let from = head.len() as u32;
                head.extend_from_slice(part);
                from..head.len() as u32
            };
            fields.push(Field { name: add(name.as_bytes()), value: add(value) });
        }
        Self { head: head.into(), fields: fields.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_name() {
        let headers = Headers::of(&[("X-A", b"1, 2"), ("b", b""), ("x-a", b" 3 ,,4"), ("C", b"\xff")]);
        for (name, values, list) in [
            ("x-A", vec![b"1, 2".as_slice(), b" 3 ,,4"], vec![b"1".as_slice(), b"2", b"3", b"4"]),
            ("B", vec![b""], vec![]),
            ("c", vec![b"\xff"], vec![b"\xff"]),
            ("x", vec![], vec![]),
        ] {
            assert_eq!(headers.get_all(name).collect::<Vec<_>>(), values, "{name}");
            assert_eq!(headers.get(name), values.first().copied(), "{name}");
            assert_eq!(headers.list(name).collect::<Vec<_>>(), list, "{name}");
        }
        let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["X-A", "b", "x-a", "C"], "in order, as they came");
    }

    #[test]
    fn as_a_parser_finds_them() {
        let bytes = b"HTTP/1.1 200 OK\r\nA:  b c \r\nEmpty:\r\nx-y: \xe9\r\n\r\nbody";
        let mut pairs = [httparse::EMPTY_HEADER; 8];
        let mut response = httparse::Response::new(&mut pairs);
        let httparse::Status::Complete(end) = response.parse(bytes).unwrap() else { panic!("it is whole") };
        let headers = Headers::new(&bytes[..end], response.headers);
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("A", b"b c".as_slice()), ("Empty", b""), ("x-y", b"\xe9")]);
    }
}

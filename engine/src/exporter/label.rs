//! Label values as text, as Python's `str()` has them: series must be the same whoever exports them.

use crate::wire::value::{Raw, View};

/// Bytes of a label's value. Longer ones are cut, and series that are the same then are one.
pub const LABEL_BYTES_MAX: usize = 1_000;

/// `True`, `None`, `200`; text as it is; and, unlike Python, binary as the text it stands for: `GET`, not `b'GET'`.
pub fn text(value: Raw<'_>) -> String {
    let mut text = String::new();
    match value.view() {
        Ok(View::Str(own)) => text.push_str(own),
        Ok(View::Bin(bytes)) => text.push_str(&String::from_utf8_lossy(bytes)),
        _ => write(&mut text, value),
    }
    text.truncate(text.floor_char_boundary(LABEL_BYTES_MAX));
    text
}

/// As `repr()` has it. Recurses as deep as values are nested, which [`Raw`] limits.
fn write(into: &mut String, value: Raw<'_>) {
    if into.len() > LABEL_BYTES_MAX {
        return;
    }
    match value.view() {
        Ok(View::Nil) => into.push_str("None"),
        Ok(View::Bool(true)) => into.push_str("True"),
        Ok(View::Bool(false)) => into.push_str("False"),
        Ok(View::Int(int)) => into.push_str(&int.to_string()),
        Ok(View::BigInt(int)) => into.push_str(&int.to_string()),
        Ok(View::Float(value)) => into.push_str(&float(value)),
        Ok(View::Str(text)) => quote(into, text),
        Ok(View::Bin(bytes)) => quote(into, &String::from_utf8_lossy(bytes)),
        Ok(View::Array(items)) => {
            let single = items.count_left() == 1;
            into.push('(');
            list(into, items, write);
            into.push_str(if single { ",)" } else { ")" });
        }
        Ok(View::Map(pairs)) => {
            into.push('{');
            list(into, pairs, |into, (key, value)| {
                write(into, key);
                into.push_str(": ");
                write(into, value);
            });
            into.push('}');
        }
        Ok(View::Ext(..)) | Err(_) => into.push('?'),
    }
}

fn list<T>(into: &mut String, items: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) {
    for (position, item) in items.enumerate() {
        if into.len() > LABEL_BYTES_MAX {
            return;
        }
        if position > 0 {
            into.push_str(", ");
        }
        write(into, item);
    }
}

fn quote(into: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    into.push(mark);
    for letter in text.chars() {
        match letter {
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\\' => into.push_str("\\\\"),
            letter if letter == mark => into.extend(['\\', mark]),
            letter => into.push(letter),
        }
    }
    into.push(mark);
}

/// The shortest digits that mean the same float; from 1e16 and under 1e-4 with an exponent of two digits at least.
fn float(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match exponent {
        -4..16 => format!("{value:?}"),
        _ => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pythons_str() {
        for (bytes, expected) in [
            (&b"\xc0"[..], "None"),
            (b"\xc2", "False"),
            (b"\xc3", "True"),
            (b"\xcc\xc8", "200"),
            (b"\xff", "-1"),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
            (b"\xa3a\nb", "a\nb"),
            (b"\xc4\x03GET", "GET"),
            (b"\xc4\x01\xff", "\u{fffd}"),
            (b"\x91\xa1a", "('a',)"),
            (b"\x92\x01\xa2'\n", r#"(1, "'\n")"#),
            (b"\x90", "()"),
            (b"\x81\xa1a\xc3", "{'a': True}"),
            (b"\xa1\xff", "?"),
            (b"\xd4\x01\x01", "?"),
        ] {
            assert_eq!(text(Raw::whole(bytes).unwrap()), expected);
        }
        for (value, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (1e22, "1e+22"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-2.5e-100, "-2.5e-100"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float(value), expected);
        }
        let long = [&b"\xda\x05\xdc"[..], "é".repeat(750).as_bytes()].concat();
        assert_eq!(text(Raw::whole(&long).unwrap()), "é".repeat(500));
    }
}

//! Secrets: journeys put a text in place of one, and the value is filled in when a request is sent.
//!
//! So a value never gets into a journey's memory. The text that stands for it is made anew by each runner, of letters, digits and `-`,
//! which JSON, forms and headers leave as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::rule::Goal;
use super::targets::Targets;
use super::{Denied, SecretSource};

/// All but letters, digits and `-._~` (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How each text begins that stands for a secret.
const BEGINS: &str = "MITE-SECRET-";
/// Longer values are refused.
const VALUE_BYTES_MAX: u64 = 64 * 1024;
/// Shorter values are refused: they could not be told from other text where they must not be shown.
const VALUE_BYTES_MIN: usize = 8;

/// The secrets of a tenant, with their values.
#[derive(Default)]
pub struct Secrets {
    all: Vec<Secret>,
}

struct Secret {
    name: String,
    stand_in: String,
    value: String,
    targets: Option<Targets>,
    /// The value in all encodings that are looked for in what is shown.
    shapes: Vec<Vec<u8>>,
}

/// Where in a request a value is filled in, which says how it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Head,
    /// In a text of JSON.
    Json,
    /// In a value of a form.
    Form,
    /// As it is.
    Body,
}

/// A secret can't be had.
#[derive(Debug, thiserror::Error)]
#[error("secret `{name}`: {}: {reason}", file.display())]
pub struct SecretError {
    name: String,
    file: PathBuf,
    reason: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|secret| &secret.name)).finish()
    }
}

impl Place {
    /// Of a body with this content type.
    pub fn of_body(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            kind if kind == "application/json" || kind.ends_with("+json") => Self::Json,
            _ => Self::Body,
        }
    }
}

/// Whether a text may have something in it that stands for a secret.
pub fn is_mentioned(text: &[u8]) -> bool {
    find(text, BEGINS.as_bytes()).is_some()
}

impl Secrets {
    /// Reads all values. `random` makes numbers that nobody can guess.
    pub fn read(
        sources: &BTreeMap<String, SecretSource>,
        mut random: impl FnMut() -> u128,
    ) -> Result<Self, SecretError> {
        let read = |(name, source): (&String, &SecretSource)| {
            let value = value(source).map_err(|reason| SecretError {
                name: name.clone(),
                file: source.file.clone(),
                reason,
            })?;
            let stand_in = format!("{BEGINS}{:032x}", random());
            Ok(Secret { name: name.clone(), stand_in, shapes: shapes(&value), value, targets: source.targets.clone() })
        };
        Ok(Self { all: sources.iter().map(read).collect::<Result<_, _>>()? })
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The text that stands for a secret.
    pub fn stand_in(&self, name: &str) -> Option<&str> {
        self.all.iter().find(|secret| secret.name == name).map(|secret| secret.stand_in.as_str())
    }

    /// A part of a request that goes to this address, with the values in it; none: there is nothing to fill in.
    pub fn fill(
        &self,
        part: &[u8],
        place: Place,
        goal: &Goal<'_>,
        address: Option<IpAddr>,
    ) -> Result<Option<Vec<u8>>, Denied> {
        if !is_mentioned(part) {
            return Ok(None);
        }
        let mut filled = Vec::with_capacity(part.len());
        let mut rest = part;
        while let Some(at) = find(rest, BEGINS.as_bytes()) {
            filled.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let known = self.all.iter().find(|secret| rest.starts_with(secret.stand_in.as_bytes()));
            let taken = match known {
                Some(secret) => {
                    secret.check(place, goal, address)?;
                    filled.extend_from_slice(&secret.written(place));
                    secret.stand_in.len()
                }
                None => {
                    filled.extend_from_slice(BEGINS.as_bytes());
                    BEGINS.len()
                }
            };
            rest = &rest[taken..];
        }
        filled.extend_from_slice(rest);
        Ok(Some(filled))
    }

    /// Puts asterisks over every value in what is shown, whether it stands there as it is, or in JSON, Base64, hexadecimal or a URL. As many
    /// as it has bytes, so that whatever is around it stays.
    pub fn cover(&self, shown: &mut [u8]) {
        for shape in self.all.iter().flat_map(|secret| &secret.shapes) {
            let mut from = 0;
            while let Some(at) = find(&shown[from..], shape) {
                shown[from + at..][..shape.len()].fill(b'*');
                from += at + shape.len();
            }
        }
    }

    /// The same for a text.
    pub fn covered(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.cover(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Secret {
    fn check(&self, place: Place, goal: &Goal<'_>, address: Option<IpAddr>) -> Result<(), Denied> {
        if place == Place::Head && self.value.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Denied(format!(
                "{goal}: secret `{}` has a line end or control character, which no header can have; send it in a body",
                self.name
            )));
        }
        let Some(targets) = &self.targets else { return Ok(()) };
        targets.check_name(goal)?;
        let address = address.ok_or_else(|| Denied(format!("{goal}: its address is not known")))?;
        targets.filter(goal, &[address]).map(drop)
    }

    fn written(&self, place: Place) -> Vec<u8> {
        match place {
            Place::Head | Place::Body => self.value.clone().into_bytes(),
            Place::Json => json(&self.value).into_bytes(),
            Place::Form => percent_encode(self.value.as_bytes(), RESERVED).to_string().into_bytes(),
        }
    }
}

fn value(source: &SecretSource) -> Result<String, String> {
    let size = std::fs::metadata(&source.file).map_err(|error| error.to_string())?.len();
    if size > VALUE_BYTES_MAX {
        return Err(format!("it has {size} bytes; the limit is {VALUE_BYTES_MAX}"));
    }
    let bytes = std::fs::read(&source.file).map_err(|error| error.to_string())?;
    // What is wrong with it is said without showing it.
    let text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.len() < VALUE_BYTES_MIN {
        return Err(format!("it has {} bytes; a secret has at least {VALUE_BYTES_MIN}", value.len()));
    }
    Ok(value.to_owned())
}

/// As it stands between the quotes of a text in JSON.
fn json(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\\' => written.extend(['\\', character]),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            control if control < ' ' => written.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => written.push(other),
        }
    }
    written
}

/// Longest first, so that no end of one is left.
fn shapes(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let encoded = percent_encode(value.as_bytes(), RESERVED).to_string();
    let mut shapes = vec![
        value.to_owned(),
        json(value),
        BASE64_STANDARD.encode(value),
        BASE64_STANDARD_NO_PAD.encode(value),
        BASE64_URL_SAFE_NO_PAD.encode(value),
        hex.to_uppercase(),
        hex,
        encoded.replace("%20", "+"),
        encoded.replace("%2F", "/"),
        percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        encoded,
    ];
    shapes.sort_by_key(|shape| std::cmp::Reverse(shape.len()));
    shapes.dedup();
    shapes.into_iter().map(String::into_bytes).collect()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
        from += at;
        if text[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests;

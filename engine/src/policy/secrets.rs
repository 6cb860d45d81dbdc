//! Secrets: journeys put a text in place of one, and the value is filled in when a request is sent.
//!
//! So a value never gets into a journey's memory. The text that stands for it is made anew by each runner, of letters, digits and `-`,
//! which JSON, forms and headers leave as they are.

mod shapes;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use base64::prelude::{BASE64_STANDARD, Engine as _};
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

/// How the value of a header begins that has a name and a password in Base64 (RFC 7617).
const BASIC: &[u8] = b"authorization: Basic ";

/// The secrets of a tenant, with their values.
#[derive(Default)]
pub struct Secrets {
    all: Vec<Secret>,
    /// Finds every value in all encodings that are looked for in what is shown; none: there are no secrets.
    finder: Option<AhoCorasick>,
    /// Bytes of the longest of these.
    longest: usize,
}

struct Secret {
    name: String,
    stand_in: String,
    value: String,
    targets: Option<Targets>,
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
            Ok(Secret { name: name.clone(), stand_in, value, targets: source.targets.clone() })
        };
        let all: Vec<Secret> = sources.iter().map(read).collect::<Result<_, _>>()?;
        let Some((name, source)) = sources.first_key_value() else { return Ok(Self::default()) };
        let shapes: Vec<_> = all.iter().flat_map(|secret| shapes::of(&secret.value)).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&shapes);
        let finder = finder.map_err(|error| SecretError {
            name: name.clone(),
            file: source.file.clone(),
            reason: format!("with the others it is too much to look for where it must not be shown: {error}"),
        })?;
        Ok(Self { all, finder: Some(finder), longest: shapes.iter().map(Vec::len).max().unwrap_or(0) })
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

    /// The head of a request that goes to this address, with the values in it, in the Base64 of a name and password too; none: there is
    /// nothing to fill in.
    pub fn fill_head(&self, head: &[u8], goal: &Goal<'_>, address: Option<IpAddr>) -> Result<Option<Vec<u8>>, Denied> {
        let basic = self.fill_basic(head, goal, address)?;
        let filled = self.fill(basic.as_deref().unwrap_or(head), Place::Head, goal, address)?;
        Ok(filled.or(basic))
    }

    fn fill_basic(&self, head: &[u8], goal: &Goal<'_>, address: Option<IpAddr>) -> Result<Option<Vec<u8>>, Denied> {
        let Some(begin) = find(head, BASIC).map(|at| at + BASIC.len()) else { return Ok(None) };
        let end = find(&head[begin..], b"\r\n").map_or(head.len(), |bytes| begin + bytes);
        // What is no Base64 has nothing in it that stands for a secret.
        let Ok(pair) = BASE64_STANDARD.decode(&head[begin..end]) else { return Ok(None) };
        let Some(filled) = self.fill(&pair, Place::Head, goal, address)? else { return Ok(None) };
        Ok(Some([&head[..begin], BASE64_STANDARD.encode(filled).as_bytes(), &head[end..]].concat()))
    }

    /// Puts asterisks over every value in what is shown, whether it stands there as it is, or in JSON, HTML, Base64, hexadecimal or a URL. As
    /// many as it has bytes, so that whatever is around it stays.
    pub fn cover(&self, shown: &mut [u8]) {
        let Some(finder) = &self.finder else { return };
        let mut from = 0;
        while let Some(found) = finder.find(Input::new(&*shown).span(from..shown.len())) {
            shown[found.range()].fill(b'*');
            from = found.end();
        }
    }

    /// The same for a text.
    pub fn covered(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.cover(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A text cut at so many bytes, at a character's boundary, and covered: before that, since half a value is found by nobody.
    pub fn cut<'a>(&self, text: &'a str, bytes_max: usize) -> Cow<'a, str> {
        if self.is_empty() {
            return cut(text, bytes_max).into();
        }
        let shown = self.covered(cut(text, bytes_max.saturating_add(self.longest)));
        cut(&shown, bytes_max).to_owned().into()
    }

    /// Bytes of the longest that is looked for: who cuts what is shown leaves so many more for [`covered`](Self::covered).
    pub fn longest(&self) -> usize {
        self.longest
    }
}

/// Cuts a text at a character's boundary.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
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
            Place::Json => shapes::json(&self.value).into_bytes(),
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

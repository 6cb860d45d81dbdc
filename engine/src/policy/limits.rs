//! How much of everything a tenant may have.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A tenant's limits. None: there is none beside those that mite has for everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Journeys at once in this runner. Those over it don't begin.
    pub journeys: Option<u32>,
    /// Journeys begun a second. Those over it begin later, and are told as held back.
    pub journeys_per_second: Option<f64>,
    /// Requests a second. Those over it begin later, which is in none of their times, and are told as held back.
    pub requests_per_second: Option<f64>,
    /// Open connections, idle ones too. At it a request waits for one to close.
    pub connections: Option<u32>,
    /// Bytes of bodies a second, sent and received.
    pub bytes_per_second: Option<u64>,
    /// Bytes of memory that a journey may have, however much the test asks for.
    pub journey_memory: Option<u64>,
    /// Bytes of memory that all its journeys may have.
    pub memory: Option<u64>,
    /// How long a run may take. One that takes longer is cut off.
    pub journey_time: Option<Duration>,
    /// Bytes of a component. A larger one is refused.
    pub component_size: Option<u64>,
    /// Bytes of a response's body as it comes, and once decompressed. One that comes larger is an error of the class `protocol`; of one that
    /// gets larger there is no body.
    pub response_size: Option<u64>,
    /// Messages a second that journeys send themselves. Those over it are made later, and are told as held back.
    pub messages_per_second: Option<f64>,
    /// Names of requests, names of transactions and types of messages, so many of each in a test. Those over it share one.
    pub labels: Option<u32>,
    /// The smallest step of the clocks that journeys see.
    pub clock: Option<Duration>,
}

impl Limits {
    /// These, and where there are none those of others.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        Self {
            journeys: self.journeys.or(others.journeys),
            journeys_per_second: self.journeys_per_second.or(others.journeys_per_second),
            requests_per_second: self.requests_per_second.or(others.requests_per_second),
            connections: self.connections.or(others.connections),
            bytes_per_second: self.bytes_per_second.or(others.bytes_per_second),
            journey_memory: self.journey_memory.or(others.journey_memory),
            memory: self.memory.or(others.memory),
            journey_time: self.journey_time.or(others.journey_time),
            component_size: self.component_size.or(others.component_size),
            response_size: self.response_size.or(others.response_size),
            messages_per_second: self.messages_per_second.or(others.messages_per_second),
            labels: self.labels.or(others.labels),
            clock: self.clock.or(others.clock),
        }
    }
}

impl Limits {
    /// These and others: of each the one that leaves less. Only of those that a runner's options know.
    #[must_use]
    pub fn and(self, others: &Self) -> Self {
        fn least<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(if one < other { one } else { other }),
                (one, other) => one.or(other),
            }
        }
        Self {
            response_size: least(self.response_size, others.response_size),
            labels: least(self.labels, others.labels),
            clock: self.clock.max(others.clock),
            ..self
        }
    }
}

/// A whole number from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct Count(pub u32);

impl TryFrom<i64> for Count {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(format!("{number} is not a number from 1 to {}; leave it out for no limit", u32::MAX)),
        }
    }
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse::<i64>().map_err(|_| format!("`{}` is not a whole number", text.escape_debug()))?;
        Self::try_from(number)
    }
}

/// So many a second: more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Rate(pub f64);

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if number > 0.0 && number <= 1e9 {
            return Ok(Self(number));
        }
        Err(format!("{number} is not a rate: a number over 0, up to 1000000000; leave it out for no limit"))
    }
}

/// Bytes: a number, or one with a unit, `64MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Bytes(pub u64);

/// A duration with its unit, `90s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Time(pub Duration);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a text")]
enum NumberOrText {
    Number(i64),
    Text(String),
}

const BYTES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
/// In nanoseconds. Longer units first where one is the end of another.
const TIMES: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A whole number over 0 with one of the units.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))?;
    let number = Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|number| *number > 0)
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.parse().map_or_else(|_| NumberOrText::Text(text.to_owned()), NumberOrText::Number))
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(NumberOrText::Text(text.to_owned()))
    }
}

impl TryFrom<NumberOrText> for Bytes {
    type Error = String;

    fn try_from(given: NumberOrText) -> Result<Self, String> {
        let wrong = |shown: &dyn std::fmt::Display| {
            format!("`{shown}` is not a number of bytes: write `64MiB`, `512KiB` or `1000000`")
        };
        match given {
            NumberOrText::Number(number) => {
                u64::try_from(number).ok().filter(|number| *number > 0).map(Self).ok_or_else(|| wrong(&number))
            }
            NumberOrText::Text(text) => measured(&text, &BYTES).map(Self).ok_or_else(|| wrong(&text.escape_debug())),
        }
    }
}

impl TryFrom<NumberOrText> for Time {
    type Error = String;

    fn try_from(given: NumberOrText) -> Result<Self, String> {
        let wrong = |shown: &dyn std::fmt::Display| format!("`{shown}` is not a duration: write `90s`, `5m` or `1us`");
        match given {
            NumberOrText::Number(number) => Err(wrong(&number)),
            NumberOrText::Text(text) => measured(&text, &TIMES)
                .map(|nanos| Self(Duration::from_nanos(nanos)))
                .ok_or_else(|| wrong(&text.escape_debug())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_two() {
        let limits = |size, labels, micros: Option<u64>| Limits {
            response_size: size,
            labels,
            clock: micros.map(Duration::from_micros),
            ..Limits::default()
        };
        let (none, some, other) =
            (Limits::default(), limits(Some(5), Some(7), Some(3)), limits(Some(9), Some(6), Some(2)));
        assert_eq!(some.clone().and(&none), some);
        assert_eq!(none.and(&some), some);
        assert_eq!(some.and(&other), limits(Some(5), Some(6), Some(3)), "a coarser clock is the stricter one");
    }

    #[test]
    fn options() {
        assert_eq!("1000000".parse(), Ok(Bytes(1_000_000)));
        assert_eq!("64MiB".parse(), Ok(Bytes(64 << 20)));
        assert!("0".parse::<Bytes>().is_err() && "64MB".parse::<Bytes>().is_err());
        assert_eq!("1ms".parse(), Ok(Time(Duration::from_millis(1))));
        assert!("5".parse::<Time>().is_err());
        assert_eq!("7".parse(), Ok(Count(7)));
        assert!("0".parse::<Count>().is_err() && "x".parse::<Count>().is_err());
    }

    #[test]
    fn units() {
        for (text, bytes) in [
            ("64MiB", Some(64 << 20)),
            ("64 MiB", Some(64 << 20)),
            ("1GiB", Some(1 << 30)),
            ("3KiB", Some(3072)),
            ("7B", Some(7)),
            ("7", None),
            ("0MiB", None),
            ("-1MiB", None),
            ("+1MiB", None),
            ("1.5MiB", None),
            ("64MB", None),
            ("64mib", None),
            ("MiB", None),
            ("99999999999GiB", None),
            ("", None),
        ] {
            assert_eq!(measured(text, &BYTES), bytes, "{text}");
        }
        for (text, nanos) in [
            ("1ns", Some(1)),
            ("1us", Some(1_000)),
            ("20ms", Some(20_000_000)),
            ("90s", Some(90_000_000_000)),
            ("5m", Some(300_000_000_000)),
            ("2h", Some(7_200_000_000_000)),
            ("2d", None),
            ("s", None),
            ("1 000s", None),
        ] {
            assert_eq!(measured(text, &TIMES), nanos, "{text}");
        }
    }
}

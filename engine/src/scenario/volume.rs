//! How many journeys should be running at once, as a function of time.

use std::fmt;

/// Ten years: the longest a volume may last; a longer one is refused.
pub const MAX_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;
/// The most parts of a volume; more are refused.
pub const MAX_PARTS: usize = 10_000;

/// A stretch of a volume, as people write it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// No journeys.
    Nothing { seconds: f64 },
    /// The same number of journeys all the time.
    Constant { seconds: f64, journeys: u32 },
    /// A straight line. `start` is given only where the ramp is the first part and `end` only where it is the last:
    /// elsewhere the neighbours say.
    Ramp { seconds: f64, start: Option<u32>, end: Option<u32> },
}

impl Part {
    fn seconds(self) -> f64 {
        match self {
            Self::Nothing { seconds } | Self::Constant { seconds, .. } | Self::Ramp { seconds, .. } => seconds,
        }
    }

    /// The number of journeys of a part that isn't a ramp.
    fn level(self) -> Option<u32> {
        match self {
            Self::Nothing { .. } => Some(0),
            Self::Constant { journeys, .. } => Some(journeys),
            Self::Ramp { .. } => None,
        }
    }
}

/// A part with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    from: f64,
    seconds: f64,
    start: u32,
    end: u32,
}

/// Parts in a row, checked. Journeys at once at any time of the test.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    lines: Vec<Line>,
    seconds: f64,
}

impl Volume {
    /// Checks the parts and gives every ramp the ends that its neighbours say.
    pub fn new(parts: &[Part]) -> Result<Self, VolumeError> {
        if parts.is_empty() {
            return Err(VolumeError::Empty);
        }
        if parts.len() > MAX_PARTS {
            return Err(VolumeError::TooManyParts(parts.len()));
        }
        let mut lines = Vec::with_capacity(parts.len());
        let mut total = 0.0;
        for (position, part) in parts.iter().enumerate() {
            let seconds = part.seconds();
            if !seconds.is_finite() || seconds < 0.0 {
                return Err(VolumeError::Seconds { part: position + 1, seconds });
            }
            let (start, end) = match part.level() {
                Some(level) => (level, level),
                None => ends(parts, position)?,
            };
            lines.push(Line { from: total, seconds, start, end });
            total += seconds;
        }
        if total > MAX_SECONDS {
            return Err(VolumeError::TooLong(total));
        }
        Ok(Self { lines, seconds: total })
    }

    /// Journeys at once, so many seconds after the start of the test; none: the volume is over. At `duration()` itself it
    /// is not over yet, and where two parts meet the later one holds. Before the start (or at no number) it is as at 0.
    pub fn at(&self, seconds: f64) -> Option<u32> {
        let t = seconds.max(0.0);
        if t > self.seconds {
            return None;
        }
        let line = self.lines.get(self.lines.partition_point(|line| line.from <= t).checked_sub(1)?)?;
        if line.seconds == 0.0 {
            return Some(line.end);
        }
        let (start, end) = (f64::from(line.start), f64::from(line.end));
        let value = start + (end - start) * (t - line.from) / line.seconds;
        Some(value.clamp(start.min(end), start.max(end)) as u32)
    }

    /// Seconds from the start to the end.
    pub fn duration(&self) -> f64 {
        self.seconds
    }

    /// No more journeys than this are ever asked for at once.
    pub fn peak(&self) -> u32 {
        let last = self.lines.len().saturating_sub(1);
        let seen = self.lines.iter().enumerate().filter(|(position, line)| line.seconds > 0.0 || *position == last);
        seen.map(|(_, line)| line.start.max(line.end)).max().unwrap_or(0)
    }
}

/// Where the ramp at this position starts and ends.
fn ends(parts: &[Part], position: usize) -> Result<(u32, u32), VolumeError> {
    let Part::Ramp { start, end, .. } = parts[position] else { unreachable!("asked only for ramps") };
    let part = position + 1;
    let before = position.checked_sub(1).map(|place| parts[place]);
    let after = parts.get(position + 1).copied();
    if before.is_none() && after.is_none() {
        return Err(VolumeError::LoneRamp);
    }
    let start = match (before, start) {
        (None, Some(start)) => start,
        (None, None) => return Err(VolumeError::StartMissing { part }),
        (Some(_), Some(_)) => return Err(VolumeError::StartGiven { part }),
        (Some(before), None) => before.level().ok_or(VolumeError::AdjacentRamps { part: part - 1 })?,
    };
    let end = match (after, end) {
        (None, Some(end)) => end,
        (None, None) => return Err(VolumeError::EndMissing { part }),
        (Some(_), Some(_)) => return Err(VolumeError::EndGiven { part }),
        (Some(after), None) => after.level().ok_or(VolumeError::AdjacentRamps { part })?,
    };
    Ok((start, end))
}

/// Why parts are no volume. Parts are counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum VolumeError {
    Empty,
    TooManyParts(usize),
    Seconds {
        part: usize,
        seconds: f64,
    },
    TooLong(f64),
    LoneRamp,
    /// This part and the one after it.
    AdjacentRamps {
        part: usize,
    },
    StartMissing {
        part: usize,
    },
    StartGiven {
        part: usize,
    },
    EndMissing {
        part: usize,
    },
    EndGiven {
        part: usize,
    },
}

impl fmt::Display for VolumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => write!(f, "the volume has no parts: give it at least one, for example a constant"),
            Self::TooManyParts(parts) => {
                write!(f, "the volume has {parts} parts, the limit is {MAX_PARTS}: use a volume model of the component")
            }
            Self::Seconds { part, seconds } => {
                write!(f, "part {part} lasts {seconds} seconds: give it a number of seconds from 0 on")
            }
            Self::TooLong(seconds) => {
                write!(
                    f,
                    "the parts last {seconds} seconds together, the limit is {MAX_SECONDS} (ten years): make them shorter"
                )
            }
            Self::LoneRamp => {
                write!(f, "part 1 is a ramp with nothing beside it: put a constant or a nothing before or after it")
            }
            Self::AdjacentRamps { part } => write!(
                f,
                "part {part} and part {} are both ramps: put a constant between them (of 0 seconds, if the line is only to bend)",
                part + 1
            ),
            Self::StartMissing { part } => write!(f, "part {part}, a ramp, is the first part: give it a `start`"),
            Self::StartGiven { part } => {
                write!(f, "part {part}, a ramp, starts where part {} ends: leave its `start` out", part - 1)
            }
            Self::EndMissing { part } => write!(f, "part {part}, a ramp, is the last part: give it an `end`"),
            Self::EndGiven { part } => {
                write!(f, "part {part}, a ramp, ends where part {} starts: leave its `end` out", part + 1)
            }
        }
    }
}

impl std::error::Error for VolumeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nothing(seconds: f64) -> Part {
        Part::Nothing { seconds }
    }

    fn constant(journeys: u32, seconds: f64) -> Part {
        Part::Constant { seconds, journeys }
    }

    fn ramp(seconds: f64) -> Part {
        Part::Ramp { seconds, start: None, end: None }
    }

    fn from(start: u32, seconds: f64) -> Part {
        Part::Ramp { seconds, start: Some(start), end: None }
    }

    fn to(end: u32, seconds: f64) -> Part {
        Part::Ramp { seconds, start: None, end: Some(end) }
    }

    /// (the volume, its values at times, why it stands here)
    type Row = (Vec<Part>, Vec<(f64, Option<u32>)>, &'static str);

    fn rows() -> Vec<Row> {
        let hill = vec![constant(1, 60.0), ramp(300.0), constant(1000, 50.0), to(0, 300.0)];
        let hill_at = [0, 60, 61, 210, 359, 360, 410, 411, 560, 709, 710];
        let hill_is = [1, 1, 4, 500, 996, 1000, 1000, 996, 500, 3, 0];
        let mut hill_table: Vec<_> = hill_at.iter().zip(hill_is).map(|(t, n)| (f64::from(*t), Some(n))).collect();
        hill_table.push((711.0, None));
        let at = |values: &[Option<u32>]| values.iter().enumerate().map(|(t, n)| (t as f64, *n)).collect::<Vec<_>>();
        vec![
            (hill, hill_table, "as Python mite does"),
            (
                vec![from(0, 10.0), constant(7, 3.0)],
                vec![
                    (0.0, Some(0)),
                    (1.0, Some(0)),
                    (5.0, Some(3)),
                    (9.0, Some(6)),
                    (10.0, Some(7)),
                    (13.0, Some(7)),
                    (14.0, None),
                ],
                "a ramp first, as Python mite does",
            ),
            (
                vec![nothing(2.0), ramp(3.0), constant(4, 1.0)],
                at(&[Some(0), Some(0), Some(0), Some(1), Some(2), Some(4), Some(4), None]),
                "a ramp from nothing, as Python mite does",
            ),
            (
                vec![constant(5, 10.0)],
                vec![(-1.0, Some(5)), (f64::NAN, Some(5)), (10.0, Some(5)), (10.000_001, None), (f64::INFINITY, None)],
                "alive at its end, over just after it; odd times are no trouble",
            ),
            (
                vec![from(0, 0.0), constant(3, 0.0), ramp(0.0), constant(9, 1.0), to(2, 0.0)],
                vec![(0.0, Some(9)), (0.5, Some(9)), (1.0, Some(2)), (1.1, None)],
                "parts of no duration: the later one holds and nothing is divided by 0",
            ),
            (
                vec![from(u32::MAX, 10.0), constant(0, 0.0), to(u32::MAX, 10.0)],
                vec![(0.0, Some(u32::MAX)), (10.0, Some(0)), (20.0, Some(u32::MAX))],
                "a bend, and the largest numbers",
            ),
            (vec![nothing(0.0)], vec![(0.0, Some(0)), (0.1, None)], "the shortest of all"),
        ]
    }

    #[test]
    fn values() {
        for (parts, table, why) in rows() {
            let volume = Volume::new(&parts).expect(why);
            for (t, wanted) in table {
                assert_eq!(volume.at(t), wanted, "{why}: {parts:?} at {t}");
            }
        }
    }

    #[test]
    fn peaks_and_durations() {
        for (parts, peak, duration, why) in [
            (vec![constant(1, 60.0), ramp(300.0), constant(1000, 50.0), to(0, 300.0)], 1000, 710.0, "the constant"),
            (vec![from(500, 10.0), constant(7, 3.0)], 500, 13.0, "the start of a ramp"),
            (vec![constant(99, 0.0), constant(5, 1.0)], 5, 1.0, "a part of no duration is never seen"),
            (vec![constant(5, 1.0), constant(99, 0.0)], 99, 1.0, "but the last one is, at the end"),
        ] {
            let volume = Volume::new(&parts).expect(why);
            assert_eq!((volume.peak(), volume.duration()), (peak, duration), "{why}");
        }
    }

    #[test]
    fn refused() {
        for (parts, text) in [
            (vec![], "the volume has no parts: give it at least one, for example a constant"),
            (
                vec![Part::Ramp { seconds: 1.0, start: Some(1), end: Some(2) }],
                "part 1 is a ramp with nothing beside it: put a constant or a nothing before or after it",
            ),
            (vec![ramp(1.0), constant(1, 1.0)], "part 1, a ramp, is the first part: give it a `start`"),
            (vec![constant(1, 1.0), ramp(1.0)], "part 2, a ramp, is the last part: give it an `end`"),
            (
                vec![constant(1, 1.0), Part::Ramp { seconds: 1.0, start: Some(1), end: Some(2) }],
                "part 2, a ramp, starts where part 1 ends: leave its `start` out",
            ),
            (
                vec![Part::Ramp { seconds: 1.0, start: Some(1), end: Some(2) }, nothing(1.0)],
                "part 1, a ramp, ends where part 2 starts: leave its `end` out",
            ),
            (
                vec![from(1, 1.0), to(3, 1.0)],
                "part 1 and part 2 are both ramps: put a constant between them (of 0 seconds, if the line is only to bend)",
            ),
            (vec![nothing(-1.0)], "part 1 lasts -1 seconds: give it a number of seconds from 0 on"),
            (vec![nothing(1.0), nothing(f64::NAN)], "part 2 lasts NaN seconds: give it a number of seconds from 0 on"),
            (
                vec![nothing(MAX_SECONDS), nothing(1.0)],
                "the parts last 315360001 seconds together, the limit is 315360000 (ten years): make them shorter",
            ),
            (
                vec![nothing(0.0); MAX_PARTS + 1],
                "the volume has 10001 parts, the limit is 10000: use a volume model of the component",
            ),
        ] {
            assert_eq!(Volume::new(&parts).expect_err(text).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn never_over_the_peak_and_over_at_the_end(
            levels in prop::collection::vec((0u32..2000, 0.0f64..100.0, 0.0f64..100.0), 1..8),
            times in prop::collection::vec(0.0f64..1.2, 50),
        ) {
            let mut parts = Vec::new();
            for (position, (journeys, flat, slope)) in levels.iter().enumerate() {
                if position > 0 {
                    parts.push(ramp(*slope));
                }
                parts.push(constant(*journeys, *flat));
            }
            let volume = Volume::new(&parts).unwrap();
            for share in times {
                let t = share * volume.duration();
                match volume.at(t) {
                    Some(journeys) => prop_assert!(journeys <= volume.peak() && t <= volume.duration()),
                    None => prop_assert!(t > volume.duration()),
                }
            }
        }
    }
}

//! How much: volumes and their sums.
use crate::bindings::exports::mite::journey::scenarios as wire;
use std::ops::Add;

/// No journeys for so many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nothing(
    /// How long.
    pub f64,
);

/// The same number of journeys all the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    seconds: f64,
    journeys: u32,
}

impl Constant {
    /// So many journeys at once, for so many seconds.
    pub fn new(seconds: f64, journeys: u32) -> Self {
        Constant { seconds, journeys }
    }
}

/// A straight line from one number of journeys to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    seconds: f64,
    start: Option<u32>,
    end: Option<u32>,
}

impl Ramp {
    /// From where the part before it ends to where the part after it begins.
    pub fn new(seconds: f64) -> Self {
        Ramp { seconds, start: None, end: None }
    }

    /// From where the part before it ends (from 0 if it is the first) to so many journeys.
    pub fn to(seconds: f64, journeys: u32) -> Self {
        Ramp { seconds, start: None, end: Some(journeys) }
    }

    /// From so many journeys to so many.
    pub fn between(seconds: f64, start: u32, end: u32) -> Self {
        Ramp { seconds, start: Some(start), end: Some(end) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Nothing(Nothing),
    Constant(Constant),
    Ramp(Ramp),
}

impl Part {
    /// How many journeys it begins with, if it says so itself.
    fn start(&self) -> Option<u32> {
        match self {
            Part::Nothing(_) => Some(0),
            Part::Constant(constant) => Some(constant.journeys),
            Part::Ramp(ramp) => ramp.start,
        }
    }
    fn end(&self) -> Option<u32> {
        match self {
            Part::Ramp(ramp) => ramp.end,
            other => other.start(),
        }
    }
}

/// How many journeys should be running at once: parts, one after the other, made by `+`.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume(Vec<Part>);

/// A volume that a `#[volume_model]` function of this component computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Model(String);

impl Volume {
    /// The volume model of this name.
    pub fn model(name: impl Into<String>) -> Model {
        Model(name.into())
    }

    /// The parts in the host's form, which wants a ramp's ends only where no neighbour gives them. Where a ramp says one
    /// that its neighbour doesn't share, a constant of no length in between makes the jump.
    fn parts(&self) -> Result<Vec<wire::Part>, String> {
        let mut out = Vec::with_capacity(self.0.len());
        for (i, part) in self.0.iter().enumerate() {
            let before = i.checked_sub(1).map(|before| self.0[before]);
            let after = self.0.get(i + 1);
            if let Some(before) = before {
                out.extend(meeting(&before, part)?);
            }
            out.push(match *part {
                Part::Nothing(Nothing(seconds)) => wire::Part::Nothing(seconds),
                Part::Constant(Constant { seconds, journeys }) => {
                    wire::Part::Constant(wire::Constant { seconds, journeys })
                }
                Part::Ramp(Ramp { seconds, start, end }) => wire::Part::Ramp(wire::Ramp {
                    seconds,
                    start: if before.is_none() { Some(start.unwrap_or(0)) } else { None },
                    end: if after.is_none() {
                        Some(end.ok_or("the last ramp doesn't say where it ends: Ramp::to")?)
                    } else {
                        None
                    },
                }),
            });
        }
        Ok(out)
    }
}

/// What has to stand between two parts so that a ramp among them has the end it was given.
fn meeting(before: &Part, after: &Part) -> Result<Option<wire::Part>, String> {
    let at = |journeys| Ok(Some(wire::Part::Constant(wire::Constant { seconds: 0.0, journeys })));
    match (before, after, before.end(), after.start()) {
        (Part::Ramp(_), Part::Ramp(_), None, None) => {
            Err("a ramp follows another and neither says where they meet: Ramp::to".into())
        }
        (Part::Ramp(_), Part::Ramp(_), Some(end), Some(start)) if end != start => {
            Err(format!("a ramp to {end} is followed by one from {start}: put a Constant between them"))
        }
        (Part::Ramp(_), Part::Ramp(_), end, start) => end.or(start).map_or(Ok(None), at),
        (Part::Ramp(_), _, Some(end), Some(start)) if end != start => at(end),
        (_, Part::Ramp(_), Some(end), Some(start)) if end != start => at(start),
        _ => Ok(None),
    }
}

/// How much of a journey: a volume or a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Parts, one after the other.
    Volume(Volume),
    /// A volume model of this component.
    Model(Model),
}

impl Load {
    pub(crate) fn model(&self) -> Option<&str> {
        match self {
            Load::Volume(_) => None,
            Load::Model(Model(name)) => Some(name),
        }
    }

    pub(crate) fn wire(&self) -> Result<wire::Load, String> {
        Ok(wire::Load::Volume(match self {
            Load::Volume(Volume(parts)) if parts.is_empty() => return Err("a volume without parts".into()),
            Load::Volume(volume) => wire::Volume::Parts(volume.parts()?),
            Load::Model(Model(name)) => wire::Volume::Model(name.clone()),
        }))
    }
}

impl From<Volume> for Load {
    fn from(volume: Volume) -> Self {
        Load::Volume(volume)
    }
}
impl From<Model> for Load {
    fn from(model: Model) -> Self {
        Load::Model(model)
    }
}

macro_rules! parts {
    ($($name:ident)*) => {$(
        impl From<$name> for Volume {
            fn from(part: $name) -> Self {
                Volume(vec![Part::$name(part)])
            }
        }
        impl From<$name> for Load {
            fn from(part: $name) -> Self {
                Load::Volume(part.into())
            }
        }
        impl<V: Into<Volume>> Add<V> for $name {
            type Output = Volume;
            fn add(self, after: V) -> Volume {
                Volume::from(self) + after
            }
        }
    )*};
}
parts! { Nothing Constant Ramp }

impl<V: Into<Volume>> Add<V> for Volume {
    type Output = Volume;
    fn add(mut self, after: V) -> Volume {
        self.0.extend(after.into().0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume in short: `n1` nothing for 1 s, `c2x5` 5 journeys for 2 s, `r3[0..]` a ramp of 3 s from 0.
    fn short(volume: impl Into<Volume>) -> Result<String, String> {
        let end = |n: Option<u32>| n.map_or(String::new(), |n| n.to_string());
        let part = |part: &wire::Part| match part {
            wire::Part::Nothing(seconds) => format!("n{seconds}"),
            wire::Part::Constant(c) => format!("c{}x{}", c.seconds, c.journeys),
            wire::Part::Ramp(r) => format!("r{}[{}..{}]", r.seconds, end(r.start), end(r.end)),
        };
        volume.into().parts().map(|parts| parts.iter().map(part).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn sums() {
        for (volume, want, why) in [
            (Volume::from(Constant::new(10.0, 5)), "c10x5", "one part"),
            (Nothing(1.0) + Ramp::to(5.0, 20) + Constant::new(10.0, 20), "n1 r5[..] c10x20", "neighbours agree"),
            (Constant::new(1.0, 5) + Ramp::new(3.0) + Nothing(1.0), "c1x5 r3[..] n1", "neighbours say"),
            (Ramp::to(5.0, 20).into(), "r5[0..20]", "alone it begins at 0"),
            (Ramp::between(5.0, 10, 20).into(), "r5[10..20]", "alone"),
            (Ramp::to(1.0, 20) + Constant::new(2.0, 30), "r1[0..] c0x20 c2x30", "a jump after it"),
            (Constant::new(2.0, 3) + Ramp::between(1.0, 5, 9), "c2x3 c0x5 r1[..9]", "a jump before it"),
            (Ramp::to(1.0, 20) + Ramp::to(1.0, 40), "r1[0..] c0x20 r1[..40]", "two ramps that meet"),
            (Constant::new(1.0, 2) + (Nothing(1.0) + Constant::new(1.0, 3)), "c1x2 n1 c1x3", "a sum in a sum"),
        ] {
            assert_eq!(short(volume).as_deref(), Ok(want), "{why}");
        }
    }

    #[test]
    fn what_makes_no_sense() {
        for (volume, want) in [
            (Volume::from(Ramp::new(1.0)), "the last ramp"),
            (Ramp::new(1.0) + Ramp::to(1.0, 5), "neither says where they meet"),
            (Ramp::to(1.0, 5) + Ramp::between(1.0, 6, 7), "a ramp to 5 is followed by one from 6"),
        ] {
            assert!(short(volume).is_err_and(|why| why.contains(want)), "{want}");
        }
    }
}

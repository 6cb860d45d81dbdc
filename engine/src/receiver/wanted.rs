//! What `--processor` names: one of mite's own, or one of a component.

use super::Error;
use crate::component::spec::{Component, Spec};

/// mite's own processors, by name.
pub const OWN: &[(&str, Own)] =
    &[("stats", Own::Stats), ("collector", Own::Collector), ("recorder", Own::Recorder), ("print", Own::Print)];
/// What stands for mite itself where a package does.
const PACKAGE: &str = "mite";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Stats,
    Collector,
    Recorder,
    Print,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Own(Own),
    Guest(Spec),
}

/// Which processor is meant.
pub fn parse(text: &str) -> Result<Wanted, Error> {
    let spec: Spec = text.parse()?;
    if spec.component != Component::Package(PACKAGE.to_owned()) {
        return Ok(Wanted::Guest(spec));
    }
    let own = OWN.iter().find(|(name, _)| *name == spec.name);
    own.map(|(_, own)| Wanted::Own(*own)).ok_or_else(|| {
        let known: Vec<_> = OWN.iter().map(|(name, _)| format!("{PACKAGE}:{name}")).collect();
        Error::Unknown { name: spec.name, known: known.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ones_and_those_of_components() {
        for (text, want, why) in [
            ("mite:stats", Ok(Wanted::Own(Own::Stats)), "one of mite's"),
            ("mite:print", Ok(Wanted::Own(Own::Print)), "another"),
            ("mite:nothing", Err("it has mite:stats, mite:collector, mite:recorder, mite:print"), "none of mite's"),
            ("mite:", Err("the part after the colon"), "no name"),
            ("stats", Err("needs a colon"), "no spec"),
        ] {
            match (parse(text), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{why}: {got}"),
                (got, _) => panic!("{why}: {got:?}"),
            }
        }
        for text in ["my.custom.processors:StatsProcessor", "mite.wasm:stats", "./mite:stats", "mite.example:x"] {
            assert!(matches!(parse(text), Ok(Wanted::Guest(_))), "{text} is of a component");
        }
    }
}

//! All journeys, scenarios, datapools and volume models of a component. The macros put them in here as the component starts
//! (`inventory`), so that nobody keeps a list.
use crate::args::Parameters;
use crate::config::Config;
use crate::context::Ctx;
use crate::datapool::Datapool;
use crate::error::Error;
use crate::scenario::Scenario;

/// A `#[journey]`.
pub struct Journey {
    /// The function's name.
    pub name: &'static str,
    /// What it takes after its context.
    pub parameters: Parameters,
    /// Takes the arguments apart and runs it.
    pub run: fn(Ctx, &Journey, &[u8]) -> Result<(), Error>,
}
/// A `#[scenario]`.
pub struct ScenarioFunction {
    /// The function's name.
    pub name: &'static str,
    /// The function.
    pub make: fn(&Config) -> Result<Scenario, Error>,
}
/// A `#[datapool]`.
pub struct DatapoolFunction {
    /// The function's name.
    pub name: &'static str,
    /// The function.
    pub make: fn(&Config) -> Result<Datapool, Error>,
}
/// A `#[volume_model]`.
pub struct VolumeModel {
    /// The function's name.
    pub name: &'static str,
    /// The function.
    pub required: fn(f64, f64) -> Result<Option<u32>, Error>,
}
inventory::collect!(Journey);
inventory::collect!(ScenarioFunction);
inventory::collect!(DatapoolFunction);
inventory::collect!(VolumeModel);

/// All of a kind.
pub struct Kind<T: 'static> {
    /// What one is called, to people.
    word: &'static str,
    name: fn(&T) -> &'static str,
    all: fn() -> inventory::iter<T>,
}

pub const JOURNEYS: Kind<Journey> = Kind { word: "journey", name: |j| j.name, all: || inventory::iter::<Journey> };
pub const SCENARIOS: Kind<ScenarioFunction> =
    Kind { word: "scenario", name: |s| s.name, all: || inventory::iter::<ScenarioFunction> };
pub const DATAPOOLS: Kind<DatapoolFunction> =
    Kind { word: "datapool", name: |d| d.name, all: || inventory::iter::<DatapoolFunction> };
pub const VOLUME_MODELS: Kind<VolumeModel> =
    Kind { word: "volume model", name: |m| m.name, all: || inventory::iter::<VolumeModel> };

impl<T: inventory::Collect> Kind<T> {
    /// The one of this name, or a sentence's end that says which there are.
    pub fn find(&self, name: &str) -> Result<&'static T, String> {
        (self.all)().into_iter().find(|one| (self.name)(one) == name).ok_or_else(|| {
            let (word, names) = (self.word, self.names());
            let has = if names.is_empty() { "none".into() } else { format!("`{}`", names.join("`, `")) };
            format!("names the {word} `{name}`, which this component doesn't have; it has: {has}")
        })
    }

    /// The names of all, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = (self.all)().into_iter().map(|one| (self.name)(one).to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// The names of all. Two of a name can't be told apart by anybody, so that is a panic: the author sees it when the
    /// component is first loaded.
    pub fn unique_names(&self) -> Vec<String> {
        let names = self.names();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            panic!("two {}s of this component are named `{}`: rename one", self.word, twice[0]);
        }
        names
    }
}

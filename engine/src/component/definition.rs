//! Asking a component what it has: its journeys, scenarios, datapools and volume models.
//!
//! This runs in the controller, in an instance of its own: `http` is there in its `setup` only, and nothing is measured.

mod flat;
mod host;
mod http;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Engine, Store, UpdateDeadline};

use super::Error;
use super::bindings::exports::mite::journey::journeys::Contents;
use super::bindings::{Journey, JourneyIndices, messages, scenarios};
use super::compile::Compiled;
use super::engine::MEMORY_MAX;
use super::hooks::{self, Hooked, SETUP};
use super::script::{self, Scripted};
use super::{store, wasi};
use crate::policy::Targets;
use crate::wire::config::Config;
pub(super) use host::Host;
pub use host::Sent;
use requests::Requests;

/// A scenario or datapool function that computes or sleeps longer than this is broken.
const CPU_SECONDS_MAX: u32 = 10;
const WAIT_MAX: Duration = Duration::from_secs(15);
/// The same for a `setup`, which makes requests.
const SETUP_MAX: Duration = Duration::from_secs(60);
/// The most items of a scenario.
const ITEMS_MAX: usize = 1_000;
/// Bytes of an item of a datapool, as of a row in a file.
const DATA_BYTES_MAX: usize = 1 << 20;
/// The most names of a kind that a component has, and bytes of a name: they are kept, and stand in messages.
const NAMES_MAX: usize = 10_000;
const NAME_BYTES_MAX: usize = 256;

/// A component that can be asked.
pub struct Definition {
    package: String,
    store: Store<Host>,
    instance: Journey,
    hooks: Option<Hooked>,
    contents: Contents,
}

impl Definition {
    /// Makes an instance. `engine` must be ticking (see [`super::ticker`]), else an endless loop is never ended.
    pub async fn open(engine: &Engine, compiled: &Compiled, config: Config) -> Result<Self, Error> {
        let invalid =
            |error: wasmtime::Error| Error::Invalid { path: compiled.path.clone(), reason: format!("{error:#}") };
        let component = compiled.code.load(engine).map_err(invalid)?;
        let host = Host::new(Arc::from(compiled.package.as_str()), compiled.code.script(), config, MEMORY_MAX);
        let (mut store, linker) = surroundings(engine, host).map_err(invalid)?;
        let pre = linker.instantiate_pre(&component).map_err(invalid)?;
        let (indices, hooks) = (JourneyIndices::new(&pre), hooks::of(&component, &pre).map_err(invalid)?);
        let made = pre.instantiate_async(&mut store).await.map_err(invalid)?;
        let instance = indices.and_then(|indices| indices.load(&mut store, &made)).map_err(invalid)?;
        let hooks = hooks.map(|hooks| hooks.load(&mut store, &made)).transpose().map_err(invalid)?;
        let contents = describe(&compiled.package, &instance, &mut store).await?;
        Ok(Self { package: compiled.package.clone(), store, instance, hooks, contents })
    }

    pub fn package(&self) -> &str {
        &self.package
    }

    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    pub fn config(&self) -> &Config {
        &self.store.data().config
    }

    /// The messages that functions have sent since this was asked before.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.store.data_mut().sent)
    }

    /// That there is a journey of this name, or an error that says which there are.
    pub fn require_journey(&self, name: &str) -> Result<(), Error> {
        self.require("journey", name, &self.contents.journeys)
    }

    fn require(&self, kind: &'static str, name: &str, there: &[String]) -> Result<(), Error> {
        if there.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(Error::NoSuch { package: self.package.clone(), kind, name: name.to_owned(), there: there.to_vec() })
    }

    /// Calls the component's `setup`, if it has one, which may make requests to what `reach` lets it, and puts its answer into the config.
    pub async fn setup(&mut self, reach: &Arc<Targets>) -> Result<(), Error> {
        const WHAT: &str = "`setup`";
        let Some(hooks) = &self.hooks else { return Ok(()) };
        self.store.data_mut().requests = Some(Box::new(Requests::new(reach.clone())));
        let answer = in_time(SETUP_MAX, hooks.mite_journey_hooks().call_setup(&mut self.store)).await;
        self.store.data_mut().requests = None;
        let Some(value) = self.answer(WHAT, answer)? else { return Ok(()) };
        let kept = self.store.data_mut().config.set(SETUP, value);
        kept.map_err(|reason| self.wrong(WHAT.to_owned(), reason))
    }

    /// The items of a scenario, in order.
    pub async fn scenario(&mut self, name: &str) -> Result<Vec<scenarios::Item>, Error> {
        self.require("scenario", name, &self.contents.scenarios)?;
        let what = format!("scenario `{name}`");
        let answer =
            in_time(WAIT_MAX, self.instance.mite_journey_scenarios().call_scenario(&mut self.store, name)).await;
        let items = self.answer(&what, answer)?;
        // The function may have made datapools and volume models that weren't there before.
        self.contents = describe(&self.package, &self.instance, &mut self.store).await?;
        if items.len() > ITEMS_MAX {
            return Err(self.wrong(what, format!("it has {} items; the limit is {ITEMS_MAX}", items.len())));
        }
        let named = items.iter().flat_map(|item| [Some(&item.journey), item.datapool.as_ref()]).flatten();
        if let Some(reason) = named.filter_map(|name| bad_name(name)).next() {
            return Err(self.wrong(what, reason));
        }
        Ok(items)
    }

    pub async fn datapool(&mut self, name: &str) -> Result<scenarios::Pool, Error> {
        self.require("datapool", name, &self.contents.datapools)?;
        let answer =
            in_time(WAIT_MAX, self.instance.mite_journey_scenarios().call_datapool(&mut self.store, name)).await;
        self.answer(&format!("datapool `{name}`"), answer)
    }

    /// The next items of a datapool, at most so many; none: that was all.
    pub async fn items(&mut self, datapool: &str, most: u32) -> Result<Vec<Vec<u8>>, Error> {
        let answer =
            in_time(WAIT_MAX, self.instance.mite_journey_scenarios().call_items(&mut self.store, datapool, most)).await;
        let what = format!("datapool `{datapool}`");
        let items = self.answer(&what, answer)?;
        if let Some(bytes) = items.iter().map(Vec::len).find(|bytes| *bytes > DATA_BYTES_MAX) {
            return Err(self.wrong(what, format!("an item of it has {bytes} bytes; the limit is {DATA_BYTES_MAX}")));
        }
        if items.len() > most as usize {
            return Err(self.wrong(what, format!("it gave {} items where {most} were asked for", items.len())));
        }
        Ok(items)
    }

    /// What a volume model asks for between two moments, in seconds since the test began; none: it is over.
    pub async fn required(&mut self, model: &str, start: f64, end: f64) -> Result<Option<u32>, Error> {
        self.require("volume model", model, &self.contents.volume_models)?;
        let answer =
            in_time(WAIT_MAX, self.instance.mite_journey_scenarios().call_required(&mut self.store, model, start, end))
                .await;
        self.answer(&format!("volume model `{model}`"), answer)
    }

    fn wrong(&self, what: String, reason: String) -> Error {
        Error::Wrong { package: self.package.clone(), what, reason }
    }

    fn answer<T>(&mut self, what: &str, answer: wasmtime::Result<Result<T, messages::Failure>>) -> Result<T, Error> {
        self.store.data_mut().ticks = 0;
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => {
                let place =
                    if failure.location.is_empty() { String::new() } else { format!(" ({})", failure.location) };
                let reason = format!("{}{place}", failure.message);
                Err(Error::Failed { package: self.package.clone(), what: what.to_owned(), reason })
            }
            Err(trap) => Err(failed(&self.package, what, &self.store, &trap)),
        }
    }
}

/// A store for an instance that is asked, and all that it may import.
pub(super) fn surroundings(engine: &Engine, host: Host) -> wasmtime::Result<(Store<Host>, Linker<Host>)> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    Journey::add_to_linker::<_, wasmtime::component::HasSelf<Host>>(&mut linker, |host| host)?;
    script::add_to_linker(&mut linker)?;
    let mut store = store::bounded(engine, host);
    store.limiter(|host| &mut host.limits);
    watch(&mut store);
    Ok((store, linker))
}

impl Scripted for Host {
    fn script(&self) -> Arc<[u8]> {
        self.script.clone()
    }

    /// A tick is a millisecond.
    fn left(&self) -> u32 {
        (CPU_SECONDS_MAX * 1_000).saturating_sub(self.ticks)
    }
}

async fn describe(package: &str, instance: &Journey, store: &mut Store<Host>) -> Result<Contents, Error> {
    let described = in_time(WAIT_MAX, instance.mite_journey_journeys().call_describe(&mut *store)).await;
    store.data_mut().ticks = 0;
    let contents = described.map_err(|trap| failed(package, "`describe`", store, &trap))?;
    match bad_contents(&contents) {
        None => Ok(contents),
        Some(reason) => Err(Error::Wrong { package: package.to_owned(), what: "`describe`".to_owned(), reason }),
    }
}

/// What is wrong with the names that a component says it has, if anything is.
fn bad_contents(contents: &Contents) -> Option<String> {
    let Contents { journeys, scenarios, datapools, volume_models, sdk } = contents;
    for (kind, names) in
        [("journeys", journeys), ("scenarios", scenarios), ("datapools", datapools), ("volume models", volume_models)]
    {
        if names.len() > NAMES_MAX {
            return Some(format!("it has {} {kind}; the limit is {NAMES_MAX}", names.len()));
        }
    }
    [journeys, scenarios, datapools, volume_models].into_iter().flatten().chain([sdk]).find_map(|name| bad_name(name))
}

/// Names stand in messages, labels and on terminals.
fn bad_name(name: &str) -> Option<String> {
    if name.len() > NAME_BYTES_MAX {
        return Some(format!("a name in it has {} bytes; the limit is {NAME_BYTES_MAX}", name.len()));
    }
    let spoils = |it: char| it.is_control() || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.contains(spoils).then(|| format!("the name `{}` has control characters", name.escape_debug()))
}

/// The error of a trap: the last line the guest wrote to stderr says more than the trap does.
fn failed(package: &str, what: &str, store: &Store<Host>, trap: &wasmtime::Error) -> Error {
    let said = store.data().wasi.stderr.take_tail();
    let said: Vec<_> =
        said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:")).collect();
    let reason = match said.as_slice() {
        [] => trap.root_cause().to_string(),
        said => said.join(" "),
    };
    Error::Failed { package: package.to_owned(), what: what.to_owned(), reason }
}

async fn in_time<T>(limit: Duration, call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let late = |_| wasmtime::format_err!("it had not answered after {} s", limit.as_secs());
    tokio::time::timeout(limit, call).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

fn watch(store: &mut Store<Host>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let host = context.data_mut();
        host.ticks += 1;
        // A tick is a millisecond.
        if host.ticks > CPU_SECONDS_MAX * 1_000 {
            wasmtime::bail!("it was still computing after {CPU_SECONDS_MAX} s");
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(journeys: Vec<String>, sdk: &str) -> Contents {
        let none = Vec::new;
        Contents { journeys, scenarios: none(), datapools: none(), volume_models: none(), sdk: sdk.to_owned() }
    }

    #[test]
    fn names_that_nobody_should_have_to_read() {
        for (names, sdk, wrong, why) in [
            (vec!["load".to_owned(), "größer_1".to_owned(), "x".repeat(256)], "rust 0.1.0", None, "names"),
            (vec!["x".repeat(257)], "", Some("257 bytes; the limit is 256"), "too long"),
            (
                vec!["a\x1b[2J".to_owned()],
                "",
                Some("`a\\u{1b}[2J` has control characters"),
                "it would spoil a terminal",
            ),
            (vec!["\u{202e}a".to_owned()], "", Some("has control characters"), "or turn a line around"),
            (vec!["a".to_owned(); NAMES_MAX + 1], "", Some("10001 journeys; the limit is 10000"), "too many"),
            (vec![], "js\n", Some("has control characters"), "its SDK as well"),
        ] {
            let found = bad_contents(&contents(names, sdk));
            assert_eq!(found.is_some(), wrong.is_some(), "{why}: {found:?}");
            let said = found.unwrap_or_default();
            assert!(said.contains(wrong.unwrap_or_default()) && !said.contains('\x1b'), "{why}: {said}");
        }
    }
}

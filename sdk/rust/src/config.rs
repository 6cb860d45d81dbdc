//! The config of the test: `ctx.config`.
use crate::bindings::mite::journey::config as wire;
use crate::error::{Error, MiteError};
use crate::setting;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;

/// The host's values, kept as they came until the config changes. A journey asks for a handful of keys, so a list is
/// searched faster than a map.
#[derive(Default)]
struct Kept {
    version: Option<u64>,
    values: Vec<(String, Option<Vec<u8>>)>,
}
thread_local!(static KEPT: RefCell<Kept> = RefCell::default());

/// Forgets what is kept unless it is of this version; `None` is a time when values aren't kept.
pub(crate) fn use_version(version: Option<u64>) {
    KEPT.with_borrow_mut(|kept| {
        if version.is_none() || kept.version != version {
            *kept = Kept { version, values: Vec::new() };
        }
    });
}

/// The config: what the controller was started with and what the scenario function has set.
#[derive(Clone, Copy, Debug)]
pub struct Config(());

impl Config {
    pub(crate) const fn new() -> Self {
        Config(())
    }

    /// A value. What came from the command line or the environment is text: numbers and booleans are read from it.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(self, key: &str) -> Result<T, Error> {
        match self.look_up(key, setting::read::<T>) {
            Some(Ok(value)) => Ok(value),
            Some(Err(why)) => Err(unreadable::<T>(key, &why)),
            None => {
                let way_out = format!("give it by --add-to-config={key}:VALUE or MITE_CONF_{key}=VALUE");
                Err(MiteError::new(format!("the config has no `{key}`: {way_out}")).field("key", key).into())
            }
        }
    }

    /// A value, or this one where there is none. One that is there and can't be read is an error, not the default.
    #[track_caller]
    pub fn get_or<T: DeserializeOwned>(self, key: &str, default: T) -> Result<T, Error> {
        match self.look_up(key, setting::read::<T>) {
            Some(Ok(value)) => Ok(value),
            Some(Err(why)) => Err(unreadable::<T>(key, &why)),
            None => Ok(default),
        }
    }

    /// All keys, in the order they were first set.
    pub fn keys(self) -> Vec<String> {
        wire::keys()
    }

    /// Sets a value for all journeys of the test; only in functions of a scenario, its datapools' iterators among them, also while it
    /// runs: journeys that begin later know it.
    #[track_caller]
    pub fn set(self, key: &str, value: impl Serialize) -> Result<(), Error> {
        let bytes = rmp_serde::to_vec_named(&value)?;
        wire::set(key, &bytes).map_err(|why| MiteError::new(format!("the config's `{key}` can't be set: {why}")).into())
    }

    pub(crate) fn look_up<R>(self, key: &str, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        KEPT.with_borrow_mut(|kept| {
            if kept.version.is_none() {
                return wire::get(key).as_deref().map(read);
            }
            let at = kept.values.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
                kept.values.push((key.to_owned(), wire::get(key)));
                kept.values.len() - 1
            });
            kept.values[at].1.as_deref().map(read)
        })
    }
}

#[track_caller]
fn unreadable<T>(key: &str, why: &str) -> Error {
    let wanted = std::any::type_name::<T>();
    MiteError::new(format!("the config's `{key}` is not what the journey needs ({wanted}): {why}"))
        .field("key", key)
        .into()
}

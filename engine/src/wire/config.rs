//! The config of a test: keys and msgpack values, set before it begins and by its scenario function.

/// The most keys; one more is refused.
pub const KEYS_MAX: usize = 1_000;
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// In the order the keys were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<(String, Vec<u8>)>,
    version: u64,
}

impl Config {
    /// What `MITE_CONF_x` variables say, `x` as the key, then `--add-to-config` entries. Values are strings.
    pub fn from_environment(added: &[(String, String)]) -> Result<Self, String> {
        let mut config = Self::default();
        let mut named: Vec<_> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.to_str()?.strip_prefix("MITE_CONF_")?.to_owned(), value)))
            .collect();
        named.sort();
        for (key, value) in named {
            config.set_text(&key, &value.to_string_lossy())?;
        }
        for (key, value) in added {
            config.set_text(key, value)?;
        }
        Ok(config)
    }

    fn set_text(&mut self, key: &str, value: &str) -> Result<(), String> {
        let mut packed = Vec::with_capacity(value.len() + 5);
        rmp::encode::write_str(&mut packed, value).map_err(|error| error.to_string())?;
        self.set(key, packed)
    }

    /// Sets a msgpack value. The error says which limit it is over.
    pub fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), String> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(format!("a config key has 1 to {KEY_BYTES_MAX} bytes, not {}", key.len()));
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("config `{key}` has {} bytes; the limit is {VALUE_BYTES_MAX}", value.len()));
        }
        match self.entries.iter().position(|(there, _)| there == key) {
            Some(position) => self.entries[position].1 = value,
            None if self.entries.len() >= KEYS_MAX => return Err(format!("config has {KEYS_MAX} keys already")),
            None => self.entries.push((key.to_owned(), value)),
        }
        self.version += 1;
        Ok(())
    }

    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(there, _)| there == key).map(|(_, value)| value.as_slice())
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_the_last_value_counts() {
        let mut config = Config::default();
        for (key, value, version, why) in [
            ("b", b"\x01", 1, "the first"),
            ("a", b"\x02", 2, "another"),
            ("b", b"\x03", 3, "again: its place stays"),
            ("b", b"\x03", 4, "the same value is a change too"),
        ] {
            config.set(key, value.to_vec()).unwrap();
            assert_eq!(config.get(key), Some(value.as_slice()), "{why}");
            assert_eq!(config.version(), version, "{why}");
        }
        assert_eq!(config.keys().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(config.get("c"), None);
    }

    #[test]
    fn limits() {
        let key = |length| "k".repeat(length);
        for (key, bytes, refused, why) in [
            (String::new(), 1, Some("1 to 256 bytes, not 0"), "no key"),
            (key(256), 1, None, "the longest key"),
            (key(257), 1, Some("1 to 256 bytes, not 257"), "one over"),
            (key(1), 65_536, None, "the largest value"),
            (key(1), 65_537, Some("`k` has 65537 bytes; the limit is 65536"), "one over"),
            ("ключ".to_owned(), 1, None, "any text"),
        ] {
            let mut config = Config::default();
            let set = config.set(&key, vec![0; bytes]);
            match refused {
                None => assert_eq!((set, config.version()), (Ok(()), 1), "{why}"),
                Some(text) => {
                    assert!(set.unwrap_err().contains(text), "{why}");
                    assert_eq!((config.keys().count(), config.version()), (0, 0), "{why}: nothing has changed");
                }
            }
        }
    }

    #[test]
    fn no_more_keys_than_the_limit() {
        let mut config = Config::default();
        for number in 0..KEYS_MAX {
            config.set(&number.to_string(), vec![0xc0]).unwrap();
        }
        assert_eq!(config.set("more", vec![0xc0]).unwrap_err(), "config has 1000 keys already");
        assert_eq!(config.set("7", vec![0xc3]), Ok(()), "those that are there can change");
        assert_eq!((config.keys().count(), config.get("7")), (KEYS_MAX, Some(b"\xc3".as_slice())));
    }

    #[test]
    fn values_of_the_command_line_are_texts() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let long = "x".repeat(300);
        let config =
            Config::from_environment(&[pair("n", "5"), pair("e", ""), pair("n", "6"), pair("l", &long)]).unwrap();
        assert_eq!(config.get("n"), Some(b"\xa16".as_slice()), "the last one counts, as text");
        assert_eq!(config.get("e"), Some(b"\xa0".as_slice()));
        assert_eq!(config.get("l").map(<[u8]>::len), Some(303));
        assert!(Config::from_environment(&[pair("", "5")]).is_err());
        assert!(Config::from_environment(&[pair("k", &"x".repeat(70_000))]).is_err());
    }
}

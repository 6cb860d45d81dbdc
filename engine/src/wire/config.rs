//! The config of a test: keys and msgpack values, set before it begins and by functions of its scenario, also while it runs.

/// The most keys; one more is refused.
pub const KEYS_MAX: usize = 1_000;
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// All keys and values: the whole config goes to a runner in one reply, and no peer takes a frame of more than 16 MiB.
pub const BYTES_MAX: usize = 8 << 20;

/// In the order the keys were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<Entry>,
    version: u64,
    /// Of all keys and values.
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: String,
    value: Vec<u8>,
    /// The config's when this was set.
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
        let position = self.entries.iter().position(|there| there.key == key);
        if position.is_none() && self.entries.len() >= KEYS_MAX {
            return Err(format!("config has {KEYS_MAX} keys already"));
        }
        let before = position.map_or(0, |position| key.len() + self.entries[position].value.len());
        let bytes = self.bytes - before + key.len() + value.len();
        if bytes > BYTES_MAX {
            return Err(format!("with `{key}` config has {bytes} bytes; the limit is {BYTES_MAX}"));
        }
        let version = self.version + 1;
        match position {
            Some(position) => (self.entries[position].value, self.entries[position].version) = (value, version),
            None => self.entries.push(Entry { key: key.to_owned(), value, version }),
        }
        (self.version, self.bytes) = (version, bytes);
        Ok(())
    }

    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries.iter().find(|there| there.key == key).map(|there| there.value.as_slice())
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// All of it, in the order the keys were first set.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_slice()))
    }

    /// What was set after a version, the oldest change first, until it is `bytes_max` or more; and the version of whoever knows that
    /// too. A key that was set several times is there once, with its last value.
    pub fn changes(&self, since: u64, bytes_max: usize) -> (Vec<(&str, &[u8])>, u64) {
        if since >= self.version {
            return (Vec::new(), self.version);
        }
        let mut newer: Vec<_> = self.entries.iter().filter(|entry| entry.version > since).collect();
        newer.sort_by_key(|entry| entry.version);
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for entry in newer {
            if bytes >= bytes_max {
                return (changes, entry.version - 1);
            }
            bytes += entry.key.len() + entry.value.len();
            changes.push((entry.key.as_str(), entry.value.as_slice()));
        }
        (changes, self.version)
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
    fn no_more_bytes_than_the_limit() {
        let mut config = Config::default();
        let large = vec![0; VALUE_BYTES_MAX];
        let all = BYTES_MAX / (VALUE_BYTES_MAX + 3);
        for number in 0..all {
            config.set(&format!("{number:03}"), large.clone()).unwrap();
        }
        let version = config.version();
        assert!(config.set("one", large.clone()).unwrap_err().contains("the limit is 8388608"));
        assert_eq!((config.get("one"), config.version()), (None, version), "nothing has changed");
        assert_eq!(config.set("000", large.clone()), Ok(()), "one of the same size in its place");
        assert_eq!(config.set("000", vec![]), Ok(()));
        assert_eq!(config.set("one", large), Ok(()), "there is room again");
    }

    #[test]
    fn who_knows_a_version_is_told_what_is_newer() {
        let mut config = Config::default();
        for (key, value) in [("a", b"1"), ("b", b"2"), ("c", b"3"), ("a", b"4")] {
            config.set(key, value.to_vec()).unwrap();
        }
        for (since, bytes, keys, version, why) in [
            (0, 100, "b2 c3 a4", 4, "all, the last value of each, the oldest change first"),
            (2, 100, "c3 a4", 4, "what is newer"),
            (3, 100, "a4", 4, "the last"),
            (4, 100, "", 4, "nothing"),
            (9, 100, "", 4, "one that knows more than there is"),
            (0, 1, "b2", 2, "a piece is never empty"),
            (2, 2, "c3", 3, "the next piece"),
            (3, 2, "a4", 4, "the last piece"),
        ] {
            let (changes, knows) = config.changes(since, bytes);
            let text = |(key, value): &(&str, &[u8])| format!("{key}{}", String::from_utf8_lossy(value));
            assert_eq!(changes.iter().map(text).collect::<Vec<_>>().join(" "), keys, "{why}");
            assert_eq!(knows, version, "{why}");
        }
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

//! What a collector has written.

use std::path::{Path, PathBuf};

use rmpv::Value;

/// A directory of its own for a test.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// The files of messages, oldest first: by the number at the end of their names, `current` last.
pub fn names(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the collector's directory");
    let mut numbered: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        if name == "current_start_time" || name.starts_with('.') {
            continue;
        }
        let number = name.rsplit('_').next().and_then(|number| number.parse().ok());
        numbered.push((number.unwrap_or(u64::MAX), path));
    }
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

/// All messages of a directory, in the order they were written.
pub fn messages(directory: &Path) -> Vec<Value> {
    let mut messages = Vec::new();
    for path in names(directory) {
        messages.extend(decode(&std::fs::read(&path).expect("a file of messages")));
    }
    messages
}

/// The messages in bytes that are whole ones to the last.
pub fn decode(bytes: &[u8]) -> Vec<Value> {
    let mut rest = bytes;
    let mut messages = Vec::new();
    while !rest.is_empty() {
        messages.push(rmpv::decode::read_value(&mut rest).expect("whole messages"));
    }
    messages
}

/// The messages of a directory that is being written to, those that are whole by now. A file may be renamed meanwhile.
pub fn messages_so_far(directory: &Path) -> Vec<Value> {
    let mut messages = Vec::new();
    for path in names(directory) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut rest = bytes.as_slice();
        while !rest.is_empty()
            && let Ok(message) = rmpv::decode::read_value(&mut rest)
        {
            messages.push(message);
        }
    }
    messages
}

/// A field of a message.
pub fn field<'a>(message: &'a Value, key: &str) -> Option<&'a Value> {
    message.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

/// A text in a message.
#[track_caller]
pub fn text<'a>(message: &'a Value, key: &str) -> &'a str {
    field(message, key).and_then(Value::as_str).unwrap_or_else(|| panic!("no text `{key}` in {message}"))
}

/// A number in a message.
#[track_caller]
pub fn number(message: &Value, key: &str) -> f64 {
    field(message, key).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number `{key}` in {message}"))
}

/// The messages of a type.
pub fn of_type<'a>(messages: &'a [Value], message_type: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| field(message, "type").and_then(Value::as_str) == Some(message_type)).collect()
}

/// A message as JSON, which is easier to look into.
pub fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Boolean(yes) => Json::Bool(*yes),
        Value::Integer(number) => number.as_i64().map_or_else(|| number.as_u64().into(), Json::from),
        Value::F32(number) => Json::from(*number),
        Value::F64(number) => Json::from(*number),
        Value::String(text) => Json::from(text.as_str().unwrap_or("(not UTF-8)")),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Map(pairs) => {
            let name = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            pairs.iter().map(|(key, value)| (name(key), json(value))).collect()
        }
        Value::Nil | Value::Binary(_) | Value::Ext(..) => Json::Null,
    }
}

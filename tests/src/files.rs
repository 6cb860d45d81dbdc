//! What a collector has written.

use std::path::Path;

use rmpv::Value;

/// All messages of a directory, in no particular order of files.
pub fn messages(directory: &Path) -> Vec<Value> {
    let mut messages = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the collector's directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        if name == "current_start_time" || name.starts_with('.') {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file of messages");
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            messages.push(rmpv::decode::read_value(&mut rest).expect("whole messages"));
        }
    }
    messages
}

/// A field of a message.
pub fn field<'a>(message: &'a Value, key: &str) -> Option<&'a Value> {
    message.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

/// The messages of a type.
pub fn of_type<'a>(messages: &'a [Value], message_type: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| field(message, "type").and_then(Value::as_str) == Some(message_type)).collect()
}

//! What a collector has written.

use std::path::Path;

use rmpv::Value;

use crate::Result;

/// All messages in the files of a directory, file by file in the order the system lists them.
pub fn all(directory: &Path) -> Result<Vec<Value>> {
    let mut messages = Vec::new();
    for file in std::fs::read_dir(directory)? {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "current_start_time" || name.starts_with('.') {
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            messages.push(rmpv::decode::read_value(&mut rest)?);
        }
    }
    Ok(messages)
}

pub fn field<'a>(message: &'a Value, key: &str) -> Option<&'a Value> {
    message.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

pub fn is(message: &Value, key: &str, value: &str) -> bool {
    field(message, key).and_then(Value::as_str) == Some(value)
}

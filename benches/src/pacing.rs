//! Whether `ensure_fixed_separation(0.1)` makes ten runs a second.

use std::path::Path;

use rmpv::Value;

use crate::child::Running;
use crate::parts::Parts;
use crate::table::Row;
use crate::{Result, messages};

const PLACES: usize = 100;
const SECONDS: f64 = 10.0;
const WANTED: f64 = 10.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let directory = tempfile::tempdir_in(parts.directory.path())?;
    let mut command = parts.punctual_mite(&[]);
    parts.scenario(&mut command, "paced", PLACES as u64, SECONDS);
    // All at once, so that their first runs are over before anybody's second.
    command.args(["--spawn-rate", "100000", "--workers", "1"]);
    command.arg("--collector-dir").arg(directory.path());
    Running::start(&mut command, &[parts.core])?.finish()?;
    let mut starts = starts(directory.path())?;
    starts.sort_by(f64::total_cmp);
    if starts.len() < 2 * PLACES {
        return Err(format!("only {} runs", starts.len()).into());
    }
    // Runs of a place, less one, by the time from its first to its last, all places together. Messages don't say in which
    // place a run was; the first run of each is among the first hundred, the last among the last.
    let first: f64 = starts[..PLACES].iter().sum();
    let last: f64 = starts[starts.len() - PLACES..].iter().sum();
    let rate = (starts.len() - PLACES) as f64 / (last - first);
    let off = (rate / WANTED - 1.0).abs() * 100.0;
    Ok(vec![
        Row::fact("runs per second and journey, ten wanted", rate, "")
            .from(format!("{rate:.5}, {} runs", starts.len())),
        Row::at_most("off by", off, 0.1, "%"),
    ])
}

/// When the runs began, from the messages that were kept.
fn starts(directory: &Path) -> Result<Vec<f64>> {
    let mut starts = Vec::new();
    for message in messages::all(directory)? {
        if messages::is(&message, "type", "txn") && messages::is(&message, "transaction", "__root__") {
            let start = messages::field(&message, "start_time").and_then(Value::as_f64);
            starts.push(start.ok_or("a txn has a start_time")?);
        }
    }
    Ok(starts)
}

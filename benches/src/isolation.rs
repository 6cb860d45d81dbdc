//! What an endless loop in one journey costs the others of its worker: the same healthy journeys alone and beside it, in pairs.

use crate::Result;
use crate::child::Running;
use crate::figures::{list, median};
use crate::parts::{Parts, Playground, at};
use crate::table::Row;

const PAIRS: usize = 3;
const SECONDS: f64 = 6.0;
/// `hostile:beside` has three healthy journeys, and two of these.
const LOOPS: &str = "loops";
const NOTHING: &str = "sleeps";

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let playground = Playground::start(parts)?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        for turn in 0..2 {
            let harm = if (pair + turn) % 2 == 0 { NOTHING } else { LOOPS };
            let seen = seen(parts, &playground, harm)?;
            if harm == LOOPS { beside.push(seen) } else { alone.push(seen) }
        }
    }
    let middle = |of: &[Seen], what: fn(&Seen) -> f64| median(of.iter().map(what));
    let ratio = |what: fn(&Seen) -> f64| middle(&beside, what) / middle(&alone, what);
    let all = |of: &[Seen], what: fn(&Seen) -> f64| list(of.iter().map(what));
    let p99: fn(&Seen) -> f64 = |seen| seen.p99;
    let requests: fn(&Seen) -> f64 = |seen| seen.requests;
    Ok(vec![
        Row::fact("p99 of /delay/20, alone", middle(&alone, p99), "ms").from(all(&alone, p99)),
        Row::fact("p99 of /delay/20, beside two endless loops", middle(&beside, p99), "ms").from(all(&beside, p99)),
        Row::at_most("beside / alone, p99", ratio(p99), 1.2, ""),
        Row::fact("requests beside / alone", ratio(requests), "")
            .from("they follow each other, so a turn lost is seen here"),
    ])
}

struct Seen {
    p99: f64,
    requests: f64,
}

fn seen(parts: &Parts, playground: &Playground, harm: &str) -> Result<Seen> {
    let mut command = parts.mite(&["-q", "scenario", "test"]);
    command.arg(format!("{}:beside", parts.root.join("target/journeys/hostile.wasm").display()));
    command.args(["--workers", "1", "--grace", "0", "--max-errors-threshold", "1000000", "--summary-export"]);
    command.arg(parts.summary_path());
    for (key, value) in [("harm", harm), ("seconds", &SECONDS.to_string()), ("hanging", "")] {
        command.arg(format!("--add-to-config={key}:{value}"));
    }
    command.arg(format!("--add-to-config=url:{}/delay/20", playground.url));
    Running::start(&mut command, &[parts.core])?.finish()?;
    let summary = parts.summary()?;
    Ok(Seen { p99: at(&summary, &["latency_ms", "p99"])?, requests: at(&summary, &["requests"])? })
}

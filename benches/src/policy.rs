//! What a policy costs a request: the same test with rules about targets and without, in pairs.

use crate::Result;
use crate::figures::{list, median};
use crate::parts::{Parts, Server};
use crate::request::{AT_ONCE, window};
use crate::table::Row;

const PAIRS: usize = 5;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let server = Server::start(parts)?;
    let (mut free, mut bound) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        for turn in 0..2 {
            let has_policy = (pair + turn) % 2 == 1;
            let mut mite = parts.mite(&[]);
            parts.scenario(&mut mite, "load", AT_ONCE, 60.0);
            mite.args(["--workers", "1"]).arg(format!("--add-to-config=url:{}", server.url));
            if has_policy {
                mite.args(["--allow=*.example.com", "--allow=10.0.0.0/8", "--deny=127.0.0.2"]);
                mite.arg(format!("--allow={}", server.url.trim_end_matches('/')));
            }
            let cpu = window(parts, &server, &mut mite)?.cpu;
            if has_policy { bound.push(cpu) } else { free.push(cpu) }
        }
    }
    let ratios: Vec<f64> = free.iter().zip(&bound).map(|(free, bound)| bound / free).collect();
    let of_medians = median(bound.iter().copied()) / median(free.iter().copied());
    Ok(vec![
        Row::fact("CPU per request: without rules about targets", median(free.iter().copied()), "µs").from(list(free)),
        Row::fact("CPU per request: with them", median(bound.iter().copied()), "µs").from(list(bound)),
        Row::at_most("with / without, ratio of medians", of_medians, 1.05, ""),
        Row::at_most("with / without, median of the ratios of pairs", median(ratios.iter().copied()), 1.05, "")
            .from(list(ratios)),
    ])
}

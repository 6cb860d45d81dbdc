//! `make bench`: what mite costs and how true its figures are, beside the targets of the project.
//!
//! CPU is compared, not rates: CPU of a process is robust on a machine that others use too. What depends on the machine is
//! a ratio to something measured in the same minute, in alternating pairs, and the median of several.

mod accuracy;
mod child;
mod distributed;
mod figures;
mod hostile;
mod instructions;
mod isolation;
mod journeys;
mod languages;
mod machine;
mod memory;
mod messages;
mod pacing;
mod parts;
mod policy;
mod request;
mod table;
mod tenants;

use std::process::ExitCode;

use parts::Parts;
use table::{Row, Table};

pub type Problem = Box<dyn std::error::Error>;
pub type Result<T> = std::result::Result<T, Problem>;

type Section = fn(&Parts) -> Result<Vec<Row>>;

const SECTIONS: [(&str, &str, Section); 12] = [
    ("request", "CPU per request, against a minimal hyper loop", request::measure),
    ("instructions", "user instructions per request, by callgrind", instructions::measure),
    ("journeys", "CPU per run of an empty journey, and what a second worker brings", journeys::measure),
    ("memory", "private memory per journey, with 10,000 at once", memory::measure),
    (
        "languages",
        "the same journey in Rust, JavaScript and Python, beside k6 and the Python framework",
        languages::measure,
    ),
    ("isolation", "what an endless loop beside them costs other journeys", isolation::measure),
    ("policy", "what rules about targets cost a request", policy::measure),
    ("accuracy", "reported latencies against the server's own clock", accuracy::measure),
    ("distributed", "the load of processes over sockets, against that of one process", distributed::measure),
    ("tenants", "what tenants of a shared runner cost, and do to each other", tenants::measure),
    ("hostile", "what each hostile journey does to a tenant beside it", hostile::measure),
    ("pacing", "the rate of ensure_fixed_separation", pacing::measure),
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = arguments.len();
        arguments.retain(|argument| argument != name);
        arguments.len() < before
    };
    let (record, realtime) = (flag("--record"), flag("--realtime"));
    let known = |name: &String| SECTIONS.iter().any(|(section, ..)| section == name);
    if !arguments.iter().all(known) {
        eprintln!("usage: benches/run.sh [--record] [--realtime] [SECTION...]\n\nsections (all, if none is named):");
        for (name, about, _) in SECTIONS {
            eprintln!("  {name:12}  {about}");
        }
        eprintln!("\n--record    also append the figures to benches/RECORD.md");
        eprintln!("--realtime  accuracy, pacing: before all other work of the machine (as root)");
        return ExitCode::from(2);
    }
    match run(&arguments, record, realtime) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything could be measured. A target that is missed is a figure like any other.
fn run(names: &[String], record: bool, realtime: bool) -> Result<bool> {
    let parts = Parts::prepare(realtime)?;
    let mut table = Table::new();
    let mut whole = true;
    for (name, about, measure) in SECTIONS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("{name}: {about} ...");
        match measure(&parts) {
            Ok(rows) => table.add(name, rows),
            Err(problem) => {
                whole = false;
                eprintln!("  {problem}");
                let reason = problem.to_string();
                table.add(name, vec![Row::unknown(about, reason.lines().next().unwrap_or_default())]);
            }
        }
    }
    println!("{}", machine::facts(&parts.mite_version));
    println!("{table}");
    if record {
        table.record(&parts.root)?;
    }
    Ok(whole)
}

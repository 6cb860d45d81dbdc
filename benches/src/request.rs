//! CPU per request: mite beside the least that hyper can do, on a core of their own, one after the other.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::child::{Running, until};
use crate::figures::{list, median};
use crate::parts::{Parts, Server};
use crate::table::Row;
use crate::{Result, machine};

const PAIRS: usize = 5;
pub const AT_ONCE: u64 = 64;
const WARM: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(4);
/// More than both, and never reached.
const SECONDS: f64 = 60.0;

pub fn measure(parts: &Parts) -> Result<Vec<Row>> {
    let server = Server::start(parts)?;
    let (mut floors, mut mites) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Whatever changes with time does so for both.
        for turn in 0..2 {
            if (pair + turn) % 2 == 0 {
                let mut floor = parts.own("bench-floor");
                floor.args([&server.url, &AT_ONCE.to_string(), &SECONDS.to_string()]);
                floors.push(window(parts, &server, &mut floor)?);
            } else {
                let mut mite = parts.mite(&[]);
                parts.scenario(&mut mite, "load", AT_ONCE, SECONDS);
                mite.args(["--workers", "1"]).arg(format!("--add-to-config=url:{}", server.url));
                mites.push(window(parts, &server, &mut mite)?);
            }
        }
    }
    let each = |windows: &[Window]| windows.iter().map(|window| window.cpu).collect::<Vec<_>>();
    let (floor, mite) = (each(&floors), each(&mites));
    let ratios: Vec<f64> = floor.iter().zip(&mite).map(|(floor, mite)| mite / floor).collect();
    let share = |windows: &[Window]| median(windows.iter().map(|window| window.share * 100.0));
    let others = median(floors.iter().chain(&mites).map(|window| window.others * 100.0));
    let (floor_median, mite_median) = (median(floor.iter().copied()), median(mite.iter().copied()));
    let of_medians = mite_median / floor_median;
    let server_cpu = server.running.cpu()?.as_secs_f64() * 1e6 / server.count()? as f64;
    Ok(vec![
        Row::fact("CPU per request: floor, hyper alone", floor_median, "µs").from(list(floor)),
        Row::fact("CPU per request: mite", mite_median, "µs").from(list(mite)),
        Row::at_most("mite / floor, ratio of medians", of_medians, 1.4, ""),
        Row::at_most("mite / floor, median of the ratios of pairs", median(ratios.iter().copied()), 1.4, "")
            .from(list(ratios)),
        Row::at_most("mite / floor, the goal", of_medians, 1.25, ""),
        Row::fact("the core's time that the generator took: floor", share(&floors), "%"),
        Row::fact("the core's time that the generator took: mite", share(&mites), "%")
            .from("below 90 % it waited, and waking up costs"),
        Row::fact("CPU per request: the server, on its own core", server_cpu, "µs"),
        Row::fact("the core's time that others took meanwhile", others, "%"),
    ])
}

pub struct Window {
    /// µs a request.
    pub cpu: f64,
    /// The share of the core's time that it took.
    share: f64,
    /// The share of the core's time that others took.
    others: f64,
}

/// Looks at a generator for a while, once it is well under way.
pub fn window(parts: &Parts, server: &Server, command: &mut Command) -> Result<Window> {
    let before = server.count()?;
    let mut generator = Running::start(command, &[parts.core])?;
    until("load", Duration::from_secs(30), || {
        generator.check()?;
        Ok(server.count()? > before + 10 * AT_ONCE)
    })?;
    std::thread::sleep(WARM);
    let moment =
        || -> Result<_> { Ok((Instant::now(), server.count()?, generator.cpu()?, machine::busy(parts.core)?)) };
    let (start, first, cpu_first, busy_first) = moment()?;
    std::thread::sleep(WINDOW);
    let (end, last, cpu_last, busy_last) = moment()?;
    generator.check()?;
    let (requests, wall, cpu) = (last - first, end - start, cpu_last - cpu_first);
    if requests == 0 {
        return Err(generator.problem("no requests").into());
    }
    let others = (busy_last - busy_first).saturating_sub(cpu);
    Ok(Window {
        cpu: cpu.as_secs_f64() * 1e6 / requests as f64,
        share: cpu.as_secs_f64() / wall.as_secs_f64(),
        others: others.as_secs_f64() / wall.as_secs_f64(),
    })
}

//! What a policy costs a request: the same test with rules about targets and without, in pairs, and by instructions, which are the same
//! however busy the machine is; there also as a tenant with limits on everything.

use std::path::PathBuf;
use std::process::Command;

use crate::Result;
use crate::distributed::endpoints;
use crate::figures::{list, median};
use crate::instructions::slope;
use crate::parts::{Parts, Server};
use crate::request::{AT_ONCE, window};
use crate::table::Row;

const PAIRS: usize = 5;

const RULES: [&str; 3] = ["--allow=*.example.com", "--allow=10.0.0.0/8", "--deny=127.0.0.2"];
/// Journeys at once where instructions are counted.
const FEW: u64 = 8;

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
                mite.args(RULES).arg(format!("--allow={}", server.url.trim_end_matches('/')));
            }
            let cpu = window(parts, &server, &mut mite)?.cpu;
            if has_policy { bound.push(cpu) } else { free.push(cpu) }
        }
    }
    let ratios: Vec<f64> = free.iter().zip(&bound).map(|(free, bound)| bound / free).collect();
    let of_medians = median(bound.iter().copied()) / median(free.iter().copied());
    let mut rows = vec![
        Row::fact("CPU per request: without rules about targets", median(free.iter().copied()), "µs").from(list(free)),
        Row::fact("CPU per request: with them", median(bound.iter().copied()), "µs").from(list(bound)),
        Row::at_most("with / without, ratio of medians", of_medians, 1.05, ""),
        Row::at_most("with / without, median of the ratios of pairs", median(ratios.iter().copied()), 1.05, "")
            .from(list(ratios)),
    ];
    rows.extend(instructions(parts, &server)?);
    Ok(rows)
}

/// User instructions of the worker per request: free, with rules, and with rules and limits.
fn instructions(parts: &Parts, server: &Server) -> Result<Vec<Row>> {
    let alone = |rules: &[&str]| -> Result<f64> {
        let counted = slope(parts, server, |wrapper, seconds| {
            let mut command = parts.mite_under(wrapper);
            parts.scenario(&mut command, "load", FEW, seconds);
            command.args(["--workers", "1"]).arg(format!("--add-to-config=url:{}", server.url)).args(rules);
            command
        })?;
        Ok(counted[0])
    };
    let allow = format!("--allow={}", server.url.trim_end_matches('/'));
    let (free, ruled) = (alone(&[])?, alone(&[&RULES[..], &[&allow]].concat())?);
    let (runner, tenant) = (served(parts, server, false)?, served(parts, server, true)?);
    Ok(vec![
        Row::fact("user instructions per request, the worker: without rules about targets", free, ""),
        Row::fact("user instructions per request, the worker: with them", ruled, ""),
        Row::at_most("instructions with rules / without", ruled / free, 1.05, ""),
        Row::fact("user instructions per request, the worker of a runner", runner, ""),
        Row::fact("user instructions per request, the worker of a tenant with rules and all limits", tenant, ""),
        Row::at_most("instructions of the tenant / of the runner", tenant / runner, 1.05, ""),
    ])
}

/// The same of a runner with a controller, for one tenant with limits or for nobody in particular.
fn served(parts: &Parts, server: &Server, is_tenant: bool) -> Result<f64> {
    let [control, messages, ..] = endpoints()?;
    let sockets = [format!("--controller-socket={control}"), format!("--message-socket={messages}")];
    let file = tenants(parts, server, &control, &messages)?;
    let counted = slope(parts, server, |wrapper, seconds| {
        // The controller is what tells a runner that serves tenants to stop, and so ends with it.
        let mut controller = parts.controller("load", FEW, seconds);
        controller.args(&sockets).arg("--expect-runners=1").arg(format!("--add-to-config=url:{}", server.url));
        let mut runner = parts.mite_under(wrapper);
        runner.args(["-q", "runner", "--workers=1"]);
        if is_tenant {
            runner.arg("--tenants").arg(&file)
        } else {
            runner.args(&sockets)
        };
        both(&controller, &runner)
    })?;
    Ok(counted[0])
}

/// A shell that runs the one in front and the other behind it, which is told to stop when the first has ended.
fn both(front: &Command, behind: &Command) -> Command {
    let words = |command: &Command| -> String {
        let all = [command.get_program()].into_iter().chain(command.get_args());
        all.map(|word| format!("'{}' ", word.to_string_lossy().replace('\'', "'\\''"))).collect()
    };
    let mut shell = Command::new("bash");
    // That messages go nowhere is no matter here.
    shell.arg("-c").arg(format!(
        "{} & runner=$!; {}; kill -TERM $runner 2>/dev/null; wait $runner; exit 0",
        words(behind),
        words(front)
    ));
    shell.envs(front.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = front.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
}

/// A file with one tenant that has limits on everything, none of which is reached.
fn tenants(parts: &Parts, server: &Server, control: &str, messages: &str) -> Result<PathBuf> {
    let path = parts.directory.path().join("limited.toml");
    let target = server.url.trim_end_matches('/');
    let text = format!(
        "[[tenant]]\nname = \"limited\"\ncontroller_socket = \"{control}\"\nmessage_socket = \"{messages}\"\n\
         targets = [\"*.example.com\", \"10.0.0.0/8\", \"{target}\"]\njourneys = 1000\njourneys_per_second = 1000000\n\
         requests_per_second = 1000000\nconnections = 1000\nbytes_per_second = \"100 GiB\"\n"
    );
    std::fs::write(&path, text)?;
    Ok(path)
}

//! A process may have so much memory (`memory.max` of its control group): more journeys than that has room for are refused before
//! anything begins, with the arithmetic, and as many as it has run.

use std::io::Write;
use std::process::Command;

use tests::groups::{Real, shown};
use tests::program::{Ended, Running, command, component};

const MIB: u64 = 1 << 20;
/// KiB that a journey needs at the least, and MiB that all else does: see `runner/memory.rs`.
const LEAST_KIB: u64 = 64;
const RESERVED: u64 = 32;

fn test(journeys: &str) -> Command {
    let pause = format!("{}:pause", component("load.wasm").display());
    let mut command = command(&["scenario", "test", &pause, "--add-to-config=seconds:1", "--add-to-config=pause:0.1"]);
    command.args([&format!("--add-to-config=volume:{journeys}"), "--workers=1", "--journey-memory=4"]);
    command
}

/// The numbers in a text, in their order.
fn numbers(text: &str) -> Vec<u64> {
    let words = text.split(|character: char| !character.is_ascii_digit()).filter(|word| !word.is_empty());
    words.map(|word| word.parse().expect("digits")).collect()
}

/// Fails unless it was refused, and the sum is right. Answers what was in use.
fn refused(ended: &Ended, limit: u64, why: &str) -> u64 {
    assert_eq!(ended.code(), 104, "{why}: {ended:?}");
    let said = ended.stderr.lines().find(|line| line.contains("journeys at once need")).expect("a reason");
    let said = numbers(&said[said.find("can't make room").unwrap_or(0)..]);
    let [journeys, needed, least, max, used, reserved, left, room] = said[..] else { panic!("{why}: {ended:?}") };
    assert_eq!((journeys, needed, least), (9_000, (9_000 * LEAST_KIB).div_ceil(1_024), LEAST_KIB), "{why}");
    assert_eq!((max, reserved), (limit, RESERVED), "{why}");
    // Each was rounded up to a MiB.
    assert!((max - used - reserved).abs_diff(left) <= 1, "{why}: {}", ended.stderr);
    assert!(room.abs_diff(left * 1_024 / LEAST_KIB) <= 1_024 / LEAST_KIB && room < journeys, "{why}: {}", ended.stderr);
    used
}

/// Version 1 and 2 of control groups, as the kernel shows them.
#[test]
fn journeys_are_admitted_by_what_a_group_leaves() {
    let [limit, used] = [512, 300].map(|mib| (mib * MIB).to_string());
    let stat = format!("inactive_file {}\ntotal_inactive_file {}\n", 100 * MIB, 100 * MIB);
    let unified = [("it/memory.max", &*limit), ("it/memory.current", &used), ("it/memory.stat", &stat)];
    let first = [
        ("memory/it/memory.limit_in_bytes", &*limit),
        ("memory/it/memory.usage_in_bytes", &used),
        ("memory/it/memory.stat", &stat),
        ("memory/memory.limit_in_bytes", "9223372036854771712"),
    ];
    for (group, files, why) in [("0::/it\n", &unified[..], "version 2"), ("4:memory:/it\n0::/\n", &first, "version 1")]
    {
        let (mut many, _kept) = shown(&test("9000"), group, files);
        assert_eq!(
            refused(&Running::start(&mut many).wait(), 512, why),
            200,
            "{why}: files that were read don't count"
        );
        let (mut few, _kept) = shown(&test("20"), group, files);
        Running::start(&mut few).wait().expect(0);
    }
}

/// The same in a real one, where the machine lets us make one; else it says why not, and the test above is all there is.
#[test]
fn a_real_group() {
    const LIMIT: u64 = 512;
    let real = match Real::with(LIMIT * MIB) {
        Ok(real) => real,
        Err(reason) => {
            // Past what the harness keeps to itself of a test that passes.
            let said = writeln!(std::io::stderr(), "NOT TRIED: no control group can be made here: {reason}");
            return said.expect("a standard error");
        }
    };
    let used = refused(&Running::start(&mut real.command(&test("9000"))).wait(), LIMIT, "a real one");
    assert!(used < LIMIT / 2, "{used} MiB are in use");
    Running::start(&mut real.command(&test("20"))).wait().expect(0);
}

//! What this machine allows, against what a test asks for: said at the start, in words.

use std::num::NonZeroU32;

use super::memory;
use crate::component::engine::journeys_for_mappings;
use crate::descriptors;

/// Journeys at once that there is room for where a volume model decides while the test runs.
const JOURNEYS_UNKNOWN: u32 = 10_000;
/// Descriptors for everything but connections.
const DESCRIPTORS_RESERVED: u64 = 100;

/// What the machine allows.
#[derive(Clone, Copy, Debug)]
struct Facts {
    descriptors: u64,
    /// None: unknown.
    ports: Option<u64>,
    mappings: Option<u64>,
}

/// How many journeys there should be room for.
pub fn journeys(peak: Option<u32>, most: Option<NonZeroU32>) -> u32 {
    let wanted = peak.unwrap_or(JOURNEYS_UNKNOWN);
    let allowed =
        facts_now().mappings.map_or(u32::MAX, |maps| u32::try_from(journeys_for_mappings(maps)).unwrap_or(u32::MAX));
    // Where nobody knows how many there will be, there is no place for more than have room.
    let roomy = memory::group().filter(|_| peak.is_none()).map_or(u64::MAX, |group| group.journeys().max(1));
    let most = most.map_or(u32::MAX, NonZeroU32::get).min(u32::try_from(roomy).unwrap_or(u32::MAX));
    wanted.min(most).min(allowed)
}

/// Whether so many journeys, which begin with so many bytes each, have room in this process's control group. The error says why not;
/// else there may be something that a user should know.
pub fn memory(journeys: u32, initial: u64) -> Result<Option<String>, String> {
    let Some(group) = memory::group() else { return Ok(None) };
    let journeys = u64::from(journeys);
    group.refusal(journeys).map_or_else(|| Ok(group.warning(journeys, initial)), Err)
}

/// What a user should know.
pub fn prepare(peak: Option<u32>, most: Option<NonZeroU32>) -> Vec<String> {
    let wanted = peak.map(|peak| peak.min(most.map_or(u32::MAX, NonZeroU32::get)));
    wanted.map_or_else(Vec::new, |wanted| warnings(u64::from(wanted), &facts_now()))
}

fn facts_now() -> Facts {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let ports = read("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| {
        let mut numbers = text.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
        Some((numbers.next()?, numbers.next()?))
    });
    Facts {
        descriptors: descriptors::limit(),
        ports: ports.map(|(first, last)| last.saturating_sub(first) + 1),
        mappings: read("/proc/sys/vm/max_map_count").and_then(|text| text.trim().parse().ok()),
    }
}

/// What is less than a test with so many journeys at once may need.
fn warnings(journeys: u64, facts: &Facts) -> Vec<String> {
    let mut warnings = Vec::new();
    let descriptors = facts.descriptors.saturating_sub(DESCRIPTORS_RESERVED);
    if descriptors < journeys {
        warnings.push(format!(
            "{journeys} journeys at once may need as many connections, and {} files may be open: raise the hard limit \
             (`ulimit -Hn`)",
            facts.descriptors
        ));
    }
    if let Some(ports) = facts.ports.filter(|ports| *ports < journeys) {
        warnings.push(format!(
            "{journeys} journeys at once may need as many connections, and there are {ports} ports for connections to one \
             address: widen net.ipv4.ip_local_port_range, or use several addresses"
        ));
    }
    let allowed = facts.mappings.map(|mappings| (mappings, journeys_for_mappings(mappings)));
    if let Some((mappings, allowed)) = allowed.filter(|(_, allowed)| *allowed < journeys) {
        warnings.push(format!(
            "{journeys} journeys at once need more memory mappings than vm.max_map_count={mappings} allows: there is room for \
             about {allowed}; raise it, or use several runners"
        ));
    }
    warnings
}

/// What a linear memory reserves of address space, so that no access has to be checked: 4 GiB, and guard pages on either side.
const RESERVED_PER_MEMORY: u64 = (4 << 30) + (64 << 20);
/// What a process can reserve: 47 bits, less what else is in it.
const ADDRESS_SPACE: u64 = (1 << 47) - (1 << 43);

/// Whether so many journeys with so many memories each find room in the address space.
pub fn address_space(journeys: u32, memories: u32) -> Option<String> {
    let needed = u64::from(journeys) * u64::from(memories.max(1)) * RESERVED_PER_MEMORY;
    let allowed = ADDRESS_SPACE / RESERVED_PER_MEMORY / u64::from(memories.max(1));
    (needed > ADDRESS_SPACE).then(|| {
        format!(
            "{journeys} journeys at once need {} TiB of address space and a process has 128: there is room for about \
             {allowed} in a pool; use several runners",
            needed >> 40
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_space_is_counted_in_memories() {
        for (journeys, memories, fits, why) in [
            (10_000, 1, true, "ten thousand have room"),
            (10_000, 2, true, "with two memories each, too"),
            (40_000, 1, false, "47 bits are not for forty thousand"),
            (20_000, 2, false, "nor for twice twenty thousand"),
        ] {
            assert_eq!(address_space(journeys, memories).is_none(), fits, "{why}");
        }
    }

    #[test]
    fn each_shortage_is_said_in_words() {
        let plenty = Facts { descriptors: 1 << 20, ports: Some(28_000), mappings: Some(65_530) };
        for (journeys, facts, want, why) in [
            (100, plenty, None, "enough of everything"),
            (100, Facts { descriptors: 150, ..plenty }, Some("150 files"), "too few open files"),
            (30_000, Facts { mappings: None, ..plenty }, Some("28000 ports"), "too few ports"),
            (20_000, plenty, Some("vm.max_map_count=65530"), "too few mappings"),
            (10_000, plenty, None, "ten thousand have room by default"),
        ] {
            let found = warnings(journeys, &facts);
            assert_eq!(found.len(), usize::from(want.is_some()), "{why}: {found:?}");
            assert!(found.iter().zip(want).all(|(found, want)| found.contains(want)), "{why}: {found:?}");
        }
    }
}

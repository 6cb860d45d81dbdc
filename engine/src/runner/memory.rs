//! Journeys at once against the memory that this process may have: what its control group leaves it, and what they need.

use std::path::{Path, PathBuf};

/// What a Rust journey has touched when it sleeps (`docs/benchmarks.md`): no journey needs less.
const LEAST: u64 = 64 << 10;
/// For everything but journeys: workers, connections, messages that wait.
const RESERVED: u64 = 32 << 20;

/// The memory of a control group, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub limit: u64,
    /// What can't be had back: files that were only read don't count.
    pub used: u64,
}

/// The tightest of the control groups that this process is in. None: there is no limit, or none can be seen.
pub fn group() -> Option<Group> {
    let groups = directories(&std::fs::read_to_string("/proc/self/cgroup").ok()?);
    groups.iter().filter_map(|(directory, names)| read(directory, names)).min_by_key(|group| group.limit - group.used)
}

/// Names of a directory's files: the limit, what is used, and of that what is read from files.
type Names = [&'static str; 3];
const UNIFIED: Names = ["memory.max", "memory.current", "inactive_file "];
const FIRST_VERSION: Names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "];

/// The group's directory and those above it, by `/proc/self/cgroup`: limits of all of them hold.
fn directories(groups: &str) -> Vec<(PathBuf, Names)> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, names) = match controllers {
            "" => ("/sys/fs/cgroup", UNIFIED),
            controllers if controllers.split(',').any(|it| it == "memory") => ("/sys/fs/cgroup/memory", FIRST_VERSION),
            _ => continue,
        };
        let below = Path::new(path.trim_start_matches('/'));
        found.extend(below.ancestors().map(|below| (Path::new(root).join(below), names)));
    }
    found
}

fn read(directory: &Path, [limit, used, files]: &Names) -> Option<Group> {
    let number = |name: &str| std::fs::read_to_string(directory.join(name)).ok()?.trim().parse::<u64>().ok();
    let stat = std::fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    let files = stat.lines().find_map(|line| line.strip_prefix(files)?.trim().parse::<u64>().ok()).unwrap_or(0);
    // `max` is no number: there is no limit. So is one that no machine has.
    let limit = number(limit).filter(|limit| *limit < 1 << 50)?;
    Some(Group { limit, used: number(used).unwrap_or(0).saturating_sub(files).min(limit) })
}

impl Group {
    /// Journeys that there is room for.
    pub fn journeys(&self) -> u64 {
        self.free() / LEAST
    }

    fn free(&self) -> u64 {
        self.limit.saturating_sub(self.used).saturating_sub(RESERVED)
    }

    /// Why so many journeys can't be, whatever they do.
    pub fn refusal(&self, journeys: u64) -> Option<String> {
        (journeys > self.journeys()).then(|| {
            format!(
                "{journeys} journeys at once need {}, {} KiB each at the least; {}: there is room for {}. Raise the limit, use several \
                 runners, or ask for fewer (--runner-max-journeys)",
                mib(journeys.saturating_mul(LEAST)),
                LEAST >> 10,
                self.arithmetic(),
                self.journeys()
            )
        })
    }

    /// What to say of journeys that begin with so many bytes each: they may never touch all of it.
    pub fn warning(&self, journeys: u64, initial: u64) -> Option<String> {
        let all = journeys.saturating_mul(initial);
        (all > self.free()).then(|| {
            format!(
                "{journeys} journeys at once begin with {}, {} each, and may touch all of it; {}: beyond that the system ends this process",
                mib(all),
                mib(initial),
                self.arithmetic()
            )
        })
    }

    fn arithmetic(&self) -> String {
        format!(
            "memory.max of this process is {}, less {} that are in use and {} for all else that is {}",
            mib(self.limit),
            mib(self.used),
            mib(RESERVED),
            mib(self.free())
        )
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journeys_are_counted_against_what_is_left() {
        let group = |limit: u64, used: u64| Group { limit: limit << 20, used: used << 20 };
        for (group, journeys, fits, why) in [
            (group(64, 16), 256, true, "16 MiB are left: 256 times 64 KiB"),
            (group(64, 16), 257, false, "one more"),
            (group(1024, 24), 10_000, true, "ten thousand in a gigabyte"),
            (group(32, 0), 1, false, "nothing is left"),
            (group(16, 300), 1, false, "less than nothing"),
            (group(16, 0), 0, true, "and none need nothing"),
        ] {
            assert_eq!(group.refusal(journeys).is_none(), fits, "{why}");
            assert_eq!(group.journeys() >= journeys, fits, "{why}");
        }
        let refusal = group(64, 16).refusal(1_000).unwrap();
        let arithmetic = "1000 journeys at once need 63 MiB, 64 KiB each at the least; memory.max of this process is 64 MiB, less 16 MiB \
                          that are in use and 32 MiB for all else that is 16 MiB: there is room for 256.";
        assert!(refusal.starts_with(arithmetic), "{refusal}");
        assert!(group(64, 16).warning(16, 1 << 20).is_none(), "just all of it");
        let warning = group(64, 16).warning(17, 1 << 20).unwrap();
        assert!(warning.starts_with("17 journeys at once begin with 17 MiB, 1 MiB each"), "{warning}");
    }

    #[test]
    fn groups_are_found_in_both_versions() {
        let of = |text: &str| -> Vec<String> {
            directories(text).iter().map(|(path, names)| format!("{}/{}", path.display(), names[0])).collect()
        };
        for (text, want, why) in [
            ("0::/a/b\n", vec!["/a/b/memory.max", "/a/memory.max", "//memory.max"], "the second, and those above"),
            ("0::/\n", vec!["//memory.max"], "a container's own"),
            ("4:memory:/x\n", vec!["/memory/x/memory.limit_in_bytes", "/memory//memory.limit_in_bytes"], "the first"),
            ("4:cpu,memory:/\n", vec!["/memory//memory.limit_in_bytes"], "with another"),
            ("9:name=systemd:/y\n1:cpu:/z\n", vec![], "others"),
            ("nonsense\n\n0:", vec![], "nonsense"),
        ] {
            let want: Vec<_> = want.into_iter().map(|path| format!("/sys/fs/cgroup{path}")).collect();
            assert_eq!(of(text), want, "{why}");
        }
    }

    #[test]
    fn files_are_read_as_the_kernel_writes_them() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        assert_eq!(read(directory.path(), &UNIFIED), None, "no files");
        for (max, current, stat, want, why) in [
            ("max\n", "1000\n", "", None, "no limit"),
            ("9223372036854771712\n", "1000\n", "", None, "no limit, in the first version"),
            ("4096\n", "1000\n", "anon 7\ninactive_file 300\n", Some((4_096, 700)), "files that were read can go"),
            ("4096\n", "1000\n", "", Some((4_096, 1_000)), "nothing is known of files"),
            ("4096\n", "9000\n", "", Some((4_096, 4_096)), "more than all"),
        ] {
            write("memory.max", max);
            write("memory.current", current);
            write("memory.stat", stat);
            let want = want.map(|(limit, used)| Group { limit, used });
            assert_eq!(read(directory.path(), &UNIFIED), want, "{why}");
        }
    }
}

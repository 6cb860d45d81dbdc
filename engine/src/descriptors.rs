//! Files and sockets that this process may have open, all of them descriptors to the system.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// With fewer a program can't so much as wait for a signal.
const LEAST: u64 = 32;

/// How many there may be.
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The soft limit becomes the hard one: where there are many peers or journeys there are as many connections. The error says that there
/// are too few for anything.
pub fn raise() -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Where the system doesn't let it, what there is has to do.
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        return enough(current.unwrap_or(u64::MAX));
    }
    enough(limit())
}

fn enough(limit: u64) -> Result<(), String> {
    if limit < LEAST {
        return Err(format!(
            "{limit} files may be open in this process and it needs {LEAST} at the least: raise the limit (`ulimit -n`)"
        ));
    }
    Ok(())
}

/// How many are open now. Where the system doesn't show them: as many as there mostly are.
pub fn open() -> u64 {
    let shown = ["/proc/self/fd", "/dev/fd"].into_iter().find_map(|path| std::fs::read_dir(path).ok());
    shown.map_or(LEAST, |shown| shown.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_counted() {
        // Other tests open and close files meanwhile, but not a hundred.
        let before = open();
        let files: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(open().saturating_sub(before) > 100, "{before}, then {}", open());
        drop(files);
    }

    #[test]
    fn too_few_is_said() {
        let refused = enough(8).unwrap_err();
        assert!(refused.starts_with("8 files may be open") && refused.contains("`ulimit -n`"), "{refused}");
        assert_eq!(enough(LEAST), Ok(()));
    }
}

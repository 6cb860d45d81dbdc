//! A control group with a limit on memory: a real one where one can be made, else one that a program is shown in place of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use crate::files;
use crate::program::root;

/// A real one, gone when dropped.
#[derive(Debug)]
pub struct Real(PathBuf);

impl Real {
    /// Makes one beside all others. The error says why not: it takes a root that may, as in a virtual machine or a privileged container.
    pub fn with(bytes: u64) -> Result<Self, String> {
        let hierarchies = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        let there = hierarchies.into_iter().find(|(at, limit)| {
            Path::new(at).join(limit).exists() || Path::new(at).join("cgroup.controllers").exists()
        });
        let (at, limit) = there.ok_or("there are no control groups of memory in /sys/fs/cgroup")?;
        let group = Path::new(at).join(format!("mite-test-{}", std::process::id()));
        std::fs::create_dir(&group).map_err(|error| format!("{}: {error}", group.display()))?;
        let real = Self(group);
        let file = real.0.join(limit);
        std::fs::write(&file, bytes.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(real)
    }

    /// The same command in it.
    pub fn command(&self, command: &Command) -> Command {
        after(command, &format!("echo $$ >{}/cgroup.procs", self.0.display()))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // What was in it is being cleared away, and nothing hangs on it.
        drop(std::fs::remove_dir(&self.0));
    }
}

/// Files that a program sees where those of its group are, each with its text.
pub fn shown(command: &Command, group: &str, shown: &[(&str, &str)]) -> (Command, tempfile::TempDir) {
    let directory = files::directory();
    std::fs::write(directory.path().join("group"), group).expect("a file");
    for (name, text) in shown {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    let here = directory.path().display();
    let script = format!("mount --bind {here} /sys/fs/cgroup && mount --bind {here}/group /proc/$$/cgroup");
    let mut unshare = Command::new("unshare");
    unshare.args(if geteuid().is_root() { &["--mount"][..] } else { &["--mount", "--map-root-user"] });
    let inner = after(command, &script);
    unshare.arg(inner.get_program()).args(inner.get_args());
    unshare.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(root());
    (unshare, directory)
}

/// A command after what a shell does first, in the same process.
fn after(command: &Command, first: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-ec").arg(format!("{first}\nexec \"$0\" \"$@\"")).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(root());
    shell
}

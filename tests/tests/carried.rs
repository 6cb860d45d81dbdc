//! The program that `make build` leaves carries what runs JavaScript: on a machine that has never seen any, nothing has to be compiled.

use std::path::Path;
use std::process::Command;

use tests::files::{directory, names};
use tests::program::{Running, command, root};

/// A command of that program, with a cache of its own.
fn of(program: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(home).env("NO_COLOR", "1").env("MITE_CACHE_DIR", home.join("cache"));
    command
}

/// What was compiled, or started, on this machine.
fn made(home: &Path) -> Vec<String> {
    let names = names(&home.join("cache")).into_iter().filter_map(|path| Some(path.extension()?.to_str()?.to_owned()));
    names.filter(|extension| ["code", "made"].contains(&extension.as_str())).collect()
}

#[test]
fn nothing_is_compiled_for_javascript() {
    let home = directory();
    let program = home.path().join("mite");
    Running::start(command(&["carry"]).arg(&program)).wait().expect(0);
    std::fs::copy(root().join("journeys/js/cases.js"), home.path().join("cases.js")).expect("a copy");
    Running::start(&mut of(&program, home.path(), &["build", "cases.js"])).wait().expect(0);
    Running::start(&mut of(&program, home.path(), &["journey", "run", "cases.wasm:hello"])).wait().expect(0);
    assert_eq!(made(home.path()), Vec::<String>::new(), "all was there");

    // One that carries writes one that carries the same, and no more.
    let again = home.path().join("again");
    Running::start(of(&program, home.path(), &["carry"]).arg(&again)).wait().expect(0);
    let size = |path: &Path| std::fs::metadata(path).expect("a program").len();
    assert!(size(&again).abs_diff(size(&program)) < 1 << 20, "{} and {}", size(&again), size(&program));
}

//! Components of others are compiled by a process of their own: what is too much for it ends it, and nobody else.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, test_kill_process};
use tests::program::{Ended, Running, command, component, eventually, mite, run};
use tests::{bombs, files};

fn file(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

/// With a cache of its own, so that nothing is compiled already.
fn inspect(cache: &Path, arguments: &[&str]) -> Ended {
    start(cache, arguments).wait()
}

fn start(cache: &Path, arguments: &[&str]) -> Running {
    Running::start(command(&[&["inspect"], arguments].concat()).env("MITE_CACHE_DIR", cache))
}

/// Ends with a code of its own and one line that a person can use.
#[track_caller]
fn refused(ended: &Ended, words: &str, why: &str) {
    assert_eq!(ended.code(), 104, "{why}: {ended:?}");
    let message = ended.stderr.lines().filter(|line| line.starts_with("mite: ")).collect::<Vec<_>>();
    assert_eq!(message.len(), 1, "{why}: {}", ended.stderr);
    assert!(message[0].contains(words), "{why}: no `{words}` in {}", message[0]);
    assert!(message[0].len() < 20_000 && !ended.stderr.contains("panicked"), "{why}: {:.2000}", ended.stderr);
}

#[test]
fn bombs_end_the_compiler_and_nobody_else() {
    let directory = files::directory();
    for (name, bytes, words, why) in [
        (
            "functions",
            bombs::million_functions(),
            "takes more than 1 s of CPU (--compile-timeout)",
            "a million functions",
        ),
        (
            "locals",
            bombs::many_locals(),
            "takes more than 1 s of CPU (--compile-timeout)",
            "a function of 49,000 locals",
        ),
        ("table", bombs::huge_table(), "br_table", "jumps to half a million places"),
        ("blocks", bombs::deep_blocks(), "can't be", "blocks in blocks"),
        ("imports", bombs::many_imports(), "does not have export", "ten thousand imports of a module"),
        ("strange", bombs::strange_imports(10_000), "number99@1.0.0 and 9900 more", "ten thousand of a component"),
        ("components", bombs::deep_components(), "is not", "components in components"),
    ] {
        let path = file(directory.path(), &format!("{name}.wasm"), &bytes);
        let ended = inspect(&directory.path().join("cache"), &[&path, "--compile-timeout=1"]);
        refused(&ended, words, why);
    }
}

/// All that a component that is found here goes through, one that comes from a controller does as well.
#[test]
fn what_is_no_component_is_refused_before_it_is_compiled() {
    let directory = files::directory();
    let cache = directory.path().join("cache");
    let load = component("load.wasm").display().to_string();
    inspect(&cache, &[&load]).expect(0);
    let is_code = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "code");
    let kept = files_in(&cache).into_iter().find(is_code).expect("its code is kept");
    let code = std::fs::read(&kept).expect("its code");
    let elf = code.windows(4).position(|four| four == b"\x7fELF").expect("machine code is ELF");
    let path = file(directory.path(), "compiled.wasm", &code[elf..]);
    refused(&inspect(&cache, &[&path]), "is compiled machine code", "what this very program has compiled");
    let large = directory.path().join("large.wasm");
    std::fs::File::create(&large).and_then(|file| file.set_len((100 << 20) + 1)).expect("a file");
    refused(&inspect(&cache, &[&large.display().to_string()]), "may have 100 MiB: see --component-size", "too large");
    let python = component("python.wasm").display().to_string();
    refused(&inspect(&cache, &[&python, "--component-size=20"]), "may have 20 MiB", "larger than was allowed");
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

/// What others may have changed is neither run nor believed, and said once.
#[test]
fn code_that_was_changed_is_compiled_anew() {
    let directory = files::directory();
    let (cache, load) = (directory.path().join("cache"), component("load.wasm").display().to_string());
    let whole = |ended: Ended| ended.expect(0).stderr;
    assert_eq!(whole(inspect(&cache, &[&load])), "", "compiled");
    let code = files_in(&cache).into_iter().find(|path| path.extension().is_some()).expect("its code is kept");
    let good = std::fs::read(&code).expect("its code");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&code, bad).expect("it is ours");
    let said = whole(inspect(&cache, &[&load]));
    assert!(said.contains("is not what this program has written there"), "{said}");
    assert_eq!(std::fs::read(&code).expect("its code").len(), good.len(), "it was compiled anew");
    assert_eq!(whole(inspect(&cache, &[&load])), "", "and that is that");
    let away = directory.path().join("away");
    std::fs::rename(&code, &away).expect("it is ours");
    std::os::unix::fs::symlink(&away, &code).expect("a link");
    assert!(whole(inspect(&cache, &[&load])).contains("it is a symbolic link"));
    assert!(std::fs::symlink_metadata(&code).expect("it is there").is_file(), "the link is gone");
}

/// What the process that compiles has bound itself to before it looks at what it gets.
#[test]
fn the_compiler_is_bounded() {
    let mut command = Command::new(mite());
    command.args(["compile", "--cpu-seconds=7", "--memory=4000000000"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let proc = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    let limits = eventually("it is bounded", || {
        let limits = proc("limits");
        limits
            .lines()
            .any(|line| line.starts_with("Max address space") && line.contains("4000000000"))
            .then_some(limits)
    });
    for (limit, want) in [
        ("Max cpu time", ["7", "8"]),
        ("Max file size", ["0", "0"]),
        ("Max core file size", ["0", "0"]),
        ("Max open files", ["32", "32"]),
        ("Max address space", ["4000000000", "4000000000"]),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit)).unwrap_or_else(|| panic!("{limits}"));
        assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), want, "{limit}");
    }
    assert!(proc("status").contains("NoNewPrivs:\t1"), "{}", proc("status"));
    assert_eq!(proc("oom_score_adj").trim(), "1000", "where memory runs out it goes first");
    let bytes = std::fs::read(component("load.wasm")).expect("a component");
    child.stdin.take().expect("piped").write_all(&bytes).expect("it reads");
    let compiled = child.wait_with_output().expect("it ends");
    assert!(compiled.status.success() && compiled.stderr.is_empty(), "{}", String::from_utf8_lossy(&compiled.stderr));
    assert!(compiled.stdout.starts_with(b"\x7fELF"), "machine code");
    let help = run(&["--help"]).expect(0).stdout;
    assert!(!help.lines().any(|line| line.trim_start().starts_with("compile ")), "it is for nobody else: {help}");
}

/// However its program ends, it doesn't go on alone.
#[test]
fn the_compiler_ends_with_its_program() {
    let directory = files::directory();
    let path = file(directory.path(), "bomb.wasm", &bombs::many_locals());
    for signal in [Signal::KILL, Signal::TERM] {
        let program = start(&directory.path().join("cache"), &[&path, "--compile-timeout=600"]);
        let compiler = eventually("it compiles", || child_of(program.pid()));
        program.signal(signal);
        eventually("the compiler has ended", || test_kill_process(compiler).is_err().then_some(()));
    }
}

fn child_of(process: u32) -> Option<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let numbers = children.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    numbers.filter_map(|number| Pid::from_raw(number.parse().ok()?)).next()
}

//! Projects from `mite new` to the run, in each language, as their authors have them: new, built, run, tested, watched, broken.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::files;
use tests::program::{Ended, Running, command, eventually, eventually_within, mite, root};
use tests::servers::Playground;

/// What no build takes, however busy the machine is.
const BUILD_MAX: Duration = Duration::from_secs(600);

/// A directory with one project in it, `shop`.
struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new(language: &str) -> Self {
        let desk = Self { directory: files::directory() };
        let made = desk.outside(&["new", "shop", "--lang", language]).expect(0);
        assert!(made.stdout.starts_with("shop: "), "{}", made.stdout);
        desk
    }

    fn project(&self) -> PathBuf {
        self.directory.path().join("shop")
    }

    /// A command of mite in the project.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        as_author(command.current_dir(self.project()));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        built(&mut self.command(arguments))
    }

    /// Beside the project.
    fn outside(&self, arguments: &[&str]) -> Ended {
        let mut command = command(arguments);
        Running::start(command.current_dir(self.directory.path())).wait()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.project().join(file);
        let text = std::fs::read_to_string(&path).expect("a source");
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(path, text.replace(from, to)).expect("a source");
    }
}

/// Runs what builds, which has no limit of its own but mite's or cargo's.
fn built(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// What is built is kept for the next time; Python is that of the tests.
fn as_author(command: &mut Command) {
    command.env("CARGO_TARGET_DIR", root().join("target/projects")).env("MITE", mite());
    command.env("MITE_PYTHON", root().join("target/venv/bin/python")).env_remove("VIRTUAL_ENV");
}

/// From `mite new` to a run, in any language.
fn lives(desk: &Desk) {
    let playground = Playground::start();
    let url = format!("--add-to-config=url:{}", playground.url);
    let built = desk.run(&["build", "-o", "made.wasm"]).expect(0);
    assert!(built.stdout.starts_with("made.wasm built from . in "), "{}", built.stdout);
    let again = desk.run(&["build", "-o", "made.wasm"]).expect(0);
    assert_eq!(again.stdout, "made.wasm is up to date\n");
    desk.run(&["journey", "run", "made.wasm:search", "made.wasm:users", &url]).expect(0);
    assert_eq!(playground.requests(), 3, "built: the log-in, the page it leads to, the search");
    let ran = desk.run(&["journey", "run", ".:search", ".:users", &url]).expect(0);
    assert_eq!(playground.requests(), 6, "from its source: {}", ran.stderr);
    let tested = desk.run(&["scenario", "test", ".:peak", &url, "--add-to-config=seconds:0.5"]).expect(0);
    assert!(playground.requests() > 9, "{}", tested.stdout);
}

/// What is wrong in a source is said with its place, and nothing of before is taken for it.
fn says_where(desk: &Desk, place: &str) {
    let ended = desk.run(&["journey", "run", ".:search", ".:users"]).expect(104);
    assert!(ended.stderr.contains(place), "no `{place}` in {}", ended.stderr);
    assert!(ended.stderr.contains("mite: ") && ended.stderr.contains(" can't be built"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_rust_project() {
    let desk = Desk::new("rust");
    // The versions that everything else here has: nothing has to be fetched.
    std::fs::copy(root().join("Cargo.lock"), desk.project().join("Cargo.lock")).expect("a copy");
    lives(&desk);
    let mut cargo = Command::new("cargo");
    as_author(cargo.arg("test").current_dir(desk.project()));
    let tested = built(&mut cargo).expect(0);
    assert!(tested.stdout.contains("test result: ok. 2 passed"), "{}", tested.stdout);
    let inspected = desk.run(&["inspect", ".", "--json"]).expect(0);
    let found: serde_json::Value = serde_json::from_str(&inspected.stdout).expect("JSON");
    assert_eq!((&found["journeys"][0], &found["language"]), (&"search".into(), &"rust".into()), "{found}");
    desk.edit("src/lib.rs", "sleep(0.5 + random())", "slep(0.5)");
    says_where(&desk, "src/lib.rs:30:5");
}

#[test]
fn a_python_project() {
    let desk = Desk::new("python");
    lives(&desk);
    let mut unittest = Command::new(root().join("target/venv/bin/python"));
    as_author(unittest.args(["-m", "unittest"]).current_dir(desk.project()));
    let tested = Running::start(&mut unittest).wait().expect(0);
    assert!(tested.stderr.contains("Ran 2 tests") && tested.stderr.contains("\nOK\n"), "{}", tested.stderr);
    watched(&desk, "Python", "journeys.py", ("if response.status_code != 200", "if response.status_code != 201"));
    desk.edit("journeys.py", "await sleep", "await slep(");
    says_where(&desk, "journeys.py:27");
}

/// In JavaScript and in TypeScript.
fn a_project_of_scripts(language: &str, mistake: &str) {
    let desk = Desk::new(language);
    lives(&desk);
    // As `npm install` does it.
    let scope = desk.project().join("node_modules/@mite");
    std::fs::create_dir_all(&scope).expect("a directory");
    std::os::unix::fs::symlink("../../.mite/sdk/js", scope.join("sdk")).expect("a link");
    let mut node = Command::new("node");
    as_author(node.args(["--test", "journeys.test.js"]).current_dir(desk.project()));
    let tested = built(&mut node).expect(0);
    assert!(tested.stdout.contains("pass 2"), "{}", tested.stdout);
    let file = format!("journeys.{language}");
    if language == "ts" {
        // With its types, which Node would not take.
        watched(&desk, "Node", &file, ("check(answer.status === 200, `${user", "check(answer.status === 201, `${user"));
    }
    desk.edit(&file, "await sleep(", "await sleep((");
    says_where(&desk, mistake);
}

#[test]
fn a_javascript_project() {
    a_project_of_scripts("js", "journeys.js:16:");
}

#[test]
fn a_typescript_project() {
    a_project_of_scripts("ts", "journeys.ts:21:");
}

/// A program whose output goes to a file, so that it can be read while it runs.
struct Watched {
    child: Child,
    out: PathBuf,
}

impl Watched {
    fn start(command: &mut Command, out: PathBuf) -> Self {
        let file = File::create(&out).expect("a file");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::null()).spawn().expect("it starts");
        Self { child, out }
    }

    /// The line that begins so, the first behind `after` others, once it is there.
    fn line(&self, prefix: &str, after: usize) -> String {
        eventually_within(BUILD_MAX, prefix, || {
            let text = std::fs::read_to_string(&self.out).expect("its output");
            text.lines().filter(|line| line.starts_with(prefix)).nth(after).map(str::to_owned)
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A save runs the journey, here first and then as a component.
fn watched(desk: &Desk, host: &str, file: &str, (right, wrong): (&str, &str)) {
    let host = &format!("in {host} itself");
    let playground = Playground::start();
    let url = format!("--add-to-config=url:{}", playground.url);
    let mut watch = desk.command(&["watch", ".:search", ".:users", &url]);
    let mut watched = Watched::start(&mut watch, desk.directory.path().join("out"));
    let well = |line: String| assert!(line.contains(": went well, first request "), "{line}");
    well(watched.line(host, 0));
    well(watched.line("as a component", 0));
    watched.line("waiting for", 0);
    assert_eq!(playground.requests(), 6, "a run each");
    desk.edit(file, right, wrong);
    let failed = watched.line(host, 1);
    assert!(failed.contains(": failed, first request "), "{failed}");
    watched.line("waiting for", 1);
    assert_eq!(playground.requests(), 8, "what fails there is not built");
    let pid = Pid::from_raw(watched.child.id().cast_signed()).expect("a child has a number");
    kill_process(pid, Signal::INT).expect("it is there");
    let ended = eventually("its end", || watched.child.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(0), "it runs until told");
}

#[test]
fn what_can_not_be_built_says_so() {
    let desk = files::directory();
    let at = |name: &str| desk.path().join(name).display().to_string();
    for file in ["journeys.py", "notes.txt", "lib.rs", "full/x", "virtual/Cargo.toml"] {
        std::fs::create_dir_all(Path::new(&at(file)).parent().expect("in a directory")).expect("a directory");
        std::fs::write(at(file), "").expect("a file");
    }
    let fails = |arguments: &[&str], python: &str, words: &[&str]| {
        let ended = Running::start(command(arguments).env("MITE_PYTHON", python)).wait().expect(104);
        let said = ended.stderr.lines().last().unwrap_or_default();
        assert!(said.starts_with("mite: "), "{}", ended.stderr);
        words.iter().for_each(|word| assert!(said.contains(word), "{arguments:?}: no `{word}` in {said}"));
        assert_eq!(ended.stdout, "", "{arguments:?}");
    };
    fails(&["build", &at("gone.py")], "python3", &["there is no", "gone.py"]);
    fails(&["build", &at("notes.txt")], "python3", &["notes.txt", ".py, .js or .ts"]);
    fails(&["build", &at("lib.rs")], "python3", &["the directory of its Cargo package"]);
    fails(&["build", &at("full")], "python3", &["full", "Cargo.toml", "journeys.py"]);
    fails(&["build", &at("virtual")], "python3", &["virtual", "can't be built"]);
    fails(&["build", &at("journeys.py")], "no-such-python", &["Python 3.11 or newer", "MITE_PYTHON"]);
    let py = format!("{}:visit", at("journeys.py"));
    fails(&["scenario", "test", &py], "no-such-python", &["Python 3.11 or newer"]);
    fails(&["new", &at("full"), "--lang", "rust"], "python3", &["is there already", "another name"]);
    fails(&["new", &at("2shop"), "--lang", "rust"], "python3", &["2shop", "a letter first"]);
    fails(&["watch", "load:load"], "python3", &["load:load", "journeys.py:name"]);
    fails(&["inspect", &at("gone.wasm")], "python3", &["there is no file", "gone.wasm"]);
}

#[test]
fn a_doctor_says_what_works() {
    let mut well = command(&["doctor"]);
    as_author(&mut well);
    let said = Running::start(&mut well).wait().expect(0).stdout;
    for line in ["Rust        works: cargo ", "Python      works: Python 3."] {
        assert!(said.contains(line), "{said}");
    }
    let nothing = files::directory();
    let mut ill = command(&["doctor"]);
    ill.env("PATH", nothing.path()).env("MITE_PYTHON", "python3");
    let said = Running::start(&mut ill).wait().stdout;
    for line in
        ["Rust        does not work: nothing found", "https://rustup.rs", "Python      does not work", "MITE_PYTHON"]
    {
        assert!(said.contains(line), "no `{line}` in {said}");
    }
}

#[test]
fn a_component_says_what_it_is() {
    let said = Running::start(&mut command(&["inspect", "shop"])).wait().expect(0).stdout;
    for line in ["journeys       buy", "scenarios      shop", "datapools      users", "language       rust"] {
        assert!(said.contains(&format!("{line}\n")), "no `{line}` in {said}");
    }
    assert!(
        said.contains("may            ") && said.contains("send HTTP requests (mite:journey/http@0.1.0)"),
        "{said}"
    );
    let processors = Running::start(&mut command(&["inspect", "processors"])).wait().expect(0).stdout;
    assert!(processors.contains("\nprocessors     ") && !processors.contains("journeys "), "{processors}");
    let json = Running::start(&mut command(&["inspect", "shop", "--json"])).wait().expect(0).stdout;
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let bytes = std::fs::metadata(tests::program::component("shop.wasm")).expect("it is there").len();
    assert_eq!(found["bytes"], bytes);
    assert!(found["memory"]["initial_bytes"].as_u64().is_some_and(|bytes| bytes >= 65_536), "{found}");
    assert!(found["sha256"].as_str().is_some_and(|digest| said.contains(digest)), "{found}");
}

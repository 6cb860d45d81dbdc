//! The SDKs as packages of their languages: built, looked into, installed, used.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tests::files::directory;
use tests::program::{Running, command, root};
use tests::servers::Playground;

fn python() -> std::path::PathBuf {
    root().join("target/venv/bin/python")
}

/// What the program prints, which has to end well.
fn said(command: &mut Command) -> String {
    Running::start(command).wait().expect(0).stdout
}

fn build(out: &Path) {
    let made = said(Command::new(root().join("sdk/packages.sh")).arg(out).env("PYTHON", python()));
    let names: Vec<_> = made.lines().collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        names,
        [format!("mite-{version}-py3-none-any.whl"), format!("mite-sdk-{version}.tgz")],
        "as `mite --version`"
    );
}

/// The files of the SDK that match, by their names in it.
fn sources(sdk: &str, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let all = said(Command::new("git").args(["ls-files", "."]).current_dir(root().join(sdk)));
    all.lines().filter(|name| wanted(name)).map(str::to_owned).collect()
}

#[test]
fn a_wheel_and_a_tarball() {
    let out = directory();
    build(out.path());
    the_wheel(out.path());
    the_tarball(out.path());
}

/// For any Python and machine, with types, and nothing forgotten.
fn the_wheel(out: &Path) {
    let wheel = out.join(format!("mite-{}-py3-none-any.whl", env!("CARGO_PKG_VERSION")));
    let list = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
    let names = said(Command::new(python()).args(["-c", list]).arg(&wheel));
    let names: BTreeSet<_> = names.lines().filter(|name| !name.contains(".dist-info/")).map(str::to_owned).collect();
    let is_code = |name: &str| name.starts_with("mite") && [".py", ".typed"].iter().any(|end| name.ends_with(end));
    let code: BTreeSet<_> = names.iter().filter(|name| !name.ends_with(".wit")).cloned().collect();
    assert_eq!(code, sources("sdk/python", is_code), "all of it and nothing else");
    let wit: BTreeSet<_> = names.iter().filter_map(|name| name.strip_prefix("mite/wit/")).map(str::to_owned).collect();
    assert_eq!(wit, sources("wit", |_| true), "the interface that it is built against");

    let home = out.join("python");
    let installed = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"];
    said(Command::new(python()).args(installed).args([&home, &wheel]));
    let playground = Playground::start();
    let mut local = Command::new(python());
    local.args(["-m", "mite.local", "journeys/python/cases.py:http_get"]).current_dir(root());
    local.arg(format!("--add-to-config=url:{}", playground.url)).env("PYTHONPATH", &home);
    assert!(said(&mut local).contains("http_metrics"), "a journey runs with it");
}

/// With types and the local host; its journey runs in Node, and becomes a component.
fn the_tarball(out: &Path) {
    let home = out.join("node");
    std::fs::create_dir(&home).expect("a directory");
    std::fs::write(home.join("package.json"), r#"{"name": "mine", "type": "module"}"#).expect("a file");
    let tarball = out.join(format!("mite-sdk-{}.tgz", env!("CARGO_PKG_VERSION")));
    let install = ["install", "--offline", "--no-audit", "--no-fund", "--silent"];
    said(Command::new("npm").args(install).arg(&tarball).current_dir(&home));
    let package = home.join("node_modules/@mite/sdk");
    let installed = said(Command::new("find").args([".", "-type", "f"]).current_dir(&package));
    let installed: BTreeSet<_> =
        installed.lines().filter_map(|name| name.strip_prefix("./")).map(str::to_owned).collect();
    let is_part = |name: &str| {
        ["src/", "local/"].iter().any(|folder| name.starts_with(folder))
            || ["index.d.ts", "processor.d.ts", "package.json", "README.md"].contains(&name)
    };
    assert_eq!(installed, sources("sdk/js", is_part), "all of it and nothing else");
    let journey = "import { journey, check } from '@mite/sdk';\nexport const one = journey(async (ctx) => { check(1 + 1 === 2); ctx.send('seen', { n: 7 }); });\n";
    std::fs::write(home.join("mine.js"), journey).expect("a file");
    let run = "import { run } from '@mite/sdk/local'; import * as script from './mine.js'; \
        console.log(JSON.stringify((await run(script, 'one')).messages));";
    let messages = said(Command::new("node").args(["--input-type=module", "-e", run]).current_dir(&home));
    assert!(messages.contains(r#"{"n":7,"type":"seen""#) && !messages.contains("exception"), "{messages}");
    let built = Running::start(command(&["build", "mine.js"]).current_dir(&home)).wait().expect(0);
    assert!(home.join("mine.wasm").is_file(), "{}", built.stderr);
}

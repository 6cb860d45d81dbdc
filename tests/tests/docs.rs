//! The manual: its commands run and end as it says, its Rust compiles, its links lead somewhere, and no option is missing.
//!
//! How blocks of README.md and docs/*.md are marked: `sh` runs, and ends with 0; `sh exit=99` ends with 99; `file=src/lib.rs`
//! after any language is a file that the commands of the page need; other `rust` is compiled; all else is only to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::program::{Running, command, mite, root, run};

/// Where the manual's playground listens.
const PLAYGROUND: &str = "127.0.0.1:14380";
/// Pages about programs that have options of their own, or that come later.
const OTHER_OPTIONS: [&str; 1] = ["docs/benchmarks.md"];
struct Page {
    /// Below the repository.
    name: String,
    text: String,
}

struct Block {
    /// `docs/running.md:12`
    place: String,
    /// What stands behind the backticks.
    words: Vec<String>,
    text: String,
}

impl Block {
    fn language(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }
}

fn pages() -> Vec<Page> {
    let entries = std::fs::read_dir(root().join("docs")).expect("the manual");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    let read = |name: String| Page { text: std::fs::read_to_string(root().join(&name)).expect("a page"), name };
    names.into_iter().map(read).collect()
}

impl Page {
    /// Its blocks of code, and its other lines with their numbers.
    fn parts(&self) -> (Vec<Block>, Vec<(usize, &str)>) {
        let (mut blocks, mut prose, mut open) = (Vec::new(), Vec::new(), None::<Block>);
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push(block),
                (Some(info), None) => {
                    let words = info.split_whitespace().map(str::to_owned).collect();
                    open = Some(Block { place: format!("{}:{number}", self.name), words, text: String::new() });
                }
                (None, Some(mut block)) => {
                    block.text += line;
                    block.text += "\n";
                    open = Some(block);
                }
                (None, None) => prose.push((number, line)),
            }
        }
        assert!(open.is_none(), "{}: a block of code has no end", self.name);
        (blocks, prose)
    }

    fn blocks(&self) -> Vec<Block> {
        self.parts().0
    }

    /// The names that its headings can be linked by, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let (_, prose) = self.parts();
        let headings = prose
            .iter()
            .filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
        let kept = |character: char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
        headings
            .map(|heading| heading.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
            .collect()
    }

    /// What it links to, with the lines.
    fn links(&self) -> Vec<(usize, String)> {
        let (_, prose) = self.parts();
        let of_line = |line: &str| {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            targets.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
        };
        prose
            .into_iter()
            .flat_map(|(number, line)| of_line(line).into_iter().map(move |target| (number, target)))
            .collect()
    }
}

/// A place to follow the manual in, laid out as it says: the checkout is `mite`, and each page has a directory beside it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a directory"));
        symlink(root(), desk.0.path().join("mite")).expect("a link to the checkout");
        // What is built here is kept for the next time.
        let kept = root().join("target/docs");
        std::fs::create_dir_all(&kept).expect("a directory to build in");
        if !kept.join("journeys").is_dir() {
            symlink(root().join("target/journeys"), kept.join("journeys")).expect("a link to the journeys");
        }
        desk
    }

    /// A directory that looks like the checkout after `make build`. The versions of packages are those of the checkout.
    fn directory(&self, name: &str) -> PathBuf {
        let directory = self.0.path().join(name);
        std::fs::create_dir(&directory).expect("a directory of its own");
        symlink(root().join("target/docs"), directory.join("target")).expect("a link to what is built");
        std::fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock")).expect("a copy");
        directory
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a directory");
    std::fs::write(path, text).expect("a file");
}

/// The environment that readers have: the program is found, cargo builds where it always does.
fn as_reader(command: &mut Command, directory: &Path) {
    let program = mite();
    let programs = [program.parent().expect("in a directory").to_owned(), root().join("target/venv/bin")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&path))).expect("a search path");
    command.current_dir(directory).env("PATH", path).env_remove("CARGO_TARGET_DIR").env_remove("MITE_PATH");
    // As if the Python package were installed.
    command.env("PYTHONPATH", root().join("sdk/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("NO_COLOR", "1").env("MITE_CACHE_DIR", root().join("target/test-cache"));
    command.env("MITE_PYTHON", root().join("target/venv/bin/python"));
}

/// All `rust` blocks as modules of one package.
fn compile_examples(desk: &Desk, pages: &[Page]) {
    let readme = pages[0].blocks();
    let manifest = readme.iter().find(|block| block.word("file") == Some("Cargo.toml")).expect("the first journey");
    let directory = desk.directory("examples");
    write(&directory.join("Cargo.toml"), &manifest.text.replace("\"first\"", "\"examples\""));
    let mut source = "#![allow(dead_code, unused_imports)]\n".to_owned();
    for page in pages.iter().skip(1) {
        let blocks = page.blocks();
        // Files are compiled by the commands of their page.
        for block in blocks.iter().filter(|block| block.language() == "rust" && block.word("file").is_none()) {
            let name: String = block.place.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            source += &format!("mod {name} {{\nuse mite_sdk::prelude::*;\n{}}}\n", block.text);
        }
    }
    write(&directory.join("src/lib.rs"), &source);
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-wasip2"]);
    as_reader(&mut cargo, &directory);
    let built = cargo.output().expect("cargo runs");
    assert!(built.status.success(), "{}\nin\n{source}", String::from_utf8_lossy(&built.stderr));
}

fn follow(desk: &Desk, page: &Page) {
    let blocks = page.blocks();
    if !blocks.iter().any(|block| block.language() == "sh") {
        return;
    }
    let directory = desk.directory(&page.name.replace(['/', '.'], "_"));
    for block in &blocks {
        if let Some(file) = block.word("file") {
            write(&directory.join(file), &block.text);
        } else if block.language() == "sh" {
            let mut bash = Command::new("bash");
            bash.args(["-euo", "pipefail", "-c", &block.text]);
            as_reader(&mut bash, &directory);
            let expected = block.word("exit").map_or(0, |code| code.parse().expect("a number behind exit="));
            let ended = Running::start(&mut bash).wait();
            let (code, out, err) = (ended.code(), &ended.stdout, &ended.stderr);
            assert_eq!(code, expected, "{}:\n{}\nstdout:\n{out}\nstderr:\n{err}", block.place, block.text);
        }
    }
}

#[test]
fn examples_compile_and_commands_run() {
    let (pages, desk) = (pages(), Desk::new());
    compile_examples(&desk, &pages);
    drop(TcpListener::bind(PLAYGROUND).unwrap_or_else(|error| {
        panic!("the commands of the manual need {PLAYGROUND} for their playground, and it can't be had: {error}")
    }));
    let playground = Running::start(&mut command(&["playground", "--address", PLAYGROUND]));
    playground.line("playground: listening on ");
    for page in &pages {
        follow(&desk, page);
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<PathBuf, BTreeSet<String>> =
        pages.iter().map(|page| (real(&root().join(&page.name)), page.anchors())).collect();
    for page in &pages {
        let here = root().join(&page.name);
        for (line, target) in page.links().into_iter().filter(|(_, target)| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let there = if file.is_empty() { here.clone() } else { here.with_file_name("").join(file) };
            assert!(there.exists(), "{}:{line}: `{target}` leads nowhere", page.name);
            let found = anchors.get(&real(&there)).is_some_and(|anchors| anchors.contains(anchor));
            assert!(anchor.is_empty() || found, "{}:{line}: `{target}` names no heading", page.name);
        }
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// All commands and the options that their help names.
fn options() -> BTreeMap<String, BTreeSet<String>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![Vec::<String>::new()]);
    while let Some(words) = left.pop() {
        let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run(&arguments).expect(0).stdout;
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        left.extend(names.map(|name| words.iter().cloned().chain([name.to_owned()]).collect()));
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        found.insert(words.join(" "), lines.flat_map(long_options).collect());
    }
    found
}

fn long_options(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.len() > 2 && word.starts_with("--") && !word.starts_with("---")).map(str::to_owned)
}

#[test]
fn every_option_is_in_the_manual_and_no_other() {
    let (pages, options) = (pages(), options());
    let named: BTreeSet<String> = pages.iter().flat_map(|page| long_options(&page.text)).collect();
    assert!(options.contains_key("scenario test") && options.contains_key("playground"), "{options:?}");
    for (command, options) in &options {
        let missing: Vec<_> = options.iter().filter(|it| !named.contains(*it)).collect();
        assert!(missing.is_empty(), "`mite {command}` has options that the manual doesn't name: {missing:?}");
    }
    let known: BTreeSet<&String> = options.values().flatten().collect();
    for page in pages.iter().filter(|page| !OTHER_OPTIONS.contains(&page.name.as_str())) {
        for (line, text) in page.parts().1 {
            // Those that a span of code begins with: what follows a program's name may be another program's.
            let spans = text.split('`').skip(1).step_by(2).filter(|span| span.starts_with("--"));
            for option in spans.filter_map(|span| long_options(span).next()) {
                assert!(known.contains(&option), "{}:{line}: no command has `{option}`", page.name);
            }
        }
    }
}

#[test]
fn no_page_knows_this_machine() {
    let here = root().display().to_string();
    let home = std::env::var("HOME").map_or("/home".into(), |home| format!("{home}/"));
    for page in pages() {
        for (line, text) in (1..).zip(page.text.lines()) {
            let own = [here.as_str(), &home, "/home/", "/Users/"].into_iter().find(|own| text.contains(own));
            assert!(own.is_none(), "{}:{line}: `{}` is a path of one machine", page.name, own.unwrap_or_default());
        }
    }
}

//! Packages of npm that are CommonJS, and what TypeScript has of its own, in a component.

use std::path::Path;

use serde_json::{Value, json};
use tests::files::json as as_json;
use tests::program::{Ended, Running, command, root};
use tests::trial::Trial;

/// Real packages, which `make parts` installs, and small ones that have what those haven't.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    std::fs::create_dir_all(home.path().join("node_modules")).expect("a directory");
    for package in ["ms", "dayjs", "semver", "debug"] {
        let there = root().join("target/npm/node_modules").join(package);
        assert!(there.is_dir(), "{} isn't there: `make parts` installs it", there.display());
        std::os::unix::fs::symlink(there, home.path().join("node_modules").join(package)).expect("a link");
    }
    home
}

fn build(home: &Path, entry: &str) -> Ended {
    Running::start(command(&["build", entry, "-o", "app.wasm"]).current_dir(home)).wait()
}

/// The fields of the message that a journey sends.
fn seen(home: &Path, more: &[&str]) -> Value {
    let spec = format!("{}:visit", home.join("app.wasm").display());
    let tested = Trial::new(&[&["journey", "run", &spec], more].concat()).run().expect(0);
    as_json(tested.of_type("seen")[0])["seen"].clone()
}

const APP: &str = r#"import { journey } from "@mite/sdk";
import ms from "ms";
import dayjs from "dayjs";
import { satisfies, default as semver } from "semver";
import Debug from "debug";
import * as odd from "odd";
import { only, default as all } from "./own.cjs";
import data from "./data.json";

// What only a source says.
export const visit = journey(async (ctx) => {
  const { late } = await import("odd");
  let wrong = "";
  try { all.fails(); } catch (error) { wrong = `${error.message} ${error.stack}`; }
  ctx.send("seen", { seen: [
    ms("2 days"), dayjs("2024-02-28").add(2, "day").format("YYYY-MM-DD"), satisfies("1.2.3", "^1.0.0"), semver.valid("v2.0.0"),
    typeof Debug("x"), odd.name, odd.default.count, odd.mode, late, only, all.same(data), all.sloppy, /own\.cjs:7:\d+/.test(wrong), wrong.split(":")[0],
  ] });
});
"#;
const OWN: &str = r#"#!/usr/bin/env node
exports.only = 010;
exports.same = (data) => require("./data.json") === data && require("./data") === data;
undeclared = "sloppy";
exports.sloppy = undeclared + typeof this + typeof require("./round.cjs").own.only;
let fs; try { fs = require("fs"); /* What only a source says. */ } catch (error) { exports.code = error.code }
exports.fails = function fails() { return require("zlib"); };
"#;

/// Each module once, whoever asks for it; a circle; what only Node has is an error where it is asked for.
#[test]
fn packages_of_commonjs() {
    let home = project(&[
        ("app.js", APP),
        ("own.cjs", OWN),
        ("round.cjs", "exports.own = require('./own.cjs');"),
        ("data.json", "{ \"a\": [1] }"),
        (
            "node_modules/odd/package.json",
            r#"{ "name": "odd", "main": "main.js", "browser": { "./node.js": "./web.js", "os": false } }"#,
        ),
        (
            "node_modules/odd/main.js",
            "'use strict';\nglobalThis.loads = (globalThis.loads ?? 0) + 1;\nmodule.exports = { count: globalThis.loads, ...require('./node') };\n\
             require('os');\nexports.none = 1;\nmodule.exports.mode = process.env.NODE_ENV;\nmodule.exports.late = require(\"./node\").name + 1;",
        ),
        ("node_modules/odd/node.js", "throw new Error('not here')"),
        ("node_modules/odd/web.js", "exports.name = 'web'"),
        (
            "wrong.js",
            "import { journey } from '@mite/sdk';\nimport { none } from 'odd';\nexport const visit = journey(() => none);",
        ),
        (
            "node.js",
            "import { journey } from '@mite/sdk';\nimport x from 'needs';\nexport const visit = journey(() => x);",
        ),
        ("node_modules/needs/package.json", r#"{ "name": "needs" }"#),
        ("node_modules/needs/index.js", "\nconst net = require('net');"),
    ]);
    build(home.path(), "app.js").expect(0);
    let want = json!([
        172_800_000,
        "2024-03-01",
        true,
        "2.0.0",
        "function",
        "web",
        1,
        "production",
        "web1",
        8,
        true,
        "sloppyobjectnumber",
        true,
        "`zlib` is a module of Node"
    ]);
    let component = std::fs::read(home.path().join("app.wasm")).expect("the component");
    let text = b"What only a source says";
    assert!(!component.windows(text.len()).any(|at| at == text), "its modules are compiled");
    assert_eq!(seen(home.path(), &[]), want);
    assert_eq!(seen(home.path(), &["--fresh-instances"]), want, "in the next instance too");
    let wrong = build(home.path(), "wrong.js").expect(104);
    assert!(
        wrong.stderr.contains("node_modules/odd/main.js exports no `none` (imported at wrong.js:2:10)"),
        "{}",
        wrong.stderr
    );
    let node = build(home.path(), "node.js").expect(104);
    let want = "node_modules/needs/index.js:2:21: the package `needs` needs Node: `net` is a module of Node";
    assert!(node.stderr.contains(want), "{}", node.stderr);
}

const TYPED: &str = r#"import { journey, type Context } from "@mite/sdk";
export enum Level { Low, High = 5, Top, Name = "name", Sum = High | 2, Far = Level.Top * 2 }
const enum Hidden { A = "a" }
enum Level2 { B = Level.High }
export enum Level { More = 20 }
namespace Shop.Inner {
  export interface Item { price: number }
  export let visits = 0;
  export const enter = (): number => { visits += 1; return visits; };
  export enum Kind { New = 1 }
  function hidden(): Item { return { price: 3 }; }
  export function price(): number { return hidden().price; }
  export class Box { open = true; }
  export namespace Deep { export const text = "deep"; }
}
class Both { static of = 1; constructor(readonly own: number) {} }
namespace Both { export const more = 2; }
namespace Both { export const all = more + Both.of; }
export const visit = journey((ctx: Context) => {
  enum Local { X = 3 }
  const { Inner } = Shop;
  Inner.enter();
  const seen = [Level.Low, Level[6], Level.Sum, Level.Far, Level.Name, Object.keys(Level).length, Hidden.A, Level2[5], Level.More, Level[20],
    Inner.visits, Inner.Kind[1], Inner.price(), new Inner.Box().open, Inner.Deep.text, Both.all, Local[3], typeof (Inner as any).hidden, new Both(4).own,
    new Error().stack!.match(/app\.ts:(\d+)/)![1]];
  ctx.send("seen", { seen });
});
"#;

/// What is more than a type, and every line where it was.
#[test]
fn enums_namespaces_and_parameters() {
    let home = project(&[("app.ts", TYPED)]);
    build(home.path(), "app.ts").expect(0);
    let want = json!([
        0,
        "Top",
        7,
        12,
        "name",
        13,
        "a",
        "B",
        20,
        "More",
        1,
        "New",
        3,
        true,
        "deep",
        3,
        "X",
        "undefined",
        4,
        "25"
    ]);
    assert_eq!(seen(home.path(), &[]), want);
}

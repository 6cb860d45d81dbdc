//! Scripts of several files, as their authors keep them.

use std::path::PathBuf;

use super::graph;
use super::resolve::{By, Meant, resolve};

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    root
}

#[test]
fn all_that_an_entry_leads_to() {
    let root = project(&[
        (
            "app/main.ts",
            "import { a } from './lib/a.js'; import data from '../data.json'; import { journey } from '@mite/sdk'; import z from 'pkg/sub'; a; data; journey; z",
        ),
        ("app/lib/a.ts", "export { default as a } from '../main.ts'"),
        ("data.json", "{ \"x\": 1 }"),
        (
            "node_modules/pkg/package.json",
            r#"{ "exports": { ".": "./no.js", "./*": { "require": "./no.js", "import": "./es/*.mjs" } } }"#,
        ),
        ("node_modules/pkg/es/sub.mjs", "export default 1"),
    ]);
    let script = graph::read(&root.path().join("app/main.ts")).expect("a script");
    let names: Vec<_> = script.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["main.ts", "lib/a.ts", "../node_modules/pkg/es/sub.mjs", "../data.json"]);
    assert_eq!(script.modules[0].imports["./lib/a.js"], "lib/a.ts");
    assert_eq!(script.modules[1].imports["../main.ts"], "main.ts", "a circle ends");
    assert_eq!(script.commonjs[0].source, "module.exports = { \"x\": 1 };");
}

#[test]
fn what_is_not_there_is_named() {
    let root = project(&[
        ("fs.js", "\nimport fs from 'fs';"),
        ("node.js", "import x from 'node:path'"),
        ("none.js", "import './none/at/all.js'"),
        ("bare.js", "let a;\n import x from 'lodash/map'"),
        ("json.js", "import x from './x.json'"),
        ("x.json", "{,}"),
        ("cjs.js", "import x from 'old'"),
        ("needs.js", "import x from 'old/node.js'"),
        ("both.js", "import './old.cjs'"),
        ("old.cjs", "try { require('./new.mjs') } catch {}\nrequire('./new.mjs')"),
        ("new.mjs", ""),
        ("entry.js", "exports.a = 1"),
        ("node_modules/old/package.json", r#"{ "name": "old", "main": "index" }"#),
        ("node_modules/old/node.js", "exports.a = 1;\n require('fs')"),
        ("node_modules/old/index.js", "module.exports = require('x')"),
    ]);
    for (entry, want) in [
        ("fs.js", "fs.js:2:16: `fs` is a module of Node"),
        ("node.js", "node.js:1:15: `node:path` is a module of Node"),
        ("none.js", "none.js:1:8: there is no module `./none/at/all.js`"),
        ("bare.js", "bare.js:2:16: there is no package `lodash`"),
        ("json.js", "x.json:1:2:"),
        ("cjs.js", "node_modules/old/index.js:1:26: there is no package `x`"),
        ("needs.js", "node_modules/old/node.js:2:10: the package `old` needs Node: `fs` is a module of Node"),
        ("both.js", "old.cjs:2:9: `./new.mjs` is an ES module, which can't be required"),
        ("entry.js", "entry.js:1:1: a script exports its journeys"),
        ("missing.js", "can't read"),
    ] {
        let error = graph::read(&root.path().join(entry)).expect_err(entry).to_string();
        assert!(error.starts_with(want), "{error}");
    }
}

#[test]
fn packages_say_what_they_offer() {
    let root = project(&[
        ("node_modules/a/package.json", r#"{ "module": "es.js", "main": "no.js" }"#),
        ("node_modules/a/es.js", ""),
        ("node_modules/@s/b/package.json", r#"{ "exports": { "types": "./no.d.ts", "default": "./b.js" } }"#),
        ("node_modules/@s/b/b.js", ""),
        ("node_modules/c/index.js", ""),
        (
            "node_modules/d/package.json",
            r#"{ "exports": { "import": "./d.mjs", "require": { "default": "./d.cjs" } }, "browser": { "./node.js": "./web.js", "fs": false } }"#,
        ),
        ("node_modules/d/d.mjs", ""),
        ("node_modules/d/d.cjs", ""),
        ("node_modules/d/node.js", ""),
        ("node_modules/d/web.js", ""),
    ]);
    let from = root.path().join("deep/down/x.js");
    let base = root.path().canonicalize().expect("a directory").join("node_modules");
    let file = |path: &str| -> Result<Meant, String> { Ok(Meant::File(base.join(PathBuf::from(path)))) };
    assert_eq!(resolve("a", &from, By::Import), file("a/es.js"));
    assert_eq!(resolve("@s/b", &from, By::Import), file("@s/b/b.js"));
    assert_eq!(resolve("c", &from, By::Import), file("c/index.js"));
    assert_eq!(resolve("@mite/sdk", &from, By::Import), Ok(Meant::Sdk));
    assert!(resolve("@s/b/inner", &from, By::Import).is_err_and(|what| what.contains("doesn't offer `inner`")));
    assert_eq!(resolve("d", &from, By::Import), file("d/d.mjs"));
    assert_eq!(resolve("d", &from, By::Require), file("d/d.cjs"));
    let within = root.path().join("node_modules/d/d.cjs");
    assert_eq!(resolve("./node", &within, By::Require), file("d/web.js"), "what it has for browsers");
    assert_eq!(resolve("fs", &within, By::Require), Ok(Meant::Empty));
    assert!(resolve("fs", &root.path().join("node_modules/c/index.js"), By::Require).is_err());
}

/// What ES modules import of a module of CommonJS is what the one that stands for it exports.
#[test]
fn commonjs_is_imported() {
    let root = project(&[
        (
            "app.js",
            "import a, { b } from './c.cjs';\nimport * as all from './c.cjs'; import d from './e.json'; all.f; a; b; d",
        ),
        (
            "c.cjs",
            "exports.b = require('./g.cjs'); Object.assign(exports, require('./g.cjs')); exports.h = 1; if (0) require('fs')",
        ),
        ("g.cjs", "require('./c.cjs'); require('./e.json')"),
        ("e.json", "[1]"),
    ]);
    let script = graph::read(&root.path().join("app.js")).expect("a script");
    let names = |modules: &[graph::Module]| modules.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&script.modules), ["app.js", "c.cjs", "e.json"]);
    assert_eq!(names(&script.commonjs), ["c.cjs", "e.json", "g.cjs"]);
    assert_eq!(script.commonjs[2].imports["./c.cjs"], "c.cjs");
    assert!(script.commonjs[0].refused["fs"].contains("`fs` is a module of Node"));
    let facade = &script.modules[1].source;
    assert!(facade.contains("export { all as default }"), "{facade}");
    assert!(facade.contains(r#"named(all, "b", "c.cjs", "app.js:1:13"); export { it0 as "b" }"#), "{facade}");
    for name in ["f", "h"] {
        assert!(facade.contains(&format!("named(all, \"{name}\", \"c.cjs\", null)")), "{facade}");
    }
}

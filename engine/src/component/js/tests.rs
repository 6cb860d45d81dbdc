//! Scripts of several files, as their authors keep them.

use std::path::PathBuf;

use super::graph;
use super::resolve::{Meant, resolve};

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
    assert_eq!(names, ["main.ts", "lib/a.ts", "../data.json", "../node_modules/pkg/es/sub.mjs"]);
    assert_eq!(script.modules[0].imports["./lib/a.js"], "lib/a.ts");
    assert_eq!(script.modules[1].imports["../main.ts"], "main.ts", "a circle ends");
    assert_eq!(script.modules[2].source, "export default { \"x\": 1 };");
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
        ("node_modules/old/package.json", r#"{ "main": "index" }"#),
        ("node_modules/old/index.js", "module.exports = require('x')"),
    ]);
    for (entry, want) in [
        ("fs.js", "fs.js:2:16: `fs` is a module of Node"),
        ("node.js", "node.js:1:15: `node:path` is a module of Node"),
        ("none.js", "none.js:1:8: there is no module `./none/at/all.js`"),
        ("bare.js", "bare.js:2:16: there is no package `lodash`"),
        ("json.js", "x.json:1:2:"),
        ("cjs.js", "node_modules/old/index.js:1:1: this is a CommonJS module"),
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
    ]);
    let from = root.path().join("deep/down/x.js");
    let base = root.path().canonicalize().expect("a directory").join("node_modules");
    let file = |path: &str| -> Result<Meant, String> { Ok(Meant::File(base.join(PathBuf::from(path)))) };
    assert_eq!(resolve("a", &from), file("a/es.js"));
    assert_eq!(resolve("@s/b", &from), file("@s/b/b.js"));
    assert_eq!(resolve("c", &from), file("c/index.js"));
    assert_eq!(resolve("@mite/sdk", &from), Ok(Meant::Sdk));
    assert!(resolve("@s/b/inner", &from).is_err_and(|what| what.contains("doesn't offer `inner`")));
}

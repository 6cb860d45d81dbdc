//! JavaScript and TypeScript: from a source to a component by `mite build`, and what becomes of mistakes.

use std::path::Path;

use serde_json::{Value, json};
use tests::files::{json as as_json, text};
use tests::program::{Ended, Running, command, eventually, root, run};
use tests::servers::Playground;
use tests::trial::Trial;

const HEAD: &str =
    "import { journey, scenario, constant, datapool, volumeModel, check, MiteError, sleep } from '@mite/sdk';\n";

/// A project of files, the first of which is built into `app.wasm`.
struct Project(tempfile::TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        Self(root)
    }

    fn script(text: &str) -> Self {
        Self::new(&[("app.js", &format!("{HEAD}{text}"))])
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn build(&self, entry: &str) -> Ended {
        let made = self.path().join("app.wasm");
        let mut build =
            command(&["build", &self.path().join(entry).display().to_string(), "-o", &made.display().to_string()]);
        Running::start(&mut build).wait()
    }

    fn trial(&self, name: &str) -> Trial {
        Trial::new(&["journey", "run", &format!("{}:{name}", self.path().join("app.wasm").display())])
    }
}

/// The table of the manual: each row is a line of JavaScript that is true.
#[test]
fn what_the_manual_says_works() {
    let page = std::fs::read_to_string(root().join("docs/javascript.md")).expect("the page");
    let table = page.split("## What works").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    let examples: Vec<&str> =
        rows.map(|row| row.rsplit_once(" | `").expect("an example").1.trim_end_matches("` |")).collect();
    assert!(examples.len() > 20, "{} rows", examples.len());
    let tests: Vec<String> = examples.iter().map(|it| format!("async () => ({it})")).collect();
    let project = Project::script(&format!(
        "export const table = journey(async (ctx) => {{\n globalThis.url = ctx.config.get('url');\n const rows = [{}];\n const said = [];\n \
         for (const row of rows) said.push(await row().catch((error) => String(error)));\n ctx.send('said', {{ said }}); }});",
        tests.join(",\n")
    ));
    project.build("app.js").expect(0);
    let playground = Playground::start();
    let tested = project.trial("table").config("url", &playground.url).run().expect(0);
    let said = as_json(tested.of_type("said")[0]);
    for (example, said) in examples.iter().zip(said["said"].as_array().expect("a list")) {
        assert_eq!(*said, json!(true), "{example}");
    }
}

#[test]
fn typescript_and_packages() {
    let project = Project::new(&[
        (
            "app.ts",
            "import { journey, check, type Context } from '@mite/sdk';\nimport { User, names } from './users.js';\n\
             import greet from 'greeter';\nimport data from './data.json' with { type: 'json' };\n\
             interface Seen<T> { greeting: T }\n\
             export const visit = journey(async (ctx: Context): Promise<void> => {\n\
             \x20 const user = { name: names[0]! } satisfies User as User;\n\
             \x20 const seen: Seen<string> = { greeting: greet(user.name) + data.mark };\n\
             \x20 ctx.send('seen', seen as any);\n\n  check(user.name === 'bob', 'not bob');\n});\n",
        ),
        ("users.ts", "export interface User { name: string }\nexport const names: readonly string[] = ['ada'];\n"),
        ("data.json", "{ \"mark\": \"!\" }"),
        ("node_modules/greeter/package.json", r#"{ "name": "greeter", "exports": { "import": "./es.js" } }"#),
        ("node_modules/greeter/es.js", "export default (name) => `hello ${name}`;"),
    ]);
    project.build("app.ts").expect(0);
    let tested = project.trial("visit").run().expect(99);
    assert_eq!(text(tested.of_type("seen")[0], "greeting"), "hello ada!");
    let error = tested.of_type("error")[0];
    assert_eq!((text(error, "message"), text(error, "location")), ("MiteError: not bob", "app.ts:11:<anonymous>"));
}

/// What is wrong with a source is known when it is built, with its place.
#[test]
fn mistakes_of_a_source() {
    for (text, want) in [
        ("const a = ;", "app.js:2:11: SyntaxError: Unexpected token"),
        ("import fs from 'node:fs';", "app.js:2:16: `node:fs` is a module of Node"),
        ("import x from 'nowhere';", "app.js:2:15: there is no package `nowhere`"),
        (
            "\nexport const a = journey(() => {});\nthrow new TypeError('at the top');",
            "TypeError: at the top (app.js:4:",
        ),
        ("export const a = 1;", "the script exports no journey"),
        ("import { browse } from '@mite/sdk'; browse;", "browse"),
        ("export const a = journey(5);", "a journey is made of a function (app.js:2:"),
        ("await new Promise(() => {});", "never happen"),
    ] {
        let ended = Project::script(text).build("app.js").expect(104);
        assert!(ended.stderr.contains(want), "{text}: {}", ended.stderr);
        assert!(!ended.stderr.contains("wasm trap") && ended.stderr.lines().count() <= 3, "{text}: {}", ended.stderr);
    }
}

const WRONG: &str = "
export const thrown = journey(async function outer() { await null; inner(); });
function inner() { const none = null; return none.x; }
export const text = journey(() => { throw 'a text'; });
export const recursion = journey(function deep() { return deep() + 1; });
export const json = journey(() => { JSON.parse('['.repeat(100000)); });
export const memory = journey(() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); });
export const loop = journey(function endless() { for (;;); });
export const unhandled = journey(async function forgets() { Promise.reject(new RangeError('nobody looked')); await null; });
export const timer = journey(async () => { setTimeout(() => { throw new SyntaxError('in a timer'); }, 1); await sleep(0.01); });
export const stuck = journey(() => new Promise(() => {}));
export const cause = journey(() => { throw new Error('above', { cause: new Error('below') }); });
export const fields = journey(() => { const circle = {}; circle.circle = circle; throw new MiteError('round', circle); });
export const nameless = journey(async (ctx) => { await ctx.http.get('nonsense'); });
export const option = journey((ctx) => ctx.http.get('http://127.0.0.1:1/', { timeOut: 1 }));
export const stringify = journey(() => JSON.stringify(nest((inner) => [inner])));
export const source = journey(() => { new Function('return ' + '['.repeat(100000)); });
export const flat = journey(() => { nest((inner) => [inner]).flat(Infinity); });
export const proxy = journey(() => nest((inner) => new Proxy(inner, {})).name);
export const regex = journey(() => { /^(a+)+$/.test('a'.repeat(40) + 'b'); });
function nest(around) { let all = []; for (let depth = 0; depth < 100000; depth++) all = around(all); return all; }
";

/// Whatever a journey does wrong ends that run with an error that says what and where.
#[test]
fn mistakes_of_a_run() {
    let project = Project::script(WRONG);
    project.build("app.js").expect(0);
    for (name, kind, ex_type, message, location) in [
        ("thrown", "exception", "TypeError", "TypeError: cannot read", "app.js:4:inner"),
        ("text", "exception", "string", "string: a text", ""),
        ("recursion", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:6:deep"),
        // What calls itself in C takes much of the machine's stack, which only the host sees, and must end before that does.
        ("json", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:7:"),
        ("stringify", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:17:"),
        ("source", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:18:"),
        ("flat", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:19:"),
        ("proxy", "exception", "RangeError", "RangeError: Maximum call stack", "app.js:20:"),
        ("regex", "exception", "InternalError", "interrupted: it computed too long", "app.js:21:"),
        ("memory", "exception", "", "out of memory", ""),
        ("loop", "exception", "InternalError", "interrupted: it computed too long", "app.js:9:endless"),
        ("unhandled", "exception", "RangeError", "RangeError: nobody looked", "app.js:10:forgets"),
        ("timer", "exception", "SyntaxError", "SyntaxError: in a timer", "app.js:11:"),
        ("stuck", "exception", "Error", "never happen", ""),
        ("cause", "exception", "Error", "Error: above", "app.js:13:"),
        ("fields", "error", "MiteError", "MiteError: round", "app.js:14:"),
        ("nameless", "exception", "HttpError", "HttpError: invalid", "app.js:15:"),
        ("option", "exception", "TypeError", "there is no option 'timeOut'", "app.js:16:"),
    ] {
        let tested = project.trial(name).run().expect(99);
        let told = tested.of_type(kind);
        assert_eq!(told.len(), 1, "{name}: told once");
        let told = as_json(told[0]);
        let field = |key: &str| told[key].as_str().unwrap_or_default();
        assert!(field("ex_type").contains(ex_type), "{name}: {told}");
        assert!(field("message").contains(message), "{name}: {told}");
        assert!(field("location").starts_with(location), "{name}: {told}");
        assert!(!field("message").contains("wasm"), "{name}: {told}");
        assert!(kind == "error" || !field("stacktrace").is_empty(), "{name}: {told}");
    }
}

/// Scenarios, datapools and volume models; and an engine that is compiled once for all scripts.
#[test]
fn scenarios_of_a_script() {
    let project = Project::script(
        "export const visit = journey(async (ctx, n) => { ctx.send('n', { n }); await sleep(0.05); });\n\
         export const numbers = datapool.iterable(function* () { for (let n = 1; n <= 5; n++) yield n; });\n\
         export const wave = volumeModel((start, end) => (end > 3 ? null : 2));\n\
         export const peak = scenario((config) => { config.set('seen', 1); return [\n\
         \x20 { journey: visit, datapool: numbers, volume: wave }, { journey: 'visit', volume: constant(0.3, 1) }]; });\n\
         export const wrong = scenario(() => [{ journey: () => {}, volume: constant(1, 1) }]);",
    );
    project.build("app.js").expect(0);
    let spec = |name: &str| format!("{}:{name}", project.path().join("app.wasm").display());
    let tested = Trial::new(&["scenario", "test", &spec("peak")]).run().expect(0);
    let mut numbers: Vec<Value> = tested.of_type("n").iter().map(|it| as_json(it)["n"].clone()).collect();
    numbers.retain(|n| !n.is_null());
    numbers.sort_by_key(Value::as_u64);
    assert_eq!(json!(numbers), json!([1, 2, 3, 4, 5]));
    tested.conserved();
    let wrong = run(&["scenario", "test", &spec("wrong")]);
    assert!(wrong.code() != 0 && wrong.stderr.contains("isn't exported by the script"), "{}", wrong.stderr);
}

/// The figures of one run are not those of the next, and what a run leaves behind is given up.
#[test]
fn nothing_is_left_for_the_next_run() {
    let project = Project::script(
        "let runs = 0;\n\
         export const leaves = journey(async (ctx) => {\n\
         \x20 if (++runs === 1) { ctx.http.get(ctx.config.get('url') + '/hang'); setInterval(() => ctx.send('late', {}), 1); await sleep(0.005); return; }\n\
         \x20 await sleep(0.02); ctx.send('second', { runs }); });\n\
         export const twice = scenario(() => ({ journey: leaves, volume: constant(0.3, 1) }));",
    );
    project.build("app.js").expect(0);
    let playground = Playground::start();
    let spec = format!("{}:twice", project.path().join("app.wasm").display());
    let tested = Trial::new(&["scenario", "test", &spec]).config("url", &playground.url).run();
    assert_eq!(as_json(tested.of_type("second")[0])["runs"], json!(2), "the module's state lives on");
    let late = tested.of_type("late").iter().filter(|it| as_json(it)["context_id"] != json!(1)).count();
    assert_eq!(late, 0, "timers end with their run");
    eventually("its request is given up", || (playground.stats()["open_requests"] == 0).then_some(()));
}

/// The package's own tests, under Node.
#[test]
fn the_package_under_node() {
    let npm = std::process::Command::new("node")
        .args(["--import", "./tests/alias.js", "--test", "tests/local.test.js"])
        .current_dir(root().join("sdk/js"))
        .output()
        .expect("Node: `make parts` installs it");
    assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stdout));
}

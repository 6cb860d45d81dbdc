use super::*;

fn stripped(text: &str) -> Result<Stripped, Error> {
    strip(Path::new("a.ts"), "a.ts", text, false)
}

#[test]
fn types_become_spaces() {
    for (typed, want) in [
        ("let x: number = 1;", "let x         = 1;"),
        ("const f = <T,>(a: T, b?: string): T => a!;", "const f =     (a   , b         )    => a ;"),
        ("interface A { x: 1 }\nlet y = <any>z as B;", ";                   \nlet y =      z     ;"),
        ("type A = 1\n(f)()", ";         \n(f)()"),
        (
            "import type { A } from './a'; import { B, type C } from './b'; B",
            ";                             import { B,         } from './b'; B",
        ),
        ("import { A, b } from './a'; let x: A = b;", "import {    b } from './a'; let x    = b;"),
        ("import { A } from './a'; let x: A;", ";                        let x   ;"),
        ("export type { A }; export interface B {}", ";                  ;                    "),
        (
            "abstract class A<T> extends B<T> implements C { private x?: number; abstract y(): void; z(this: A, b: 1) {} }",
            ";        class A    extends B               { ;       x         ; ;                   z(         b   ) {} }",
        ),
        ("function f(a: 1): void;\nfunction f(a) {}", ";                      \nfunction f(a) {}"),
        ("declare const g: number; x satisfies Y;", ";                        x            ;"),
        ("const f = (a): {\n x: 1 } => a;", "const f = (a    \n      ) => a;"),
    ] {
        let got = stripped(typed).unwrap_or_else(|error| panic!("{typed}: {error}")).source;
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(plain(&got), plain(want), "{typed}");
        let ends = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!((got.len(), ends(&got)), (typed.len(), ends(typed)), "{typed}: every line stays where it was");
    }
}

/// What a text is without its spaces, but for one between words, and where its lines end.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn parameter_properties_are_assigned() {
    for (typed, want) in [
        (
            "class A { constructor(private readonly a: number, b, public c = 1) {} }",
            "class A { constructor( a , b, c = 1) {this.a = a;this.c = c;} }",
        ),
        (
            "class A extends B {\n constructor(override a?: 1) {\n  'use strict'\n  f()\n  super()\n }\n}",
            "class A extends B {\nconstructor( a ) {\n'use strict'\nf()\nsuper();this.a = a;\n}\n}",
        ),
    ] {
        let got = stripped(typed).unwrap_or_else(|error| panic!("{typed}: {error}")).source;
        assert_eq!(lines(&got), lines(want), "{typed}");
    }
}

#[test]
fn enums_and_namespaces_become_functions_line_by_line() {
    for (typed, want) in [
        (
            "enum A {\n B,\n C = 5,\n D\n}",
            "var A = ((A) => {\nA[A[\"B\"] = 0] = \"B\";\nA[A[\"C\"] = 5] = \"C\";\nA[A[\"D\"] = A[\"C\"] + 1] = \"D\";\nreturn A; })(A || {});",
        ),
        (
            "export const enum A { 'x-y' = 'z', B = `b` }",
            "export var A = ((A) => { A[\"x-y\"] = 'z'; A[\"B\"] = `b`; return A; })(A || {});",
        ),
        (
            "enum A { B = 1 << 2, C = B | A.B, D = f({ B: B }) }",
            "var A = ((A) => { ((it) => typeof (A[\"B\"] = it) === \"string\" || (A[it] = \"B\"))( 1 << 2); \
             ((it) => typeof (A[\"C\"] = it) === \"string\" || (A[it] = \"C\"))( A.B | A.B); \
             ((it) => typeof (A[\"D\"] = it) === \"string\" || (A[it] = \"D\"))( f({ B: A.B })); return A; })(A || {});",
        ),
        (
            "enum A { B }\nexport enum A { C = 1 }",
            "var A = ((A) => { A[A[\"B\"] = 0] = \"B\"; return A; })(A || {});\n\
             ;((A) => { A[A[\"C\"] = 1] = \"C\"; return A; })(A);",
        ),
        (
            "namespace N {\n interface T {}\n const h: T = 1;\n export const a = h, b = 2;\n export let c;\n export function f(): T { return h }\n export class K {}\n}",
            "var N = ((N) => { N.f = f;\n;\nconst h = 1;\nconst a = h, b = 2;;N.a = a;;N.b = b;\n\
             let c;;Object.defineProperty(N, \"c\", { get: () => c, set: (it) => { c = it; }, enumerable: true, configurable: true });\n\
             function f() { return h }\nclass K {};N.K = K;\nreturn N; })(N || {});",
        ),
        (
            "namespace A.B { export const c = 1 }\nnamespace T { export type X = 1 }",
            "var A = ((A) => { var B = ((B) => { const c = 1;B.c = c; return B; })(A.B || (A.B = {}));return A; })(A || {});\n;",
        ),
        (
            "class N {}\nnamespace N { export const a = 1 }\nnamespace N { export const b = a; }",
            "class N {}\n;((N) => { const a = 1;N.a = a; return N; })(N);\n\
             ;((N) => { const { a } = N; const b = a;;N.b = b; return N; })(N);",
        ),
    ] {
        let got = stripped(typed).unwrap_or_else(|error| panic!("{typed}: {error}")).source;
        assert_eq!(lines(&got), lines(want), "{typed}");
    }
}

#[test]
fn commonjs_is_known_by_what_it_says() {
    for (file, text, is_esm, want) in [
        ("a.js", "module.exports = require('./b')", false, true),
        ("a.js", "exports.a = 010; with (x) y()", false, true),
        ("a.js", "import a from 'a'; module.exports = a", false, false),
        ("a.js", "module.exports = 1", true, false),
        ("a.mjs", "exports.a = 1", false, false),
        ("a.cjs", "let a", true, true),
        ("a.js", "console.log(1)", false, false),
    ] {
        let got = strip(Path::new(file), file, text, is_esm).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(got.commonjs.is_some(), want, "{file}: {text}");
    }
}

#[test]
fn what_commonjs_exports_and_requires() {
    for (text, names, all_of) in [
        ("exports.a = module.exports.b = 1; exports['c'] = 2", "a b c", ""),
        ("module.exports = { a, 'b': 1, c() {}, ...require('./d') }", "a b c", "./d"),
        (
            "Object.defineProperty(exports, '__esModule', { value: true }); __exportStar(require('./x'), exports)",
            "__esModule",
            "./x",
        ),
        (
            "(function (g, f) { typeof exports === 'object' ? f(exports) : 0 })(this, function (exports) { exports.u = 1 })",
            "u",
            "",
        ),
        ("0 && (module.exports = { a, b })", "a b", ""),
        ("module.exports = require('./y')", "", "./y"),
    ] {
        let found = strip(Path::new("a.cjs"), "a.cjs", text, false).expect(text).commonjs.expect("CommonJS");
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!((list(&found.names).as_str(), list(&found.all_of).as_str()), (names, all_of), "{text}");
    }
    let text = "require('a'); try { require('b') } catch {} function f() { require('c') } x && require('d')";
    let found = strip(Path::new("a.cjs"), "a.cjs", text, false).expect(text).commonjs.expect("CommonJS");
    let certain: Vec<_> = found.requires.iter().map(|it| (it.specifier.as_str(), it.is_certain)).collect();
    assert_eq!(certain, [("a", true), ("b", false), ("c", false), ("d", false)]);
    let env = strip(Path::new("a.js"), "a.js", "if (process.env.NODE_ENV === 'x') {}", false).expect("a module");
    assert_eq!(env.source, "if (\"production\"         === 'x') {}");
}

#[test]
fn what_is_imported() {
    let text =
        "import a from './a'; export * from 'b'; export { c } from '@c/c/d'; import('./e.json'); import './f'; a";
    let names: Vec<_> = stripped(text).expect("a module").imports.into_iter().map(|import| import.specifier).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, ["./a", "./e.json", "./f", "@c/c/d", "b"], "{names:?}");
}

#[test]
fn errors_have_a_place() {
    for (text, want) in [
        ("let a = 1;\nlet b = ;", "a.ts:2:9: SyntaxError:"),
        ("enum A {\n B = 'b', C }", "a.ts:2:11: a member of an enum"),
        ("class A {\n @b c() {} }", "a.ts:2:2: decorators"),
        ("namespace A {\n export { b } }", "a.ts:2:2: a namespace"),
        ("namespace A { export let b = 1 }\nnamespace A { b }", "a.ts:2:13: `b` is a variable"),
    ] {
        let error = stripped(text).expect_err(text).to_string();
        assert!(error.starts_with(want), "{error}");
    }
}

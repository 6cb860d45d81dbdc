use super::*;

fn stripped(text: &str) -> Result<Stripped, Error> {
    strip(Path::new("a.ts"), "a.ts", text)
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
        ("const f = (a): {\n x: 1 } => a;", "const f = (a    \n      )=> a;"),
    ] {
        let got = stripped(typed).unwrap_or_else(|error| panic!("{typed}: {error}")).source;
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(plain(&got), plain(want), "{typed}");
        let ends = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!((got.len(), ends(&got)), (typed.len(), ends(typed)), "{typed}: every line stays where it was");
    }
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
        ("\n  enum A { B }", "a.ts:2:3: an enum"),
        ("class A {\n constructor(private x) {} }", "a.ts:2:14: a parameter property"),
        ("namespace A { export const b = 1 }", "a.ts:1:1: a namespace"),
        ("module.exports = 1", "a.ts:1:1: this is a CommonJS module"),
    ] {
        let error = stripped(text).expect_err(text).to_string();
        assert!(error.starts_with(want), "{error}");
    }
}

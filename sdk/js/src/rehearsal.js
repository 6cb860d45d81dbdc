// What the engine does once before its snapshot is taken, so that no instance does it for the first time. Nothing here calls the host.

import { begin, collect, end, finish, forget, journey, open } from "./component.js";
import { Context, ROOT } from "./context.js";
import { enter, leave } from "./hooks.js";

/** Has the engine make all that is built in, which it makes where it is asked for first. */
function make() {
  const found = [globalThis, [][Symbol.iterator](), new Map().keys(), new Set().keys(), ""[Symbol.iterator](), "".matchAll(/a/g),
    (function* () {})(), (async function* () {})(), async () => {}];
  const seen = new Set(found);
  for (const thing of found) {
    const parts = Reflect.ownKeys(thing).map((key) => Object.getOwnPropertyDescriptor(thing, key));
    for (const part of [Object.getPrototypeOf(thing), ...parts.flatMap(({ value, get, set }) => [value, get, set])]) {
      if ((typeof part !== "object" && typeof part !== "function") || part === null || seen.has(part)) continue;
      seen.add(part);
      found.push(part);
    }
  }
}

/** A script with a journey that ends, and a request that is given up. */
function run() {
  const visit = journey(async (ctx) => ctx.id);
  collect({ visit });
  open({ visit });
  enter("visit");
  begin("visit", 1, null, undefined);
  new Context(1, ROOT).http.get("http://localhost/");
  finish();
  leave("visit");
  end();
  forget();
}

export function rehearse() {
  make();
  run();
}

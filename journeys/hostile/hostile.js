// Journeys that do what no journey should, in JavaScript. What each comes to is in `tests/src/hostile.rs`.
import { journey, sleep } from "@mite/sdk";

const spoiling = "line\n\x1b[2J\x1b]0;title\x07 \u202eturned";

export const compute = journey(() => { for (;;); });

export const backtrack = journey(() => /^(a+)+$/.test(`${"a".repeat(40)}!`));

export const spin_in_promises = journey(async () => { for (;;) await null; });

export const recurse = journey(() => {
  const deeper = (n) => deeper(n + 1) + 1;
  deeper(0);
});

export const allocate_list = journey(() => {
  const all = [];
  for (;;) all.push(new Uint8Array(1 << 20).fill(1));
});

export const allocate_text = journey(() => {
  let text = "x";
  for (;;) text += text;
});

export const send_without_end = journey(async (ctx) => {
  for (;;) {
    for (let number = 0; number < 100; number++) ctx.send("many", { number });
    await sleep(0);
  }
});

export const send_itself = journey((ctx) => {
  const fields = {};
  fields.self = fields;
  ctx.send("circle", fields);
});

export const send_deep = journey((ctx) => {
  let fields = {};
  for (let n = 0; n < 50_000; n++) fields = { fields };
  ctx.send("deep", fields);
});

// The host is asked while it is about to be told something else.
export const reenter = journey((ctx) => {
  const inner = () => {
    ctx.send("inner", { id: ctx.id });
    return 1;
  };
  ctx.send("outer", { get inner() { return inner(); } });
});

export const throw_nothing = journey(() => { throw undefined; });

export const throw_a_trap = journey(() => {
  throw { get message() { throw new Error("again"); }, toString() { throw new Error("and again"); } };
});

export const throw_colours = journey(() => {
  console.log(spoiling);
  const error = new Error(spoiling);
  error.name = spoiling;
  throw error;
});

export const wait_for_nothing = journey(() => new Promise(() => {}));

export const change_the_world = journey(async (ctx) => {
  for (const made of [Object, Array, Promise, String, Map, Function]) {
    for (const name of Object.getOwnPropertyNames(made.prototype)) {
      try { made.prototype[name] = () => { throw new Error("changed"); }; } catch { /* not this one */ }
    }
  }
  ctx.send("changed", { yes: true });
  await sleep(0);
});

export const look_around = journey(() => {
  for (const name of ["process", "require", "Deno", "std", "os", "XMLHttpRequest", "WebSocket", "importScripts"]) {
    if (typeof globalThis[name] !== "undefined") throw new Error(`there is ${name}`);
  }
});

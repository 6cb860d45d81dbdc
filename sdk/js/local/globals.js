// Node has most globals of scripts itself; timers are the journey's own, so that waiting is known.

import { clearTimer, timer } from "../src/loop.js";
import { host } from "../src/host.js";
import { fetch, Headers, Request, Response } from "../src/platform/fetch.js";
import { AbortController, AbortSignal } from "../src/platform/abort.js";

const soon = (ms) => host.now() + Math.max(0, Number(ms) || 0) * 1e6;

/** A timer as Node's own callers expect it: they use the global one too. */
class Timer {
  #run;
  #ms;
  constructor(run, ms) {
    [this.#run, this.#ms] = [run, ms];
    this.id = timer(soon(ms), run);
  }
  refresh() {
    timer(soon(this.#ms), this.#run, this.id);
    return this;
  }
  ref() { return this; }
  unref() { return this; }
  hasRef() { return true; }
  [Symbol.toPrimitive]() { return this.id; }
}

/** Gives scripts what a component has; answers how to take it back. */
export function installLocal(to) {
  const own = {
    setTimeout: (work, ms = 0, ...args) => new Timer(() => work(...args), ms),
    clearTimeout: (which) => clearTimer(which instanceof Timer ? which.id : which),
    fetch, Headers, Request, Response, AbortController, AbortSignal,
  };
  const before = Object.fromEntries(Object.keys(own).map((name) => [name, Object.getOwnPropertyDescriptor(to, name)]));
  for (const [name, value] of Object.entries(own)) {
    Object.defineProperty(to, name, { value, writable: true, configurable: true });
  }
  return () => {
    for (const [name, descriptor] of Object.entries(before)) Object.defineProperty(to, name, descriptor);
  };
}

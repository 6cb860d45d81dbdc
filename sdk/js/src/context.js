// What a journey gets.

import { config } from "./config.js";
import { failure, reported, tell } from "./errors.js";
import { host } from "./host.js";
import { Http } from "./http.js";
import { report } from "./loop.js";

export const ROOT = 1;
let open = []; // transactions of this run that are open, the newest last

/** The one that code belongs to which has no context at hand, as `fetch`: that begun last of those still open. */
export const current = () => open.at(-1) ?? ROOT;

/**
 * Which transaction code belongs to can't be followed through promises here, so each has a context of its own.
 */
export class Context {
  constructor(id, transaction) {
    this.id = id;
    this._transaction = transaction; // private names cost a call for each object
  }
  get http() {
    return (this._http ??= new Http(this._transaction));
  }
  get config() {
    return config;
  }
  /** A timed part: `await ctx.transaction("buy", async (ctx) => { ... })`. */
  async transaction(name, work) {
    const id = host.begin(`${name}`, this._transaction);
    open.push(id);
    try {
      const result = await work(new Context(this.id, id));
      host.end(id, "ok", null);
      return result;
    } catch (error) {
      if (error?.name === "AbortError") host.end(id, "cancelled", null);
      else host.end(id, "failed", reported(error) ? null : failure(error));
      tell(error);
      throw error;
    } finally {
      if (open.at(-1) === id) open.pop();
      else open = open.filter((other) => other !== id);
    }
  }
  /** A message of the journey's own. */
  send(type, fields = {}) {
    host.message(type, fields, this._transaction);
  }
  /** Tells of an error without ending the run. */
  report(error) {
    report(error, this._transaction);
    tell(error);
  }
  /** Whether the test is ending, so that a long journey should come to its end. */
  get shouldStop() {
    return host.shouldStop();
  }
}

export function endTransactions() {
  if (open.length) open = [];
}

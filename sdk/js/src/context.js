// What a journey gets.

import { config } from "./config.js";
import { failure, MiteError, reported, tell } from "./errors.js";
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
  /** What the setup of the script has answered that the test names; null without one. */
  get setup() {
    return config.get("mite.setup", null);
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
  /**
   * A text that stands for a secret which the runner was given. The runner sends the secret where this text is in the value of a
   * header or cookie or in a body; the journey never has it. Not in a URL.
   */
  secret(name) {
    const standIn = host.secret(String(name));
    if (standIn != null) return standIn;
    const wayOut = "name it in the runner's policy, or for a test of your own by --secret=NAME=FILE";
    throw new MiteError(`there is no secret \`${name}\` here: ${wayOut}`, { secret: String(name) });
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

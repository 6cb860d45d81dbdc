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
  #transaction;
  #http;
  constructor(id, transaction) {
    this.id = id;
    this.#transaction = transaction;
  }
  get http() {
    return (this.#http ??= new Http(this.#transaction));
  }
  get config() {
    return config;
  }
  /** A timed part: `await ctx.transaction("buy", async (ctx) => { ... })`. */
  async transaction(name, work) {
    const id = host.begin(String(name), this.#transaction);
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
      open = open.filter((other) => other !== id);
    }
  }
  /** A message of the journey's own. */
  send(type, fields = {}) {
    host.message(type, fields, this.#transaction);
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
    report(error, this.#transaction);
    tell(error);
  }
  /** Whether the test is ending, so that a long journey should come to its end. */
  get shouldStop() {
    return host.shouldStop();
  }
}

export function endTransactions() {
  open = [];
}

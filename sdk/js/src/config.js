// The config of the test. Values are kept until it changes.

import { MiteError } from "./errors.js";
import { host } from "./host.js";

let version = null;
const kept = new Map();

/** Values are those of a version; null: of none, so all are asked for anew. */
export function useVersion(number) {
  if (number === null || number !== version) kept.clear();
  version = number;
}

function value(key) {
  let known = kept.get(key);
  if (known === undefined) {
    known = host.configGet(key) ?? undefined;
    if (known !== undefined) kept.set(key, known);
  }
  return known;
}

const TRUE = new Set(["true", "yes", "on", "1"]);
const FALSE = new Set(["false", "no", "off", "0"]);

// Values of the command line are texts: a fallback says what they mean.
function like(fallback, given, key) {
  if (typeof given !== "string") return given;
  if (typeof fallback === "number") {
    const number = Number(given);
    if (given.trim() === "" || Number.isNaN(number)) throw new MiteError(`the config's \`${key}\` is not a number but \`${given}\``);
    return number;
  }
  if (typeof fallback === "boolean") {
    const word = given.toLowerCase();
    if (!TRUE.has(word) && !FALSE.has(word)) throw new MiteError(`the config's \`${key}\` is not true or false but \`${given}\``);
    return TRUE.has(word);
  }
  return given;
}

export const config = Object.freeze({
  /** The value; without one the fallback, and without that an error that says how to set it. */
  get(key, fallback) {
    const given = value(key);
    if (given !== undefined) return fallback === undefined ? given : like(fallback, given, key);
    if (fallback !== undefined) return fallback;
    throw new MiteError(`the config has no \`${key}\`: give it with \`--config ${key}=...\``);
  },
  has: (key) => value(key) !== undefined,
  keys: () => host.configKeys(),
  /** Only functions of scenarios may. */
  set(key, given) {
    host.configSet(key, given);
    kept.delete(key);
  },
});

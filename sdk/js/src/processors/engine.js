// The entry of the engine of processors: what it calls, and the globals that scripts have there. Nothing waits, so there are no timers.

import { MiteError, failure } from "../errors.js";
import { host, setHost } from "../host.js";
import { console } from "../platform/console.js";
import { TextDecoder, TextEncoder } from "../platform/text.js";
import { URL, URLSearchParams } from "../platform/url.js";
import { atHand, isProcessor } from "./index.js";

let types = {};
let open = null;
const unhandled = new Map();

export function start(given) {
  setHost(given);
  for (const [name, value] of Object.entries({ console, TextDecoder, TextEncoder, URL, URLSearchParams })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  globalThis.global = globalThis.self = globalThis;
  Math.random = host.random;
}

export function rejected(promise, reason, handled) {
  if (handled) unhandled.delete(promise);
  else unhandled.set(promise, reason);
}

/** Takes a script's namespace apart. */
export function collect(namespace) {
  const exported = Object.keys(namespace).sort().filter((name) => isProcessor(namespace[name]));
  types = Object.fromEntries(exported.map((name) => [name, namespace[name]]));
  if (!exported.length) {
    throw new MiteError("the script exports no processor: export const Failures = processor(class { processMessage(message) { ... } })");
  }
  return exported;
}

export function create(name) {
  open = new types[name]();
}
/** The raw one first, as in the other languages. Answers what isn't there yet as a promise. */
export function take(raw) {
  const first = open.processRawMessage?.(raw);
  if (!open.processMessage) return first;
  if (typeof first?.then === "function") return first.then(() => open.processMessage(atHand(raw, true)));
  return open.processMessage(atHand(raw, true));
}
export const tick = () => open.tick?.();
export const close = () => open.close?.();

/** What nobody has handled in a call. */
export function orphan() {
  const [first] = unhandled.values();
  const any = unhandled.size > 0;
  unhandled.clear();
  return any ? { reason: first } : null;
}

/** In words. */
export function why(error) {
  const { message, location } = failure(error);
  return location ? `${message} (${location})` : message;
}
